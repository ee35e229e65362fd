"""How much windows resemble the ones before them, and as how many they count for it.

Windows that resemble the one before show less of what a stream can do than as many apart: a mean
over them varies like that of fewer (Bayley and Hammersley 1946), what is compared with a reference
that holds it lies nearer to it than a window to come will, and a standard deviation of theirs is
too small and known less well. All of that follows from one figure a series, the correlation of
neighbours that an autoregression with as large a sum of autocorrelations would have.

What comes back, goes on or happened once is no wander: hours and weekdays are taken out, and a
series counts as wandering only if its neighbours resemble each other beside a straight line and
the one jump that fits it best. With those taken out chance gives a first autocorrelation about
-5 / n, and an autoregression of memory m about m - (6 + 13 m) / n; both were simulated.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors import tails
from detectors.reading import Floats
from detectors.resembling import NO_SEASONS, ROUNDING, effective, without_seasons
from detectors.seasons import Groupings

COVERED: Final = 0.5
WHOLE: Final = 0.8
"""A memory up to the first is covered by what thresholds leave of the budget; from the second on it
counts as it is, and in between a part of it."""
FEWEST: Final = 20
"""Of fewer windows nothing can be said: beside a line and a jump none of theirs resemble others."""
SURE: Final = 0.02
"""Of the series that are said to wander so many may not."""
LEAST_PART: Final = 0.7
"""The part of a series' variance that wanders; the rest, noise of rows, has no memory."""
MOST: Final = 0.97
"""The greatest memory that is told from none at all, a walk."""
LEAST_COUNTED: Final = 8
EDGE: Final = 4
"""A jump leaves so many windows on either side."""
_TURNS: Final = 40


def memories(levels: Floats, groupings: Groupings = NO_SEASONS) -> Floats:
    """How much each series resembles itself one window before: 0 where it is not sure to, at most
    0.97.

    `levels` has shape (series, windows), the windows in order of time, NaN where not known, and a
    sign: distances hide on which side of the usual a window lies. `groupings` names the season of
    each window. Which of the series wander is judged together; how much, by their first two
    autocorrelations with what centring takes put back, those of one alone as far as they differ by
    more than chance (James and Stein 1961); two digits of them. O(series windows, and times the
    lesser of both).

    >>> generator = np.random.default_rng(5)
    >>> apart = generator.normal(size=(4, 120))
    >>> alike = apart.copy()
    >>> for at in range(1, 120):
    ...     alike[:, at] += 0.8 * alike[:, at - 1]
    >>> memories(np.vstack([apart[:2], alike[2:]])).round(1).tolist()
    [0.0, 0.0, 0.8, 0.8]
    """
    windows = levels.shape[1]
    found = np.zeros(len(levels))
    if windows < FEWEST:
        return found
    centred = without_seasons(levels, groupings)
    moving = np.flatnonzero(np.abs(centred).max(axis=1, initial=0.0) > ROUNDING)
    if not moving.size:
        return found
    whole, left = _unit(centred[moving]), _unit(_straightened(centred[moving]))
    beside = _autocorrelations(left)[:, 1]
    wanders = _sure((beside + 5.0 / windows) * math.sqrt(windows))
    if wanders.any():
        found[moving[wanders]] = _memories(whole[wanders], beside[wanders])
    return found


def counted_mean(memory: Floats, windows: Floats) -> Floats:
    """As how many windows apart these count for a mean of theirs; at least 1.

    >>> counted_mean(np.array([0.0, 0.5]), np.array([60.0])).tolist()
    [60.0, 20.0]
    """
    found: Floats = np.maximum(windows * (1.0 - memory) / (1.0 + memory), 1.0)
    return found


