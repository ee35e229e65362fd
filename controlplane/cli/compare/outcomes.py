"""The labels and predictions of both files, in one form: which task, which classes, whose scores."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.cli.compare.source import Source, plain
from controlplane.cli.replay.labels import Labels, as_classes, read_labels
from controlplane.cli.replay.times import as_times
from controlplane.domain.errors import BadInput
from detectors import reading
from detectors.comparison.outcome import Outcome, outcome
from detectors.comparison.quality import Both
from detectors.labelled import Given
from detectors.performance import Times

HALF: Final = 0.5
_TRUTHS: Final = {"0": "false", "1": "true"}
_SOME_DAY: Final = np.datetime64(0, "us")


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """The columns that hold labels, predictions and scores, as they were named; `scores` maps
    classes to columns, the empty class to a score of the positive one."""

    label: str
    prediction: str | None = None
    scores: Mapping[str, str] = {}
    task: str | None = None
    positive: str | None = None
    time: str | None = None

    @property
    def roles(self) -> dict[str, str]:
        """What each named column is to the model."""
        found = dict.fromkeys(self.scores.values(), "score")
        if self.prediction is not None:
            found[self.prediction] = "prediction"
        return {**found, self.label: "label"}


def outcome_of(
    named: Named, files: tuple[Source, Source], *, every: bool, level: float
) -> Outcome | None:
    """What the predictions of both files come to; None where labels alone were named.

    Raises BadInput where a column is absent, or holds what its role does not.
    """
    if named.prediction is None and not named.scores:
        return None
    labels = read_labels(
        _joined(files, named.label), named.label, task=named.task, positive=named.positive
    )
    rows = files[0].rows
    scores = _scores(named, files, labels)
    predicted = _predicted(named, files, labels, scores)
    sides = [
        Given(
            str(labels.task), labels.values.slice(*span), predicted.slice(*span),
            {name: column.slice(*span) for name, column in scores.items()}, labels.positive,
        )
        for span in ((0, rows), (rows,))
    ]  # fmt: skip
    at = (_times(named, files[0]), _times(named, files[1]))
    return outcome(Both(sides[0], sides[1], at), labels.classes, every=every, level=level)


def _joined(files: Sequence[Source], name: str) -> pa.ChunkedArray:
    """A column of both files, one after the other."""
    parts = []
    for file in files:
        if name not in file.types:
            message = f"{file.path} has no column {name!r}"
            raise BadInput(message)
        values = plain(file.read([name])[name])
        if values is None:
            message = (
                f"column {name!r} of {file.path} holds {file.types[name]}; expected numbers or text"
            )
            raise BadInput(message)
        parts.append(pa.table({name: reading.decoded(values)}))
    try:
        return pa.concat_tables(parts, promote_options="permissive")[name]
    except pa.ArrowException:
        texts = [pa.table({name: part[name].cast(pa.string())}) for part in parts]
        return pa.concat_tables(texts)[name]


def _scores(named: Named, files: Sequence[Source], labels: Labels) -> dict[str, pa.ChunkedArray]:
    if named.scores and not labels.classes:
        message = f"--score has no meaning for {named.label!r}, whose labels are numbers"
        raise BadInput(message)
    found: dict[str, pa.ChunkedArray] = {}
    for name, column in named.scores.items():
        called = name or labels.positive
        if called is None:
            message = f"--score {column}: there are more than two classes; expected CLASS={column}"
            raise BadInput(message)
        if called not in labels.classes:
            message = f"--score {called}={column}: the classes of {named.label!r} are {', '.join(labels.classes)}"
            raise BadInput(message)
        if called in found:
            message = (
                f"--score {column}: there is another one of class {called!r}; expected one a class"
            )
            raise BadInput(message)
        found[called] = _joined(files, column)
    if labels.positive is None or not found:
        return found
    if labels.positive in found:
        return {labels.positive: found[labels.positive]}
    [(_, other)] = found.items()
    return {labels.positive: pa.chunked_array([1.0 - reading.numbers(other)])}


def _predicted(
    named: Named, files: Sequence[Source], labels: Labels, scores: Mapping[str, pa.ChunkedArray]
) -> pa.ChunkedArray:
    """The predictions as the labels are written; where only scores are, the likeliest class."""
    if named.prediction is None:
        return _likeliest(labels, scores)
    values = _joined(files, named.prediction)
    if not labels.classes:
        return values
    found = as_classes(values)
    said = set(pc.unique(found.drop_null()).to_pylist())
    for words in (_TRUTHS, {text: number for number, text in _TRUTHS.items()}):
        if set(labels.classes) <= set(words.values()) and said <= set(words):
            return _renamed(found, words)
    return found


def _renamed(values: pa.ChunkedArray, words: Mapping[str, str]) -> pa.ChunkedArray:
    at = pc.index_in(values, pa.array(list(words), pa.string()))
    return pa.chunked_array([pa.array(list(words.values())).take(chunk) for chunk in at.chunks])


def _likeliest(labels: Labels, scores: Mapping[str, pa.ChunkedArray]) -> pa.ChunkedArray:
    values = np.stack([reading.numbers(column) for column in scores.values()], axis=1)
    unknown = np.isnan(values).any(axis=1)
    if labels.positive is not None:
        other = next((name for name in labels.classes if name != labels.positive), labels.positive)
        names, at = [other, labels.positive], (values[:, 0] >= HALF).astype(np.int64)
    else:
        names, at = list(scores), np.nan_to_num(values, nan=-1.0).argmax(axis=1)
    codes = pa.array(at, mask=unknown)
    return pa.chunked_array([pa.array(names, pa.string()).take(codes)])


def _times(named: Named, file: Source) -> Times:
    """The times of a file's rows, by whose days intervals go; one day for all where there are none."""
    if named.time is None:
        return np.full(file.rows, _SOME_DAY)
    values = file.read([named.time])[named.time]
    times = as_times(reading.decoded(values), named.time, "UTC").cast(pa.int64())
    found: Times = times.fill_null(0).to_numpy().view("datetime64[us]")
    return found
