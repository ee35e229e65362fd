"""How well both sides were predicted, figure by figure, and whether that got plainly worse.

Both sides hold labels and predictions. A change of a figure has the interval of the difference of
two independent ones (MOVER: Zou and Donner 2008), made of the intervals of both.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from detectors import labelled, tails
from detectors.comparison.result import Rows
from detectors.finding import Basis, Finding, Interval, Reason, Verdict
from detectors.labelled import Given
from detectors.metrics.catalogue import METRICS
from detectors.performance import Measure, Times, measure

MARGIN: Final = 0.05
"""The least rise of a loss that matters, as a share of the reference's."""
LEAST_MARGIN: Final = 0.002
"""And at least so much of losses of classes."""
MOST_CLASSES: Final = 20
MAIN: Final[dict[str, tuple[str, ...]]] = {
    "regression": ("mae", "rmse", "bias", "r2", "median_ae", "max_error", "mape", "wape", "spearman"),
    "binary": ("log_loss", "brier", "roc_auc", "average_precision", "accuracy", "error",
               "balanced_accuracy", "precision", "recall", "specificity", "f1", "mcc", "ece"),
    "multiclass": ("log_loss", "brier", "accuracy", "error", "balanced_accuracy", "f1_macro",
                   "precision_macro", "recall_macro", "roc_auc", "kappa", "ece"),
}  # fmt: skip
"""The figures that are computed where not all are asked for."""
_OF_SCORES: Final = (labelled.scored, labelled.ranked, labelled.chosen)
_BY_CLASS: Final = ("precision", "recall", "f1", "roc_auc")


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of both sides. `change` is the current's less the reference's, `interval` that of
    the change at 90 %; `says` is `better` or `worse` where all of it lies on that side of none."""

    metric: str
    direction: str
    reference: Measure
    current: Measure
    change: float | None = None
    interval: Interval | None = None
    says: str | None = None


class OfClass(msgspec.Struct, frozen=True):
    """A class against the rest: the rows that are of it, and its figures."""

    name: str
    rows: Rows
    figures: tuple[Figure, ...]


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides by every figure asked for; `rows` are those with a label and what it is compared
    with. `finding` judges the followed loss, of column `*`. `classes` is empty of numbers."""

    task: str
    positive: str | None
    rows: Rows
    figures: tuple[Figure, ...]
    finding: Finding
    classes: tuple[OfClass, ...] = ()


class Both(msgspec.Struct, frozen=True):
    """The labelled rows of both sides and their times, by whose days intervals go."""

    reference: Given
    current: Given
    at: tuple[Times, Times]

    def of_class(self, name: str) -> "Both":
        """The same as rows of one class and of all others."""
        one, two = (
            Given("binary", side.label, side.prediction, _only(side, name), name)
            for side in (self.reference, self.current)
        )
        return Both(one, two, self.at)


def compared(both: Both, *, every: bool, level: float, classes: Sequence[str] = ()) -> Quality:
    """The figures of both sides: the main ones of the task, or `every` one that it has.

    Failed where the followed loss (`mae`, `log_loss`, of classes without scores `error`) rose by
    the margin at least and chance explains it with `level` at most. A sort a figure, O(n log n).
    """
    task = both.reference.task
    scored = bool(both.reference.scores) and bool(both.current.scores)
    names = (
        [name for name, metric in METRICS.items() if task in metric.tasks] if every else MAIN[task]
    )
    figures = [figure(name, both) for name in names if scored or not _needs_scores(name, task)]
    followed = "mae" if task == "regression" else "log_loss" if scored else "error"
    found = next(one for one in figures if one.metric == followed)
    return Quality(
        task=task, positive=both.reference.positive,
        rows=Rows(found.reference.rows, found.current.rows), figures=tuple(figures),
        finding=judged(found, task, level), classes=tuple(_classes(both, classes)),
    )  # fmt: skip


