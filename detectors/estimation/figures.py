"""An estimated figure: its value, how sure it is, and what it rests on."""

import math
from typing import Final

import msgspec

from detectors import tails
from detectors.estimation.sampling import Spread, labels_wanted
from detectors.finding import Interval

ASSUMPTION: Final = "P(y|x) unchanged"
LEVEL: Final = 0.9
APART: Final = 3.0
"""So many standard errors apart, the two assumptions are two answers."""
UNBOUNDED: Final = frozenset({"log_loss", "mae", "mse", "rmse", "mape"})
"""Figures that have no greatest value."""


class Estimated(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of rows without labels; `value` is None where it is hidden, and `hidden` says why.

    `interval` is at 90 %. `low` and `high` span what inputs alone having changed (this value) and
    the mix of classes alone having changed would give; None where the latter has no meaning.
    `is_apart` says that those two differ by more than chance, so that the answer depends on a kind
    of change that no unlabelled row shows; `labels_wanted` is how many labels would tell.
    """

    metric: str
    value: float | None
    interval: Interval | None
    method: str
    """cbpe, pape, dle"""
    rows: int
    assumption: str = ASSUMPTION
    low: float | None = None
    high: float | None = None
    is_apart: bool = False
    labels_wanted: int | None = None
    hidden: str | None = None


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What a figure's interval follows from: two standard errors, in the metric's units."""

    sampling: float
    calibration: float

    @property
    def error(self) -> float:
        """Both together."""
        return math.hypot(self.sampling, self.calibration)


def hidden(metric: str, why: str, *, method: str, rows: int) -> Estimated:
    """A figure that is not shown."""
    return Estimated(metric=metric, value=None, interval=None, method=method, rows=rows, hidden=why)


def shown(
    metric: str, values: tuple[float, float | None], drawn: Drawn, *, method: str, rows: int,
    spread: Spread | None = None,
) -> Estimated:  # fmt: skip
    """A figure with its interval; `values` are those under the two assumptions, the first shown."""
    value, other = values
    if not math.isfinite(value):
        return hidden(metric, "it is not defined for these rows", method=method, rows=rows)
    other = other if other is not None and math.isfinite(other) else None
    bounded = metric not in UNBOUNDED
    is_apart = other is not None and abs(value - other) > APART * drawn.error
    return Estimated(
        metric=metric, value=value, interval=_around(value, drawn.error, bounded=bounded),
        method=method, rows=rows,
        low=None if other is None else min(value, other),
        high=None if other is None else max(value, other),
        is_apart=is_apart, labels_wanted=labels_wanted(value, spread, bounded=bounded) or None,
    )  # fmt: skip


def _around(value: float, error: float, *, bounded: bool) -> Interval | None:
    if not math.isfinite(error):
        return None
    half = tails.normal_quantile(0.5 + LEVEL / 2.0) * error
    high = value + half
    return Interval(max(value - half, 0.0), min(high, 1.0) if bounded else high, LEVEL)
