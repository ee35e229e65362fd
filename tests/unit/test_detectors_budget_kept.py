"""The budget is kept by streams in which nothing is wrong, and constants do not keep it."""

import numpy as np
import pytest

from detectors.binning import tally
from detectors.finding import Verdict
from detectors.ks import KsParams, ks
from detectors.refmax import calibrate, judge
from tests.columns import frozen, joined, numeric

COLUMNS, ROWS, REFERENCE, PERIOD, MODELS = 6, 150, 60, 30, 8
BUDGET, SAFETY = 1.0, 0.5


def independent(generator: np.random.Generator, windows: int) -> np.ndarray:
    return generator.normal(size=(windows, COLUMNS, ROWS))


def with_day_effects(generator: np.random.Generator, windows: int) -> np.ndarray:
    """Rows around a mean that wanders from day to day, half of it common to all columns."""
    wander = np.zeros((windows, COLUMNS))
    for day in range(1, windows):
        common, own = generator.normal(size=1), generator.normal(size=COLUMNS)
        step = 0.1 * np.sqrt(0.75) * np.sqrt(0.5) * (common + own)
        wander[day] = 0.5 * wander[day - 1] + step
    return independent(generator, windows) + wander[:, :, None]


def windows_of(values: np.ndarray):
    return [[numeric(column, f"x{j}") for j, column in enumerate(window)] for window in values]


def alarms(generator, stream) -> tuple[int, int]:
    """Alarming windows of one period after the reference: by the budget, and by KS p < .05."""
    everything = windows_of(stream(generator, REFERENCE + PERIOD))
    bins, tallies = frozen(everything[:REFERENCE])
    calibration = calibrate(
        bins, tallies, [True] * REFERENCE, family="drift", alpha=BUDGET * SAFETY / PERIOD
    )
    reference = [joined([window[j] for window in everything[:REFERENCE]]) for j in range(COLUMNS)]
    by_budget = by_constant = 0
    for window in everything[REFERENCE:]:
        found = judge(calibration, bins, [tally(b, s) for b, s in zip(bins, window, strict=True)])
        by_budget += any(f.verdict is Verdict.FAILED for f in found)
        by_constant += any(
            (ks(r, s, KsParams()).p_value or 1.0) < 0.05
            for r, s in zip(reference, window, strict=True)
        )
    return by_budget, by_constant


@pytest.mark.parametrize("stream", [independent, with_day_effects])
def test_a_period_without_change_has_no_more_false_alarms_than_the_budget(stream) -> None:
    generator = np.random.default_rng(17)
    found = np.array([alarms(generator, stream) for _ in range(MODELS)])
    by_budget, by_constant = found.mean(axis=0)
    error = np.sqrt(max(by_budget, 0.25) / MODELS)
    assert by_budget <= BUDGET + 2 * error
    assert by_constant > 6.0, "the comparison has lost its teeth"


def test_a_quarter_of_a_deviation_is_found_within_days() -> None:
    generator = np.random.default_rng(19)
    everything = windows_of(generator.normal(size=(REFERENCE, COLUMNS, 1000)))
    bins, tallies = frozen(everything)
    calibration = calibrate(
        bins, tallies, [True] * REFERENCE, family="drift", alpha=BUDGET * SAFETY / PERIOD
    )
    moved = generator.normal(size=(7, COLUMNS, 1000))
    moved[:, 0] += 0.25
    found = [
        judge(calibration, bins, [tally(b, s) for b, s in zip(bins, window, strict=True)])
        for window in windows_of(moved)
    ]
    assert sum(any(f.verdict is Verdict.FAILED for f in one) for one in found) >= 5
