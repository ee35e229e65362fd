"""The binomial law without SciPy: its probabilities by the saddle point, its upper tail by sums.

A probability is written as exp(-n KL(k/n, p)) times Stirling's corrections, so that nothing large
cancels and ten million trials keep thirteen digits (Loader 2000).
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STIRLING: Final = (1 / 12, 1 / 360, 1 / 1260, 1 / 1680, 1 / 1188, 691 / 360360)
_SMALL: Final = 16
"""Below it Stirling's series is short of digits, and its error is taken from a table."""
_TABLE: Final = np.array(
    [0.0, *(math.lgamma(k + 1) - (k + 0.5) * math.log(k) + k - 0.5 * math.log(2 * math.pi)
            for k in range(1, _SMALL))]
)  # fmt: skip
_NEGLIGIBLE: Final = 1e-18
_EXCESS: Final = tuple((-1.0) ** k / (k * (k - 1)) for k in range(15, 1, -1))
"""The factors of the powers of x from the 13th down, in the series of (1 + x) log(1 + x) - x over
x squared."""


def probabilities(hits: Floats, n: int, p: Floats, q: Floats) -> Floats:
    """P(X = hits) for `n` trials that hit with probability p and miss with q = 1 - p, each its own.

    0 < hits < n, 0 < p < 1.

    >>> probabilities(np.array([2.0]), 4, np.array([0.5]), np.array([0.5])).round(12).tolist()
    [0.375]
    """
    misses = n - hits
    apart = _deviance(hits, n * p) + _deviance(misses, n * q)
    corrections = _stirling_error(np.array([float(n)])) - _stirling_error(hits)
    found: Floats = np.exp(corrections - _stirling_error(misses) - apart) * np.sqrt(
        n / (2.0 * np.pi * hits * misses)
    )
    return found


def sf(hits: int, n: int, p: float) -> float:
    """P(X >= hits) for X binomial with `n` trials and hit probability `p` in [0, 1].

    >>> round(sf(2, 168, 1e-4), 6)
    0.000139
    """
    if hits <= 0 or p >= 1.0:
        return 1.0 if hits <= n else 0.0
    if hits > n or p <= 0.0:
        return 0.0
    if hits > n * p:
        return min(1.0, _tail(hits, n, p, 1.0 - p))
    return max(0.0, 1.0 - _tail(n - hits + 1, n, 1.0 - p, p))


def _tail(hits: int, n: int, p: float, q: float) -> float:
    """The sum from `hits`, which lies above the mean, upwards: terms that only become smaller."""
    total, term, k = 0.0, _probability(hits, n, p, q), hits
    odds = p / q
    while term > _NEGLIGIBLE * total and k <= n:
        size = min(n - k, 4096)
        at = np.arange(k, k + size, dtype=np.float64)
        terms = term * np.cumprod((n - at) / (at + 1.0) * odds)
        total += term + float(terms[:-1].sum()) if size else term
        term, k = (float(terms[-1]), k + size) if size else (0.0, n + 1)
    return total


def _probability(hits: int, n: int, p: float, q: float) -> float:
    if hits == n:
        return math.exp(n * math.log1p(-q))
    return float(probabilities(np.array([float(hits)]), n, np.array([p]), np.array([q]))[0])


def _stirling_error(counts: Floats) -> Floats:
    """log(k!) less Stirling's formula for it; whole numbers, at least 1."""
    square = 1.0 / np.square(counts)
    a, b, c, d, e, f = _STIRLING
    series = (a - square * (b - square * (c - square * (d - square * (e - square * f))))) / counts
    small = counts < _SMALL
    if not small.any():
        return np.asarray(series)
    index = np.where(small, counts, 0.0).astype(np.int64)
    return np.where(small, _TABLE[index], series)


def _deviance(counts: Floats, means: Floats) -> Floats:
    """k log(k / m) + m - k, at least 0, without cancellation where k is near m."""
    apart = (counts - means) / means
    return np.asarray(means * _excess(apart))


def _excess(x: Floats) -> Floats:
    """(1 + x) log(1 + x) - x: by its series where x is small."""
    total = np.full_like(x, _EXCESS[0])
    for factor in _EXCESS[1:]:
        total *= x
        total += factor
    total *= np.square(x)
    near = np.abs(x) < 0.05  # noqa: PLR2004 - there fourteen terms give all digits
    if near.all():
        return total
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = (1.0 + x) * np.log1p(x) - x
    return np.where(near, total, exact)
