"""Series of which each value resembles the one before."""

import math

import numpy as np
from scipy.signal import lfilter

_BEFORE = 200
"""Values before the first, so that it hangs on where they began no more."""


def wandering(
    generator: np.random.Generator, series: int, windows: int, memory: float
) -> np.ndarray:
    """Autoregressions of variance 1, shape (series, windows), with this first autocorrelation."""
    steps = generator.normal(size=(series, windows + _BEFORE)) * math.sqrt(1.0 - memory**2)
    found: np.ndarray = lfilter([1.0], [1.0, -memory], steps, axis=1)[:, _BEFORE:]
    return found
