"""The bins of a numeric column: quantile edges, and a bin for each value that stands out."""

from typing import Final

import numpy as np

from detectors import reading
from detectors.bins import FAR_WIDTHS, LARGEST, Bins, Tally
from detectors.finding import Reason, Sample
from detectors.ordered import few_distinct
from detectors.reading import Counts, Floats

BINS: Final = 64
COARSE_BINS: Final = 10
EXACT_VALUES: Final = 20
"""Whole numbers with at most so many distinct values have a bin a value."""
FEW_VALUES: Final = 3
"""And so have any numbers with at most so many."""


def freeze(sample: Sample) -> Bins:
    """The bins of a reference; not applicable where it holds no finite number."""
    everything = reading.numbers(sample.values)
    values = np.sort(reading.finite(everything))
    rows, missing = everything.size, reading.missing(everything)
    if not values.size:
        reason = str(Reason.NOT_APPLICABLE)
        return Bins(
            column=sample.column, kind=sample.kind, rows=rows, missing=missing, reason=reason
        )
    distinct, held = _distinct(values)
    exact = is_few(distinct)
    atoms = distinct if exact else distinct[held * BINS >= values.size]
    inner = values[:0] if exact else quantiles(values, BINS)
    edges = edges_around(inner, atoms)
    counts, sums = _counted(edges, reading.present(everything))
    heavy = distinct[held * COARSE_BINS >= values.size]
    mean, std, kurtosis = _moments(values)
    return Bins(
        column=sample.column,
        kind=sample.kind,
        rows=rows,
        missing=missing,
        counts=tuple(counts.tolist()),
        edges=tuple(edges.tolist()),
        atoms=tuple(atoms.tolist()),
        exact=exact,
        coarse=tuple(range(counts.size)) if exact else _coarse(edges, counts, heavy),
        sums=tuple(sums.tolist()),
        mean=mean,
        std=std,
        kurtosis=kurtosis,
        minimum=float(values[0]),
        maximum=float(values[-1]),
        infinite=rows - missing - values.size,
        distinct=int(distinct.size),
        once=int((held == 1).sum()),
    )


def tally(bins: Bins, sample: Sample) -> Tally:
    """A window counted on the bins; infinities fall into the outer ones and out of the sums."""
    everything = reading.numbers(sample.values)
    present = reading.present(everything)
    finite = reading.finite(present)
    counts, sums = _counted(np.array(bins.edges), present)
    limits = (bins.minimum or 0.0, bins.maximum or 0.0)
    return Tally(
        column=bins.column,
        counts=tuple(counts.tolist()),
        rows=everything.size,
        missing=everything.size - present.size,
        posinf=int(np.count_nonzero(present == np.inf)),
        neginf=int(np.count_nonzero(present == -np.inf)),
        outside=outside(present, limits),
        far=outside(present, widened(limits, FAR_WIDTHS)),
        sums=tuple(sums.tolist()),
        powers=powers_of(finite, bins.mean),
        minimum=float(finite.min()) if finite.size else None,
        maximum=float(finite.max()) if finite.size else None,
    )


def quantiles(ordered: Floats, parts: int) -> Floats:
    """The inner quantiles 1/parts, 2/parts … of sorted values, linear between neighbours.

    >>> quantiles(np.arange(5.0), 4).tolist()
    [1.0, 2.0, 3.0]
    """
    at = np.arange(1, parts) * ((ordered.size - 1) / parts)
    lower = np.floor(at).astype(np.int64)
    upper = np.minimum(lower + 1, ordered.size - 1)
    weight = at - lower
    below, above = ordered[lower], ordered[upper]
    # Between equal values rounding would leave the value, and its rows another bin.
    found: Floats = np.where(below == above, below, below * (1.0 - weight) + above * weight)
    return found


def decile_edges(ordered: Floats) -> Floats:
    """The distinct inner deciles of sorted finite values; of few values, the two sides of each.

    >>> decile_edges(np.array([3.0, 3.0])).tolist() == [3.0, float(np.nextafter(3.0, 4.0))]
    True
    """
    distinct = few_distinct(ordered, EXACT_VALUES)
    if distinct is not None and is_few(distinct):
        return edges_around(ordered[:0], distinct)
    deciles = quantiles(ordered, COARSE_BINS)
    found: Floats = deciles[np.append(True, deciles[1:] != deciles[:-1])]
    # Nine of ten rows hold one value: what lies beside it needs bins, or no change would show.
    return found if found.size > 1 else edges_around(ordered[:0], found)


