"""What a version's estimates are made with: learned once from rows that it was not trained on."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.schema import Schema, Task
from controlplane.monitor.rows import scores_of
from detectors import labelled, performance, reading
from detectors.estimation import binary, expected, multiclass, regression
from detectors.estimation.figures import ASSUMPTION, Estimated, hidden
from detectors.estimation.shift import Inputs
from detectors.estimation.trees import LEVELS
from detectors.finding import Kind, Sample
from detectors.reading import Floats

MAIN: Final[Mapping[Task, tuple[str, ...]]] = {
    Task.BINARY: ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier"),
    Task.MULTICLASS: ("accuracy", "f1_macro", "log_loss"),
    Task.REGRESSION: ("mae", "rmse"),
}
POSSIBLE: Final[Mapping[Task, frozenset[str]]] = {
    Task.BINARY: frozenset(expected.METRICS),
    Task.MULTICLASS: frozenset(multiclass.METRICS),
    Task.REGRESSION: frozenset(regression.METRICS),
}
NO_SCORES: Final = (
    "the model gives classes without scores; log the score of each row to have an estimate"
)


class Levels(msgspec.Struct, frozen=True):
    """The numbers that a feature's levels get, the most frequent first; None for a number."""

    column: str
    kind: Kind
    names: pa.Array | None


class Encoder:
    """A table's features as numbers that trees can read; missing and unknown levels are NaN."""

    def __init__(self, schema: Schema, rows: pa.Table) -> None:
        """Learn the levels. Times are left out: every new one lies beyond all that came before."""
        self._levels = [
            Levels(c.name, c.kind, _levels(c.name, c.kind, rows))
            for c in schema.features
            if c.kind is not Kind.DATETIME
        ]

    @property
    def categorical(self) -> NDArray[np.bool_]:
        """Which columns hold numbers of levels."""
        return np.array([each.names is not None for each in self._levels], dtype=np.bool_)

    def inputs(self, rows: pa.Table) -> Inputs:
        """The features of rows, (rows, features)."""
        columns = [self._numbers(each, rows) for each in self._levels]
        found = np.column_stack(columns) if columns else np.zeros((rows.num_rows, 0))
        return Inputs(found, self.categorical)

    def _numbers(self, levels: Levels, rows: pa.Table) -> Floats:
        values = rows[levels.column]
        if levels.names is None:
            return reading.numbers(values)
        texts = reading.texts(Sample(levels.column, levels.kind, values))
        place = pc.index_in(texts, value_set=levels.names, skip_nulls=True)
        found: Floats = place.cast(pa.float64()).fill_null(float("nan")).to_numpy()
        return found


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is expected of some rows: the metrics, and each row's loss, (rows,).

    `usual` are the losses by what was learned of the reference alone: those that are judged, as a
    calibration fitted to one window is noisier than the reference's own.
    """

    figures: list[Estimated]
    losses: Floats
    usual: Floats


class Estimator(Protocol):
    """What was learned of a version; `apart` are the reference's expected losses, out of fold."""

    apart: Floats

    def tell(self, rows: pa.Table, metrics: Sequence[str], seed: int) -> Told:
        """What is expected of rows of a window."""
        ...

    def usual(self, rows: pa.Table) -> Floats:
        """The loss expected of each row by what was learned of the reference alone, (rows,)."""
        ...


