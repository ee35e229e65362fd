"""A figure and the rows' influence on it: what every metric gives."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.reading import Floats

Flags: TypeAlias = NDArray[np.bool_]
Found: TypeAlias = "Estimate | str"
"""A figure, or why there is none."""
ALMOST: Final = 1.0 - 1e-12


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A figure, the rows' influence on it, and within which limits it can lie.

    `influence` is the derivative of the figure in each row's weight times the number of rows
    (Hampel 1974): its mean is zero, and its standard error is the figure's; None where the figure
    has none, as a greatest value. `trials` counts the rows that a proportion is of; `resembles`
    the rows that a figure in [0, 1], which is no proportion, is worth where every row agrees.
    `shown` takes what is estimated, monotonically, to what is reported: the square root of a mean
    square, the quantile at a share; figure, influence and limits are those before it. `excess` is
    the most that chance alone may have added: the interval reaches so much lower.
    """

    value: float
    influence: Floats | None = None
    low: float = -np.inf
    high: float = np.inf
    trials: int | None = None
    resembles: int | None = None
    shown: Callable[[float], float] | None = None
    excess: float = 0.0

    @property
    def reported(self) -> float:
        """The figure as it is reported."""
        return self.value if self.shown is None else float(self.shown(self.value))


def mean(values: Floats, *, low: float = -np.inf) -> Estimate:
    """The mean of one figure a row."""
    value = float(values.mean())
    return Estimate(value=value, influence=values - value, low=low)


def ratio(upper: Floats, lower: Floats, *, low: float = -np.inf, high: float = np.inf) -> Estimate:
    """The sum of one figure a row over the sum of another; the latter is not 0."""
    value = float(upper.sum() / lower.sum())
    return Estimate(
        value=value, influence=(upper - value * lower) / lower.mean(), low=low, high=high
    )


def proportion(hits: NDArray[Any], trials: NDArray[Any]) -> Estimate:
    """The share of the rows that count (`trials` is 1) that are hits; some row counts."""
    found = ratio(hits.astype(np.float64), trials.astype(np.float64), low=0.0, high=1.0)
    return msgspec.structs.replace(found, trials=int(trials.sum()))


def complement(found: Found) -> Found:
    """One less a figure; the reason stays."""
    if isinstance(found, str) or found.influence is None:
        return found
    return msgspec.structs.replace(
        found, value=1.0 - found.value, influence=-found.influence, low=1.0 - found.high,
        high=1.0 - found.low,
    )  # fmt: skip


def rescaled(value: float, influence: Floats, *, rows: int) -> Estimate:
    """A figure in [-1, 1] by way of its place in [0, 1], so that its interval stays inside."""
    return Estimate(
        value=(1.0 + value) / 2.0, influence=influence / 2.0, low=0.0, high=1.0, resembles=rows,
        shown=_unfolded,
    )  # fmt: skip


def correlated(value: float, influence: Floats) -> Estimate:
    """A correlation by way of its inverse hyperbolic tangent (Fisher 1915)."""
    held = min(max(value, -ALMOST), ALMOST)
    return Estimate(
        value=float(np.arctanh(held)), influence=influence / (1.0 - held * held), shown=np.tanh
    )


def _unfolded(share: float) -> float:
    return 2.0 * share - 1.0
