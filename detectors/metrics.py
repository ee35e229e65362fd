"""Metrics of labelled rows: the figure, and what each row adds to its uncertainty.

Each function takes arrays over the same rows, at least one, and gives an `Estimate`, or says in
words why the figure is undefined for these rows. `influence` is the derivative of the figure in
each row's weight times the number of rows (Hampel 1974): its mean is zero, and its standard error
is the figure's.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.reading import Counts, Floats

EPSILON: Final = 1e-6
"""Probabilities are held at least so far from 0 and 1 before their logarithm is taken."""
Flags = NDArray[np.bool_]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A figure, the rows' influence on it, and within which limits it can lie.

    `trials` counts the rows that a proportion is of; None for what is not one. `influence` is
    None where there is no formula: the interval is then drawn. `root` says that influence and
    figure are those of the square of what is reported.
    """

    value: float
    influence: Floats | None = None
    low: float = -np.inf
    high: float = np.inf
    trials: int | None = None
    root: bool = False


def mean(values: Floats, *, low: float = -np.inf) -> Estimate:
    """The mean of one figure a row."""
    value = float(values.mean())
    return Estimate(value=value, influence=values - value, low=low)


def mae(label: Floats, prediction: Floats) -> Estimate:
    """Mean absolute error, in the label's units."""
    return mean(np.abs(prediction - label), low=0.0)


def rmse(label: Floats, prediction: Floats) -> Estimate:
    """Root mean squared error, in the label's units."""
    squared = mean(np.square(prediction - label), low=0.0)
    return msgspec.structs.replace(squared, root=True)


def bias(label: Floats, prediction: Floats) -> Estimate:
    """Mean of prediction less label: above zero where the model predicts too much."""
    return mean(prediction - label)


def mape(label: Floats, prediction: Floats) -> Estimate | str:
    """Mean absolute error as a share of the label, over rows whose label is not 0."""
    some = label != 0.0
    if not some.any():
        return "every label is 0, of which no error is a share"
    share = np.zeros(label.size)
    share[some] = np.abs((prediction[some] - label[some]) / label[some])
    return ratio(share, some.astype(np.float64), low=0.0)


def r2(label: Floats, prediction: Floats) -> Estimate | str:
    """The share of the label's variance that the prediction explains; below 0 if worse than none."""
    spread = np.square(label - label.mean())
    if spread.sum() <= 0.0:
        return "all labels are equal, so there is no variance to explain"
    left = ratio(np.square(prediction - label), spread)
    influence = None if left.influence is None else -left.influence
    return Estimate(value=1.0 - left.value, influence=influence, high=1.0)


def ratio(upper: Floats, lower: Floats, *, low: float = -np.inf, high: float = np.inf) -> Estimate:
    """The sum of one figure a row over the sum of another; the latter is not 0."""
    value = float(upper.sum() / lower.sum())
    return Estimate(
        value=value, influence=(upper - value * lower) / lower.mean(), low=low, high=high
    )


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


def accuracy(truth: NDArray[np.generic], predicted: NDArray[np.generic]) -> Estimate:
    """The share of rows predicted right."""
    return _proportion((truth == predicted).astype(np.float64), np.ones(truth.size))


def error(truth: NDArray[np.generic], predicted: NDArray[np.generic]) -> Estimate:
    """The share of rows predicted wrong."""
    return _proportion((truth != predicted).astype(np.float64), np.ones(truth.size))


def precision(truth: Flags, predicted: Flags) -> Estimate | str:
    """Of the rows predicted positive, the share that is."""
    if not predicted.any():
        return "no row is predicted positive"
    return _proportion((truth & predicted).astype(np.float64), predicted.astype(np.float64))


def recall(truth: Flags, predicted: Flags) -> Estimate | str:
    """Of the positive rows, the share predicted so."""
    if not truth.any():
        return "no row is positive"
    return _proportion((truth & predicted).astype(np.float64), truth.astype(np.float64))


def f1(truth: Flags, predicted: Flags) -> Estimate | str:
    """The harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN)."""
    either = truth.astype(np.float64) + predicted
    if not either.any():
        return "no row is positive or predicted so"
    return ratio((truth & predicted) * np.float64(2.0), either, low=0.0, high=1.0)


def f1_macro(truth: Counts, predicted: Counts) -> Estimate:
    """The mean of the classes' F1, over the classes that are true or predicted somewhere."""
    classes = np.unique(np.concatenate([truth, predicted]))
    values, total = [], np.zeros(truth.size)
    for one in classes:
        found = ratio(
            2.0 * ((truth == one) & (predicted == one)), (truth == one) * 1.0 + (predicted == one)
        )
        values.append(found.value)
        total += 0.0 if found.influence is None else found.influence
    return Estimate(value=float(np.mean(values)), influence=total / classes.size, low=0.0, high=1.0)


def roc_auc(truth: Flags, score: Floats) -> Estimate | str:
    """The probability that a positive row scores above a negative one, ties counting half.

    The influence is that of DeLong, DeLong and Clarke-Pearson 1988.
    """
    if truth.all() or not truth.any():
        return f"every label is {'positive' if truth.any() else 'negative'}"
    positive, negative = score[truth], score[~truth]
    above = _placement(np.sort(negative), positive)
    below = 1.0 - _placement(np.sort(positive), negative)
    value = float(above.mean())
    influence = np.empty(truth.size)
    influence[truth] = (above - value) * (truth.size / positive.size)
    influence[~truth] = (below - value) * (truth.size / negative.size)
    return Estimate(value=value, influence=influence, low=0.0, high=1.0)


def average_precision(truth: Flags, score: Floats) -> Estimate | str:
    """Precision averaged over the steps in recall as the cut-off falls."""
    if not truth.any():
        return "no row is positive"
    return Estimate(
        value=AveragePrecision(truth, score).weighted(np.ones(truth.size)), low=0.0, high=1.0
    )


class AveragePrecision:
    """Average precision of fixed rows under changing weights, sorted once."""

    def __init__(self, truth: Flags, score: Floats) -> None:
        self._order = np.argsort(-score, kind="stable")
        ordered = score[self._order]
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        self._truth = truth[self._order].astype(np.float64)

    def weighted(self, weights: Floats) -> float:
        """The figure with every row counted so often, (rows,); NaN where no positive counts."""
        counted = weights[self._order]
        hits = np.cumsum(counted * self._truth)[self._ends]
        rows = np.cumsum(counted)[self._ends]
        if hits[-1] <= 0.0:
            return float("nan")
        steps = np.diff(hits, prepend=0.0) / hits[-1]
        return float(steps @ (hits / np.maximum(rows, EPSILON)))


def _proportion(hits: Floats, trials: Floats) -> Estimate:
    found = ratio(hits, trials, low=0.0, high=1.0)
    return msgspec.structs.replace(found, trials=int(trials.sum()))


def _placement(ordered: Floats, values: Floats) -> Floats:
    """The share of sorted values below each of others, ties counting half."""
    below = ordered.searchsorted(values, side="left") + ordered.searchsorted(values, side="right")
    found: Floats = below / (2.0 * ordered.size)
    return found
