"""Mean and the sums of centred powers, which merge without a second pass over rows."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detectors.bins import LARGEST
from detectors.reading import Floats

_BLOCK: Final = 1 << 15
"""Values at a time: what is computed of them stays in the processor's cache."""


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """Of finite numbers: how many, their mean, the sums of second to fourth powers of what lies
    between them and it, the least and the greatest. Sums stop at the greatest double; the limits
    are None where there are none or where they were left out."""

    rows: int = 0
    mean: float = 0.0
    second: float = 0.0
    third: float = 0.0
    fourth: float = 0.0
    minimum: float | None = None
    maximum: float | None = None

    @property
    def std(self) -> float | None:
        """The standard deviation with divisor n; None without rows or where it overflows."""
        known = self.rows and self.second < LARGEST
        return math.sqrt(self.second / self.rows) if known else None

    @property
    def kurtosis(self) -> float | None:
        """3 for a normal law; None where all values are equal, or where it overflows."""
        known = self.rows and self.fourth < LARGEST and self.second > 0.0
        return self.fourth * self.rows / self.second**2 if known else None


def moments(ordered: Floats) -> Moments:
    """The moments of sorted finite numbers; two passes.

    >>> found = moments(np.array([1.0, 2.0, 6.0]))
    >>> found.mean, found.second, found.third, found.maximum
    (3.0, 14.0, 18.0, 6.0)
    """
    if not ordered.size:
        return Moments()
    with np.errstate(over="ignore", invalid="ignore"):
        mean = ordered.mean()
        # Divided first, sums of the greatest doubles do not overflow.
        mean = mean if np.isfinite(mean) else (ordered / ordered.size).sum()
        powers = np.zeros(3)
        for start in range(0, ordered.size, _BLOCK):
            apart = ordered[start : start + _BLOCK] - mean
            square = apart * apart
            cube = apart * square
            square_sum, cube_sum = square.sum(), cube.sum()
            # A product of vectors would wake BLAS's threads, which wait for each other.
            powers += (square_sum, cube_sum, np.square(square, out=square).sum())
    second, third, fourth = (_bounded(power) for power in powers.tolist())
    return Moments(
        rows=ordered.size,
        mean=float(mean),
        second=second,
        third=third,
        fourth=fourth,
        minimum=float(ordered[0]),
        maximum=float(ordered[-1]),
    )


def merged(parts: Sequence[Moments]) -> Moments:
    """The moments of all rows together, the same to the bit in any order of the parts.

    Chan, Golub and LeVeque 1983; higher powers as Pébay 2008.
    """
    some = [part for part in parts if part.rows]
    if len(some) <= 1:
        return some[0] if some else Moments()
    rows = sum(part.rows for part in some)
    mean = math.fsum(part.mean * (part.rows / rows) for part in some)
    shifted = [powers_about(part, mean)[1:] for part in some]
    limits = [(part.minimum, part.maximum) for part in some]
    return Moments(
        rows=rows,
        mean=mean,
        second=_total([powers[0] for powers in shifted]),
        third=_total([powers[1] for powers in shifted]),
        fourth=_total([powers[2] for powers in shifted]),
        minimum=None if any(a is None for a, _ in limits) else min(a for a, _ in limits if a is not None),
        maximum=None if any(b is None for _, b in limits) else max(b for _, b in limits if b is not None),
    )  # fmt: skip


def powers_about(part: Moments, centre: float) -> tuple[float, float, float, float]:
    """The sums of the rows' distances from a centre and of their second to fourth powers."""
    d = np.float64(part.mean) - centre
    with np.errstate(over="ignore", invalid="ignore"):
        square = d * d
        return (
            _bounded(part.rows * d),
            _bounded(part.second + part.rows * square),
            _bounded(part.third + 3.0 * d * part.second + part.rows * square * d),
            _bounded(
                part.fourth
                + 4.0 * d * part.third
                + 6.0 * square * part.second
                + part.rows * square * square
            ),
        )


def _total(values: Sequence[float]) -> float:
    """The sum, rounded once; what overflows stops at the greatest double."""
    try:
        return _bounded(math.fsum(values))
    except OverflowError:
        return LARGEST


def _bounded(value: float) -> float:
    return min(max(float(value), -LARGEST), LARGEST) if not math.isnan(value) else LARGEST
