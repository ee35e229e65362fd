"""Windows of a current file judged by those of its reference."""

import numpy as np
import pyarrow as pa
import pytest

from controlplane.cli.compare.windows import DAY, HOUR, told
from detectors.comparison.parted import parts_of
from detectors.comparison.windowed import Seasons, calibrated, counted
from detectors.finding import Basis, Kind, Sample, Verdict

ROWS = 150


def column(seed, windows=40, now=6, *, moved=(), gone=(), name="x"):
    """A column whose windows have means of their own; some of the current have moved, or lost half
    of their values."""
    draws = np.random.default_rng(seed)
    before, after = (np.repeat(np.arange(count), ROWS) for count in (windows, now))
    first = draws.normal(size=before.size) + draws.normal(0, 0.3, windows)[before]
    second = draws.normal(size=after.size) + draws.normal(0, 0.3, now)[after]
    second += 6.0 * np.isin(after, moved)
    second[np.isin(after, gone) & (np.arange(after.size) % 2 == 0)] = np.nan
    samples = [Sample(name, Kind.NUMERIC, pa.chunked_array([v])) for v in (first, second)]
    return counted((samples[0], samples[1]), (parts_of(before, windows), parts_of(after, now)))


def failed(found):
    """The windows, columns and detectors that failed."""
    return {
        (at, finding.column, finding.detector == "missing")
        for at, window in enumerate(found.windows)
        for finding in window
        if finding.verdict is Verdict.FAILED
    }


def test_windows_that_wander_as_the_reference_does_pass() -> None:
    found = calibrated([column(1), column(2, name="y")], level=0.05)

    assert found is not None
    assert failed(found) == set()
    assert found.drift.windows == 40
    assert len(found.windows) == 6
    bases = {finding.basis for window in found.windows for finding in window} - {None}
    assert bases <= {Basis.CALIBRATED, Basis.PROVISIONAL}


def test_the_window_that_moved_fails_and_so_does_the_one_that_lost_values() -> None:
    found = calibrated([column(1, moved=[4]), column(2, gone=[2], name="y")], level=0.05)

    assert found is not None
    assert (4, "x", False) in failed(found)
    assert (2, "y", True) in failed(found)
    assert {at for at, _, _ in failed(found)} == {2, 4}


def test_each_window_has_an_equal_share_of_the_false_alarms() -> None:
    few, many = (calibrated([column(1, now=now)], level=0.06) for now in (2, 6))

    assert few is not None
    assert many is not None
    assert (few.drift.alpha, many.drift.alpha) == pytest.approx((0.015, 0.005))
    assert few.drift.threshold < many.drift.threshold


def test_seven_windows_and_no_columns_calibrate_nothing() -> None:
    assert calibrated([column(1, windows=7)], level=0.05) is None
    assert calibrated([], level=0.05) is None


def test_a_season_is_compared_with_itself() -> None:
    """Every second window lies three standard deviations higher, in both files."""
    draws = np.random.default_rng(5)
    before, after = (np.repeat(np.arange(count), ROWS) for count in (40, 6))
    values = [
        draws.normal(size=of.size) + 3.0 * (of % 2) + draws.normal(0, 0.1, of.max() + 1)[of]
        for of in (before, after)
    ]
    values[1][after == 3] -= 3.0
    samples = [Sample("x", Kind.NUMERIC, pa.chunked_array([v])) for v in values]
    counts = counted((samples[0], samples[1]), (parts_of(before, 40), parts_of(after, 6)))
    groups = [{"half": at % 2} for at in range(6)]
    seasons = Seasons(before={"half": tuple(at % 2 for at in range(40))}, now=tuple(groups))

    found = calibrated([counts], level=0.05, seasons=seasons)

    assert found is not None
    assert found.drift.mode == "matched"
    assert {at for at, _, _ in failed(found)} == {3}


def test_lengths_are_told_in_words() -> None:
    assert [told(length) for length in (DAY, 14 * DAY, HOUR, 36 * HOUR)] == [
        "1 day", "14 days", "1 hour", "36 hours",
    ]  # fmt: skip
