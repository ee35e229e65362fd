"""Which metrics a task has, which way is better, and within what bounds a metric lies."""

import math
from collections.abc import Iterable
from typing import Final

import msgspec

from controlplane.domain.schema import Task


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric that a model file may name; it lies in [low, high]."""

    tasks: frozenset[Task]
    low: float = -math.inf
    high: float = math.inf

    @property
    def bounds(self) -> str:
        """Where it lies, in words.

        >>> METRICS["roc_auc"].bounds, METRICS["mae"].bounds, METRICS["bias"].bounds
        ('a number from 0 to 1', 'a number, 0 or above', 'a number')
        """
        if math.isinf(self.high):
            return "a number" if math.isinf(self.low) else f"a number, {self.low:g} or above"
        if math.isinf(self.low):
            return f"a number, {self.high:g} or below"
        return f"a number from {self.low:g} to {self.high:g}"


_REGRESSION: Final = frozenset({Task.REGRESSION})
_BINARY: Final = frozenset({Task.BINARY})
_CLASSES: Final = frozenset({Task.BINARY, Task.MULTICLASS})

METRICS: Final[dict[str, Metric]] = {
    "mae": Metric(tasks=_REGRESSION, low=0),
    "rmse": Metric(tasks=_REGRESSION, low=0),
    "r2": Metric(tasks=_REGRESSION, high=1),
    "mape": Metric(tasks=_REGRESSION, low=0),
    "bias": Metric(tasks=_REGRESSION),
    "log_loss": Metric(tasks=_CLASSES, low=0),
    "brier": Metric(tasks=_BINARY, low=0, high=1),
    "accuracy": Metric(tasks=_CLASSES, low=0, high=1),
    "error": Metric(tasks=_CLASSES, low=0, high=1),
    "precision": Metric(tasks=_BINARY, low=0, high=1),
    "recall": Metric(tasks=_BINARY, low=0, high=1),
    "f1": Metric(tasks=_BINARY, low=0, high=1),
    "roc_auc": Metric(tasks=_BINARY, low=0, high=1),
    "average_precision": Metric(tasks=_BINARY, low=0, high=1),
    "f1_macro": Metric(tasks=frozenset({Task.MULTICLASS}), low=0, high=1),
}

LOSSES: Final[dict[Task, tuple[str, ...]]] = {
    Task.REGRESSION: ("mae", "rmse"),
    Task.BINARY: ("log_loss", "brier", "error"),
    Task.MULTICLASS: ("log_loss", "error"),
}
"""What a trial may compare: losses that every row has by itself. `rmse` compares squared errors,
`error` counts wrong answers."""

GREATEST_LOSS: Final = {"brier": 1.0, "error": 1.0}
"""The losses that have a greatest value for a row."""


_FROM_SCORES: Final = frozenset({"log_loss", "brier", "roc_auc", "average_precision"})


class Outputs(msgspec.Struct, frozen=True):
    """What a model gives out: its task (None: not known) and whether with scores."""

    task: Task | None
    scored: bool = True

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that it can be followed by."""
        tasks = set(Task) if self.task is None else {self.task}
        return self._possible(name for name, metric in METRICS.items() if metric.tasks & tasks)

    @property
    def losses(self) -> tuple[str, ...]:
        """The losses that its trials can compare."""
        tasks = tuple(Task) if self.task is None else (self.task,)
        return self._possible(dict.fromkeys(loss for task in tasks for loss in LOSSES[task]))

    @property
    def words(self) -> str:
        """Whose lists these are, to follow them in a message."""
        if self.task is None:
            return ""
        return f" for task {self.task}" + ("" if self.scored else " without score")

    def _possible(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if self.scored or name not in _FROM_SCORES)
