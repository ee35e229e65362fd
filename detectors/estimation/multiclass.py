"""Several classes: the metrics of a window expected from its scores and inputs.

Each class is calibrated against the rest and a row's probabilities brought to the sum of 1.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.estimation import calibrating, expected, figures, priors, sampling
from detectors.estimation.binary import CBPE, PAPE
from detectors.estimation.calibrating import Calibrator
from detectors.estimation.expected import EPSILON, FEWEST
from detectors.estimation.figures import Drawn, Estimated
from detectors.estimation.sampling import Spread
from detectors.estimation.shift import Inputs, Shift
from detectors.estimation.support import Support, support
from detectors.estimation.wandering import Maps, drawn_again
from detectors.reading import Floats

Codes = NDArray[np.int64]
METRICS: Final = ("accuracy", "error", "log_loss", "f1_macro", "roc_auc_macro")
MOST_ROWS: Final = 5000
"""Rows of a window by which the calibration's error is told; of more, every so many-th."""


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """A model's answers: scores of shape (rows, classes), and the number of the predicted class."""

    inputs: Inputs
    score: Floats
    predicted: Codes


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned from labelled rows in order of time that the model was not trained on."""

    rows: Rows
    truth: Codes
    calibrators: list[Calibrator]
    apart: Floats
    maps: list[Maps]
    spreads: dict[str, Spread]
    prior: Floats
    by_score: bool = True


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A window's figures, and each row's probabilities, (rows, classes); `usual` as for two."""

    figures: list[Estimated]
    p: Floats
    usual: Floats
    support: Support


def fit(rows: Rows, truth: Codes, *, seed: int, by_score: bool = True) -> Fitted:
    """Learn each class's calibration and its errors from labelled rows in order of time; for
    `by_score` see `binary.fit`."""
    classes = range(rows.score.shape[1])
    made = [calibrating.chosen(rows.score[:, k], truth == k) for k in classes]
    return Fitted(
        rows=rows, truth=truth, calibrators=[one for one, _ in made],
        apart=_to_one(np.column_stack([apart for _, apart in made])),
        maps=[
            drawn_again(rows.score[:, k], truth == k, form=made[k][0].form, seed=seed)
            for k in classes
        ],
        spreads=_spreads(rows, truth),
        prior=np.bincount(truth, minlength=rows.score.shape[1]) / truth.size,
        by_score=by_score,
    )  # fmt: skip


def estimate(fitted: Fitted, window: Rows, metrics: Sequence[str], *, seed: int) -> Answer:
    """Each metric of a window, as `binary.estimate` does it for two classes."""
    sides = (_joined(rows, by_score=fitted.by_score) for rows in (fitted.rows, window))
    there = support(*sides, seed=seed)
    p, method, widening = _adapted(fitted, window, there.shift)
    count = window.predicted.size
    usual = probabilities(fitted.calibrators, window.score)
    if there.hidden is not None:
        found = [figures.hidden(m, there.hidden, method=method, rows=count) for m in metrics]
        return Answer(figures=found, p=p, usual=usual, support=there)
    other = priors.reweighted(usual, fitted.prior, priors.mix(usual, fitted.prior))
    found = []
    for metric in metrics:
        if (why := too_few(metric, p)) is not None:
            found.append(figures.hidden(metric, why, method=method, rows=count))
            continue
        drawn = Drawn(
            sampling=_sampling(fitted, p, window, metric),
            calibration=widening * calibration_error(fitted.maps, window, metric),
        )
        pair = (value(metric, p, window), value(metric, other, window))
        found.append(figures.shown(
            metric, pair, drawn, method=method, rows=count, spread=fitted.spreads[metric]
        ))  # fmt: skip
    return Answer(figures=found, p=p, usual=usual, support=there)


def probabilities(calibrators: Sequence[Calibrator], score: Floats) -> Floats:
    """The rows' calibrated probabilities, (rows, classes), that sum to 1."""
    return _to_one(
        np.column_stack([one.probabilities(score[:, k]) for k, one in enumerate(calibrators)])
    )


