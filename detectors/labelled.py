"""Labels, predictions and scores as the arrays that losses and metrics are computed from."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detectors import reading
from detectors.finding import Kind, Sample
from detectors.reading import Floats


class Given(msgspec.Struct, frozen=True):
    """The columns of some rows; `scores` maps a class to its scores, empty where there are none.

    A binary task has the scores of its positive class alone.
    """

    task: str
    label: pa.ChunkedArray
    prediction: pa.ChunkedArray
    scores: Mapping[str, pa.ChunkedArray] = {}
    positive: str | None = None


class Rows(msgspec.Struct, frozen=True):
    """Truth and what it is compared with, for the rows that are `known` among those given."""

    truth: NDArray[Any]
    other: NDArray[Any]
    known: NDArray[np.bool_]


def numbers(given: Given) -> Rows:
    """Labels and predictions as finite doubles."""
    truth, other = reading.numbers(given.label), reading.numbers(given.prediction)
    known = np.isfinite(truth) & np.isfinite(other)
    return Rows(truth[known], other[known], known)


def classes(given: Given) -> Rows:
    """Labels and predictions as whole numbers, equal where the classes are."""
    label, prediction = _text(given.label), _text(given.prediction)
    known = _valid(label) & _valid(prediction)
    names = pc.unique(pa.chunked_array([*label.chunks, *prediction.chunks], pa.string()))
    codes = [_codes(column, names)[known] for column in (label, prediction)]
    return Rows(codes[0], codes[1], known)


def among(given: Given, names: Sequence[str]) -> Rows:
    """Labels and predictions as places among the names; those of no name come after all of them."""
    label, prediction = _text(given.label), _text(given.prediction)
    known = _valid(label) & _valid(prediction)
    every = pa.array(names, pa.string())
    truth, other = (_codes(column, every)[known] for column in (label, prediction))
    last = len(names)
    return Rows(np.where(truth < 0, last, truth), np.where(other < 0, last, other), known)


def positives(given: Given) -> Rows:
    """Whether the label, and whether the prediction, is the positive class."""
    label, prediction = _text(given.label), _text(given.prediction)
    known = _valid(label) & _valid(prediction)
    positive = positive_class(given)
    return Rows(_equal(label, positive)[known], _equal(prediction, positive)[known], known)


def scored(given: Given) -> Rows:
    """Whether the label is the positive class, and the score of that class."""
    label, positive = _text(given.label), positive_class(given)
    score = _score(given, positive)
    known = _valid(label) & np.isfinite(score)
    return Rows(_equal(label, positive)[known], score[known], known)


def chosen(given: Given) -> Rows:
    """As `scored`; of several classes, all true, and the score of the class that was."""
    if given.task == "binary":
        return scored(given)
    label = _text(given.label)
    score = np.zeros(len(label))
    for name, column in given.scores.items():
        is_class = _equal(label, name)
        score[is_class] = reading.numbers(column)[is_class]
    known = _valid(label) & np.isfinite(score)
    if not given.scores:
        known[:] = False
    return Rows(np.ones(int(known.sum()), dtype=np.bool_), score[known], known)


def positive_class(given: Given) -> str:
    """The class that is sought: as declared, else that of the score, else the last by name."""
    if given.positive is not None:
        return given.positive
    if len(given.scores) == 1:
        return next(iter(given.scores))
    names = pc.unique(_text(given.label)).drop_null().to_pylist()
    return max(names, default="true")


def _score(given: Given, positive: str) -> Floats:
    if positive in given.scores:
        return reading.numbers(given.scores[positive])
    return np.full(len(given.label), np.nan)


def _text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return reading.texts(Sample("label", Kind.CATEGORICAL, values))


def _valid(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.is_valid(values).to_numpy()
    return found


def _equal(values: pa.ChunkedArray, name: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = pc.fill_null(pc.equal(values, name), fill_value=False).to_numpy()
    return found


def _codes(values: pa.ChunkedArray, names: pa.Array) -> NDArray[np.int64]:
    index = pc.fill_null(pc.index_in(values, value_set=names), fill_value=-1)
    found: NDArray[np.int64] = index.to_numpy().astype(np.int64)
    return found


def ranked(given: Given) -> Rows:
    """The number of each label's class among the scored ones, and the scores, (rows, classes + 1).

    The last column stands for the classes without a score: it is below every other. Classes are
    in the order of their names.
    """
    label = _text(given.label)
    names = sorted(given.scores)
    scores = np.full((len(label), len(names) + 1), -np.inf)
    for at, name in enumerate(names):
        scores[:, at] = reading.numbers(given.scores[name])
    known = _valid(label) & np.isfinite(scores[:, :-1]).all(axis=1) & bool(names)
    codes = _codes(label, pa.array(names, pa.string()))
    codes[codes < 0] = len(names)
    return Rows(codes[known], scores[known], known)
