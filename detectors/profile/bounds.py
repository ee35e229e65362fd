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
    low, high = ((q * rows + _HALF) / (rows + size) for q in _shares(counts, wrong))
    return Interval(*_summed(p, (low, high), _index), CERTAIN)


def around(value: float, error: float, *, most: float = np.inf) -> Interval | None:
    """value ± error within [0, most]; None where there is no error."""
    if not error:
        return None
    return Interval(max(0.0, value - error), float(min(most, value + error)), CERTAIN)


def _shares(counts: Counts, wrong: int) -> tuple[Floats, Floats]:
    """The least and the greatest share of each bin: outer ones have one edge, others two."""
    off = np.full(counts.size, 2 * wrong)
    off[[0, -1]] = wrong
    rows = counts.sum()
    return np.maximum(counts - off, 0) / rows, np.minimum(counts + off, rows) / rows


def _summed(p: Floats, q: tuple[Floats, Floats], term: Term) -> tuple[float, float]:
    ends = np.array([term(p, share) for share in q])
    least = np.where((q[0] <= p) & (p <= q[1]), 0.0, ends.min(axis=0))
    return float(least.sum()), float(ends.max(axis=0).sum())


def _divergence(p: Floats, q: Floats) -> Floats:
    middle = (p + q) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = (np.where(x > 0.0, x * np.log2(x / middle), 0.0) for x in (p, q))
        found: Floats = sum(parts, np.zeros_like(p))
    return np.maximum(found, 0.0)


def _index(p: Floats, q: Floats) -> Floats:
    found: Floats = (q - p) * np.log(q / p)
    return found