def value(metric: str, p: Floats, rows: Rows) -> float:
    """One metric of rows of probabilities p.

    `f1_macro` is the mean over the classes expected or predicted somewhere, `roc_auc_macro` the
    mean of each class against the rest.
    """
    if metric == "log_loss":
        return float(losses("log_loss", p, rows).mean())
    if metric in {"accuracy", "error"}:
        right = float(_of_predicted(p, rows.predicted).mean())
        return right if metric == "accuracy" else 1.0 - right
    classes = range(p.shape[1])
    if metric == "roc_auc_macro":
        return float(np.mean([expected.auc(p[:, k], rows.score[:, k]) for k in classes]))
    each = [expected.value("f1", p[:, k], rows.predicted == k, rows.score[:, k]) for k in classes]
    return float(np.nanmean(each))


def losses(name: str, p: Floats, rows: Rows) -> Floats:
    """The expected loss of each row: `log_loss`, or `error`."""
    if name in {"error", "accuracy"}:
        return 1.0 - _of_predicted(p, rows.predicted)
    found: Floats = -(p * np.log(np.clip(rows.score, EPSILON, 1.0 - EPSILON))).sum(axis=1)
    return found


def too_few(metric: str, p: Floats) -> str | None:
    """Why a mean over classes is not told: one of them is expected in fewer than 30 rows."""
    if metric not in {"f1_macro", "roc_auc_macro"}:
        return None
    least = float(p.sum(axis=0).min()) if p.size else 0.0
    if least >= FEWEST:
        return None
    return f"only {least:.1f} rows are expected to be of the rarest class; {FEWEST:.0f} are needed"


def calibration_error(maps: Sequence[Maps], window: Rows, metric: str) -> float:
    """The spread of a metric over the calibrations drawn again, on at most 5000 rows."""
    step = -(-window.predicted.size // MOST_ROWS) or 1
    some = Rows(
        inputs=window.inputs, score=window.score[::step], predicted=window.predicted[::step]
    )
    if not some.predicted.size:
        return 0.0
    drawn = np.stack([one.probabilities(some.score[:, k]) for k, one in enumerate(maps)], axis=-1)
    found = [value(metric, _to_one(p), some) for p in drawn]
    return float(np.nanstd(found, ddof=1))


def _adapted(fitted: Fitted, window: Rows, shift: Shift | None) -> tuple[Floats, str, float]:
    """Probabilities, by which method, and by how much fewer effective rows widen their error."""
    if shift is None or not shift.is_strong:
        return probabilities(fitted.calibrators, window.score), CBPE, 1.0
    made = [
        calibrating.fit(fitted.rows.score[:, k], fitted.truth == k, shift.weights)
        for k in range(window.score.shape[1])
    ]
    widening = float(np.sqrt(fitted.truth.size / shift.effective))
    return probabilities(made, window.score), PAPE, widening


def _sampling(fitted: Fitted, p: Floats, window: Rows, metric: str) -> float:
    by_chance = fitted.spreads[metric].error(window.predicted.size)
    if metric not in {"accuracy", "error"}:
        return by_chance
    right = _of_predicted(p, window.predicted)
    return max(by_chance, float(np.sqrt(right @ (1.0 - right))) / right.size)


def _spreads(rows: Rows, truth: Codes) -> dict[str, Spread]:
    """What a row adds: to a mean over classes as if those were independent."""
    classes = rows.score.shape[1]
    right = Spread(float((truth == rows.predicted).std()), 1.0)
    sure = np.clip(_of_predicted(rows.score, truth), EPSILON, 1.0)
    parts = {"f1_macro": "f1", "roc_auc_macro": "roc_auc"}
    found = {"accuracy": right, "error": right, "log_loss": Spread(float(np.log(sure).std()), 1.0)}
    for macro, single in parts.items():
        each = [sampling.of(single, truth == k, rows.predicted == k, rows.score[:, k])
                for k in range(classes)]  # fmt: skip
        squares = [one.sd**2 / one.share for one in each if one.share > 0.0]
        found[macro] = Spread(float(np.sqrt(sum(squares))) / classes, 1.0)
    return found


def _of_predicted(p: Floats, predicted: Codes) -> Floats:
    found: Floats = np.take_along_axis(p, predicted[:, None], axis=1)[:, 0]
    return found


def _to_one(p: Floats) -> Floats:
    found: Floats = p / p.sum(axis=-1, keepdims=True)
    return found


def _joined(rows: Rows, *, by_score: bool) -> Inputs:
    if not by_score:
        return rows.inputs
    scores = rows.score.shape[1]
    return Inputs(
        np.column_stack([rows.inputs.values, rows.score]),
        np.append(rows.inputs.categorical, np.zeros(scores, dtype=np.bool_)),
    )
