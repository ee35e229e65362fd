"""Which drifts are sown into a column, and what was found of each."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from detectors.finding import Interval, Kind
from detectors.intervals import wilson
from detectors.sowing import Drift, Sowing, Usual, is_sowable

RAMP_WINDOWS: Final = 10
"""Over so many windows a ramp grows to its size."""
SIZES: Final[Mapping[Kind, Mapping[Sowing, tuple[float, ...]]]] = {
    Kind.NUMERIC: {
        Sowing.SHIFT: (0.1, 0.25, 0.5, 1.0),
        Sowing.SCALE: (1.5, 2.0),
        Sowing.RAMP: (1.0,),
        Sowing.MISSING: (0.02, 0.1, 0.3),
        Sowing.SWAPPED: (0.0,),
    },
    Kind.CATEGORICAL: {
        Sowing.SHIFT: (0.05, 0.1, 0.3),
        Sowing.NEW_LEVEL: (0.01, 0.05),
        Sowing.RAMP: (0.3,),
        Sowing.MISSING: (0.02, 0.1, 0.3),
        Sowing.SWAPPED: (0.0,),
    },
    Kind.BOOLEAN: {
        Sowing.SHIFT: (0.05, 0.1, 0.3),
        Sowing.RAMP: (0.3,),
        Sowing.MISSING: (0.02, 0.1, 0.3),
        Sowing.SWAPPED: (0.0,),
    },
    Kind.DATETIME: {
        Sowing.SHIFT: (0.1, 0.25, 0.5, 1.0),
        Sowing.SCALE: (1.5, 2.0),
        Sowing.RAMP: (1.0,),
        Sowing.MISSING: (0.02, 0.1, 0.3),
        Sowing.SWAPPED: (0.0,),
    },
}
"""Sizes by kind of column and of drift, in the units that the drift's kind has."""
FLIPS: Final = (0.1, 0.25, 0.5, 1.0)
"""Of a concept flip: shares of rows on one side of a feature, or standard deviations of a
numeric label."""


class Sown(msgspec.Struct, frozen=True, kw_only=True):
    """What the monitors found of one drift.

    `found` of `windows` windows alarmed in the first window that had it; `power` is that share,
    with its 90 % interval. `delay` is the median number of windows from the first sown one to the
    first that alarmed, counting both; None where half of the tries or more never alarmed. `by`
    are the detectors that found it, the most frequent first.
    """

    drift: Drift
    unit: str
    """Of the drift's size."""
    windows: int
    found: int
    delay: float | None
    by: tuple[str, ...] = ()

    @property
    def power(self) -> float:
        """The share of windows in which it was found at once."""
        return self.found / self.windows if self.windows else 0.0

    @property
    def interval(self) -> Interval | None:
        """How well the power is known; None without a window."""
        return wilson(self.power, self.windows) if self.windows else None


def drifts_of(column: str, likes: Mapping[str, Usual]) -> list[Drift]:
    """The drifts that are sown into a column; a swap is with the next column of its kind."""
    like = likes[column]
    other = _next_alike(column, likes)
    asked = [
        Drift(
            kind=kind, column=column, size=size, other=other if kind is Sowing.SWAPPED else None
        )
        for kind, sizes in SIZES[like.kind].items()
        for size in sizes
    ]  # fmt: skip
    return [drift for drift in asked if is_sowable(drift, like)]


def unit_of(drift: Drift, like: Usual) -> str:
    """In which units the size of a drift in such a column is; empty where it has none."""
    match drift.kind:
        case Sowing.SWAPPED:
            return ""
        case Sowing.SCALE:
            return "times the spread"
        case Sowing.SHIFT | Sowing.RAMP if like.kind is Kind.DATETIME:
            return "standard deviations of its age"
        case Sowing.SHIFT | Sowing.RAMP if like.kind is Kind.NUMERIC:
            return "standard deviations"
        case _:
            return "of the rows"


def delay_of(found: Sequence[bool]) -> float | None:
    """Windows until the first alarm, at the median over every window that the drift may begin in.

    `found[i]` says whether window i alarms while the drift lasts; after the last window the
    first follows. None where none does.

    >>> delay_of([True, True, True]), delay_of([False, True, False, False]), delay_of([False])
    (1.0, 2.5, None)
    """
    if not any(found):
        return None
    size = len(found)
    waits = sorted(
        next(step for step in range(size) if found[(start + step) % size]) + 1
        for start in range(size)
    )
    return (waits[(size - 1) // 2] + waits[size // 2]) / 2.0


def _next_alike(column: str, likes: Mapping[str, Usual]) -> str | None:
    alike = [name for name, like in likes.items() if like.kind is likes[column].kind]
    other = alike[(alike.index(column) + 1) % len(alike)]
    return None if other == column else other
