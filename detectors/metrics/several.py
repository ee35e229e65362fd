"""Metrics of the scores of several classes: each row's class, and a score for every class.

Codes are columns of the scores, shape (rows, classes + 1); the last column is of the classes
without a score, -inf throughout.
"""

import numpy as np

from detectors.metrics import probabilities
from detectors.metrics.estimate import Estimate, Flags, mean
from detectors.reading import Counts, Floats


def brier(codes: Counts, scores: Floats) -> Estimate:
    """Mean over rows of the summed squares of score less outcome of every class, in [0, 2]."""
    given = np.where(np.isneginf(scores), 0.0, scores)
    own = np.take_along_axis(given, codes[:, None], axis=1)[:, 0]
    return mean(np.square(given).sum(axis=1) - 2.0 * own + 1.0, low=0.0)


def ece(codes: Counts, scores: Floats) -> Estimate:
    """As `probabilities.ece`, of the highest score and whether its class is the true one."""
    return probabilities.ece(*_confidence(codes, scores))


def ece_debiased(codes: Counts, scores: Floats) -> Estimate:
    """As `ece`, less what chance alone adds to it."""
    return probabilities.ece_debiased(*_confidence(codes, scores))


def _confidence(codes: Counts, scores: Floats) -> tuple[Flags, Floats]:
    chosen = scores.argmax(axis=1)
    return chosen == codes, np.take_along_axis(scores, chosen[:, None], axis=1)[:, 0]
