"""The grid-mixture e-process: is the mean of bounded values above a bound? Valid whenever one looks.

Sixteen bets of different size are made on every value, and their wealth is averaged. While the mean
of the values, given those before, stays at or below the bound, the mixture is a nonnegative
supermartingale that begins at 1; so it ever reaches 1 / alpha with probability alpha at most (Ville
1939), without a law, a burn-in or a planned number of values. Betting on bounded means:
Waudby-Smith and Ramdas 2024, arXiv 2010.09686, sections 4 and 5.
"""

import math
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

BETS: Final = tuple(np.geomspace(0.004, 0.9, 16).tolist())
"""The part of its wealth that each bet may lose on one value."""
BOUNDS: Final = (
    -0.9, -0.75,
    *(-(2.0**-k) for k in range(1, 13)), 0.0, *(2.0**-k for k in range(12, 0, -1)), 0.75, 0.9,
)  # fmt: skip
"""The bounds at which `Held` keeps wealth, in order; between them it is interpolated."""
_BLOCK: Final = 8192
_AT_ONCE: Final = 1024
_MULTIPLIED: Final = 16
"""So many factors, each in [0.1, 18.1], are multiplied before a logarithm is taken."""
_NEAREST: Final = -1.0 + 1e-12
_CLOSE: Final = 1e-11
"""How near a bound that is sought for is come to."""

