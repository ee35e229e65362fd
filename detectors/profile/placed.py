"""A profile's rows counted on the bins of another profile: as they were, or anew from its points."""

import msgspec
import numpy as np
import pyarrow as pa

from detectors import level_bins, numeric_bins
from detectors.bins import FAR_WIDTHS, Bins, Tally
from detectors.finding import Kind
from detectors.profile import frozen
from detectors.profile.form import ColumnProfile
from detectors.reading import Counts


class Placed(msgspec.Struct, frozen=True):
    """Counts on a reference's bins; `wrong` is by how many rows a count of values below an edge
    can be off, 0 where the counts are exact."""

    tally: Tally
    wrong: int = 0


def on_bins_of(reference: ColumnProfile, current: ColumnProfile) -> Placed | None:
    """The current's rows on the reference's bins; None where they cannot be told.

    Exact where both were counted on the same edges, where the current holds all its values (up to
    1,024 distinct ones) or all its levels; else numbers come from its points, within their bound.
    """
    bins = reference.bins
    if bins is None or current.tally is None or current.kind is not reference.kind:
        return None
    if current.edges == reference.edges:
        return Placed(current.tally)
    if not bins.counts:
        return Placed(frozen.unvalued(bins, current))
    if current.names is not None:
        return _levels(bins, current) if current.names.exact else None
    if current.points is None:
        return None
    return Placed(_numbers(bins, current, current.tally), current.points.rank_error)


def own_bins(column: ColumnProfile) -> Bins | None:
    """The bins that a profile was counted on, with its own rows on them."""
    if column.bins is None or column.tally is None:
        return None
    moments, tally = column.moments, column.tally
    found = msgspec.structs.replace(
        column.bins, rows=tally.rows, missing=tally.missing, counts=tally.counts, sums=tally.sums,
        infinite=tally.posinf + tally.neginf,
    )  # fmt: skip
    if moments is None:
        return found
    return msgspec.structs.replace(
        found, mean=moments.mean, std=moments.std, kurtosis=moments.kurtosis
    )


def coarse(bins: Bins, counts: tuple[int, ...]) -> Counts:
    """Counts over the coarse groups of numeric bins, ten as a rule; of levels as they are."""
    every = np.array(counts, dtype=np.int64)
    if bins.kind is not Kind.NUMERIC or bins.exact:
        return every
    return np.add.reduceat(every, np.array(bins.coarse))


def _levels(bins: Bins, current: ColumnProfile) -> Placed:
    assert current.names is not None, "asked of levels alone"
    held = np.array(current.names.held, dtype=np.int64)
    levels = (pa.array(current.names.names, pa.string()), held)
    return Placed(level_bins.tallied(bins, levels, missing=current.missing))


def _numbers(bins: Bins, current: ColumnProfile, own: Tally) -> Tally:
    assert current.points is not None, "asked of numbers alone"
    runs = current.points.runs
    counts, sums = frozen.counted(np.array(bins.edges), runs)
    counts[0] += own.neginf
    counts[-1] += own.posinf
    limits = (bins.minimum or 0.0, bins.maximum or 0.0)
    both = np.array([limits, numeric_bins.widened(limits, FAR_WIDTHS)])
    beyond = runs.below(both[:, 0]) + runs.rows - runs.up_to(both[:, 1])
    outside, far = (beyond + own.neginf + own.posinf).tolist()
    return msgspec.structs.replace(
        own, counts=tuple(counts.tolist()), sums=tuple(sums.tolist()), powers=(),
        outside=outside, far=far,
    )  # fmt: skip
