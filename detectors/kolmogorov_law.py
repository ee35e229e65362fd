"""The law of the two-sided Kolmogorov–Smirnov distance of one sample, without SciPy.

Simard and L'Ecuyer 2011 say which method is right where: closed forms at both ends, Durbin's
matrix for small distances (Marsaglia, Tsang and Wang 2003), Smirnov's sum for the upper tail, and
Pelz and Good's series of 1976 between them. The choice is theirs, so the figures agree with
`scipy.stats.kstwo.sf` to twelve places.
"""

import math
from typing import Final

import numpy as np

from detectors import binomial_law
from detectors.binomial_law import Floats

_SMALL: Final = 140
_LARGE: Final = 100_000
_NOTHING_LEFT: Final = 370.0
_TAIL_FROM: Final = 2.2
_MATRIX_UP_TO: Final = 1.4
_SMALL_MATRIX_UP_TO: Final = 4.0
_MOST_TERMS: Final = 1024
"""Of Smirnov's sum. Its terms are a smooth function that vanishes at both ends, of which every
so many-th give the sum to all digits: half as many still give twelve."""


def sf(distance: float, n: int) -> float:
    """P(D > distance) for the distance D of `n` values from their own law, n at least 1.

    >>> round(sf(0.0254, 1000), 10)
    0.5304925088
    """
    t = n * distance
    if distance >= 1.0:
        return 0.0
    if t <= 1.0:
        return 1.0 - _least(t, n)
    if t >= n - 1:
        return float(2.0 * (1.0 - distance) ** n)
    p = _tail(distance, n) if _is_far(distance, n) else 1.0 - _body(distance, n)
    return min(1.0, max(0.0, p))


def _is_far(distance: float, n: int) -> bool:
    """Whether the two sides cannot both be so far off, or hardly ever are."""
    usual = _SMALL_MATRIX_UP_TO if n <= _SMALL else _TAIL_FROM
    half_or_more = distance >= 0.5  # noqa: PLR2004 - one side alone
    return half_or_more or n * distance * distance > usual


def _tail(distance: float, n: int) -> float:
    left = n <= _SMALL or n * distance * distance < _NOTHING_LEFT
    return 2.0 * _smirnov(distance, n) if left else 0.0


def _body(distance: float, n: int) -> float:
    if n <= _SMALL or (n <= _LARGE and n * distance**1.5 <= _MATRIX_UP_TO):
        return _durbin(n * distance, n)
    return _pelz_good(math.sqrt(n) * distance, n)


def _least(t: float, n: int) -> float:
    """P(D <= t/n) for t up to 1: n! (2t - 1)^n / n^n (Ruben and Gambino 1982)."""
    if t <= 0.5:  # noqa: PLR2004 - no sample is nearer than half a step
        return 0.0
    return math.exp(math.lgamma(n + 1) - n * math.log(n) + n * math.log(2.0 * t - 1.0))


def _smirnov(distance: float, n: int) -> float:
    """P(D+ >= distance): Smirnov's sum of binomial probabilities over their own odds."""
    last = math.floor(n * (1.0 - distance))
    last -= last == n * (1.0 - distance)
    stride = -(-last // _MOST_TERMS)
    at = np.arange(last, 0, -stride, dtype=np.float64)
    shares = distance + at / n
    inside = (at < n) & (shares < 1.0)
    at, shares = at[inside], shares[inside]
    terms = binomial_law.probabilities(at, n, shares, 1.0 - shares) / shares
    return distance * stride * float(terms.sum()) + (1.0 - distance) ** n


def _durbin(t: float, n: int) -> float:
    """P(D <= t/n) as an entry of the n-th power of a matrix of size about 2t."""
    k = math.ceil(t)
    size, h = 2 * k - 1, k - t
    index = np.arange(size)
    gap = index[:, None] - index[None, :] + 1
    inverse = np.array([1.0 / math.factorial(g) if g < _SMALL else 0.0 for g in range(size + 1)])
    matrix = np.where(gap >= 0, inverse[np.maximum(gap, 0)], 0.0)
    powers = h ** np.arange(1, size + 1)
    matrix[:, 0] -= powers * inverse[1:]
    matrix[-1, :] -= (powers * inverse[1:])[::-1]
    if 2.0 * h - 1.0 > 0.0:
        matrix[-1, 0] += (2.0 * h - 1.0) ** size * inverse[size]
    entry, exponent = _power_entry(matrix, n, k - 1)
    return float(entry * math.exp(math.lgamma(n + 1) - n * math.log(n) + exponent))


def _power_entry(matrix: Floats, n: int, at: int) -> tuple[float, float]:
    """The middle entry of a power of a matrix, and the logarithm of what it was scaled by."""
    found, scale, square, square_scale = np.eye(len(matrix)), 0.0, matrix, 0.0
    while n:
        if n % 2:
            found, scale = found @ square, scale + square_scale
            found, scale = _scaled(found, scale)
        square, square_scale = _scaled(square @ square, 2.0 * square_scale)
        n //= 2
    return float(found[at, at]), scale


def _scaled(matrix: Floats, scale: float) -> tuple[Floats, float]:
    greatest = float(np.abs(matrix).max())
    return matrix / greatest, scale + math.log(greatest)


def _pelz_good(z: float, n: int) -> float:
    """P(sqrt(n) D <= z) to the order n^-3/2."""
    pi2, z2 = math.pi**2, z * z
    k = np.arange(int(16.0 * z / math.pi) + 2)[::-1]
    odd, even = pi2 * np.square(k + 0.5), pi2 * np.square(k[:-1].astype(np.float64))
    e, w = np.exp(-odd / (2.0 * z2)), np.exp(-even / (2.0 * z2))
    root = math.sqrt(math.pi / 2.0)
    z4, z6 = z2 * z2, z2 * z2 * z2
    first = 2.0 * root / z * float(e.sum())
    second = root / (3.0 * z4) * float(((odd - z2) * e).sum())
    inner = 6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * odd + (1.0 - 2.0 * z2) * odd * odd
    third = root / (36.0 * z6 * z) * float((inner * e).sum())
    third -= root / (18.0 * z2 * z) * float((even * w).sum())
    inner = (
        (5.0 - 30.0 * z2) * odd**3
        + (212.0 * z4 - 60.0 * z2) * odd**2
        + (135.0 * z4 - 96.0 * z6) * odd
        - 30.0 * z6
        - 90.0 * z4 * z4
    )
    fourth = root / (3240.0 * z6 * z4) * float((inner * e).sum())
    fourth += root / (108.0 * z6) * float(((3.0 * z2 * even - even * even) * w).sum())
    r = math.sqrt(n)
    return first + (second + (third + fourth / r) / r) / r