class Numbers:
    """Of a regression."""

    def __init__(self, schema: Schema, rows: pa.Table, metrics: Sequence[str], loss: str,
                 seed: int) -> None:  # fmt: skip
        self._encoder = Encoder(schema, rows)
        self._loss = loss
        label, prediction = reading.numbers(rows["label"]), reading.numbers(rows["prediction"])
        wanted = [m for m in dict.fromkeys([*metrics, loss]) if m in regression.METRICS]
        self._fitted = regression.fit(
            self._inputs(rows), label, prediction, wanted, loss, seed=seed
        )
        self.apart = self._fitted.apart

    def tell(self, rows: pa.Table, metrics: Sequence[str], seed: int) -> Told:  # noqa: ARG002
        """What is expected of rows of a window."""
        inputs, each = self._inputs(rows), self.usual(rows)
        return Told(
            figures=regression.estimate(self._fitted, inputs.values, metrics), losses=each, usual=each,
        )  # fmt: skip

    def usual(self, rows: pa.Table) -> Floats:
        """The error foretold of each row."""
        return self._fitted.tellers[self._loss].errors(self._inputs(rows).values)

    def _inputs(self, rows: pa.Table) -> Inputs:
        found = self._encoder.inputs(rows)
        prediction = reading.numbers(rows["prediction"])
        return Inputs(
            np.column_stack([found.values, prediction]), np.append(found.categorical, False)
        )


class TwoClasses:
    """Of a positive class and the rest."""

    def __init__(self, schema: Schema, rows: pa.Table, loss: str, seed: int, *, own: bool) -> None:
        self._schema, self._loss = schema, loss
        self._encoder = Encoder(schema, rows)
        self._positive = labelled.positive_class(_given(schema, rows))
        truth = _equal(rows["label"], self._positive)
        self._fitted = binary.fit(self._rows(rows), truth, seed=seed, by_score=own)
        seen = self._fitted.rows
        self.apart = expected.losses(loss, self._fitted.apart, seen.predicted, seen.score)

    def tell(self, rows: pa.Table, metrics: Sequence[str], seed: int) -> Told:
        """What is expected of rows of a window."""
        seen = self._rows(rows)
        answer = binary.estimate(self._fitted, seen, metrics, seed=seed)
        primary, usual = (
            expected.losses(self._loss, p, seen.predicted, seen.score)
            for p in (answer.p, answer.usual)
        )
        return Told(figures=answer.figures, losses=primary, usual=usual)

    def usual(self, rows: pa.Table) -> Floats:
        """The expected loss of each row by the calibration as it was learned."""
        seen = self._rows(rows)
        p = self._fitted.calibrator.probabilities(seen.score)
        return expected.losses(self._loss, p, seen.predicted, seen.score)

    def _rows(self, rows: pa.Table) -> binary.Rows:
        [score] = scores_of(self._schema, rows).values()
        return binary.Rows(
            inputs=self._encoder.inputs(rows), score=reading.numbers(score),
            predicted=_equal(rows["prediction"], self._positive),
        )  # fmt: skip


class SeveralClasses:
    """Of more than two."""

    def __init__(self, schema: Schema, rows: pa.Table, loss: str, seed: int, *, own: bool) -> None:
        self._schema, self._loss = schema, loss
        self._encoder = Encoder(schema, rows)
        self._names = pa.array(list(schema.scores), pa.string())
        truth = self._codes(rows["label"])
        self._fitted = multiclass.fit(self._rows(rows), truth, seed=seed, by_score=own)
        self.apart = multiclass.losses(loss, self._fitted.apart, self._fitted.rows)

    def tell(self, rows: pa.Table, metrics: Sequence[str], seed: int) -> Told:
        """What is expected of rows of a window."""
        seen = self._rows(rows)
        answer = multiclass.estimate(self._fitted, seen, metrics, seed=seed)
        primary, usual = (multiclass.losses(self._loss, p, seen) for p in (answer.p, answer.usual))
        return Told(figures=answer.figures, losses=primary, usual=usual)

    def usual(self, rows: pa.Table) -> Floats:
        """The expected loss of each row by the calibrations as they were learned."""
        seen = self._rows(rows)
        p = multiclass.probabilities(self._fitted.calibrators, seen.score)
        return multiclass.losses(self._loss, p, seen)

    def _rows(self, rows: pa.Table) -> multiclass.Rows:
        scores = scores_of(self._schema, rows)
        return multiclass.Rows(
            inputs=self._encoder.inputs(rows),
            score=np.column_stack([reading.numbers(scores[n]) for n in self._schema.scores]),
            predicted=self._codes(rows["prediction"]),
        )  # fmt: skip

    def _codes(self, values: pa.ChunkedArray) -> NDArray[np.int64]:
        texts = reading.texts(Sample("label", Kind.CATEGORICAL, values))
        found: NDArray[np.int64] = pc.index_in(texts, value_set=self._names).to_numpy()
        return found.astype(np.int64)


