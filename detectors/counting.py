"""Counts of a reference and of a window on common bins, for detectors that compare shares."""

import numpy as np
from numpy.typing import NDArray

from detectors import level_bins, numeric_bins
from detectors.bins import Bins, Tally
from detectors.finding import Kind, Sample
from detectors.ordered import Ordered, ordered
from detectors.reading import Counts

_MERGED_BELOW = 5.0
_SAFELY = 2.0
"""So many times the rows that a level needs, it would have had them in the reference anyhow."""


def side_by_side(reference: Sample, sample: Sample) -> tuple[Counts, Counts] | None:
    """How many rows of each lie in the same bins; None where the reference gives no bins.

    Numbers: ten bins between the reference's deciles, duplicate edges dropped; where they are
    twenty whole numbers or three numbers at most, a bin a value and what lies beside them. Levels:
    see `of_levels`. Dates have no bins.
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
    """The counts of two columns of levels by the reference's frequent levels, then their tail.

    The tail is one bin: levels that the reference holds rarely, those that it never saw, which two
    halves of one column do not share, and those that are barely frequent in it. That a level has a
    bin of its own depends on its rows in the reference, which are then too many by chance near the
    bound (five rows, 0.1 % or the hundredth level's); so it stands by itself only where the rows
    of both together are twice as many as the bound asks for. A column of booleans has no tail but
    what is neither.
    """
    if not bins.counts:
        return None
    first, second = np.array(bins.counts), np.array(tally.counts)
    size = len(bins.levels)
    tail = np.ones(first.size, dtype=np.bool_)
    tail[:size] = _barely_frequent(first, second, size) if bins.kind is Kind.CATEGORICAL else False
    return (
        np.append(first[~tail], first[tail].sum()),
        np.append(second[~tail], second[tail].sum()),
    )


def _barely_frequent(first: Counts, second: Counts, size: int) -> NDArray[np.bool_]:
    """Which of the first `size` levels may owe their bin to chance; the most frequent first."""
    m, n = int(first.sum()), int(second.sum())
    last = int(first[size - 1]) if size >= level_bins.LEVELS else 0
    bound = max(level_bins.LEVEL_ROWS, level_bins.LEVEL_SHARE * m, last)
    found: NDArray[np.bool_] = (first[:size] + second[:size]) * m < _SAFELY * bound * (m + n)
    return found


def _levels(reference: Sample, sample: Sample) -> tuple[Counts, Counts] | None:
    bins = level_bins.freeze(reference)
    return of_levels(bins, level_bins.tally(bins, sample)) if bins.counts else None
