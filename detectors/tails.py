"""Tail probabilities and quantiles of the usual laws.

Those that every comparison needs are computed here and in the modules of the laws. SciPy is
imported when another is first asked for: half a second that no other import should pay.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors import binomial_law, kolmogorov_law

_MOST_SUMMED: Final = 1000
_TERMS: Final = 16
_FAR: Final = 4.0
"""From this height on the series of the Cramér–von Mises law has lost its digits."""


def normal_quantile(level: float) -> float:
    """The standard normal quantile at `level` in (0, 1)."""
    from statistics import NormalDist  # noqa: PLC0415 - as dear as all of the detectors

    return NormalDist().inv_cdf(level)


def normal_sf(z: float) -> float:
    """P(Z > z) for a standard normal Z."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def t_quantile(level: float, df: float) -> float:
    """Student's t quantile at `level` in (0, 1) with `df` degrees of freedom."""
    from scipy.special import stdtrit  # noqa: PLC0415 - see the module's docstring

    return float(stdtrit(df, level))


def t_sf(t: float, df: float) -> float:
    """P(T > t) for Student's t with `df` degrees of freedom."""
    from scipy.special import stdtr  # noqa: PLC0415 - see the module's docstring

    return float(stdtr(df, -t))


def chi2_sf(x: float, df: float) -> float:
    """P(X > x) for a chi-squared X with `df` degrees of freedom.

    Whole ones up to a thousand by the finite sum of Poisson terms that they have, from its greatest
    term both ways; others by SciPy.

    >>> round(chi2_sf(16.919, 9), 5), chi2_sf(0.0, 3)
    (0.05, 1.0)
    """
    if x <= 0.0:
        return 1.0
    if df != int(df) or df > _MOST_SUMMED:
        from scipy.special import chdtrc  # noqa: PLC0415 - see the module's docstring

        return float(chdtrc(df, x))
    y, half = x / 2.0, 0.5 * (int(df) % 2)
    terms = int(df) // 2
    total = math.erfc(math.sqrt(y)) if half else 0.0
    return min(1.0, total + _poisson_sum(y, half, terms))


def _poisson_sum(y: float, half: float, terms: int) -> float:
    """The sum over k < terms of exp(-y) y^(k + half) / Gamma(k + half + 1)."""
    if terms <= 0 or math.isinf(y):
        return 0.0
    mode = min(terms - 1, int(y))
    greatest = math.exp((mode + half) * math.log(y) - y - math.lgamma(mode + half + 1.0))
    total, term = greatest, greatest
    for k in range(mode, 0, -1):
        term *= (k + half) / y
        total += term
    term = greatest
    for k in range(mode + 1, terms):
        term *= y / (k + half)
        total += term
    return total


def binomial_sf(hits: int, n: int, p: float) -> float:
    """P(X >= hits) for X binomial with `n` trials and hit probability `p` in [0, 1]."""
    return binomial_law.sf(hits, n, p)


def kolmogorov_sf(distance: float, n: int) -> float:
    """P(D > distance) for the two-sided one-sample Kolmogorov–Smirnov D of `n` values."""
    return kolmogorov_law.sf(distance, n)


def kolmogorov_exact(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The exact p-value of the two-sample distance, conservative under ties."""
    from scipy.stats import ks_2samp  # noqa: PLC0415 - see the module's docstring

    return float(ks_2samp(first, second, method="exact").pvalue)


def cramer_von_mises_sf(height: float) -> float:
    """P(W > height) for the limiting law of the Cramér–von Mises statistic.

    The series of Anderson and Darling 1952, as Csörgő and Faraway 1996 write it; from a height of
    4 (5e-10) on the law's leading term, which is 1 % below it there.

    >>> round(cramer_von_mises_sf(0.46136), 4)
    0.05
    """
    if height <= 0.0:
        return 1.0
    if height >= _FAR:
        return math.sqrt(2.0) * math.erfc(math.pi * math.sqrt(height / 2.0))
    from scipy.special import gammaln, kve  # noqa: PLC0415 - see the module's docstring

    at = np.arange(_TERMS)
    odd = 4.0 * at + 1.0
    bessel = np.square(odd) / (16.0 * height)
    weights = np.exp(gammaln(at + 0.5) - gammaln(at + 1.0) - 2.0 * bessel)
    below = float(np.sum(weights * np.sqrt(odd) * kve(0.25, bessel)))
    return float(np.clip(1.0 - below / (math.pi**1.5 * math.sqrt(height)), 0.0, 1.0))


def two_proportions(shares: tuple[float, float], rows: tuple[int, int]) -> float:
    """The two-sided p-value of equal proportions, by the pooled normal law; rows at least 1.

    >>> round(two_proportions((0.5, 0.25), (100, 100)), 6)
    0.000261
    """
    pooled = (shares[0] * rows[0] + shares[1] * rows[1]) / (rows[0] + rows[1])
    variance = pooled * (1.0 - pooled) * (1.0 / rows[0] + 1.0 / rows[1])
    if variance <= 0.0:
        return 1.0
    return 2.0 * normal_sf(abs(shares[1] - shares[0]) / math.sqrt(variance))
