"""How well both sides were predicted, as the page shows it."""

from collections.abc import Callable
from typing import Final

import msgspec
from markupsafe import Markup

from controlplane.cli.report import charts, plots
from controlplane.cli.report.words import figure, share
from detectors.comparison.curves import Matrix
from detectors.comparison.outcome import Errors, Outcome, Scored
from detectors.comparison.quality import Figure
from detectors.comparison.result import Histogram
from detectors.finding import Interval
from detectors.performance import Measure

SIDES: Final = ("before", "now")
"""The classes of the style of lines: the reference's, and the current's."""


class Line(msgspec.Struct, frozen=True):
    """A figure as the page shows it."""

    metric: str
    reference: str
    current: str
    change: str
    says: str | None
    reason: str | None


class Drawn(msgspec.Struct, frozen=True):
    """A picture and the sentence under it."""

    picture: Markup
    says: str
    wide: bool = False


class OfClass(msgspec.Struct, frozen=True):
    """A class: its rows, and its figures on both sides."""

    name: str
    rows: tuple[int, int]
    figures: tuple[tuple[str, str, str | None], ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    task: str
    positive: str | None
    rows: tuple[int, int]
    verdict: str
    lines: list[Line]
    drawn: list[Drawn]
    matrices: tuple[Matrix, Matrix] | None
    thresholds: list[tuple[str, ...]]
    class_metrics: list[str]
    classes: list[OfClass]


def shown(outcome: Outcome) -> Shown:
    """What the page says of an outcome."""
    quality = outcome.quality
    return Shown(
        task=quality.task, positive=quality.positive,
        rows=(quality.rows.reference, quality.rows.current), verdict=str(quality.finding.verdict),
        lines=[_line(each) for each in quality.figures],
        drawn=[*_of_scores(outcome.scored), *_of_errors(outcome.errors)],
        matrices=outcome.matrices, thresholds=_thresholds(outcome.scored),
        class_metrics=[each.metric for each in quality.classes[0].figures] if quality.classes else [],
        classes=[
            OfClass(one.name, (one.rows.reference, one.rows.current), tuple(
                (figure(each.reference.value), figure(each.current.value), each.says)
                for each in one.figures
            ))
            for one in quality.classes
        ],
    )  # fmt: skip


def row_share(matrix: Matrix, truth: int, predicted: int) -> float:
    """The share of the rows of a class that are predicted so."""
    whole = sum(matrix.counts[truth])
    return matrix.counts[truth][predicted] / whole if whole else 0.0


def _line(found: Figure) -> Line:
    return Line(
        metric=found.metric, reference=_told(found.reference), current=_told(found.current),
        change=_bounded(found.change, found.interval),
        says=found.says, reason=found.reference.reason or found.current.reason,
    )  # fmt: skip


def _told(measure: Measure) -> str:
    return _bounded(measure.value, measure.interval)


def _bounded(value: float | None, interval: Interval | None) -> str:
    if value is None or interval is None:
        return figure(value)
    return f"{figure(value)} [{figure(interval.low)}, {figure(interval.high)}]"


def _of_scores(scored: tuple[Scored, Scored] | None) -> list[Drawn]:
    if scored is None:
        return []
    found = [
        Drawn(
            charts.unit_square(
                [(kind, side.roc) for kind, side in zip(SIDES, scored, strict=True)],
                says="ROC curves", across="share of negative rows called positive", up="share of positive rows",
                diagonal=True,
            ),
            "ROC: which share of the positive rows is found, at the price of which share of the negative ones.",
        ),
        Drawn(
            charts.unit_square(
                [(kind, side.precision_recall) for kind, side in zip(SIDES, scored, strict=True)],
                says="precision over recall", across="recall", up="precision",
            ),
            "Precision over recall, at every threshold.",
        ),
        Drawn(
            charts.reliability(
                [(kind, side.reliable) for kind, side in zip(SIDES, scored, strict=True)],
                says="calibration",
            ),
            "Calibration: a score of 0.3 means what it says where 30 % of such rows are positive. Bars are 90 % intervals.",
        ),
    ]  # fmt: skip
    for side, name in zip(scored, ("reference", "current"), strict=True):
        histogram = Histogram(
            edges=tuple(at / len(side.negative) for at in range(len(side.negative) + 1)),
            reference=side.negative, current=side.positive,
        )  # fmt: skip
        says = (
            f"Scores in the {name}: filled those of negative rows, the line those of positive ones."
        )
        found.append(Drawn(plots.histogram(histogram, says=says), says, wide=True))
    return found


def _of_errors(errors: Errors | None) -> list[Drawn]:
    if errors is None:
        return []
    found = [
        Drawn(
            charts.grid(grid, kind=kind, says=f"prediction over label, {kind}"),
            f"Prediction over label in the {kind}; on the line they are equal.",
        )
        for grid, kind in zip(errors.grids, ("reference", "current"), strict=True)
    ]
    if errors.histogram is not None:
        says = "Errors, prediction less label: filled the reference's, the line the current's."
        found.append(Drawn(plots.histogram(errors.histogram, says=says), says, wide=True))
    sides = [(kind, means) for kind, means in zip(SIDES, errors.means, strict=True)]
    found.append(Drawn(
        charts.steps(sides, says="mean error by tenths of the prediction"),
        "Mean error in tenths of the reference's predictions, from the least to the greatest.",
    ))  # fmt: skip
    if errors.course and errors.usual is not None:
        says = (
            "Mean absolute error of the current in blocks of rows, in the order of the file; the band is the "
            "reference's mean ± one standard deviation."
        )
        found.append(Drawn(plots.strip(errors.course, errors.usual, says=says), says, wide=True))
    return [each for each in found if each.picture]


def _thresholds(scored: tuple[Scored, Scored] | None) -> list[tuple[str, ...]]:
    """A line a threshold: it, then share called positive, precision and recall of both sides."""
    if scored is None:
        return []
    told: list[tuple[Callable[[float | None], str], str]] = [
        (share, "share"), (share, "precision"), (share, "recall"),
    ]  # fmt: skip
    return [
        (
            f"{one.threshold:.1f}",
            *(form(getattr(side, name)) for form, name in told for side in (one, other)),
        )
        for one, other in zip(*[side.thresholds for side in scored], strict=True)
    ]
