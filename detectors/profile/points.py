"""A distribution in a few hundred points, with a proven bound on how far off they are.

Up to 1,024 distinct values every value stands with its rows, and nothing is lost. Beyond, values
next to each other make groups of about 1/512 of the rows, and each group is moved to its median; a
value that alone holds half a group is never moved. Two figures are summed exactly while that is
done and kept with the points:

- `rank_error`: by how many rows the count of values below any number can be wrong. Within a group
  that is at most the rows on one side of its median; groups do not add up, for at their ends the
  counts are right. So one reduction errs by at most about 1/1024 of the rows.
- `moved`: the sum over rows of how far each was moved, in the column's units; over the rows it
  bounds the Wasserstein-1 distance between the points and the rows.

Points of several samples are pooled without loss and reduced once more where they are too many;
both figures add, in rows, so as shares they are means over the parts plus one reduction: hours
merged to a month err by about 1/512. Deterministic, unlike randomised sketches, and in any order
of merging within the bound that is told. The summation of errors under pooling is that of
mergeable summaries (Agarwal et al. 2012).
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detectors.profile.runs import Runs, pooled
from detectors.reading import Counts, Floats

POINTS: Final = 512
MOST_VALUES: Final = 1024
"""Up to so many distinct values all are kept, and after a reduction there are at most as many."""
_BLOCK: Final = 1 << 15
"""Values at a time: what is computed of them stays in the processor's cache."""


class Points(msgspec.Struct, frozen=True):
    """Increasing values and how many rows each stands for, as little-endian doubles and integers
    of eight bytes; how wrong counts of rows can be, and how far rows were moved in all."""

    values: bytes
    held: bytes
    rank_error: int = 0
    moved: float = 0.0

    @property
    def runs(self) -> Runs:
        """The points as runs; the values are not copied."""
        held = np.frombuffer(self.held, dtype="<i8")
        return Runs(np.frombuffer(self.values, dtype="<f8"), np.cumsum(held))


def reduced(found: Runs, *, most: int = MOST_VALUES, points: int = POINTS) -> Points:
    """The points of runs, as they are where there are at most `most`; O(values).

    >>> from detectors.profile.runs import runs
    >>> found = reduced(runs(np.arange(10_000.0)))
    >>> found.runs.values.size, found.rank_error
    (512, 10)
    """
    if found.values.size <= most:
        return _points(found.values, found.held)
    starts = _starts(found, points)
    ends = np.append(starts[1:], found.values.size)
    begun, ended = found.before(starts), found.ends[ends - 1]
    middles = found.ends.searchsorted((begun + ended) // 2, side="right")
    under, over = found.before(middles) - begun, ended - found.ends[middles]
    values = found.values[middles]
    return msgspec.structs.replace(
        _points(values, ended - begun),
        rank_error=int(max(under.max(), over.max())),
        moved=_moved(found, starts, values),
    )


def merged(parts: Sequence[Points]) -> Points:
    """The points of all rows together; with one reduction where they are too many."""
    found = reduced(pooled([part.runs for part in parts]))
    return msgspec.structs.replace(
        found,
        rank_error=found.rank_error + sum(part.rank_error for part in parts),
        moved=_bounded(found.moved + sum(part.moved for part in parts)),
    )


def quantiles(found: Points, shares: Floats) -> Floats:
    """The values below which these shares of the rows lie, linear between neighbouring rows; off
    by at most `rank_error` rows. At least one row.

    >>> from detectors.profile.runs import runs
    >>> quantiles(reduced(runs(np.arange(5.0))), np.array([0.25, 0.9])).tolist()
    [1.0, 3.6]
    """
    runs = found.runs
    at = shares * (runs.rows - 1)
    lower = np.floor(at).astype(np.int64)
    low = runs.at(lower)
    high = runs.at(np.minimum(lower + 1, runs.rows - 1))
    weight = at - lower
    interpolated: Floats = np.where(low == high, low, low * (1.0 - weight) + high * weight)
    return interpolated


def _starts(found: Runs, points: int) -> Counts:
    """Where groups begin: at equal ranks, and around every value that holds half a group."""
    rows = found.rows
    cuts = found.ends.searchsorted(np.arange(1, points) * rows // points, side="right")
    heavy = cuts[found.held_at(cuts) * (2 * points) >= rows] + 1
    starts = np.unique(np.concatenate([[0], cuts, heavy]))
    return starts[starts < found.values.size]


def _moved(found: Runs, starts: Counts, to: Floats) -> float:
    """How far all rows together are from the values that their groups are moved to."""
    size, total = found.values.size, 0.0
    ends = np.append(starts[1:], size)
    single = found.rows == size
    for begin in range(0, size, _BLOCK):
        stop = min(begin + _BLOCK, size)
        some = slice(ends.searchsorted(begin, side="right"), starts.searchsorted(stop, side="left"))
        lengths = np.minimum(ends[some], stop) - np.maximum(starts[some], begin)
        with np.errstate(over="ignore", invalid="ignore"):
            apart = found.values[begin:stop] - np.repeat(to[some], lengths)
            np.abs(apart, out=apart)
            held = None if single else found.held_at(np.arange(begin, stop))
            total += float(apart.sum() if held is None else apart @ held)
    return _bounded(total)


def _points(values: Floats, held: Counts) -> Points:
    plain = values + 0.0  # of the two noughts that are equal, one is written
    return Points(plain.astype("<f8").tobytes(), held.astype("<i8").tobytes())


def _bounded(value: float) -> float:
    """A sum that is no number, or passes the greatest, is the greatest: JSON holds no infinity."""
    greatest = float(np.finfo(np.float64).max)
    return min(float(value), greatest) if value == value else greatest  # noqa: PLR0124 - NaN
