"""Counts of a reference and of a window on common bins, for detectors that compare shares."""

import numpy as np

from detectors import level_bins, numeric_bins
from detectors.bins import Bins, Tally
from detectors.finding import Kind, Sample
from detectors.ordered import Ordered, ordered
from detectors.reading import Counts

_MERGED_BELOW = 5.0


def side_by_side(reference: Sample, sample: Sample) -> tuple[Counts, Counts] | None:
    """How many rows of each lie in the same bins; None where the reference gives no bins.

    Numbers: ten bins between the reference's deciles, duplicate edges dropped; where they are
    twenty whole numbers or three numbers at most, a bin a value and what lies beside them. Levels: those of both, those with less than 0.1 % or five rows of
    the reference together, and those that it never saw together. Dates have no bins.
    """
    match reference.kind:
        case Kind.NUMERIC:
            return of_ordered(ordered(reference), ordered(sample))
        case Kind.CATEGORICAL | Kind.BOOLEAN:
            return _levels(reference, sample)
        case Kind.DATETIME:
            return None


def occupied(first: Counts, second: Counts) -> tuple[Counts, Counts]:
    """The bins in which at least one of the two has rows."""
    some = (first + second) > 0
    return first[some], second[some]


def merged(first: Counts, second: Counts) -> tuple[Counts, Counts]:
    """Bins in which fewer than five rows are expected on a side, put together as one.

    Where even together they expect fewer than five, the smallest other bin joins them.
    """
    first, second = occupied(first, second)
    total = first + second
    least = min(int(first.sum()), int(second.sum())) / max(int(total.sum()), 1)
    few = total * least < _MERGED_BELOW
    if not few.any():
        return first, second
    if total[few].sum() * least < _MERGED_BELOW and not few.all():
        others = np.flatnonzero(~few)
        few[others[total[others].argmin()]] = True
    return (
        np.append(first[~few], first[few].sum()),
        np.append(second[~few], second[few].sum()),
    )


def of_ordered(reference: Ordered, window: Ordered) -> tuple[Counts, Counts] | None:
    """The counts of two columns of numbers that are in order already."""
    finite = reference.finite
    if not finite.size:
        return None
    edges = numeric_bins.decile_edges(finite)
    return numeric_bins.counted(edges, reference.values), numeric_bins.counted(edges, window.values)


def of_levels(bins: Bins, tally: Tally) -> tuple[Counts, Counts] | None:
    """The counts of two columns of levels: the bins of the reference, the window counted on them."""
    if not bins.counts:
        return None
    return np.array(bins.counts), np.array(tally.counts)


def _levels(reference: Sample, sample: Sample) -> tuple[Counts, Counts] | None:
    bins = level_bins.freeze(reference)
    return of_levels(bins, level_bins.tally(bins, sample)) if bins.counts else None