def counted_spread(memory: float, windows: int) -> int:
    """As how many windows apart these count for a standard deviation of theirs.

    The variance of a variance goes by the squares of the autocorrelations. Not below the eight
    that a threshold takes: fewer cannot be told from eight.

    >>> [counted_spread(memory, 60) for memory in (0.0, 0.5, 0.9)]
    [60, 36, 8]
    """
    if not memory:
        return windows
    squared = memory**2
    counted = int(windows * (1.0 - squared) / (1.0 + squared) + ROUNDING)
    return max(counted, min(windows, LEAST_COUNTED))


def wider(memory: Floats, windows: Floats) -> Floats:
    """By how much the standard deviation of windows is larger than the one that they show, 1 or
    more: what they have in common lies in their mean, and they show the rest."""
    found: Floats = np.sqrt((1.0 - 1.0 / windows) / (1.0 - _of_mean(memory, windows)))
    return found


def farther(memory: Floats, windows: Floats) -> Floats:
    """By how much windows to come lie farther from the mean of these than each of these does from
    the mean of the others, 1 or more.

    >>> farther(np.array([0.0, 0.5, 0.9]), np.array([60.0])).round(2).tolist()
    [1.0, 1.03, 1.29]
    """
    shared = _of_mean(memory, windows)
    apart = (1.0 + 1.0 / windows) / (1.0 - 1.0 / windows)
    found: Floats = np.sqrt((1.0 + shared) / (1.0 - shared) / apart)
    return found


def _of_mean(memory: Floats, windows: Floats) -> Floats:
    """The variance of a mean over the windows, in variances of a window; below 1."""
    least = np.maximum(windows, 2.0)
    whole = (1.0 + memory) / (1.0 - memory)
    ends = 2.0 * memory * (1.0 - memory**least) / (least * np.square(1.0 - memory))
    found: Floats = np.clip((whole - ends) / least, 1.0 / least, 0.75)
    return found


def _memories(whole: Floats, beside: Floats) -> Floats:
    """The memory of series that wander, from what is left of them beside means and seasons, and
    from the first autocorrelations `beside` a line and a jump as well.

    One standard error is added, as a memory that is taken for too short costs more alarms than one
    taken for too long saves.
    """
    windows = whole.shape[1]
    lags = _autocorrelations(whole)
    first, second = lags[:, 1:].mean(axis=0).tolist()
    own = _differing(lags[:, 1], windows)
    part, shared = _decay(first, second, windows)
    apart = windows * effective(whole)
    seen = first + own * (lags[:, 1] - first)
    near = seen + (1.0 - seen) * shared
    near = near + np.sqrt(np.maximum(1.0 - np.square(near), 0.0) / apart)
    memory = np.clip(near / part, 0.0, MOST)
    left = beside.mean() + own * (beside - beside.mean())
    memory = np.minimum(memory, _bound(left, memory, part, windows, 1.0 / math.sqrt(apart)))
    summed = 2.0 * part * memory / (1.0 - memory)
    whole_memory = np.minimum(summed / (summed + 2.0), MOST)
    found: Floats = (whole_memory * _uncovered(whole_memory)).round(2)
    return found


def _uncovered(memory: Floats) -> Floats:
    """The part of these memories, 0 to 1, that the half of the budget does not cover which
    thresholds leave: windows alike by a half keep it as they are."""
    found: Floats = np.clip((memory - COVERED) / (WHOLE - COVERED), 0.0, 1.0)
    return found


def _bound(left: Floats, memory: Floats, part: float, windows: int, error: float) -> Floats:
    """The greatest memory beside what is left without a line and a jump: none, unless less is left
    than these memories would leave, as then the line or the jump is no part of a wander."""
    near = part * memory
    expected = near - (6.0 + 13.0 * near) / windows
    most = (left + 6.0 / windows + error) / max(1.0 - 13.0 / windows, 0.3)
    found: Floats = np.where(left + 2.0 * error < expected, np.clip(most / part, 0.0, MOST), MOST)
    return found


