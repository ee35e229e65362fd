"""The height that the maximum of many scores passes with a given small probability."""

import math
from typing import Final

import msgspec
import numpy as np

from detectors import tails
from detectors.reading import Floats

FEWEST_WINDOWS: Final = 8
GUMBEL_FROM: Final = 14
CALIBRATED_FROM: Final = 30
PEAKS_FROM: Final = 150
_EULER: Final = 0.5772156649015329
_LEAST_PEAKS: Final = 12


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """A height, how it was found, and the height by order statistics alone where there is one."""

    height: float
    tail: str
    """peaks, gumbel, gumbel or t, t"""
    conformal: float | None
    trustworthy: bool = True
    """False where the tail's model lies more than 1 below the order statistics."""


def threshold(
    maxima: Floats, alpha: float, *, scores: int, worth: int | None = None
) -> Threshold | None:
    """The height for the maximum of `scores` standardised scores; None below 8 windows.

    `maxima` are the maxima of the calibration windows, `alpha` in (0, 1) the probability that a
    window without change passes. By number of windows: 150 or more, exponential excesses over
    a high order statistic; 30 or more, Gumbel by L-moments; 14 or more, the greater of that and
    Student's quantile at alpha / scores; 8 or more, that quantile. Never below the quantile of
    a single normal score. `worth` takes the place of that number where windows resemble each other
    and count as fewer.

    >>> maxima = np.random.default_rng(4).gumbel(2.0, 0.5, 60)
    >>> found = threshold(maxima, 0.01, scores=30)
    >>> round(found.height, 3), found.tail, found.conformal
    (3.785, 'gumbel', None)
    """
    windows = maxima.size
    if windows < FEWEST_WINDOWS:
        return None
    alpha = min(max(alpha, 1e-12), 0.5)
    counted = windows if worth is None else worth
    if counted >= PEAKS_FROM:
        height, tail = _peaks(maxima, alpha), "peaks"
    elif counted >= CALIBRATED_FROM:
        height, tail = _gumbel(maxima, alpha), "gumbel"
    else:
        height, tail = tails.t_quantile(1.0 - alpha / max(scores, 1), counted - 2), "t"
        if counted >= GUMBEL_FROM:
            height, tail = max(height, _gumbel(maxima, alpha)), "gumbel or t"
    height = max(height, tails.normal_quantile(1.0 - alpha))
    rank = math.floor(alpha * (windows + 1))
    conformal = float(np.sort(maxima)[-rank]) if rank else None
    trustworthy = conformal is None or height >= conformal - 1.0
    return Threshold(height=height, tail=tail, conformal=conformal, trustworthy=trustworthy)


def _gumbel(maxima: Floats, alpha: float) -> float:
    """Gumbel's quantile with its two parameters by L-moments (Hosking 1990)."""
    ordered = np.sort(maxima)
    count = ordered.size
    first = float(ordered.mean())
    second = float(np.arange(count) @ ordered) / (count * (count - 1))
    scale = (2.0 * second - first) / math.log(2.0)
    return first - _EULER * scale - scale * math.log(-math.log1p(-alpha))


def _peaks(maxima: Floats, alpha: float) -> float:
    """The quantile of an exponential law fitted to the excesses over the k-th greatest."""
    ordered = np.sort(maxima)[::-1]
    count = max(_LEAST_PEAKS, round(0.1 * ordered.size))
    share = count / ordered.size
    if alpha >= share:
        return float(np.quantile(ordered, 1.0 - alpha))
    base = float(ordered[count - 1])
    excess = float(ordered[: count - 1].mean()) - base
    return base + excess * math.log(share / alpha)
