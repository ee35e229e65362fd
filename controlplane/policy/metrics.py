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
_SEVERAL: Final = frozenset({Task.MULTICLASS})
_CLASSES: Final = _BINARY | _SEVERAL


def _amounts(tasks: frozenset[Task], names: str) -> dict[str, Metric]:
    return {name: Metric(tasks=tasks, low=0) for name in names.split()}


def _shares(tasks: frozenset[Task], names: str) -> dict[str, Metric]:
    return {name: Metric(tasks=tasks, low=0, high=1) for name in names.split()}


def _gains(tasks: frozenset[Task], names: str) -> dict[str, Metric]:
    """At most 1; 0 is no better than knowing nothing."""
    return {name: Metric(tasks=tasks, high=1) for name in names.split()}


def _correlations(tasks: frozenset[Task], names: str) -> dict[str, Metric]:
    return {name: Metric(tasks=tasks, low=-1, high=1) for name in names.split()}


def _numbers(tasks: frozenset[Task], names: str) -> dict[str, Metric]:
    return {name: Metric(tasks=tasks) for name in names.split()}


METRICS: Final[dict[str, Metric]] = {
    **_amounts(_REGRESSION, "mae rmse mse median_ae max_error"),
    **_gains(_REGRESSION, "r2 explained_variance d2_absolute"),
    **_amounts(_REGRESSION, "mape"),
    "smape": Metric(tasks=_REGRESSION, low=0, high=2),
    **_amounts(_REGRESSION, "wape rmsle"),
    **_numbers(_REGRESSION, "bias"),
    **_amounts(_REGRESSION, "pinball_10 pinball_50 pinball_90 poisson_deviance gamma_deviance"),
    **_correlations(_REGRESSION, "pearson spearman"),
    **_amounts(_CLASSES, "log_loss"),
    "brier": Metric(tasks=_CLASSES, low=0, high=2),
    **_gains(_BINARY, "brier_skill"),
    **_shares(_CLASSES, "accuracy error balanced_accuracy"),
    **_shares(_BINARY, "precision recall specificity npv fpr fnr f1 f_half f2 jaccard"),
    **_correlations(_CLASSES, "mcc kappa"),
    **_shares(_CLASSES, "roc_auc"),
    **_correlations(_BINARY, "gini"),
    **_shares(_CLASSES, "average_precision"),
    **_shares(_BINARY, "ks precision_top_10 recall_top_10"),
    **_amounts(_BINARY, "lift_top_10"),
    **_shares(_CLASSES, "ece ece_debiased"),
    **_numbers(_BINARY, "calibration_slope calibration_intercept"),
    **_shares(_SEVERAL, "f1_macro f1_weighted f1_micro precision_macro precision_weighted"),
    **_shares(_SEVERAL, "recall_macro recall_weighted jaccard_macro roc_auc_weighted"),
    **_shares(_SEVERAL, "top_2_accuracy top_3_accuracy top_5_accuracy"),
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


_FROM_SCORES: Final = frozenset(
    {"log_loss", "brier", "brier_skill", "roc_auc", "gini", "average_precision", "ks",
     "precision_top_10", "recall_top_10", "lift_top_10", "ece", "ece_debiased",
     "calibration_slope", "calibration_intercept", "roc_auc_weighted", "top_2_accuracy",
     "top_3_accuracy", "top_5_accuracy"}
)  # fmt: skip


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