def _differing(first: Floats, windows: int) -> float:
    """The part, 0 to 1, of what first autocorrelations differ by that is surely not chance."""
    if first.size == 1:
        return 0.0
    chance = (1.0 - float(first.mean()) ** 2) / windows
    surely = chance * (1.0 + 2.0 * math.sqrt(2.0 / (first.size - 1)))
    varies = float(first.var(ddof=1))
    return max(0.0, 1.0 - surely / varies) if varies > 0.0 else 0.0


def _decay(first: float, second: float, windows: int) -> tuple[float, float]:
    """The part of the variance that wanders, and the variance of the mean in variances of a window,
    from two autocorrelations of centred series: an autoregression and noise beside it.

    Centring takes the variance of the mean from all of them, so both are sought in turn.
    """
    part, shared = 1.0, 1.0 / windows
    for _ in range(_TURNS):
        near, far = (seen + (1.0 - seen) * shared for seen in (first, second))
        memory = min(max(far / near, ROUNDING), MOST) if near > ROUNDING else ROUNDING
        part = min(max(near / memory, LEAST_PART), 1.0)
        memory = min(max(near / part, 0.0), MOST)
        apart = _of_mean(np.array(memory), np.array(float(windows)))
        shared = min(part * float(apart) + (1.0 - part) / windows, 0.6)
    return part, shared


def _sure(z: Floats) -> NDArray[np.bool_]:
    """Which of these standard normal deviations are more than chance gives among so many.

    In two steps: what the first finds leaves fewer for chance to have given in the second
    (Benjamini, Krieger and Yekutieli 2006). Copies of one are found or left together.
    """
    p_values = np.array([tails.normal_sf(one) for one in z.tolist()])
    found = _found(p_values, SURE)
    left = p_values.size - int(found.sum())
    return _found(p_values, SURE * p_values.size / left) if 0 < left < p_values.size else found


def _found(p_values: Floats, share: float) -> NDArray[np.bool_]:
    order = np.sort(p_values)
    passed = np.flatnonzero(order <= share * np.arange(1, order.size + 1) / order.size)
    found: NDArray[np.bool_] = p_values <= (order[passed[-1]] if passed.size else -1.0)
    return found


def _unit(series: Floats) -> Floats:
    size = np.sqrt(np.square(series).sum(axis=1, keepdims=True))
    found: Floats = series / np.maximum(size, ROUNDING)
    return found


def _autocorrelations(unit: Floats) -> Floats:
    """Of each lag from 0 to 2, of centred series of length 1: an array of shape (series, 3)."""
    windows = unit.shape[1]
    lags = [(unit[:, lag:] * unit[:, : windows - lag]).sum(axis=1) for lag in range(3)]
    found: Floats = np.stack(lags, axis=1) * windows / (windows - np.arange(3.0))
    return found


def _straightened(centred: Floats) -> Floats:
    """Series without the straight line that fits each, and without the jump that then does."""
    windows = centred.shape[1]
    line = np.arange(windows) - (windows - 1) / 2.0
    line = line / np.sqrt(line @ line)
    flat = centred - (centred @ line)[:, None] * line
    first = np.arange(EDGE, windows - EDGE + 1)
    after = (windows - first) / windows
    leans = _to_the_end(line, first)
    sizes = np.sqrt(windows * after * (1.0 - after) - np.square(leans))
    fits = _to_the_end(flat, first) / sizes
    best = np.abs(fits).argmax(axis=1)
    jumps = np.greater_equal.outer(np.arange(windows), first[best]).T - after[best, None]
    jumps = (jumps - leans[best, None] * line) / sizes[best, None]
    found: Floats = flat - fits[np.arange(len(flat)), best, None] * jumps
    return found


def _to_the_end(series: Floats, first: NDArray[np.int64]) -> Floats:
    """The sums from each of these windows on."""
    found: Floats = np.cumsum(series[..., ::-1], axis=-1)[..., ::-1][..., first]
    return found
