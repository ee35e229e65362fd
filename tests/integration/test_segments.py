"""Segments of stored windows: their figures, their share of the rows, and what moved in them."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.policy import Segment, Windows
from controlplane.domain.windows import Score
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from detectors.finding import Verdict
from tests.watched import (
    DAY,
    SERVED,
    WEEK,
    a_policy,
    labels,
    log,
    rows,
    scores,
    step,
    watch,
)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def scored(store: Store, *segments: Segment, gale: float = 0.0) -> Score:
    """A week with labels whose errors are a knot on average, three times that under a jib."""
    watch(store, a_policy(segments=segments))
    served = rows(SERVED, 8 * 24, seed=3, version="v1")
    is_jib = np.array(served["sail"].to_pylist()) == "jib"
    wind = served["wind"].to_numpy() + gale * is_jib
    served = served.set_column(served.schema.get_field_index("wind"), "wind", pa.array(wind))
    told = labels(served)
    off = told["label"].to_numpy() + 3.0 * is_jib
    log(store, served, told.set_column(1, "label", pa.array(off)))
    step(store, SERVED + WEEK + 2 * DAY)
    return next(score for score in scores(store) if score.revision == 1)


def test_every_level_has_its_rows_and_its_figure_with_an_interval(store: Store) -> None:
    score = scored(store, Segment(name="rig", column="sail"))
    figures = {each.segment: each for each in score.by_segment if each.metric == "mae"}
    assert set(figures) == {f"rig={sail}" for sail in ("genoa", "jib", "main", "spinnaker")}
    assert sum(each.rows for each in figures.values()) == score.labels
    jib, main = figures["rig=jib"], figures["rig=main"]
    assert jib.value > 2.0 > main.value
    assert jib.interval.low <= jib.value <= jib.interval.high
    whole = next(r for r in score.realised if r.version == "*" and r.metric == "mae")
    mean = sum(each.value * each.rows for each in figures.values()) / score.labels
    assert mean == pytest.approx(whole.value)
    assert all(each.version == "*" for each in figures.values())


def test_a_condition_makes_one_segment_and_numbers_are_cut_at_quartiles(store: Store) -> None:
    score = scored(
        store, Segment(name="calm", where="wind < 9 and sail != 'jib'"), Segment(name="wind", column="wind")
    )  # fmt: skip
    names = {each.segment for each in score.by_segment}
    assert "calm" in names
    ranges = {name for name in names if name.startswith("wind=")}
    assert len(ranges) == 4
    calm = next(each for each in score.by_segment if each.segment == "calm")
    assert 0 < calm.rows < score.labels / 2


def test_shares_and_what_moved_are_shown_and_judge_nothing(store: Store) -> None:
    plain = scored(store, Segment(name="sail", column="sail"), gale=6.0)
    shares = {f.segment: f for f in plain.findings if f.detector == "segment"}
    assert sum(f.statistic for f in shares.values()) == pytest.approx(1.0)
    assert sum(f.effect for f in shares.values()) == pytest.approx(0.0, abs=1e-9)
    assert sum(f.rows for f in shares.values()) == plain.rows
    moved = [f for f in plain.findings if f.detector == "segment_drift"]
    most = max(moved, key=lambda f: f.effect)
    assert (most.segment, most.column) == ("sail=jib", "wind")
    assert most.effect > 2 * max(f.effect for f in moved if f is not most)
    told = [f for f in plain.findings if f.segment is not None]
    assert {(f.verdict, f.reason) for f in told} == {(Verdict.INCONCLUSIVE, "shown")}


def test_gaps_between_the_parts_are_shown_with_intervals_once_labels_are_in(store: Store) -> None:
    score = scored(
        store, Segment(name="sail", column="sail"), Segment(name="windy", where="wind > 10")
    )
    found = [f for f in score.findings if f.detector.startswith("fairness_")]
    jib = next(f for f in found if (f.segment, f.detector) == ("sail=jib", "fairness_mae"))
    assert jib.interval.low > jib.threshold > 0.0
    assert jib.effect > 1.0
    assert jib.statistic > 2.0
    assert jib.rows + jib.rows_reference == score.labels
    assert {f.segment for f in found if f.column == "*"} == {"windy"}
    assert {(f.verdict, f.reason) for f in found} == {(Verdict.INCONCLUSIVE, "shown")}
    keys = [(f.segment, f.detector) for f in found]
    assert len(keys) == len(set(keys))


def test_a_segment_of_a_column_that_is_not_there_is_said_and_nothing_else_suffers(
    store: Store,
) -> None:
    score = scored(
        store, Segment(name="hull", column="hull"), Segment(name="deep", where="draught > 2"),
        Segment(name="odd", where="sail > 3"), Segment(name="sail", column="sail"),
    )  # fmt: skip
    said = {f.segment: f.reason for f in score.findings if f.segment in {"hull", "deep", "odd"}}
    assert said["hull"] == "there is no column hull among the features"
    assert said["deep"] == "there is no column draught among the features"
    assert said["odd"].startswith("sail is categorical and has no order")
    assert {each.segment for each in score.by_segment} == {
        f"sail={sail}" for sail in ("genoa", "jib", "main", "spinnaker")
    }
    without = {f.column for f in score.findings if f.segment is None}
    assert {"wind", "sail", "*"} <= without


def test_windows_that_slide_have_their_segments_too(store: Store) -> None:
    slide = Windows(every=DAY, span=3 * DAY)
    watch(store, a_policy(windows=slide, segments=(Segment(name="sail", column="sail"),)))
    served = rows(SERVED, 4 * 24 + 2, seed=3, version="v1")
    log(store, served, labels(served))
    step(store, SERVED + 6 * DAY)
    last = max(scores(store), key=lambda score: (score.start, score.revision))
    figures = [each for each in last.by_segment if each.metric == "mae"]
    assert sum(each.rows for each in figures) == last.labels > 0
    shares = [f for f in last.findings if f.detector == "segment"]
    assert sum(f.rows for f in shares) == last.rows > 0
