"""How a window's inputs differ from the reference's, and the weights that undo it."""

from typing import Final

import msgspec
import numpy as np

from detectors.estimation import expected, trees
from detectors.estimation.calibrating import Flags
from detectors.reading import Floats

FOLDS: Final = 3
LEAST_WEIGHT: Final = 1e-3
MOST_WEIGHT: Final = 50.0
EXTREME: Final = 20.0
"""A row of the window that is so many times as frequent as in the reference has hardly any like it."""
MOST_ROWS: Final = 6000
"""Rows of each side that the trees learn from; of more, so many are drawn."""
FEWEST_EFFECTIVE: Final = 200.0
SHIFTED_FROM: Final = 0.60
HIDDEN_FROM: Final = 0.10


class Inputs(msgspec.Struct, frozen=True):
    """What a model was given and gave: (rows, columns), NaN where missing.

    `categorical` marks columns that hold the numbers of levels.
    """

    values: Floats
    categorical: Flags


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """Reference against window: `weights` of the reference's rows, mean 1.

    `separable` is how well trees tell the two apart, out of fold, from 0.5 (not at all) to 1;
    `effective` how many reference rows the weighted ones are worth; `extreme` the share of the
    window's rows with hardly any like them in the reference.
    """

    separable: float
    weights: Floats
    effective: float
    extreme: float

    @property
    def is_strong(self) -> bool:
        """Whether the shift is plain and still overlaps enough to be weighted away."""
        return self.separable >= SHIFTED_FROM and self.effective >= FEWEST_EFFECTIVE


def shift(reference: Inputs, window: Inputs, *, seed: int) -> Shift:
    """The density ratio of the window to the reference by trees, cross-fitted on three folds.

    The weights are the odds of belonging to the window times rows of reference over rows of
    window, clipped to [1e-3, 50] and brought to mean 1 (Bickel, Brückner and Scheffer 2009). At
    most 6000 rows of each side are learned from: a fraction of a second.
    """
    generator = np.random.default_rng(seed)
    both = np.concatenate([reference.values, window.values])
    is_window = np.arange(both.shape[0]) >= reference.values.shape[0]
    fold = generator.integers(0, FOLDS, both.shape[0])
    learned = _thinned(is_window, generator)
    chance = np.empty(both.shape[0])
    for one in range(FOLDS):
        rows, apart = learned & (fold != one), fold == one
        if not apart.any():
            continue
        if is_window[rows].all() or not is_window[rows].any():
            chance[apart] = float(is_window[rows].mean())
            continue
        fitted = trees.grown(
            trees.classifier(seed), both[rows], is_window[rows], reference.categorical
        )
        chance[apart] = trees.foretold(fitted, both[apart])
    separable = expected.auc(is_window.astype(np.float64), chance)
    sides = float((~is_window & learned).sum()) / max(float((is_window & learned).sum()), 1.0)
    ratio = chance / np.maximum(1.0 - chance, 1e-12) * sides
    weights = normalised(ratio[~is_window])
    return Shift(
        separable=separable, weights=weights, effective=effective(weights),
        extreme=float((ratio[is_window] > EXTREME).mean()) if is_window.any() else 0.0,
    )  # fmt: skip


def normalised(ratio: Floats) -> Floats:
    """Clipped to [1e-3, 50], with mean 1."""
    held = np.clip(ratio, LEAST_WEIGHT, MOST_WEIGHT)
    found: Floats = held / held.mean()
    return found


def effective(weights: Floats) -> float:
    """Kish's effective count of rows: (sum w)² / sum w²."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


def outside(reference: Floats, window: Floats, categorical: Flags) -> float:
    """The share of a window's rows with a number beyond all that the reference held.

    What chance alone brings is taken off: of m reference rows each column is left by 2 / (m + 1)
    of the rows of the same law. Levels are not looked at.
    """
    numbers = np.flatnonzero(~categorical)
    if not numbers.size or not window.shape[0] or not reference.shape[0]:
        return 0.0
    held = reference[:, numbers]
    low, high = _bounds(held)
    beyond = (window[:, numbers] < low) | (window[:, numbers] > high)
    chance = min(1.0, 2.0 * numbers.size / (held.shape[0] + 1.0))
    rows = int(np.count_nonzero(beyond.any(axis=1)))
    return float(max(0.0, rows / len(window) - chance))


def _bounds(values: Floats) -> tuple[Floats, Floats]:
    low = np.where(np.isnan(values), np.inf, values).min(axis=0)
    high = np.where(np.isnan(values), -np.inf, values).max(axis=0)
    return low, high


def _thinned(is_window: Flags, generator: np.random.Generator) -> Flags:
    """Which rows are learned from: all, or 6000 drawn of a side that has more."""
    kept = np.ones(is_window.size, dtype=np.bool_)
    for side in (False, True):
        rows = np.flatnonzero(is_window == side)
        if rows.size > MOST_ROWS:
            kept[rows] = False
            kept[generator.choice(rows, MOST_ROWS, replace=False)] = True
    return kept
