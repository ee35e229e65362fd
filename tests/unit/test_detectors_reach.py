"""Scores that no window could make fail: they are told, and nothing is said to have passed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import judging
from detectors.binning import freeze, tally
from detectors.counted import columns_of
from detectors.finding import Kind, Reason, Verdict
from detectors.refmax import calibrate, judge
from detectors.scores import score
from tests.columns import levels, numeric

EIGHT = [f"level{number}" for number in range(8)]


def calibrated(samples):
    together = np.concatenate(samples)
    bins = [freeze(numeric(together, "x"))]
    windows = [[tally(bins[0], numeric(values, "x"))] for values in samples]
    return bins, calibrate(bins, windows, [True] * len(windows), family="drift", alpha=0.01)


def judged(bins, calibration, values):
    found = judge(calibration, bins, [tally(bins[0], numeric(values, "x"))])
    return {finding.detector: finding for finding in found}


@pytest.fixture(scope="module")
def seasonal():
    """Fifteen weeks of a year, in which the column itself goes from one end to the other."""
    generator = np.random.default_rng(5)
    return calibrated([generator.normal(8.0 * week / 14.0, 1.0, 300) for week in range(15)])


def test_where_the_usual_reaches_from_end_to_end_nothing_is_said_to_have_passed(seasonal) -> None:
    found = judged(*seasonal, np.full(300, 40.0))["a1"]
    assert (found.verdict, found.reason, found.basis) == (
        Verdict.INCONCLUSIVE, Reason.OUT_OF_REACH, None,
    )  # fmt: skip
    assert found.statistic is not None
    assert found.statistic <= found.threshold
    assert found.effect > 1.0


def test_where_a_change_would_be_seen_quiet_windows_pass() -> None:
    generator = np.random.default_rng(6)
    bins, calibration = calibrated([generator.normal(0.0, 1.0, 300) for _ in range(15)])
    quiet = judged(bins, calibration, generator.normal(0.0, 1.0, 300))
    assert {finding.verdict for finding in quiet.values()} == {Verdict.PASSED}
    assert judged(bins, calibration, np.full(300, 40.0))["a1"].verdict is Verdict.FAILED


def test_a_calibration_that_does_not_know_the_reach_judges_as_before(seasonal) -> None:
    bins, calibration = seasonal
    scales = tuple(type(s)(**{f: getattr(s, f) for f in s.__struct_fields__ if f != "reach"})
                   for s in calibration.scales)  # fmt: skip
    unknown = type(calibration)(
        **{f: getattr(calibration, f) for f in calibration.__struct_fields__ if f != "scales"},
        scales=scales,
    )
    assert judged(bins, unknown, np.full(300, 40.0))["a1"].verdict is Verdict.PASSED


def test_the_reach_is_what_a_window_to_come_shows_that_lies_at_one_end(seasonal) -> None:
    bins, calibration = seasonal
    ends = [[tally(bins[0], numeric(np.full(300, end), "x"))] for end in (-40.0, 40.0)]
    (areas, _) = (one for one in score(columns_of(bins, ends, [False] * 2))
                  if one.names[0].detector in {"a1", "jensen_shannon"})  # fmt: skip
    (scale,) = (s for s in calibration.scales if s.detector == "a1")
    assert areas.names[0].detector == "a1"
    assert scale.reach == pytest.approx(areas.values.max(), abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.booleans())
def test_no_window_is_farther_away_than_the_reach(seed: int, spread: int, is_number: bool) -> None:
    generator = np.random.default_rng(seed)

    def sample(weights, rows: int):
        if not is_number:
            return levels(generator.choice(EIGHT, rows, p=weights), "x")
        return numeric(generator.integers(0, spread, rows) ** 2.0 * generator.choice([-1, 1]), "x")

    frozen = freeze(sample(generator.dirichlet(np.ones(8)), 900))
    shares = [generator.dirichlet(np.full(8, 0.1)) for _ in range(12)]
    windows = [[tally(frozen, sample(weights, 60))] for weights in shares]
    calibration = calibrate([frozen], windows, [False] * 12, family="drift", alpha=0.01)
    reach = {(s.column, s.detector): s.reach for s in calibration.scales}
    for one in score(columns_of([frozen], windows, [False] * 12)):
        for name, values in zip(one.names, one.values, strict=True):
            if reach[name[:2]] is not None:
                assert np.nanmax(values) <= reach[name[:2]] + 1e-12


def test_only_distances_have_a_reach() -> None:
    generator = np.random.default_rng(8)
    bins = [freeze(levels(generator.choice(EIGHT, 900), "x"))]
    windows = [[tally(bins[0], levels(generator.choice(EIGHT, 60), "x"))] for _ in range(12)]
    found = calibrate(bins, windows, [False] * 12, family="drift", alpha=0.01)
    reaches = {name.detector: scale.reach for name, scale in judging.by_name(found).items()}
    assert bins[0].kind is Kind.CATEGORICAL
    assert reaches["unseen"] is None
    assert 0.5 < reaches["jensen_shannon"] <= 1.0
