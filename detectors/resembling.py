"""As how many values that know nothing of each other a series counts for its mean.

Values that resemble the ones before them say less than as many apart: the variance of a mean over
them is that of fewer. The ratio is the sum of all autocorrelations (Bayley and Hammersley 1946), up
to the first pair of lags whose sum is not above zero (Geyer 1992). A season comes back and is no
wander: `without_seasons` takes out what the hours and weekdays explain.
"""

import math
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.reading import Floats
from detectors.seasons import Groupings

FEWEST_TIMES: Final = 4
"""So often must every group of a season have come back for the season to be told from a wander."""
FEWEST: Final = 8
"""Of fewer values nothing can be said."""
ROUNDING: Final = 1e-9
NO_SEASONS: Final[Groupings] = MappingProxyType({})


def worth(series: Floats, *, chance: float) -> float:
    """The effective number of values, from 1 to as many as there are.

    `series` has shape (series, values), the values in order of time, NaN where not known. All
    count where the first autocorrelation, averaged over the series, is not above `chance` standard
    deviations: by chance that is normal about -1 / n with variance 1 / n, divided by the number of
    series that are unlike each other (`effective`). What short series hide by being centred on
    their own mean is put back: it takes the variance of that mean from every autocovariance. A
    wander longer than the series cannot be seen in it, so with strong ones the truth lies below.
    O(series values times the lesser of both).

    >>> generator = np.random.default_rng(5)
    >>> apart = generator.normal(size=(20, 60))
    >>> alike = apart.copy()
    >>> for at in range(1, 60):
    ...     alike[:, at] += 0.8 * alike[:, at - 1]
    >>> worth(apart, chance=2.3), round(worth(alike, chance=2.3))
    (60.0, 9)
    """
    windows = series.shape[1]
    centred = without_seasons(series)
    size = np.sqrt(np.square(centred).sum(axis=1, keepdims=True))
    unit = centred[size.ravel() > ROUNDING] / size[size > ROUNDING][:, None]
    if windows < FEWEST or not unit.size:
        return float(windows)
    unlike = effective(unit)
    lags = _autocorrelations(unit)
    if lags[1] <= chance / math.sqrt(windows * unlike) - 1.0 / windows:
        return float(windows)
    pairs = lags[: windows // 4 * 2].reshape(-1, 2).sum(axis=1)
    kept = 2 * int(np.argmax(np.append(pairs, 0.0) <= 0.0))
    found = windows / min(max(_inflation(lags[1:kept], windows), 1.0), float(windows))
    return float(found)


def _autocorrelations(unit: Floats) -> Floats:
    """Of each lag from 0, averaged over centred series of length 1, by their spectra."""
    windows = unit.shape[1]
    power = np.square(np.abs(np.fft.rfft(unit, 2 * windows, axis=1))).mean(axis=0)
    found: Floats = np.fft.irfft(power, 2 * windows)[:windows]
    return found


def _inflation(lags: Floats, windows: int) -> float:
    """One and twice the autocorrelations t, each r put back to r (1 - t / n) + (1 - k / n) t / n."""
    hidden = (1.0 - np.arange(1, lags.size + 1) / windows).sum() / windows
    twice = 2.0 * float(lags.sum())
    left = 1.0 + twice / windows - 2.0 * float(hidden)
    return (1.0 + twice) / left if left > 0.0 else float(windows)


def effective(unit: Floats) -> float:
    """How many series that know nothing of each other these, centred and of length 1, are worth:
    (sum of c)^2 / sum of c^2 over the eigenvalues c of their correlations."""
    alike = unit.T @ unit if unit.shape[1] < len(unit) else unit @ unit.T
    return len(unit) ** 2 / float(np.square(alike).sum())


def _means(scores: Floats) -> Floats:
    known = ~np.isnan(scores)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    found: Floats = np.where(known, scores, 0.0).sum(axis=1, keepdims=True) / count
    return found


def without_seasons(levels: Floats, groupings: Groupings = NO_SEASONS) -> Floats:
    """Series of shape (series, windows) about their means, and without those of every season whose
    groups came back often enough; 0 where not known."""
    found = np.nan_to_num(levels - _means(levels))
    for labels in groupings.values():
        found = _without(found, np.asarray(labels))
    return found


def _without(levels: Floats, labels: NDArray[np.int64]) -> Floats:
    """Levels without the means of a season's groups, where each came back often enough."""
    groups, place = np.unique(labels, return_inverse=True)
    begins = np.append(True, place[1:] != place[:-1])
    if np.bincount(place[begins]).min() < FEWEST_TIMES:
        return levels
    held = np.equal.outer(np.arange(groups.size), place).astype(np.float64)
    means = (levels @ held.T) / held.sum(axis=1)
    found: Floats = levels - means[:, place]
    return found
