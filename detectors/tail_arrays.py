"""Tail probabilities of the usual laws for whole arrays at once.

SciPy is imported when one is first asked for: half a second that no other import should pay.
"""

import numpy as np
from numpy.typing import NDArray


def t_sf(t: NDArray[np.float64], df: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """P(T > t) for Student's t with `df` degrees of freedom."""
    from scipy.special import stdtr  # noqa: PLC0415 - see the module's docstring

    found: NDArray[np.float64] = stdtr(df, -t)
    return found


def binomial_sf(
    hits: NDArray[np.int64], n: NDArray[np.int64], p: NDArray[np.float64]
) -> NDArray[np.float64]:
    """P(X >= hits) for X binomial with `n` trials and hit probability `p` in [0, 1].

    >>> binomial_sf(np.array([0, 2, 169]), np.array([168] * 3), np.array([1e-4] * 3)).round(6).tolist()
    [1.0, 0.000139, 0.0]
    """
    from scipy.special import betainc  # noqa: PLC0415 - see the module's docstring

    inside = (hits > 0) & (hits <= n)
    first, second = np.where(inside, hits, 1), np.where(inside, n - hits + 1, 1)
    found: NDArray[np.float64] = np.where(
        inside, betainc(first, second, p), np.where(hits <= 0, 1.0, 0.0)
    )
    return found


def t_matched(z: NDArray[np.float64], df: NDArray[np.float64], to: float) -> NDArray[np.float64]:
    """What Student figures with `df` degrees of freedom are worth with `to`: equal tails.

    Negative figures and those with `to` degrees of freedom already stay; NaN stays NaN. Tails
    below 1e-300 stay at that.

    >>> t_matched(np.array([4.0, 4.0, -1.0]), np.array([7.0, 58.0, 7.0]), 58.0).round(2).tolist()
    [2.91, 4.0, -1.0]
    """
    from scipy.special import stdtr, stdtrit  # noqa: PLC0415 - see the module's docstring

    if df.ndim == 0 and df == to:
        return z
    df = np.broadcast_to(df, z.shape)
    moved = (z > 0.0) & (df != to)
    if not moved.any():
        return z
    found = z.copy()
    tail = np.maximum(stdtr(df[moved], -z[moved]), 1e-300)
    found[moved] = -stdtrit(to, tail)
    return found


def f_sf(
    f: NDArray[np.float64], between: float, within: float | NDArray[np.int64]
) -> NDArray[np.float64]:
    """P(F > f) for Fisher's F with these degrees of freedom."""
    from scipy.special import fdtrc  # noqa: PLC0415 - see the module's docstring

    found: NDArray[np.float64] = fdtrc(between, within, f)
    return found


def gamma_quantile(level: float, shape: float) -> float:
    """The quantile at `level` in (0, 1) of a gamma law with this shape and rate 1.

    >>> round(gamma_quantile(0.1, 1.5), 4)
    0.2922
    """
    from scipy.special import gammaincinv  # noqa: PLC0415 - see the module's docstring

    return float(gammaincinv(shape, level))