def counted(edges: Floats, ordered: Floats) -> Counts:
    """How many sorted values lie in each of the `len(edges) + 1` bins.

    An edge belongs to the bin above it.

    >>> counted(np.array([1.0, 2.0]), np.array([0.5, 1.0, 1.5, 2.0, np.inf])).tolist()
    [1, 2, 2]
    """
    below = ordered.searchsorted(edges, side="left")
    return np.diff(below, prepend=0, append=ordered.size)


def outside(values: Floats, limits: tuple[float, float]) -> int:
    """How many values lie below the first limit or above the second; infinities always do."""
    return int(np.count_nonzero((values < limits[0]) | (values > limits[1]) | np.isinf(values)))


def widened(limits: tuple[float, float], widths: float) -> tuple[float, float]:
    """Limits moved outwards by so many times their distance."""
    more = widths * (limits[1] - limits[0])
    return limits[0] - more, limits[1] + more


def _distinct(ordered: Floats) -> tuple[Floats, Counts]:
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[starts], np.diff(np.append(starts, ordered.size))


def is_few(distinct: Floats) -> bool:
    """Whether there are so few values that each has a bin of its own."""
    whole = distinct.size <= EXACT_VALUES and bool(np.all(distinct == np.floor(distinct)))
    return whole or distinct.size <= FEW_VALUES


def edges_around(inner: Floats, atoms: Floats) -> Floats:
    """Edges at these values, and at both sides of every atom, increasing."""
    edges = np.unique(np.concatenate([inner, atoms, _after(atoms)]))
    found: Floats = edges[np.isfinite(edges)]
    return found


def _after(values: Floats) -> Floats:
    """The next greater double of each; infinite after the greatest."""
    with np.errstate(over="ignore"):
        found: Floats = np.nextafter(values, np.inf)
    return found


def _counted(edges: Floats, values: Floats) -> tuple[Counts, Floats]:
    at = edges.searchsorted(values, side="right")
    size = edges.size + 1
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.where(np.isfinite(values), values, 0.0)
        sums = np.bincount(at, weights=weights, minlength=size).astype(np.float64, copy=False)
    return np.bincount(at, minlength=size), bounded(sums)


def bounded(sums: Floats) -> Floats:
    """Sums that stop at the greatest double."""
    return np.clip(np.nan_to_num(sums), -LARGEST, LARGEST)


def _coarse(edges: Floats, counts: Counts, heavy: Floats) -> tuple[int, ...]:
    """The first bins of groups of a tenth each; a value that holds a tenth stands alone."""
    below = np.cumsum(counts)[:-1] / counts.sum()
    targets = np.arange(1, COARSE_BINS) / COARSE_BINS
    nearest = np.abs(below[None, :] - targets[:, None]).argmin(axis=1)
    around = edges.searchsorted(np.concatenate([heavy, _after(heavy)]))
    inner = np.unique(np.concatenate([nearest, around[around < edges.size]])) + 1
    return (0, *inner.tolist())


def powers_of(values: Floats, centre: float | None) -> tuple[float, ...]:
    """The sums of the values' distances from a centre, and of the second to fourth powers."""
    if centre is None:
        return ()
    with np.errstate(over="ignore", invalid="ignore"):
        apart = values - centre
        square = apart * apart
        # No products of vectors: they wake BLAS's threads, which wait for each other.
        powers = (square, square * apart, square * square)
        found = (apart.sum(), *(power.sum() for power in powers))
    return tuple(bounded(np.array(found)).tolist())


def _moments(values: Floats) -> tuple[float | None, float | None, float | None]:
    """Mean, standard deviation and kurtosis (3 for a normal law); None for what overflows."""
    if values[0] == values[-1]:  # sorted: a constant, whose sum would be rounded
        return float(values[0]), 0.0, None
    with np.errstate(all="ignore"):
        mean = values.mean()
        squares = np.square(values - mean)
        variance = squares.mean()
        kurtosis = np.square(squares).mean() / np.square(variance)
        found = [float(x) if np.isfinite(x) else None for x in (mean, np.sqrt(variance), kurtosis)]
    return found[0], found[1], found[2]
