"""Metrics of scores that are probabilities: how good, and how well calibrated."""

from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import tails
from detectors.metrics.estimate import Estimate, Flags, Found, mean, ratio
from detectors.reading import Floats

EPSILON: Final = 1e-6
"""Probabilities are held at least so far from 0 and 1 before their logarithm is taken."""
BINS: Final = 10
MOST_STEPS: Final = 50
CLOSE: Final = 1e-10
ONE_CLASS: Final = "every label is of one class, by which no calibration line is told"


def log_loss(truth: Flags, score: Floats) -> Estimate:
    """Mean negative log-likelihood of the label; scores are probabilities of the positive class."""
    return mean(log_losses(truth, score), low=0.0)


def log_losses(truth: Flags, score: Floats) -> Floats:
    """The same a row: -ln of the probability given to what turned out true."""
    held = np.clip(score, EPSILON, 1.0 - EPSILON)
    found: Floats = -np.log(np.where(truth, held, 1.0 - held))
    return found


def brier(truth: Flags, score: Floats) -> Estimate:
    """Mean squared difference of probability and outcome, in [0, 1]."""
    return mean(np.square(score - truth), low=0.0)


def brier_skill(truth: Flags, score: Floats) -> Found:
    """One less the Brier score over that of the share of positive rows; 0 is no better than it."""
    share = float(truth.mean())
    if not 0.0 < share < 1.0:
        return f"every label is {'positive' if share else 'negative'}"
    found = ratio(np.square(score - truth), np.square(truth - share))
    assert found.influence is not None
    return Estimate(value=1.0 - found.value, influence=-found.influence, high=1.0)


def ece(truth: Flags, score: Floats) -> Estimate:
    """Expected calibration error over ten equal bins of the score, in [0, 1].

    The mean over rows of how far the share of positive rows of their bin lies from its mean score
    (Naeini, Cooper and Hauskrecht 2015). Chance alone makes it greater than 0.
    """
    bins, gaps, _ = _gaps(truth, score)
    signed = np.sign(gaps)[bins] * (truth - score)
    excess = _added(truth, score, np.zeros(BINS))
    return msgspec.structs.replace(mean(signed, low=0.0), high=1.0, excess=excess)


def ece_debiased(truth: Flags, score: Floats) -> Estimate:
    """As `ece`, less what chance alone adds to it.

    What it adds is what normal noise of each bin's own spread would add again to the gaps that
    were found (Kumar, Liang and Ma 2019).
    """
    plain = ece(truth, score)
    added = min(_added(truth, score, _gaps(truth, score)[1]), plain.value)
    return msgspec.structs.replace(
        plain, value=plain.value - added, excess=max(plain.excess - added, 0.0)
    )


def _added(truth: Flags, score: Floats, gaps: Floats) -> float:
    """What noise adds to the calibration error where the bins' true gaps are these."""
    bins, _, errors = _gaps(truth, score)
    rows = np.bincount(bins, minlength=BINS)
    return float(rows @ (_folded(gaps, errors) - np.abs(gaps))) / truth.size


def calibration_slope(truth: Flags, score: Floats) -> Found:
    """The slope of the outcome's log odds in those of the score: 1 where it is calibrated.

    Below 1 the scores are too extreme (Cox 1958).
    """
    fitted = _line(truth, score)
    return fitted if isinstance(fitted, str) else Estimate(value=fitted[0], influence=fitted[1])


def calibration_intercept(truth: Flags, score: Floats) -> Found:
    """By how much the log odds of the outcome exceed those of the score, 0 where it is calibrated
    in the large; above 0 the scores are too low."""
    share = float(truth.mean())
    if not 0.0 < share < 1.0:
        return ONE_CLASS
    odds = log_odds(score)
    shift = 0.0
    for _ in range(MOST_STEPS):
        expected = _logistic(odds + shift)
        weight = float((expected * (1.0 - expected)).mean())
        step = float(np.clip((truth - expected).mean() / max(weight, CLOSE), -5.0, 5.0))
        shift += step
        if abs(step) < CLOSE:
            break
    expected = _logistic(odds + shift)
    weight = float((expected * (1.0 - expected)).mean())
    return Estimate(value=shift, influence=(truth - expected) / max(weight, CLOSE))


def log_odds(score: Floats) -> Floats:
    """ln(p / (1 - p)), the score held away from 0 and 1."""
    held = np.clip(score, EPSILON, 1.0 - EPSILON)
    found: Floats = np.log(held / (1.0 - held))
    return found


def _line(truth: Flags, score: Floats) -> tuple[float, Floats] | str:
    """The logistic line of the outcome on the score's log odds, by Newton's method."""
    odds = log_odds(score)
    if truth.all() or not truth.any():
        return ONE_CLASS
    if odds.min() == odds.max():
        return "all scores are equal, so there is no slope in them"
    columns = np.stack([np.ones(truth.size), odds])
    line = np.array([0.0, 1.0])
    for _ in range(MOST_STEPS):
        slope, curve = _climb(columns, truth, line)
        step = np.linalg.lstsq(curve, slope, rcond=None)[0]
        line = line + step / max(1.0, float(np.abs(step).max()) / 5.0)
        if float(np.abs(step).max()) < CLOSE:
            break
    else:
        return "the scores separate the classes, so no slope fits them best"
    expected = _logistic(line @ columns)
    _, curve = _climb(columns, truth, line)
    influence = np.linalg.lstsq(curve, columns * (truth - expected), rcond=None)[0][1]
    return float(line[1]), influence


def _climb(columns: Floats, truth: Flags, line: Floats) -> tuple[Floats, Floats]:
    """The mean log-likelihood's slope in the line and its curvature, sign changed."""
    expected = _logistic(line @ columns)
    weighted = columns * (expected * (1.0 - expected))
    return columns @ (truth - expected) / truth.size, weighted @ columns.T / truth.size


def _logistic(values: Floats) -> Floats:
    found: Floats = 1.0 / (1.0 + np.exp(-np.clip(values, -700.0, 700.0)))
    return found


def _bins(score: Floats) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.clip((score * BINS).astype(np.int64), 0, BINS - 1)
    return found


def _gaps(truth: Flags, score: Floats) -> tuple[NDArray[Any], Floats, Floats]:
    """Each row's bin; of each bin the share of positive rows less the mean score, and the
    standard error of that share, 0 for a bin without rows."""
    bins = _bins(score)
    rows = np.maximum(np.bincount(bins, minlength=BINS), 1)
    share = np.bincount(bins, weights=truth.astype(np.float64), minlength=BINS) / rows
    held = np.bincount(bins, weights=score, minlength=BINS) / rows
    return bins, share - held, np.sqrt(share * (1.0 - share) / rows)


def _folded(centre: Floats, spread: Floats) -> Floats:
    """The mean size of a normal variable."""
    held = np.where(spread > 0.0, spread, 1.0)
    ratio_ = centre / held
    below = np.array([tails.normal_sf(z) for z in ratio_.tolist()])
    mean_ = held * np.sqrt(2.0 / np.pi) * np.exp(-np.square(ratio_) / 2.0)
    found: Floats = np.where(spread > 0.0, mean_ + centre * (1.0 - 2.0 * below), np.abs(centre))
    return found
