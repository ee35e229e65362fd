"""Metrics of a confusion matrix: smooth functions of the shares of its diagonal and margins.

Every row of a window lies in one cell of its matrix, so the influence of a row is that of its
cell: the derivative of the figure in the cell's share. The derivatives are taken by a step into
the complex plane (Squire and Trapp 1998), exact to the last digits, so that a figure's formula is
written once. The cost is one pass over the rows and the square of the number of classes.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.metrics.estimate import Estimate, Found, complement, proportion, rescaled
from detectors.reading import Counts, Floats

STEP: Final = 1e-30
BLOCK: Final = 256
"""Classes whose derivatives are taken at once."""
Shares: TypeAlias = NDArray[Any]
"""Shares of the rows, shape (..., classes), real or complex."""


class Cells(msgspec.Struct, frozen=True):
    """Rows in the matrix of `classes` classes: each row's true and predicted class, from 0."""

    truth: Counts
    predicted: Counts
    classes: int

    @property
    def margins(self) -> tuple[Floats, Floats, Floats]:
        """The shares of the rows that are right, true and predicted so, a class; (classes,) each."""
        right = self.truth[self.truth == self.predicted]
        return tuple(
            np.bincount(codes, minlength=self.classes) / self.truth.size
            for codes in (right, self.truth, self.predicted)
        )  # type: ignore[return-value]


Formula: TypeAlias = Callable[[Shares, Shares, Shares], Shares]


def cells(truth: NDArray[Any], predicted: NDArray[Any]) -> Cells:
    """Rows whose classes are whole numbers or flags; classes that no row has are left out.

    Of flags the negative class is 0 and the positive one 1, whether or not they occur.
    """
    if truth.dtype == np.bool_:
        return Cells(truth.astype(np.int64), predicted.astype(np.int64), 2)
    most = int(max(truth.max(), predicted.max())) + 1
    used = (np.bincount(truth, minlength=most) + np.bincount(predicted, minlength=most)) > 0
    code = np.cumsum(used) - 1
    return Cells(code[truth], code[predicted], int(used.sum()))


def matrix(truth: NDArray[Any], predicted: NDArray[Any], classes: int) -> Counts:
    """How many rows are of each class and predicted each; shape (classes, classes), truth down.

    >>> matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    places = truth.astype(np.int64) * classes + predicted
    found: Counts = np.bincount(places, minlength=classes * classes).reshape(classes, classes)
    return found


def smooth(rows: Cells, formula: Formula) -> tuple[float, Floats]:
    """The figure and its influence a row: `formula` of the shares right, true and predicted."""
    value = float(np.real(formula(*rows.margins)))
    right, true, answered = (_slopes(rows.margins, at, formula) for at in range(3))
    influence = true[rows.truth] + answered[rows.predicted]
    influence += right[rows.truth] * (rows.truth == rows.predicted)
    return value, influence - influence.mean()


def _slopes(margins: Sequence[Floats], moved: int, formula: Formula) -> Floats:
    """The derivative of a figure in each class's share of one of the margins, (classes,)."""
    classes = margins[moved].size
    found = np.empty(classes)
    for first in range(0, classes, BLOCK):
        last = min(first + BLOCK, classes)
        stepped = np.eye(last - first, classes, first) * (STEP * 1j)
        shares = [share + stepped * (at == moved) for at, share in enumerate(margins)]
        found[first:last] = np.imag(formula(*shares)) / STEP
    return found


def divided(upper: Shares, lower: Shares) -> Shares:
    """One over the other; 0 where the latter is 0."""
    empty = np.real(lower) == 0.0
    found: Shares = np.where(empty, 0.0, upper) / np.where(empty, 1.0, lower)
    return found


def bounded(rows: Cells, formula: Formula) -> Estimate:
    """A figure in [0, 1]."""
    value, influence = smooth(rows, formula)
    return Estimate(
        value=min(max(value, 0.0), 1.0), influence=influence, low=0.0, high=1.0,
        resembles=rows.truth.size,
    )  # fmt: skip


def accuracy(truth: NDArray[Any], predicted: NDArray[Any]) -> Estimate:
    """The share of rows predicted right."""
    return proportion(truth == predicted, np.ones(truth.size))


def error(truth: NDArray[Any], predicted: NDArray[Any]) -> Estimate:
    """The share of rows predicted wrong."""
    return proportion(truth != predicted, np.ones(truth.size))


def balanced_accuracy(truth: NDArray[Any], predicted: NDArray[Any]) -> Found:
    """The mean over classes of the share of their rows predicted right; classes without a row
    count for nothing."""
    rows = cells(truth, predicted)
    if truth.dtype == np.bool_ and truth.any() == truth.all():
        return f"every label is {'positive' if truth.any() else 'negative'}"
    return bounded(rows, _recalls)