def figure(metric: str, both: Both) -> Figure:
    """A metric of both sides, and how it changed."""
    before, now = (
        measure(metric, given, at)
        for given, at in zip((both.reference, both.current), both.at, strict=True)
    )
    of = METRICS[metric]
    plain = Figure(metric=metric, direction=of.direction, reference=before, current=now)
    if before.value is None or now.value is None:
        return plain
    interval = difference(before, now)
    return msgspec.structs.replace(
        plain, change=now.value - before.value, interval=interval,
        says=None if interval is None else _says(interval, of.direction, of.ideal, (before.value, now.value)),
    )  # fmt: skip


def difference(before: Measure, now: Measure) -> Interval | None:
    """The interval of the second less the first, None where either has none.

    >>> one, two = (Measure(value=v, interval=Interval(v - 3.0, v + 3.0)) for v in (10.0, 14.0))
    >>> found = difference(one, two)
    >>> round(found.low, 3), round(found.high, 3)
    (-0.243, 8.243)
    """
    first, second = before.interval, now.interval
    if first is None or second is None or before.value is None or now.value is None:
        return None
    apart = now.value - before.value
    return Interval(
        low=apart - math.hypot(now.value - second.low, first.high - before.value),
        high=apart + math.hypot(second.high - now.value, before.value - first.low),
        level=min(first.level, second.level),
    )


def judged(found: Figure, task: str, level: float) -> Finding:
    """The finding of a loss: how much it rose, and whether that is beyond chance and margin.

    `statistic` is the current figure, `threshold` what it may reach, `effect` the rise.
    """
    before, now = found.reference, found.current
    plain = Finding(
        column="*", detector=found.metric, statistic=now.value, effect=found.change,
        interval=found.interval, rows=now.rows, rows_reference=before.rows,
        verdict=Verdict.INCONCLUSIVE, reason=str(Reason.INSUFFICIENT),
    )  # fmt: skip
    if found.interval is None or found.change is None or before.value is None:
        return plain
    margin = max(MARGIN * before.value, 0.0 if task == "regression" else LEAST_MARGIN)
    p = _p_value(found.change, found.interval)
    failed = p <= level and found.change >= margin
    return msgspec.structs.replace(
        plain, p_value=p, threshold=before.value + margin, reason=None, basis=Basis.OPTIMISTIC,
        verdict=Verdict.FAILED if failed else Verdict.PASSED,
    )  # fmt: skip


def _p_value(change: float, interval: Interval) -> float:
    """The chance of such a rise or a greater one, from the lower half of its interval."""
    half = change - interval.low
    if half <= 0.0:
        return 1.0 if change <= 0.0 else 0.0
    return tails.normal_sf(change / half * tails.normal_quantile(0.5 + interval.level / 2.0))


def _says(
    interval: Interval, direction: str, ideal: float | None, values: tuple[float, float]
) -> str | None:
    if interval.low <= 0.0 <= interval.high:
        return None
    rose = interval.low > 0.0
    if ideal is not None:
        nearer = abs(values[1] - ideal) < abs(values[0] - ideal)
        return "better" if nearer else "worse"
    return "worse" if rose == (direction == "down") else "better"


def _needs_scores(metric: str, task: str) -> bool:
    return METRICS[metric].ways[task].rows in _OF_SCORES


def _only(given: Given, name: str) -> dict[str, object]:
    return {name: given.scores[name]} if name in given.scores else {}


def _classes(both: Both, names: Sequence[str]) -> Iterator[OfClass]:
    """The classes, those with most rows on both sides first; twenty at most."""
    if not names:
        return
    before, now = (_rows(side, names) for side in (both.reference, both.current))
    counted = zip(names, before, now, strict=True)
    for name, *rows in sorted(counted, key=lambda one: -(one[1] + one[2]))[:MOST_CLASSES]:
        one = both.of_class(name)
        scored = bool(one.reference.scores)
        figures = [figure(metric, one) for metric in _BY_CLASS if scored or metric != "roc_auc"]
        yield OfClass(name, Rows(*rows), tuple(figures))


def _rows(given: Given, names: Sequence[str]) -> list[int]:
    """How many labelled rows are of each class."""
    truth = labelled.among(given, names).truth
    found: list[int] = np.bincount(truth, minlength=len(names) + 1)[:-1].tolist()
    return found
