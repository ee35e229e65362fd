"""Predictions beside labels on both sides: figures, and what is drawn of them."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detectors import labelled
from detectors.comparison import curves, sides
from detectors.comparison.course import course
from detectors.comparison.curves import AtThreshold, Curve, Grid, Matrix, Reliable
from detectors.comparison.quality import Both, Quality, compared
from detectors.comparison.result import Histogram
from detectors.labelled import Given
from detectors.ordered import in_order
from detectors.reading import Floats

MOST_NAMED: Final = 12
"""Classes of a confusion matrix; the others stand together."""
OTHERS: Final = "(others)"


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """One side's scores of the positive class: over all thresholds, by bins, by what was true."""

    roc: Curve
    precision_recall: Curve
    reliable: tuple[Reliable, ...]
    thresholds: tuple[AtThreshold, ...]
    negative: tuple[int, ...]
    positive: tuple[int, ...]


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """The errors of numbers, prediction less label: both sides over common bins, label against
    prediction, their mean over tenths of the reference's predictions, and the absolute ones of the
    current in blocks of rows in the order of the file beside the reference's mean and deviation."""

    histogram: Histogram | None
    grids: tuple[Grid, Grid]
    edges: tuple[float, ...]
    means: tuple[tuple[float | None, ...], tuple[float | None, ...]]
    course: tuple[float | None, ...]
    usual: tuple[float, float] | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The figures; of classes both confusion matrices, of scores both sides' curves, of numbers the
    errors. Where no pictures are asked for there are figures alone."""

    quality: Quality
    matrices: tuple[Matrix, Matrix] | None = None
    scored: tuple[Scored, Scored] | None = None
    errors: Errors | None = None


def outcome(both: Both, classes: Sequence[str], *, every: bool, level: float) -> Outcome:
    """What both sides' predictions come to; with `every` all figures and what is drawn."""
    quality = compared(both, every=every, level=level, classes=classes if every else ())
    if not every:
        return Outcome(quality=quality)
    if both.reference.task == "regression":
        return Outcome(quality=quality, errors=_errors(both))
    scored = None
    if both.reference.task == "binary" and both.reference.scores and both.current.scores:
        one, two = (_scored(side) for side in (both.reference, both.current))
        scored = (one, two)
    return Outcome(quality=quality, matrices=_matrices(both, classes), scored=scored)


def _scored(given: Given) -> Scored:
    rows = labelled.scored(given)
    negative, positive = curves.by_truth(rows.truth, rows.other)
    return Scored(
        roc=curves.roc(rows.truth, rows.other),
        precision_recall=curves.precision_recall(rows.truth, rows.other),
        reliable=curves.reliability(rows.truth, rows.other),
        thresholds=curves.thresholds(rows.truth, rows.other),
        negative=tuple(negative.tolist()), positive=tuple(positive.tolist()),
    )  # fmt: skip


def _matrices(both: Both, classes: Sequence[str]) -> tuple[Matrix, Matrix]:
    """Both confusion matrices over the classes that have most rows, and the others together."""
    codes = [labelled.among(side, classes) for side in (both.reference, both.current)]
    rows = np.sum([np.bincount(c.truth, minlength=len(classes) + 1) for c in codes], axis=0)
    most = np.sort(np.argsort(-rows[: len(classes)], kind="stable")[:MOST_NAMED])
    place = np.full(len(classes) + 1, most.size)
    place[most] = np.arange(most.size)
    names = [classes[at] for at in most.tolist()]
    used = any(bool((place[side] == most.size).any()) for c in codes for side in (c.truth, c.other))
    names += [OTHERS] if used else []
    one, two = (curves.matrix(place[c.truth], place[c.other], names) for c in codes)
    return one, two


def _errors(both: Both) -> Errors:
    rows = [labelled.numbers(side) for side in (both.reference, both.current)]
    with np.errstate(over="ignore"):
        errors = [each.other - each.truth for each in rows]
    edges = curves.edges_of([part for each in rows for part in (each.truth, each.other)])
    grids = [curves.grid(each.truth, each.other, edges) for each in rows]
    tenths = _tenths(rows[0].other)
    means = [curves.by_prediction(each.truth, each.other, tenths) for each in rows]
    sizes = np.abs(errors[0])
    usual = (float(sizes.mean()), float(sizes.std())) if sizes.size else None
    return Errors(
        histogram=sides.histogram(in_order("error", errors[0]), in_order("error", errors[1])),
        grids=(grids[0], grids[1]), edges=tuple(tenths.tolist()), means=(means[0], means[1]),
        course=course(np.abs(errors[1])), usual=usual,
    )  # fmt: skip


def _tenths(values: Floats) -> Floats:
    found: Floats = np.unique(np.quantile(values, np.arange(1, 10) / 10)) if values.size else values
    return found
