"""What a window's point rests on: labels where they are in, else what is expected."""

import pytest

from controlplane.api import estimated
from controlplane.api.scored import Span, metric
from controlplane.cli.replay.document import _expected
from controlplane.cli.status import _expected as words
from controlplane.domain.estimates import Estimated
from controlplane.domain.windows import Realised, Window
from controlplane.store.duckdb_store import open_store
from detectors.finding import Interval
from tests.watched import DAY, SERVED, WEEK, a_model, a_score


def realised(value: float | None, rows: int, name: str = "mae") -> Realised:
    return Realised(
        version="*", metric=name, value=value, rows=rows,
        interval=None if value is None else Interval(value - 0.3, value + 0.3),
    )  # fmt: skip


def expected(value: float | None, name: str = "mae", **facts: object) -> Estimated:
    interval = None if value is None else Interval(value - 0.4, value + 0.4)
    given = {
        "version": "*", "metric": name, "value": value, "interval": interval, "rows": 100,
        "method": "dle", "assumption": "P(y|x) unchanged",
    }  # fmt: skip
    return Estimated(**{**given, **facts})


def test_without_labels_a_point_rests_on_what_is_expected() -> None:
    found = estimated.merged(a_score(0, 0), None, expected(2.0))
    assert (found.value, found.rests_on, found.labelled, found.rows) == (2.0, "estimated", 0.0, 100)


def test_while_some_labels_are_in_a_mean_over_rows_rests_on_both() -> None:
    found = estimated.merged(a_score(0, 0), realised(3.0, 25), expected(2.0))
    assert (found.value, found.rests_on, found.labelled) == (2.25, "both", 0.25)
    half = ((0.25 * 0.3) ** 2 + (0.75 * 0.4) ** 2) ** 0.5
    assert found.interval.high - found.value == pytest.approx(half)
    ranked = estimated.merged(a_score(0, 0), realised(0.9, 25, "roc_auc"), expected(0.8, "roc_auc"))
    assert (ranked.value, ranked.rests_on, ranked.labelled) == (0.8, "estimated", 0.25)


def test_once_labels_are_closed_or_whole_a_point_rests_on_them() -> None:
    late = estimated.merged(a_score(0, 1), realised(3.0, 90), expected(2.0))
    whole = estimated.merged(a_score(0, 0), realised(3.0, 100), expected(2.0))
    hidden = estimated.merged(a_score(0, 0), realised(3.0, 20), expected(None, hidden="why"))
    assert [f.rests_on for f in (late, whole, hidden)] == ["realised"] * 3
    assert [f.labelled for f in (late, whole, hidden)] == [0.9, 1.0, 0.2]
    assert estimated.merged(a_score(0, 0), None, expected(None, hidden="why")) is None
    assert estimated.merged(a_score(0, 0), realised(None, 10), None) is None


def test_a_series_holds_realised_estimated_and_merged_points() -> None:
    store = open_store(None)
    window = Window(
        id="w0", model="boats", number=1, start=SERVED, end=SERVED + WEEK,
        rows_close=SERVED + WEEK, labels_close=SERVED + WEEK + DAY,
    )  # fmt: skip
    score = a_score(
        0, 0, realised=(realised(3.0, 25),),
        estimated=(expected(2.0), expected(1.0, version="v1"), expected(9.0, "rmse")),
    )  # fmt: skip

    def work(t: object) -> None:
        for record in (a_model(), window, score):
            t.ledger.put(record)

    store.write(work).result()
    span = Span(since=None, until=None, as_of=None, limit=10)
    with store.read() as view:
        found = metric(view.ledger, a_model(), "mae", "down", span)
    series = {line.version: line for line in found.series}
    assert [p.value for p in series["*"].realised] == [3.0]
    assert [(p.value, p.method) for p in series["*"].estimated] == [(2.0, "dle")]
    assert [(p.value, p.rests_on) for p in series["*"].merged] == [(2.25, "both")]
    assert series["v1"].realised == []
    assert [p.rests_on for p in series["v1"].merged] == ["estimated"]
    store.close()


def test_the_headline_is_the_followed_metric_and_a_person_reads_what_it_rests_on() -> None:
    score = a_score(
        0, 0, estimated=(expected(2.0, version="v1"), expected(2.0), expected(9.0, "rmse"))
    )
    found = estimated.headline(score)
    assert (found.metric, found.value) == ("mae", 2.0)
    assert estimated.headline(a_score(0, 0)) is None
    figure = _expected(found)
    assert (figure.value, figure.low, figure.high, figure.rows) == (2.0, 1.6, 2.4, 100)
    assert _expected(None) is None
    assert "without labels (dle; holds while P(y|x) unchanged)" in words(found)
    hidden = estimated.headline(a_score(0, 0, estimated=(expected(None, hidden="too few"),)))
    assert words(hidden) == "hidden: too few"
    assert _expected(hidden) is None
    apart = expected(0.7, "f1", low=0.5, high=0.9, is_apart=True, labels_wanted=640)
    assert "get 640 labels" in words(estimated.headline(a_score(0, 0, estimated=(apart,))))
