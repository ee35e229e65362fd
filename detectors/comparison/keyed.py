"""Numbers that name rows in whatever order: keys, whose distribution says nothing."""

from typing import Final

import numpy as np

from detectors.answers import MIN_ROWS
from detectors.ordered import Ordered
from detectors.reading import Floats

BEYOND_CHANCE: Final = 20.0
"""Chance gives it once in e to this power, 500 million, columns."""
_FIRST: Final = 64
"""Values that tell at once that most columns are none."""


def names_rows(reference: Ordered, window: Ordered) -> bool:
    """Whether both sides hold whole numbers, none of them twice, that chance would have repeated.

    Of n numbers drawn from r, whatever their law, none comes twice with a probability of at most
    exp(-n (n - 1) / 2r), the birthday problem; r is what lies between the least and the greatest.
    So wide a feature as an income, which has few repeats by chance, is not taken for a key. Of a
    side with fewer than 30 rows, or with rows that hold no finite number, nothing is said. O(1) for
    most columns, else O(n + m).

    >>> shuffled = np.random.default_rng(0).permutation(90).astype(float)
    >>> from detectors.ordered import in_order
    >>> names_rows(in_order("id", shuffled[:45]), in_order("id", shuffled[45:]))
    True
    >>> names_rows(in_order("id", shuffled[:45]), in_order("id", shuffled[45:] // 2))
    False
    """
    sides = (reference.values, window.values)
    for side, values in zip((reference, window), sides, strict=True):
        if side.missing or values.size < MIN_ROWS or not np.isfinite(values[[0, -1]]).all():
            return False
    if sum(map(_expected, sides)) < BEYOND_CHANCE:
        return False
    return all(_apart(part) for values in sides for part in (values[:_FIRST], values))


def _expected(values: Floats) -> float:
    """How many pairs of equal numbers independent draws from between these would have at least."""
    apart = float(values[-1]) - float(values[0]) + 1.0
    return values.size * (values.size - 1) / (2.0 * apart)


def _apart(values: Floats) -> bool:
    """Whether numbers in order are whole and differ."""
    return bool(np.all(values[1:] > values[:-1]) and np.all(values == np.floor(values)))