def learned(
    schema: Schema, rows: pa.Table, metrics: Sequence[str], loss: str, seed: int, *, own: bool
) -> Estimator:
    """The estimator of labelled rows that the model was not trained on, by its task.

    `own` says whether the model itself gave their predictions, not another fit in its place.
    """
    if schema.task is Task.REGRESSION:
        return Numbers(schema, rows, metrics, loss, seed)
    if schema.task is Task.BINARY:
        return TwoClasses(schema, rows, loss, seed, own=own)
    return SeveralClasses(schema, rows, loss, seed, own=own)


def usable(schema: Schema, rows: pa.Table) -> pa.Table:
    """The rows whose prediction and scores are known and finite, and whose classes have scores."""
    there = pc.is_valid(rows["prediction"])
    if schema.task is Task.REGRESSION:
        return rows.filter(pc.and_(there, pc.fill_null(pc.is_finite(rows["prediction"]), False)))  # noqa: FBT003
    for column in scores_of(schema, rows).values():
        there = pc.and_(there, pc.fill_null(pc.is_finite(column), False))  # noqa: FBT003
    if schema.task is Task.MULTICLASS:
        names = pa.array(list(schema.scores), pa.string())
        for name in {"label", "prediction"} & set(rows.column_names):
            there = pc.and_(there, pc.is_in(rows[name], value_set=names))
    return rows.filter(there)


def why_none(schema: Schema, rows: pa.Table) -> str | None:
    """Why a model like this can have no estimate at all; None where it can."""
    if schema.task is Task.REGRESSION:
        return None
    scores = scores_of(schema, rows)
    if not schema.scores or any(name not in scores for name in schema.scores):
        return NO_SCORES
    if all(column.null_count == len(column) for column in scores.values()) and rows.num_rows:
        return NO_SCORES
    return None


def impossible(task: Task, metric: str, rows: int) -> Estimated | None:
    """The figure of a metric that cannot be estimated, with the reason; None where it can."""
    if metric in POSSIBLE[task]:
        return None
    return hidden(metric, f"{metric} cannot be estimated without labels", method="", rows=rows)


def losses_of_rows(schema: Schema, loss: str, rows: pa.Table) -> Floats:
    """The realised loss of labelled rows."""
    name = "accuracy" if loss == "error" else loss
    return performance.losses(
        str(schema.task), name, rows["label"], rows["prediction"], scores_of(schema, rows)
    )


def _given(schema: Schema, rows: pa.Table) -> labelled.Given:
    return labelled.Given(
        str(schema.task), rows["label"], rows["prediction"], scores_of(schema, rows),
        schema.positive,
    )  # fmt: skip


def _equal(values: pa.ChunkedArray, name: str) -> NDArray[np.bool_]:
    texts = reading.texts(Sample("label", Kind.CATEGORICAL, values))
    found: NDArray[np.bool_] = pc.fill_null(pc.equal(texts, name), False).to_numpy()  # noqa: FBT003
    return found


def _levels(column: str, kind: Kind, rows: pa.Table) -> pa.Array | None:
    if kind is Kind.NUMERIC:
        return None
    names, counts, _ = reading.levels(Sample(column, kind, rows[column]))
    order = np.lexsort((np.array(names.to_pylist(), dtype=str), -counts))[:LEVELS]
    return names.take(pa.array(order))


__all__ = ["ASSUMPTION", "MAIN", "Estimator", "Told", "learned", "usable"]
