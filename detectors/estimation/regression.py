"""A number: the error of a window foretold from what the model was given and gave."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detectors.estimation import direct, figures, sampling
from detectors.estimation.direct import Foreteller
from detectors.estimation.figures import Drawn, Estimated
from detectors.estimation.sampling import Spread
from detectors.estimation.shift import HIDDEN_FROM, Inputs, outside
from detectors.reading import Floats

DLE: Final = "dle"
METRICS: Final = ("mae", "rmse", "mape")


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned from labelled rows in order of time that the model was not trained on.

    `tellers` and `spreads` are by metric; `apart` holds each row's expected error, out of fold,
    of the loss that is followed cohort by cohort; `wander` the mean over the span of what those
    missed, as a share of the loss.
    """

    inputs: Inputs
    tellers: dict[str, Foreteller]
    spreads: dict[str, Spread]
    apart: Floats
    wander: float


def fit(
    inputs: Inputs, label: Floats, prediction: Floats, metrics: Sequence[str], loss: str, *, seed: int
) -> Fitted:  # fmt: skip
    """Learn to foretell the errors of `metrics`; out of fold those of `loss`, one of mae and rmse.

    `inputs` holds the prediction as a column too.
    """
    losses = errors_of(loss, label, prediction)
    apart = direct.out_of_fold(inputs, losses, seed=seed)
    return Fitted(
        inputs=inputs,
        tellers={m: _teller(inputs, m, label, prediction, seed) for m in metrics},
        spreads={m: sampling.errors(m, label, prediction) for m in metrics},
        apart=apart, wander=_wander(losses - apart, float(losses.mean())),
    )  # fmt: skip


def estimate(fitted: Fitted, window: Floats, metrics: Sequence[str]) -> list[Estimated]:
    """Each metric of a window's rows of inputs, (rows, columns), with a 90 % interval.

    Beside chance the interval holds how far the foretold error of a fifth of the reference lay
    from the true one, on blocks of time that the trees had not seen.
    """
    beyond = outside(fitted.inputs.values, window, fitted.inputs.categorical)
    if beyond > HIDDEN_FROM:
        why = f"{beyond:.0%} of the rows have a value beyond all that the reference holds"
        return [figures.hidden(m, why, method=DLE, rows=window.shape[0]) for m in metrics]
    return [_figure(fitted, window, metric) for metric in metrics]


def errors_of(metric: str, label: Floats, prediction: Floats) -> Floats:
    """Each row's error: its square for `rmse`, its share of the label for `mape`, else absolute."""
    residual = np.abs(label - prediction)
    if metric == "rmse":
        return np.square(residual)
    if metric == "mape":
        return residual / np.abs(label)
    return residual


def _teller(
    inputs: Inputs, metric: str, label: Floats, prediction: Floats, seed: int
) -> Foreteller:
    errors = errors_of(metric, label, prediction)
    there = np.isfinite(errors)
    return Foreteller(Inputs(inputs.values[there], inputs.categorical), errors[there], seed=seed)


def _figure(fitted: Fitted, window: Floats, metric: str) -> Estimated:
    count = window.shape[0]
    if not count:
        return figures.hidden(metric, "there are no rows", method=DLE, rows=0)
    mean = float(fitted.tellers[metric].errors(window).mean())
    value = math.sqrt(mean) if metric == "rmse" else mean
    spread = fitted.spreads[metric]
    # A root has half the relative error of what it is the root of.
    wander = fitted.wander * value * (0.5 if metric == "rmse" else 1.0)
    drawn = Drawn(sampling=spread.error(count), calibration=wander)
    return figures.shown(metric, (value, None), drawn, method=DLE, rows=count, spread=spread)


def _wander(missed: Floats, loss: float) -> float:
    """The root mean square over fifths of the span of their mean miss, as a share of the loss."""
    if loss <= 0.0:
        return 0.0
    means = [float(part.mean()) for part in np.array_split(missed, 5)]
    return float(np.sqrt(np.mean(np.square(means)))) / loss