Floats = NDArray[np.float64]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What values came to at each of `BOUNDS`: the log-wealth of all bets, bound after bound.

    Plain JSON; a few hundred figures, however many values were read. Values read apart, in
    whatever order, add up to those of all.
    """

    levels: tuple[float, ...] = (0.0,) * (len(BETS) * len(BOUNDS))


NOTHING: Final = Held()


class Wealth(msgspec.Struct, frozen=True, kw_only=True):
    """What a process has come to: the log-wealth of each bet, and the greatest log of their mean.

    Plain JSON. The levels of values read apart, in whatever order, add up to those of all.
    """

    levels: tuple[float, ...] = (0.0,) * len(BETS)
    greatest: float = 0.0

    @property
    def log_e(self) -> float:
        """The logarithm of the e-value now."""
        return float(_mixture(np.array(self.levels)[:, None])[0])

    @property
    def p_value(self) -> float:
        """A p-value in (0, 1] that is valid at any stopping time: one over the greatest e-value."""
        return math.exp(-self.greatest)


START: Final = Wealth()


def read(wealth: Wealth, values: Floats, *, bound: float) -> tuple[Wealth, Floats]:
    """Read values in their order; what the process has come to, and its log-e after each value.

    `values` has shape (n,) and lies in [-1, 1], for instance losses of one version less those of
    another where both are in [0, 1]; `bound` is in (-1, 1), and the same in every call. The mean is
    proved to lie above `bound`, with error `alpha`, once log-e is log(1 / alpha) or more. Raises
    ValueError for NaN, for values outside and for an impossible bound: clipping would change the
    mean that is proved. 16 n logarithms, in blocks of bounded memory.

    >>> gains = np.random.default_rng(3).choice([-1.0, 0.0, 1.0], 2000, p=[0.03, 0.9, 0.07])
    >>> wealth, path = read(START, gains, bound=0.0)
    >>> int(np.argmax(path >= math.log(1.0 / 0.05))), round(wealth.p_value, 10)
    (765, 3.58e-08)
    """
    known = _checked(values)
    if not -1.0 < bound < 1.0:
        raise ValueError(f"a bound on a mean of values in [-1, 1] lies within; found {bound}")
    bets = np.array(BETS)[:, None] / (1.0 + bound)
    levels = np.array(wealth.levels)[:, None]
    path = np.empty(known.size)
    for start in range(0, known.size, _BLOCK):
        block = known[start : start + _BLOCK]
        grown = levels + np.cumsum(np.log1p(bets * (block - bound)), axis=1)
        path[start : start + block.size] = _mixture(grown)
        levels = grown[:, -1:]
    greatest = max(wealth.greatest, float(path.max(initial=-math.inf)))
    return Wealth(levels=tuple(levels.ravel().tolist()), greatest=greatest), path


def lower_bound(values: Floats, *, alpha: float, counts: NDArray[np.int64] | None = None) -> float:
    """A lower bound on the mean of values in [-1, 1], valid whenever one looks; -1 for no values.

    The greatest bound that the process has by now refused, so that it lies above a bound where
    `read` with that bound has come to 1 / alpha: the wealth falls as the bound rises, since a bet
    multiplies it by 1 - g + g (value + 1) / (bound + 1). The probability that it ever lies above
    the mean is `alpha` at most. `counts` says how often each value stands, so losses of 0
    and 1 need three values; without it equal ones are counted here. Raises ValueError as `read`
    does, and for an error level outside (0, 1). Some 640 logarithms a different value.

    >>> round(lower_bound(np.array([-1.0, 0.0, 1.0]), alpha=0.05, counts=np.array([30, 900, 70])), 4)
    0.0095
    """
    known = _checked(values)
    _check_level(alpha)
    if counts is None:
        known, counts = np.unique(known, return_counts=True)
    if counts.shape != known.shape or (counts < 0).any():
        raise ValueError(
            f"{known.size} values have counts of shape {counts.shape}; "
            "expected one for each, none below 0"
        )
    if _log_e(known, counts, _NEAREST) < math.log(1.0 / alpha):
        return -1.0
    return _sought(lambda bound: _log_e(known, counts, bound), alpha, _NEAREST, 1.0)


def upper_bound(values: Floats, *, alpha: float, counts: NDArray[np.int64] | None = None) -> float:
    """The mirror image of `lower_bound`; 1 for no values."""
    return -lower_bound(-np.asarray(values, dtype=np.float64), alpha=alpha, counts=counts)


def hold(held: Held, values: Floats) -> Held:
    """Read more values in [-1, 1], in any order; for bounds on their mean at any time.

    Raises ValueError as `read` does. Some 900 multiplications a value, in bounded memory;
    a sort where few values differ.
    """
    known = _checked(values)
    bets, bounds = np.array(BETS), np.array(BOUNDS)
    scaled = (bets / (1.0 + bounds[:, None])).ravel()[:, None]
    rest = 1.0 - np.tile(bets, bounds.size)[:, None]
    levels = np.array(held.levels)
    different, counts = np.unique(known, return_counts=True)
    if different.size * _MULTIPLIED <= known.size:
        levels = levels + np.log(rest + scaled * (different + 1.0)) @ counts
        return Held(levels=tuple(levels.tolist()))
    for start in range(0, known.size, _AT_ONCE):
        block = known[start : start + _AT_ONCE]
        factors = rest + scaled * (block + 1.0)
        together = np.multiply.reduceat(factors, np.arange(0, block.size, _MULTIPLIED), axis=1)
        levels = levels + np.log(together).sum(axis=1)
    return Held(levels=tuple(levels.tolist()))


def bound_of(held: Held, *, alpha: float) -> float:
    """The lower bound of all values that were read into `held`, as `lower_bound` has it, or a
    little below it; -1 where it lies below -0.9.

    Between two of `BOUNDS` the logarithm of a bet's wealth is concave in 1 / (1 + bound), so that
    its chord, which is taken, makes the wealth no greater than it is. For the upper bound read the
    values with their signs turned into another one. Raises ValueError for an error level outside
    (0, 1).

    >>> held = hold(NOTHING, np.repeat([-1.0, 0.0, 1.0], [30, 900, 70]))
    >>> round(bound_of(held, alpha=0.05), 4)
    0.0095
    """
    _check_level(alpha)
    levels = np.array(held.levels).reshape(len(BOUNDS), len(BETS))
    refused = _mixture(levels.T) >= math.log(1.0 / alpha)
    if refused.all() or not refused[0]:
        return BOUNDS[-1] if refused[0] else -1.0
    after = int(np.argmin(refused))
    near, far = 1.0 / (1.0 + BOUNDS[after - 1]), 1.0 / (1.0 + BOUNDS[after])

    def log_e(bound: float) -> float:
        part = (1.0 / (1.0 + bound) - far) / (near - far)
        between = part * levels[after - 1] + (1.0 - part) * levels[after]
        return float(_mixture(between[:, None])[0])

    return _sought(log_e, alpha, BOUNDS[after - 1], BOUNDS[after])


def _sought(log_e: Callable[[float], float], alpha: float, low: float, high: float) -> float:
    """The greatest bound from `low`, which is refused, to `high` at which wealth is 1 / alpha."""
    height = math.log(1.0 / alpha)
    while high - low > _CLOSE:
        middle = 0.5 * (low + high)
        is_refused = log_e(middle) >= height
        low, high = (middle, high) if is_refused else (low, middle)
    return low


def _log_e(values: Floats, counts: NDArray[np.int64], bound: float) -> float:
    bets = np.array(BETS)[:, None]
    grown: Floats = np.log1p(bets * ((values + 1.0) / (1.0 + bound) - 1.0)) @ counts[:, None]
    return float(_mixture(grown)[0])


def _mixture(levels: Floats) -> Floats:
    """The logarithm of the mean wealth over the bets, from log-wealth of shape (bets, n)."""
    top = levels.max(axis=0)
    found: Floats = top + np.log(np.exp(levels - top).mean(axis=0))
    return found


def _checked(values: Floats) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    outside = int((~(np.abs(found) <= 1.0)).sum())
    if outside:
        raise ValueError(
            f"{outside} of {found.size} values are NaN or outside [-1, 1]; leave out rows for which "
            "a loss is not known, and divide losses by their bound"
        )
    return found


def _check_level(alpha: float) -> None:
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"an error level lies in (0, 1); found {alpha}")
