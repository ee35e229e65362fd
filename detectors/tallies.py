"""Windows put together and taken apart by their counts, so that no row is read a second time.

A day is the sum of its hours, a sliding reference the sum of its windows, a reference without one
window their difference. What was counted on other bins is never added.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from detectors.bins import LARGEST, Bins, Tally
from detectors.reading import Floats

_COUNTERS = ("rows", "missing", "posinf", "neginf", "unseen", "own", "outside", "far")


def merge(tallies: Sequence[Tally]) -> Tally:
    """The tally of all windows together; raises ValueError for none, or where their bins differ.

    Counts are exact, and sums as exact as floats add. One pass over (windows, bins) numbers.

    >>> one, two = (Tally(column="x", counts=c, rows=sum(c)) for c in ((1, 2), (0, 5)))
    >>> merge([one, two]) == one + two, merge([one, two]).counts
    (True, (1, 7))
    """
    if not tallies:
        raise ValueError("there are no tallies to merge; expected one at least")
    first = tallies[0]
    for other in tallies[1:]:
        check_alike(first, other)
    counts = np.array([tally.counts for tally in tallies], dtype=np.int64)
    return Tally(
        column=first.column,
        counts=tuple(counts.sum(axis=0).tolist()),
        sums=_added([tally.sums for tally in tallies]),
        powers=_added([tally.powers for tally in tallies]),
        minimum=min((t.minimum for t in tallies if t.minimum is not None), default=None),
        maximum=max((t.maximum for t in tallies if t.maximum is not None), default=None),
        **{name: sum(getattr(tally, name) for tally in tallies) for name in _COUNTERS},
    )


def subtract(whole: Tally, part: Tally) -> Tally:
    """The whole without one of the windows that it is the sum of; raises ValueError for others.

    Its least and greatest value stay those of the whole, which bound those of the rest. A reference
    that a window is taken out of is `as_reference(bins, [subtract(whole, window)])`.

    >>> one, two = (Tally(column="x", counts=c, rows=sum(c)) for c in ((1, 2), (0, 5)))
    >>> subtract(one + two, two) == one
    True
    """
    check_alike(whole, part)
    left = [a - b for a, b in zip(whole.counts, part.counts, strict=True)]
    counters = {name: getattr(whole, name) - getattr(part, name) for name in _COUNTERS}
    if min([*left, *counters.values()]) < 0:
        raise ValueError(
            f"a tally of {part.column} with {part.rows} rows is no part of one with {whole.rows} "
            "rows: some bin has more rows in the part; subtract a window that was merged into it"
        )
    return msgspec.structs.replace(
        whole,
        counts=tuple(left),
        sums=_added([whole.sums, tuple(-value for value in part.sums)]),
        powers=_added([whole.powers, tuple(-value for value in part.powers)]),
        **counters,
    )


def as_reference(bins: Bins, tallies: Sequence[Tally]) -> Bins:
    """A reference's bins with the rows of these windows on them in place of its own.

    Edges, groups, levels and what counts as never seen stay as frozen in `bins`, and so do its
    counts of levels held once or rarely, since a tally does not hold them. Mean, standard
    deviation and kurtosis are those of the windows where the tallies hold powers, else those of
    `bins`; so are the limits, beyond which values are outside, where no window has a value.
    Raises ValueError for no tallies, or where they were made on other bins.
    """
    total = merge(tallies)
    if total.column != bins.column or len(total.counts) != len(bins.counts):
        raise ValueError(
            f"tallies of {total.column} ({len(total.counts)} bins) were not made on the bins of "
            f"{bins.column} ({len(bins.counts)} bins)"
        )
    mean, std, kurtosis = moments(bins, total)
    return msgspec.structs.replace(
        bins,
        rows=total.rows,
        missing=total.missing,
        counts=total.counts,
        sums=total.sums,
        mean=mean,
        std=std,
        kurtosis=kurtosis,
        minimum=bins.minimum if total.minimum is None else total.minimum,
        maximum=bins.maximum if total.maximum is None else total.maximum,
    )


def without(bins: Bins, part: Tally) -> Bins:
    """A reference's bins without the rows of one of the windows that it is made of.

    Its moments and limits stay those of the whole. Raises ValueError where the window was counted
    on other bins; a bin in which it has more rows than the reference is left empty.
    """
    if part.column != bins.column or len(part.counts) != len(bins.counts):
        raise ValueError(
            f"a tally of {part.column} ({len(part.counts)} bins) was not made on the bins of "
            f"{bins.column} ({len(bins.counts)} bins)"
        )
    return msgspec.structs.replace(
        bins,
        rows=max(bins.rows - part.rows, 0),
        missing=max(bins.missing - part.missing, 0),
        counts=tuple(max(a - b, 0) for a, b in zip(bins.counts, part.counts, strict=True)),
        sums=_added([bins.sums, tuple(-value for value in part.sums)]),
    )


def moments(bins: Bins, tally: Tally) -> tuple[float | None, float | None, float | None]:
    """Mean, standard deviation and kurtosis of a tally's finite values; those of `bins` where the
    tally holds none, None for what overflows."""
    rows = tally.valid - tally.posinf - tally.neginf
    if not tally.powers or bins.mean is None or rows <= 0:
        return bins.mean, bins.std, bins.kurtosis
    with np.errstate(all="ignore"):
        first, second, third, fourth = np.array(tally.powers) / rows
        square = first * first
        variance = max(second - square, 0.0)
        centred = fourth - 4.0 * first * third + 6.0 * square * second - 3.0 * square * square
        kurtosis = max(centred, 0.0) / np.square(variance)
        found = (bins.mean + first, np.sqrt(variance), kurtosis)
    known = [float(x) if math.isfinite(x) else None for x in found]
    stopped = [abs(power) >= LARGEST for power in tally.powers]
    return (
        None if stopped[0] else known[0],
        None if stopped[1] else known[1],
        None if any(stopped) else known[2],
    )


def check_alike(one: Tally, other: Tally) -> None:
    """Raise ValueError where two tallies were made on different bins."""
    if one.column != other.column or len(one.counts) != len(other.counts):
        raise ValueError(
            f"tallies of {one.column} ({len(one.counts)} bins) and {other.column} "
            f"({len(other.counts)} bins) were made on different bins and cannot be added"
        )


def _added(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Sums over the rows; none where one has none, as tallies of other makes."""
    if not all(rows):
        return ()
    with np.errstate(over="ignore"):
        total: Floats = np.array(rows).sum(axis=0)
    return tuple(np.clip(total, -LARGEST, LARGEST).tolist())
