"""Windows of a reference as what two files alone lack: how much one stretch of time differs from the
next where nothing changed.

Every column is counted on bins frozen with the whole reference, window by window. The reference's
windows calibrate one threshold for all columns (maximum statistics: Westfall and Young 1993), and
one for the shares of missing values; the current's are judged by them.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from detectors import binning, missing
from detectors.bins import Bins, Tally
from detectors.comparison.parted import Parts, samples
from detectors.finding import Finding, Sample
from detectors.laws import Options
from detectors.reading import Floats
from detectors.refmax import Calibration, calibrate, calibrate_rates, judge, judge_rates
from detectors.seasons import Groupings


class Counted(msgspec.Struct, frozen=True):
    """A column on the bins of its reference: the windows of the reference, then the current's."""

    bins: Bins
    before: tuple[Tally, ...]
    now: tuple[Tally, ...]


class Seasons(msgspec.Struct, frozen=True):
    """By name of a season, the group of each window of the reference, and of each of the current."""

    before: Groupings = {}
    now: tuple[Mapping[str, int], ...] = ()


class Calibrated(msgspec.Struct, frozen=True):
    """What the reference's windows gave, and the findings of each window of the current."""

    drift: Calibration
    windows: tuple[tuple[Finding, ...], ...]


def counted(both: tuple[Sample, Sample], parts: tuple[Parts, Parts]) -> Counted:
    """A column's windows counted on the bins of its whole reference; some 0.2 ms a window."""
    bins = binning.freeze(both[0])
    before, now = (
        tuple(binning.tally(bins, part) for part in samples(sample, of))
        for sample, of in zip(both, parts, strict=True)
    )
    return Counted(bins, before, now)


def calibrated(
    columns: Sequence[Counted],
    *,
    level: float,
    seasons: Seasons = Seasons(),  # noqa: B008 - frozen
) -> Calibrated | None:
    """The current's windows judged by the reference's; None where these are too few to calibrate.

    `level` in (0, 1) is how often any window of the current may fail without a change: each gets
    an equal share of it, half for distributions and half for missing values.
    """
    if not columns or not columns[0].now:
        return None
    windows, count = len(columns[0].before), len(columns[0].now)
    alpha = level / (2.0 * count)
    bins = [column.bins for column in columns]
    drift = calibrate(
        bins, [[column.before[at] for column in columns] for at in range(windows)],
        [True] * windows, family="inputs", alpha=alpha, options=Options(groupings=seasons.before),
    )  # fmt: skip
    if drift.threshold is None:
        return None
    names = [f"{missing.NAME}:{frozen.column}" for frozen in bins]
    rates = calibrate_rates(
        names, _rates([column.before for column in columns]), family="quality", alpha=alpha,
        rows=np.array([tally.rows for tally in columns[0].before]),
    )  # fmt: skip
    shares = _rates([column.now for column in columns])
    found = []
    for at in range(count):
        groups = seasons.now[at] if seasons.now else {}
        tallies = [column.now[at] for column in columns]
        found.append((
            *judge(drift, bins, tallies, seed=at, groups=groups),
            *judge_rates(rates, shares[at], tallies[0].rows, names=names),
        ))  # fmt: skip
    return Calibrated(drift, tuple(found))


def _rates(columns: Sequence[Sequence[Tally]]) -> Floats:
    """The share of rows without a value, shape (windows, columns); NaN of no rows."""
    rows = np.array([[tally.rows for tally in column] for column in columns], dtype=np.float64).T
    gone = np.array([[tally.missing for tally in column] for column in columns]).T
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = gone / rows
    return found
