"""What a figure can be where counts are known within a bound: the least and the greatest."""

from collections.abc import Callable

import numpy as np

from detectors.finding import Interval
from detectors.reading import Counts, Floats

CERTAIN = 1.0
"""The level of an interval outside of which the figure cannot be."""
_HALF = 0.5

Term = Callable[[Floats, Floats], Floats]


def jensen_shannon(reference: Counts, counts: Counts, wrong: int) -> Interval:
    """Bounds of the distance, where the rows below each edge may be off by `wrong`.

    Each bin's part of the divergence is convex in its share and nought where the shares are equal,
    so it is greatest at an end of what the share can be; the parts' bounds are added.
    """
    p = reference / reference.sum()
    low, high = _summed(p, _shares(counts, wrong), _divergence)
    return Interval(float(np.sqrt(low / 2.0)), float(np.sqrt(min(high / 2.0, 1.0))), CERTAIN)


def psi(reference: Counts, counts: Counts, wrong: int) -> Interval:
    """Bounds of the population stability index, likewise; no bin is empty on both sides."""
    size = _HALF * reference.size
    p = (reference + _HALF) / (reference.sum() + size)
    rows = counts.sum()
    smoothed = (_shares(counts, wrong) * rows + _HALF) / (rows + size)
    return Interval(*_summed(p, smoothed, _index), CERTAIN)


def around(value: float, error: float, *, most: float = np.inf) -> Interval | None:
    """value ± error within [0, most]; None where there is no error."""
    if not error:
        return None
    return Interval(max(0.0, value - error), float(min(most, value + error)), CERTAIN)


def _shares(counts: Counts, wrong: int) -> Floats:
    """The least and the greatest share of each bin, shape (2, bins): outer ones have one edge,
    others two."""
    off = np.full(counts.size, 2 * wrong)
    off[0] = off[-1] = wrong
    rows = counts.sum()
    found: Floats = np.array([np.maximum(counts - off, 0), np.minimum(counts + off, rows)]) / rows
    return found


def _summed(p: Floats, q: Floats, term: Term) -> tuple[float, float]:
    ends = term(p, q)
    least = np.where((q[0] <= p) & (p <= q[1]), 0.0, np.minimum(ends[0], ends[1]))
    return float(least.sum()), float(np.maximum(ends[0], ends[1]).sum())


def _divergence(p: Floats, q: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        of_p, of_q = np.log2(2.0 * p / (p + q)), np.log2(2.0 * q / (p + q))
        found: Floats = np.where(p > 0.0, p * of_p, 0.0) + np.where(q > 0.0, q * of_q, 0.0)
    return np.maximum(found, 0.0)


def _index(p: Floats, q: Floats) -> Floats:
    found: Floats = (q - p) * np.log(q / p)
    return found
