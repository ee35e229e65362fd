"""Intervals for proportions and means, i.i.d. or clustered."""

import math

import numpy as np
from numpy.typing import NDArray

from detectors import tails
from detectors.finding import Interval

Floats = NDArray[np.float64]


def wilson(share: float, n: float, level: float = 0.9) -> Interval:
    """The score interval of a proportion in [0, 1] out of `n` rows, `n` > 0, perhaps effective ones.

    Wilson 1927; never empty, never outside [0, 1].

    >>> found = wilson(0.9, 20)
    >>> round(found.low, 4), round(found.high, 4)
    (0.7383, 0.9663)
    """
    z2 = tails.normal_quantile(0.5 + level / 2.0) ** 2
    centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n)
    half = math.sqrt(z2 * (share * (1.0 - share) / n + z2 / (4.0 * n * n))) / (1.0 + z2 / n)
    low = 0.0 if share <= 0.0 else max(0.0, centre - half)
    high = 1.0 if share >= 1.0 else min(1.0, centre + half)
    return Interval(low=low, high=high, level=level)


def standard_error(
    influence: Floats, clusters: NDArray[np.int64] | None = None
) -> tuple[float, float]:
    """The standard error of a mean, and the degrees of freedom of its t law.

    `influence` holds the rows' deviations from the mean, which sum to zero. With `clusters` (a
    small whole number a row) the rows of one cluster may depend on each other: the error is that
    of the sums over clusters, with the factor G/(G-1) of Liang and Zeger 1986.
    """
    n = influence.size
    if clusters is None:
        return math.sqrt(float(influence @ influence) / max(n - 1, 1) / n), float(max(n - 1, 1))
    sums = np.bincount(clusters, weights=influence)
    groups = int(np.count_nonzero(np.bincount(clusters)))
    factor = groups / (groups - 1)
    return math.sqrt(float(sums @ sums) * factor) / n, float(groups - 1)


def around(value: float, error: float, df: float, *, level: float = 0.9) -> Interval:
    """value ± the t quantile times its standard error."""
    half = tails.t_quantile(0.5 + level / 2.0, df) * error
    return Interval(low=value - half, high=value + half, level=level)


def widening(df: float, *, level: float = 0.9) -> float:
    """By how much the t quantile with `df` degrees of freedom exceeds the normal one.

    >>> round(widening(4.0), 3), round(widening(1e9), 3)
    (1.296, 1.0)
    """
    return tails.t_quantile(0.5 + level / 2.0, df) / tails.normal_quantile(0.5 + level / 2.0)
