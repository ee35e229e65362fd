"""Rows in the order of a value: what lies below each."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.reading import Floats


def sums_below(values: Floats, *weights: NDArray[Any]) -> list[Floats]:
    """For each row and each of the weights, (rows,): the weight of the rows below it, and half of
    that of the rows beside it, itself included. One sort.

    >>> sums_below(np.array([3.0, 1.0, 3.0]), np.ones(3))[0].tolist()
    [2.0, 0.5, 2.0]
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    group = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])])
    found = []
    for weight in weights:
        each = np.bincount(group, weights=weight[order])
        below = np.empty(values.size)
        below[order] = (np.cumsum(each) - each / 2.0)[group]
        found.append(below)
    return found
