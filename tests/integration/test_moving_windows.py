"""Windows that slide, references that move on, and models that are trained elsewhere, on the store."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pyarrow as pa
import pytest

from controlplane.domain.policy import Reference as Asked
from controlplane.domain.policy import Windows
from controlplane.domain.references import Reference
from controlplane.domain.reigns import Reign
from controlplane.domain.versions import Version
from controlplane.monitor import moving, panes
from controlplane.monitor.yardstick import stored_in
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from detectors.finding import Basis, Reason, Verdict
from tests.watched import (
    DAY,
    HOUR,
    SERVED,
    TRAINED,
    WEEK,
    a_model,
    a_policy,
    a_version,
    labels,
    log,
    rows,
    scores,
    step,
    watch,
)

LONG = 2 * DAY
PLAIN = Windows(every=LONG, lateness=timedelta(0))
SLIDING = Windows(every=12 * HOUR, span=LONG, lateness=timedelta(0))
TRAILING = Asked(kind="trailing", trailing=28 * DAY)
USUAL = {(Verdict.PASSED, None), (Verdict.INCONCLUSIVE, Reason.OUT_OF_REACH)}
"""What nothing stands out of: where few windows differ much, nothing could."""


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def serve(store: Store, days: int, **facts: float) -> pa.Table:
    """So many days of served rows of v1, one an hour, their labels within a day."""
    served = rows(SERVED, days * 24, seed=3, version="v1", **facts)
    log(store, served, labels(served))
    return served


def newest(store: Store, revision: int = 0) -> list[object]:
    return [s for s in scores(store) if s.revision == revision]


def at(score: object, detector: str, column: str = "wind") -> object:
    [found] = [f for f in score.findings if (f.detector, f.column) == (detector, column)]
    return found


def reference_of(store: Store, score: object) -> Reference:
    with store.read() as view:
        return view.ledger.get(Reference, score.reference)


def test_a_window_ends_every_step_and_reaches_back_its_span_but_never_behind_serving(
    store: Store,
) -> None:
    watch(store, a_policy(windows=SLIDING))
    serve(store, 4)
    step(store, SERVED + 4 * DAY)
    found = newest(store)
    assert [s.end for s in found] == [SERVED + n * 12 * HOUR for n in range(1, 9)]
    assert [s.start for s in found] == [SERVED] * 4 + [SERVED + n * 12 * HOUR for n in range(1, 5)]
    assert [s.rows for s in found] == [12, 24, 36, 48, 48, 48, 48, 48]


def test_panes_of_windows_that_slide_say_what_their_rows_say(store: Store) -> None:
    """The same window, once as the sum of its panes and once read as a window that does not slide."""
    watch(store, a_policy(windows=SLIDING))
    serve(store, 4)
    step(store, SERVED + 4 * DAY)
    other = open_store(None)
    watch(other, a_policy(windows=PLAIN))
    serve(other, 4)
    step(other, SERVED + 4 * DAY)
    [summed] = [s for s in newest(store) if s.start == SERVED + LONG]
    [read] = [s for s in newest(other) if s.start == SERVED + LONG]
    assert summed.rows == read.rows == 48
    for detector in ("ks", "psi", "wasserstein", "missing"):
        found, wanted = at(summed, detector), at(read, detector)
        assert (found.statistic, found.rows) == (pytest.approx(wanted.statistic), wanted.rows)
    other.close()


def test_rows_that_come_late_are_counted_in_every_window_that_closes_after(store: Store) -> None:
    watch(store, a_policy(windows=SLIDING))
    served = serve(store, 4)
    extra = served.slice(20, 1).set_column(0, "id", pa.array(["late"]))
    known = pa.array([SERVED + 49 * HOUR], pa.timestamp("us", "UTC"))
    log(store, extra.set_column(2, "known_at", known))
    step(store, SERVED + 3 * DAY)
    assert [((s.end - SERVED) / HOUR, s.rows) for s in newest(store)[3:]] == [
        (48.0, 48), (60.0, 49), (72.0, 48),
    ]  # fmt: skip
    step(store, SERVED + 4 * DAY)
    [again] = [s for s in newest(store, 1) if s.end == SERVED + LONG]
    assert (again.rows, again.late) == (49, 1)


def test_every_step_is_read_from_the_store_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, int]] = []
    plain = panes._read
    monkeypatch.setattr(
        panes,
        "_read",
        lambda look, shelf, steps: (read.append(steps), plain(look, shelf, steps))[1],
    )
    watch(store, a_policy(windows=SLIDING))
    serve(store, 8)
    step(store, SERVED + 8 * DAY)
    steps = [number for start, end in read for number in range(start, end)]
    assert len(newest(store)) == 16
    assert sorted(steps) == list(range(16))


def test_windows_that_overlap_only_inform_while_few_that_do_not_could_judge_them(
    store: Store,
) -> None:
    sliding = Windows(every=DAY, span=WEEK, lateness=timedelta(0))
    watch(store, a_policy(windows=sliding))
    serve(store, 9, shift=8.0)
    step(store, SERVED + 9 * DAY)
    score = newest(store)[-1]
    found = at(score, "a1")
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "shown")
    assert found.statistic > found.threshold
    assert (
        "weekly windows that overlap only inform: the reference has 10 that do not, of the 30 that "
        "it takes to judge"
    ) in score.notes


def test_a_trailing_reference_ends_where_its_window_begins_and_slides_with_it(
    store: Store,
) -> None:
    watch(store, a_policy(windows=PLAIN, reference=TRAILING))
    serve(store, 10)
    step(store, SERVED + 10 * DAY)
    found = newest(store)
    spans = [reference_of(store, s) for s in found]
    assert [(r.start, r.end) for r in spans] == [
        (s.start - 28 * DAY, s.start) for s in found
    ]  # fmt: skip
    assert [r.rows for r in spans] == [28 * 24] * 5
    assert all(r.calibration is None for r in spans)
    assert {at(s, "a1").basis for s in found} == {Basis.CALIBRATED}
    assert {at(s, "a1").verdict for s in found} == {Verdict.PASSED}


@pytest.mark.parametrize(("windows", "days"), [(PLAIN, 8), (SLIDING, 4)], ids=["apart", "sliding"])
def test_scores_are_the_same_whatever_was_remembered(
    store: Store, windows: Windows, days: int
) -> None:
    """Stepped a day at a time, each time from an empty memory, as after restarts."""
    watch(store, a_policy(windows=windows, reference=TRAILING))
    serve(store, days)
    step(store, SERVED + days * DAY)
    other = open_store(None)
    watch(other, a_policy(windows=windows, reference=TRAILING))
    serve(other, days)
    for day in range(1, days + 1):
        moving._shelves.clear()
        moving._windows.clear()
        step(other, SERVED + day * DAY)
    assert len(scores(store)) >= 7
    assert scores(store) == scores(other)
    other.close()


def test_a_change_fails_at_first_and_is_what_is_usual_once_the_reference_holds_it(
    store: Store,
) -> None:
    """What a trailing reference cannot see: what went on for as long as it reaches back."""
    asked = Asked(kind="trailing", trailing=14 * DAY)
    watch(store, a_policy(windows=PLAIN, reference=asked))
    serve(store, 24, shift=6.0)
    step(store, SERVED + 24 * DAY)
    found = [at(s, "a1") for s in newest(store)]
    assert found[0].verdict is Verdict.FAILED
    assert {(one.verdict, one.reason) for one in found[-5:]} <= USUAL


def test_a_season_is_the_same_place_in_the_seasons_before(store: Store) -> None:
    season = 6 * DAY
    asked = Asked(kind="season", season=season, periods=4)
    watch(store, a_policy(windows=PLAIN, reference=asked))
    serve(store, 4)
    step(store, SERVED + 4 * DAY)
    for score, places in zip(newest(store), (11, 12), strict=True):
        reference = reference_of(store, score)
        assert reference.spans == tuple(
            (score.start - k * season, score.end - k * season) for k in (4, 3, 2, 1)
        )
        assert reference.rows == 4 * 48
        assert reference.calibration_windows == places
        assert at(score, "a1").basis is Basis.PROVISIONAL


def test_a_model_that_is_trained_elsewhere_is_watched_from_its_first_rows(store: Store) -> None:
    model = a_model(
        champion=None, moves=0, timing="live", origin=None, serving_from=None, stepped=None,
        announced=None,
    )  # fmt: skip
    watch(store, a_policy(windows=PLAIN, trainer=None), model)
    forget_champion(store)
    serve_unversioned(store, 3)
    step(store, SERVED + 3 * DAY)
    [first] = newest(store)
    assert (first.start, first.champion, first.rows) == (SERVED, None, 48)
    assert at(first, "a1").basis is Basis.CALIBRATED
    assert [(r.version, r.metric) for r in first.realised] == [("unversioned", "mae"), ("*", "mae")]


def test_without_any_history_every_verdict_that_is_missing_is_named_with_its_date(
    store: Store,
) -> None:
    model = a_model(
        champion=None, moves=0, timing="live", origin=None, serving_from=None, stepped=None,
        announced=None,
    )  # fmt: skip
    watch(store, a_policy(windows=PLAIN, trainer=None), model)
    forget_champion(store)
    store.write(
        lambda t: (t.events.drop("boats"), t.events.prepare("boats", model.schema))
    ).result()
    served = rows(SERVED, 30 * 24, seed=3, version="v1")
    nothing = pa.nulls(served.num_rows, pa.float64())
    broken = served.slice(0, 48)
    broken = broken.set_column(6, "wind", nothing.slice(0, 48))
    log(store, broken, served.slice(48))
    step(store, SERVED + 30 * DAY)
    first, *others = newest(store)
    hard = at(first, "missing")
    assert (hard.verdict, hard.basis, hard.effect) == (Verdict.FAILED, Basis.HARD, 1.0)
    assert first.verdict is Verdict.FAILED
    assert first.notes[:3] == (
        "there is nothing to compare with yet: only hard limits are judged",
        "drift of the columns can be judged from 2024-04-19 00:00 UTC on: 8 more 2-day windows",
        "prediction drift can be judged from 2024-04-19 00:00 UTC on: 8 more 2-day windows",
    )
    judged_from = next(s.end for s in others if s.columns_judged)
    assert f"{judged_from:%Y-%m-%d %H:%M}" == "2024-04-19 00:00"


def forget_champion(store: Store) -> None:
    def work(t: object) -> None:
        for kind in (Reign, Version, Reference):
            t.ledger.remove(kind, model="boats")

    store.write(work).result()


def serve_unversioned(store: Store, days: int, **facts: float) -> pa.Table:
    served = rows(SERVED, days * 24, seed=3, version="v1", **facts)
    served = served.set_column(3, "version", pa.nulls(served.num_rows, pa.string()))
    log(store, served, labels(served))
    return served


def test_rows_that_were_sent_as_a_reference_are_what_windows_are_compared_with(
    store: Store,
) -> None:
    watch(store, a_policy(windows=PLAIN))
    sent = rows(SERVED - 40 * DAY, 40 * 24, seed=9, shift=6.0)
    sent = sent.set_column(4, "role", pa.array(["reference"] * sent.num_rows))
    log(store, sent.set_column(3, "version", pa.array(["v1"] * sent.num_rows)))
    serve(store, 4, shift=6.0)
    step(store, SERVED + 4 * DAY)
    first, _ = newest(store)
    found = reference_of(store, first)
    assert (found.uploaded, found.rows, found.version) == (True, 40 * 24, "v1")
    assert at(first, "a1").verdict is Verdict.PASSED


def test_the_reference_of_another_version_is_not_this_ones(store: Store) -> None:
    watch(store, a_policy(windows=PLAIN))
    sent = rows(SERVED - 40 * DAY, 40 * 24, seed=9, shift=6.0)
    sent = sent.set_column(4, "role", pa.array(["reference"] * sent.num_rows))
    log(store, sent.set_column(3, "version", pa.array(["v2"] * sent.num_rows)))
    serve(store, 2, shift=6.0)
    step(store, SERVED + 2 * DAY)
    [first] = newest(store)
    assert first.reference == "boats/v1"
    assert at(first, "a1").verdict is Verdict.FAILED


def test_after_a_promotion_features_go_on_and_predictions_are_the_new_versions_own(
    store: Store,
) -> None:
    watch(store, a_policy(windows=PLAIN, reference=TRAILING))
    crown(store, "v2", SERVED + 20 * DAY)
    log(store, rows(SERVED, 20 * 24, seed=3, version="v1"))
    log(store, rows(SERVED + 20 * DAY, 20 * 24, seed=4, version="v2"))
    step(store, SERVED + 40 * DAY)
    by_end = {(s.end - SERVED) / DAY: s for s in newest(store)}
    before, after, later = by_end[20], by_end[22], by_end[40]
    assert reference_of(store, before).version == "v1"
    assert reference_of(store, after).version == "v2"
    assert at(after, "a1").verdict is Verdict.PASSED
    assert any(note.startswith("prediction drift can be judged from") for note in after.notes)
    assert at(before, "a1", "prediction").verdict is Verdict.PASSED
    own = at(later, "a1", "prediction")
    assert (own.verdict, own.reason) in USUAL
    assert own.statistic is not None
    assert own.statistic < own.threshold


def crown(store: Store, name: str, since: object) -> None:
    """Another version serves from a moment on."""

    def work(t: object) -> None:
        first = t.ledger.get(Reign, "boats/1")
        t.ledger.put(msgspec.structs.replace(first, until=since))
        t.ledger.put(msgspec.structs.replace(
            first, id="boats/2", version=name, move=2, since=since, until=None,
        ))  # fmt: skip
        t.ledger.put(a_version(name, trained_from=SERVED, trained_to=since))

    store.write(work).result()


def test_predictions_of_windows_that_slide_are_calibrated_by_windows_as_long_apart(
    store: Store,
) -> None:
    watch(store, a_policy(windows=SLIDING), versions=[a_version(trained_to=TRAINED)])
    history = rows(TRAINED, 70 * 24, seed=7)
    said = history.select(["id", "at"])
    said = said.append_column("prediction", pa.array(history["wind"].to_numpy() / 2.0))
    store.write(lambda t: t.events.append_scored("boats", "v1", said)).result()
    serve(store, 3)
    step(store, SERVED + 3 * DAY)
    made = stored_in(reference_of(store, newest(store)[-1]))
    assert (made.windows, made.answer_drift.windows) == (35, 34)
    assert made.answer_drift.usual["prediction"] == 48.0


def test_of_a_window_with_very_many_values_some_are_kept_and_every_row_is_in_the_sums(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "MOVING_VALUES", 48)
    watch(store, a_policy(windows=SLIDING))
    serve(store, 3)
    step(store, SERVED + 3 * DAY)
    last = newest(store)[-1]
    assert (last.rows, at(last, "ks").rows) == (48, 24)
    whole = [f for f in last.findings if f.detector in {"mmd", "reconstruction"}]
    assert {finding.rows for finding in whole} == {48}