def kappa(truth: NDArray[Any], predicted: NDArray[Any]) -> Found:
    """Agreement beyond what chance gives, in [-1, 1] (Cohen 1960)."""
    rows = cells(truth, predicted)
    _, true, answered = rows.margins
    if float(true @ answered) >= 1.0:
        return "all labels and predictions are of one class, so agreement is no surprise"
    return rescaled(*smooth(rows, _kappa), rows=truth.size)


def mcc(truth: NDArray[Any], predicted: NDArray[Any]) -> Found:
    """The correlation of label and prediction, in [-1, 1] (Matthews 1975; Gorodkin 2004)."""
    rows = cells(truth, predicted)
    _, true, answered = rows.margins
    if max(true.max(), answered.max()) >= 1.0:
        return "all labels or all predictions are of one class, so they do not vary together"
    value, influence = smooth(rows, _mcc)
    return rescaled(min(max(value, -1.0), 1.0), influence, rows=truth.size)


def averaged(of: Formula, *, weighted: bool = False) -> Callable[[Counts, Counts], Estimate]:
    """A metric of each class, averaged over those that are true or predicted somewhere; where
    `weighted`, by how many rows each has."""

    def formula(right: Shares, true: Shares, answered: Shares) -> Shares:
        each = of(right, true, answered)
        found: Shares = (each * true).sum(axis=-1) if weighted else each.mean(axis=-1)
        return found

    def metric(truth: Counts, predicted: Counts) -> Estimate:
        return bounded(cells(truth, predicted), formula)

    return metric


def f_of(right: Shares, true: Shares, answered: Shares) -> Shares:
    """F1 of each class: twice its right rows over its true and its predicted ones."""
    return divided(2.0 * right, true + answered)


def precision_of(right: Shares, _: Shares, answered: Shares) -> Shares:
    """Of each class, the share of its predictions that are right; 0 where it is never predicted."""
    return divided(right, answered)


def recall_of(right: Shares, true: Shares, _: Shares) -> Shares:
    """Of each class, the share of its rows predicted right; 0 where it has none."""
    return divided(right, true)


def jaccard_of(right: Shares, true: Shares, answered: Shares) -> Shares:
    """Of each class, its right rows over those that are true or predicted so."""
    return divided(right, true + answered - right)


def precision(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Found:
    """Of the rows predicted positive, the share that is."""
    return _share(truth, predicted, "no row is predicted positive")


def npv(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Found:
    """Of the rows predicted negative, the share that is."""
    return _share(~truth, ~predicted, "no row is predicted negative")


def recall(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Found:
    """Of the positive rows, the share predicted so."""
    return _share(predicted, truth, "no row is positive")


def specificity(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Found:
    """Of the negative rows, the share predicted so."""
    return _share(~predicted, ~truth, "no row is negative")


def fpr(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Found:
    """Of the negative rows, the share predicted positive."""
    return complement(specificity(truth, predicted))


def fnr(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Found:
    """Of the positive rows, the share predicted negative."""
    return complement(recall(truth, predicted))


def jaccard(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Found:
    """Of the rows that are positive or predicted so, the share that is both."""
    return _share(truth & predicted, truth | predicted, "no row is positive or predicted so")


def f1(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Found:
    """The harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN), by way of `jaccard`."""
    found = jaccard(truth, predicted)
    return found if isinstance(found, str) else msgspec.structs.replace(found, shown=_f1)


def f_beta(truth: NDArray[np.bool_], predicted: NDArray[np.bool_], *, beta: float) -> Found:
    """As `f1` with recall counting `beta` times as much as precision (van Rijsbergen 1979)."""
    if not (truth | predicted).any():
        return "no row is positive or predicted so"
    square = beta * beta

    def formula(right: Shares, true: Shares, answered: Shares) -> Shares:
        lower = square * true[..., 1] + answered[..., 1]
        return divided((1.0 + square) * right[..., 1], lower)

    found = bounded(cells(truth, predicted), formula)
    return msgspec.structs.replace(found, resembles=int((truth | predicted).sum()))


def _share(hits: NDArray[np.bool_], among: NDArray[np.bool_], reason: str) -> Found:
    return proportion(hits & among, among) if among.any() else reason


def _f1(jaccard_: float) -> float:
    return 2.0 * jaccard_ / (1.0 + jaccard_)


def _recalls(right: Shares, true: Shares, _: Shares) -> Shares:
    some = np.real(true) > 0.0
    found: Shares = divided(right, true).sum(axis=-1) / some.sum(axis=-1)
    return found


def _kappa(right: Shares, true: Shares, answered: Shares) -> Shares:
    chance = (true * answered).sum(axis=-1)
    found: Shares = (right.sum(axis=-1) - chance) / (1.0 - chance)
    return found


def _mcc(right: Shares, true: Shares, answered: Shares) -> Shares:
    whole = true.sum(axis=-1)
    chance = (true * answered).sum(axis=-1)
    spread = (whole * whole - (true * true).sum(axis=-1)) * (
        whole * whole - (answered * answered).sum(axis=-1)
    )
    found: Shares = (right.sum(axis=-1) * whole - chance) / np.sqrt(spread)
    return found
