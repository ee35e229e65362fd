"""Windows drawn from the blocks of a few: valid for rows alike, optimistic where windows differ."""

import msgspec
import numpy as np
import pytest

from detectors.binning import tally
from detectors.blocks import DRAWN, PLACES, calibrate_blocks, correlation
from detectors.counted import columns_of
from detectors.finding import Basis, Verdict
from detectors.judging import failed
from detectors.laws import Options
from detectors.refmax import judge
from detectors.scores import score
from detectors.tallies import merge
from tests.columns import frozen, levels, numeric

ALPHA = 0.5 / 30


def stretches_of(windows: list[list[np.ndarray]]):
    """Bins and stretches of windows of columns: `windows[i][j]` are column j's values in order."""
    pieces = [
        [numeric(piece, f"x{j}") for j, piece in enumerate(places)]
        for window in windows
        for places in zip(*(np.array_split(column, PLACES) for column in window), strict=True)
    ]
    bins, tallies = frozen(pieces)
    return bins, [tallies[at : at + PLACES] for at in range(0, len(tallies), PLACES)]


def alarms(seed: int, wander: float) -> int:
    """Alarming windows of thirty after five, without any floor."""
    generator = np.random.default_rng(seed)

    def window() -> list[np.ndarray]:
        means = generator.normal(0.0, wander, 3)
        return [generator.normal(mean, 1.0, 480) for mean in means]

    bins, stretches = stretches_of([window() for _ in range(5)])
    calibration = calibrate_blocks(
        bins, stretches, family="drift", alpha=ALPHA, options=Options(minimum_effect="none")
    )
    assert (calibration.basis, calibration.windows, calibration.needs) == (Basis.OPTIMISTIC, 5, 3)
    assert calibration.scales[0].windows == DRAWN

    columns = columns_of(bins, [_counted(bins, window()) for _ in range(30)], [False] * 30)

    return int(failed(calibration, score(columns)).any(axis=1).sum())


def _counted(bins, window):

    return [tally(b, numeric(v, b.column)) for b, v in zip(bins, window, strict=True)]


def test_rows_without_change_keep_the_budget_and_windows_that_differ_break_it() -> None:
    assert np.mean([alarms(seed, 0.0) for seed in range(3)]) <= 1.0 + 2 * np.sqrt(0.5 / 3)
    assert alarms(7, 0.15) > 3


def test_blocks_are_long_enough_for_rows_that_resemble_their_neighbours() -> None:
    generator = np.random.default_rng(3)
    slow = [np.repeat(generator.normal(size=12), 40) for _ in range(6)]
    bins, stretches = stretches_of([[values] for values in slow])
    drawn = calibrate_blocks(bins, stretches, family="drift", alpha=ALPHA)
    mixed = stretches_of([[generator.permutation(values)] for values in slow])
    alike = calibrate_blocks(*mixed, family="drift", alpha=ALPHA)
    spread = {name: found.scales[0].mean for name, found in (("slow", drawn), ("mixed", alike))}
    assert spread["slow"] > 1.2 * spread["mixed"]


def test_a_drawn_window_is_a_part_of_the_reference_and_the_same_every_time() -> None:
    generator = np.random.default_rng(4)
    bins, stretches = stretches_of([[generator.normal(size=480)] for _ in range(3)])
    first, again = (calibrate_blocks(bins, stretches, family="f", alpha=ALPHA) for _ in range(2))
    assert msgspec.json.encode(first) == msgspec.json.encode(again)
    assert first.usual == {"x0": 480.0}
    moved = [merge([place[0] for place in stretches[0]])]
    [a1, js] = judge(first, bins, moved)
    assert (a1.verdict, js.verdict) == (Verdict.PASSED, Verdict.PASSED)
    shifted = _counted(bins, [generator.normal(1.0, 1.0, 480)])
    assert judge(first, bins, shifted)[0].verdict is Verdict.FAILED


def test_levels_are_drawn_too_and_columns_without_bins_are_left_out() -> None:
    generator = np.random.default_rng(5)
    pieces = [
        [levels(generator.choice(list("abcde"), 20)), numeric([None] * 20, "none")]
        for _ in range(4 * PLACES)
    ]
    bins, tallies = frozen(pieces)
    stretches = [tallies[at : at + PLACES] for at in range(0, len(tallies), PLACES)]
    found = calibrate_blocks(bins, stretches, family="drift", alpha=ALPHA)
    assert {scale.column for scale in found.scales} == {"c"}
    assert found.threshold is not None


@pytest.mark.parametrize("levels_", [np.zeros((3, 4)), np.tile([1.0, 2.0, 3.0, 4.0], (3, 1))])
def test_places_that_never_differ_are_not_correlated(levels_) -> None:
    assert correlation(levels_) == 0.0
