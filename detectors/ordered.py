"""A column of numbers put in order once, for everything that is computed from the order."""

from typing import Final

import msgspec
import numpy as np

from detectors import reading
from detectors.finding import Sample
from detectors.reading import Floats

_BLOCK: Final = 1 << 15
"""Values at a time: what is computed of them stays in the processor's cache."""


class Ordered(msgspec.Struct, frozen=True):
    """The values of a column in ascending order, NaN left out, infinities at the ends.

    `rows` counts all rows, those without a number with them.
    """

    column: str
    values: Floats
    rows: int

    @property
    def missing(self) -> int:
        """Rows that hold no number."""
        return self.rows - self.values.size

    @property
    def finite(self) -> Floats:
        """The values that are not infinite, a view of them all."""
        values = self.values
        if values.size and np.isfinite(values[0]) and np.isfinite(values[-1]):
            return values
        first = values.searchsorted(-np.inf, side="right")
        return values[first : values.searchsorted(np.inf, side="left")]


def ordered(sample: Sample) -> Ordered:
    """The numbers of a sample in order: one sort, O(n log n)."""
    return in_order(sample.column, reading.numbers(sample.values))


def in_order(column: str, values: Floats) -> Ordered:
    """Numbers in order, NaN standing for what is missing; the array given is left as it is."""
    found = np.sort(values)
    return Ordered(column, found[: found.searchsorted(np.nan, side="left")], values.size)


def mean_and_std(values: Floats) -> tuple[float, float]:
    """The mean and the standard deviation with divisor n of one value or more; no copy is made.

    >>> mean_and_std(np.array([1.0, 3.0]))
    (2.0, 1.0)
    """
    if values[0] == values[-1] and values.min() == values.max():  # its sum would be rounded
        return float(values[0]), 0.0
    with np.errstate(all="ignore"):
        mean = float(values.mean())
        squares = 0.0
        for start in range(0, values.size, _BLOCK):
            apart = values[start : start + _BLOCK] - mean
            squares += float(np.square(apart, out=apart).sum())
        return mean, float(np.sqrt(squares / values.size))


def few_distinct(values: Floats, most: int) -> Floats | None:
    """The distinct ones of values in order, None where there are more than `most`.

    Costs a search each, whatever the number of values.

    >>> few_distinct(np.array([1.0, 1.0, 4.0]), 2), few_distinct(np.array([1.0, 2.0, 4.0]), 2)
    (array([1., 4.]), None)
    """
    probe = values[:: max(1, values.size // (4 * most))]
    if np.count_nonzero(probe[1:] != probe[:-1]) >= most:
        return None
    found: list[float] = []
    at = 0
    while at < values.size:
        if len(found) == most:
            return None
        value = values[at]
        found.append(value)
        at = int(values.searchsorted(value, side="right"))
    return np.array(found, dtype=np.float64)
