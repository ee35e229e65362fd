"""Every metric by its name: for which tasks, from which columns, which way is better."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from detectors import labelled
from detectors.labelled import Given, Rows
from detectors.metrics import cells, probabilities, ranking, regression, several
from detectors.metrics.estimate import Found


class Way(msgspec.Struct, frozen=True):
    """From which columns a metric is computed, and how."""

    rows: Callable[[Given], Rows]
    compute: Callable[..., Found]


class Metric(msgspec.Struct, frozen=True):
    """Whether `up` or `down` is better, and how it is found for each task that has it.

    Where `ideal` is a number, nearer to it is better than further, on both sides.
    """

    direction: str
    ways: Mapping[str, Way]
    ideal: float | None = None

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have it."""
        return tuple(self.ways)


def _regression(
    direction: str, compute: Callable[..., Found], *, ideal: float | None = None
) -> Metric:
    return Metric(direction, {"regression": Way(labelled.numbers, compute)}, ideal)


def _flags(direction: str, compute: Callable[..., Found]) -> Metric:
    return Metric(direction, {"binary": Way(labelled.positives, compute)})


def _scored(direction: str, compute: Callable[..., Found], *, ideal: float | None = None) -> Metric:
    return Metric(direction, {"binary": Way(labelled.scored, compute)}, ideal)


def _classes(direction: str, compute: Callable[..., Found]) -> Metric:
    return Metric(direction, {"multiclass": Way(labelled.classes, compute)})


def _several(direction: str, compute: Callable[..., Found]) -> Metric:
    return Metric(direction, {"multiclass": Way(labelled.ranked, compute)})


def _either(direction: str, compute: Callable[..., Found]) -> Metric:
    """Of binary and multiclass predictions alike."""
    ways = {
        "binary": Way(labelled.positives, compute),
        "multiclass": Way(labelled.classes, compute),
    }
    return Metric(direction, ways)


def _both(direction: str, binary: Callable[..., Found], other: Callable[..., Found]) -> Metric:
    """Of binary and of multiclass scores."""
    ways = {"binary": Way(labelled.scored, binary), "multiclass": Way(labelled.ranked, other)}
    return Metric(direction, ways)


_LOG_LOSS: Final = Way(labelled.chosen, probabilities.log_loss)

METRICS: Final[Mapping[str, Metric]] = {
    "mae": _regression("down", regression.mae),
    "rmse": _regression("down", regression.rmse),
    "mse": _regression("down", regression.mse),
    "median_ae": _regression("down", regression.median_ae),
    "max_error": _regression("down", regression.max_error),
    "r2": _regression("up", regression.r2),
    "explained_variance": _regression("up", regression.explained_variance),
    "d2_absolute": _regression("up", regression.d2_absolute),
    "mape": _regression("down", regression.mape),
    "smape": _regression("down", regression.smape),
    "wape": _regression("down", regression.wape),
    "rmsle": _regression("down", regression.rmsle),
    "bias": _regression("down", regression.bias, ideal=0.0),
    "pinball_10": _regression("down", partial(regression.pinball, level=0.1)),
    "pinball_50": _regression("down", partial(regression.pinball, level=0.5)),
    "pinball_90": _regression("down", partial(regression.pinball, level=0.9)),
    "poisson_deviance": _regression("down", regression.poisson_deviance),
    "gamma_deviance": _regression("down", regression.gamma_deviance),
    "pearson": _regression("up", regression.pearson),
    "spearman": _regression("up", regression.spearman),
    "log_loss": Metric("down", {"binary": _LOG_LOSS, "multiclass": _LOG_LOSS}),
    "brier": _both("down", probabilities.brier, several.brier),
    "brier_skill": _scored("up", probabilities.brier_skill),
    "accuracy": _either("up", cells.accuracy),
    "error": _either("down", cells.error),
    "balanced_accuracy": _either("up", cells.balanced_accuracy),
    "precision": _flags("up", cells.precision),
    "recall": _flags("up", cells.recall),
    "specificity": _flags("up", cells.specificity),
    "npv": _flags("up", cells.npv),
    "fpr": _flags("down", cells.fpr),
    "fnr": _flags("down", cells.fnr),
    "f1": _flags("up", cells.f1),
    "f_half": _flags("up", partial(cells.f_beta, beta=0.5)),
    "f2": _flags("up", partial(cells.f_beta, beta=2.0)),
    "jaccard": _flags("up", cells.jaccard),
    "mcc": _either("up", cells.mcc),
    "kappa": _either("up", cells.kappa),
    "roc_auc": _both("up", ranking.roc_auc, ranking.one_against_rest(ranking.roc_auc)),
    "gini": _scored("up", ranking.gini),
    "average_precision": _both(
        "up", ranking.average_precision, ranking.one_against_rest(ranking.average_precision)
    ),
    "ks": _scored("up", ranking.ks),
    "precision_top_10": _scored("up", partial(ranking.precision_top, share=0.1)),
    "recall_top_10": _scored("up", partial(ranking.recall_top, share=0.1)),
    "lift_top_10": _scored("up", partial(ranking.lift_top, share=0.1)),
    "ece": _both("down", probabilities.ece, several.ece),
    "ece_debiased": _both("down", probabilities.ece_debiased, several.ece_debiased),
    "calibration_slope": _scored("down", probabilities.calibration_slope, ideal=1.0),
    "calibration_intercept": _scored("down", probabilities.calibration_intercept, ideal=0.0),
    "f1_macro": _classes("up", cells.averaged(cells.f_of)),
    "f1_weighted": _classes("up", cells.averaged(cells.f_of, weighted=True)),
    "f1_micro": _classes("up", cells.accuracy),
    "precision_macro": _classes("up", cells.averaged(cells.precision_of)),
    "precision_weighted": _classes("up", cells.averaged(cells.precision_of, weighted=True)),
    "recall_macro": _classes("up", cells.averaged(cells.recall_of)),
    "recall_weighted": _classes("up", cells.averaged(cells.recall_of, weighted=True)),
    "jaccard_macro": _classes("up", cells.averaged(cells.jaccard_of)),
    "roc_auc_weighted": _several("up", ranking.one_against_rest(ranking.roc_auc, weighted=True)),
    "top_2_accuracy": _several("up", partial(ranking.top, most=2)),
    "top_3_accuracy": _several("up", partial(ranking.top, most=3)),
    "top_5_accuracy": _several("up", partial(ranking.top, most=5)),
}
"""By task, the first that it has is the one that is followed unless the file says more."""
