"""Two classes: the metrics of a window expected from its scores and inputs."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detectors.estimation import calibrating, expected, figures, priors, sampling, wandering
from detectors.estimation.calibrating import Calibrator, Flags
from detectors.estimation.figures import Drawn, Estimated
from detectors.estimation.sampling import Spread
from detectors.estimation.shift import Inputs, Shift
from detectors.estimation.support import Support, support
from detectors.estimation.wandering import Maps
from detectors.reading import Floats

CBPE: Final = "cbpe"
PAPE: Final = "pape"


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """A model's answers: the score of the positive class and whether it was predicted, (rows,)."""

    inputs: Inputs
    score: Floats
    predicted: Flags


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned from labelled rows in order of time that the model was not trained on.

    `apart` are their probabilities out of fold, `prior` their share of positives. `by_score` says
    that windows are told from them by the score too: not where another fit gave the scores.
    """

    rows: Rows
    truth: Flags
    calibrator: Calibrator
    apart: Floats
    maps: Maps
    spreads: dict[str, Spread]
    prior: float
    by_score: bool = True


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A window's figures, and each row's probability of being positive, (rows,).

    `usual` is that by the calibration as it was learned, whatever the window's inputs are.
    """

    figures: list[Estimated]
    p: Floats
    usual: Floats
    support: Support


class Laid(msgspec.Struct, frozen=True):
    """A window on the knots of its calibrations drawn again: how many rows lie at each, and the
    share of them that is predicted positive."""

    mass: Floats
    share: Floats


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """A window under the two assumptions: inputs alone changed, or the mix of classes alone."""

    rows: Rows
    p: Floats
    usual: Floats
    p_prior: Floats
    method: str
    widening: float
    laid: Laid


def fit(rows: Rows, truth: Flags, *, seed: int, by_score: bool = True) -> Fitted:
    """Learn the calibration and its errors from labelled rows in order of time.

    `by_score=False` where the rows' scores are those of another fit of the model than the windows':
    trees would tell the two fits apart and take that for a shift of inputs.
    """
    calibrator, apart = calibrating.chosen(rows.score, truth)
    return Fitted(
        rows=rows, truth=truth, calibrator=calibrator, apart=apart,
        maps=wandering.drawn_again(rows.score, truth, form=calibrator.form, seed=seed),
        spreads=sampling.binary(truth, rows.predicted, rows.score, seed=seed),
        prior=float(truth.mean()), by_score=by_score,
    )  # fmt: skip


def estimate(fitted: Fitted, window: Rows, metrics: Sequence[str], *, seed: int) -> Answer:
    """Each metric of a window, with a 90 % interval and what it would be under a mix of classes.

    Where trees tell the window's inputs from the reference's (AUC of 0.60 or more) and at least
    200 effective rows overlap, the calibration is learned anew from the reference weighted like
    the window (PAPE: Białek et al. 2024, arXiv 2401.08348); else it is as it was (CBPE). Hidden
    where more than a tenth of the rows have hardly any like them in the reference.
    """
    there = support(
        joined(fitted.rows, by_score=fitted.by_score),
        joined(window, by_score=fitted.by_score),
        seed=seed,
    )
    sides = _sides(fitted, window, there.shift)
    if there.hidden is not None:
        found = [
            figures.hidden(m, there.hidden, method=sides.method, rows=window.score.size)
            for m in metrics
        ]
    else:
        found = [_figure(fitted, sides, metric) for metric in metrics]
    return Answer(figures=found, p=sides.p, usual=sides.usual, support=there)


def adapted(fitted: Fitted, weights: Floats) -> Calibrator:
    """The calibration of the reference's rows weighted like those of a window."""
    return calibrating.fit(fitted.rows.score, fitted.truth, weights)


def _sides(fitted: Fitted, window: Rows, shift: Shift | None) -> Sides:
    usual = fitted.calibrator.probabilities(window.score)
    p, method, widening = usual, CBPE, 1.0
    if shift is not None and shift.is_strong:
        p = adapted(fitted, shift.weights).probabilities(window.score)
        method = PAPE
        widening = float(np.sqrt(fitted.truth.size / shift.effective))
    before = np.array([1.0 - fitted.prior, fitted.prior])
    both = np.column_stack([1.0 - usual, usual])
    after = priors.mix(both, before) if window.score.size else before
    return Sides(
        rows=window, p=p, usual=usual, p_prior=priors.reweighted(both, before, after)[:, 1], method=method,
        widening=widening, laid=laid_on(fitted.maps, window),
    )  # fmt: skip


def _figure(fitted: Fitted, sides: Sides, metric: str) -> Estimated:
    window, count = sides.rows, sides.rows.score.size
    total = expected.sums(sides.p, window.predicted, window.score)
    if (why := expected.too_few(metric, total)) is not None:
        return figures.hidden(metric, why, method=sides.method, rows=count)
    spread = fitted.spreads[metric]
    by_chance = spread.error(count)
    if metric in {"accuracy", "error"}:
        by_chance = max(by_chance, float(np.sqrt(sides.p @ (1.0 - sides.p))) / count)
    drawn = Drawn(
        sampling=by_chance,
        calibration=calibration_error(fitted.maps, sides.laid, metric) * sides.widening,
    )
    values = tuple(
        expected.value(metric, p, window.predicted, window.score) for p in (sides.p, sides.p_prior)
    )
    return figures.shown(
        metric, (values[0], values[1]), drawn, method=sides.method, rows=count, spread=spread
    )


def laid_on(maps: Maps, window: Rows) -> Laid:
    """A window's rows laid on the maps' 256 knots, once for all metrics."""
    mass, said = maps.spread_over(window.score, window.predicted.astype(np.float64))
    return Laid(mass, np.divide(said, mass, out=np.zeros_like(said), where=mass > 0.0))


def calibration_error(maps: Maps, laid: Laid, metric: str) -> float:
    """The spread of a metric over the calibrations drawn again: 50 products of a matrix.

    What is on knots costs the same whatever the window's rows.
    """
    mass, share = laid.mass, laid.share
    if metric == "roc_auc":
        found = expected.auc_of_groups(maps.values, mass)
    elif metric == "average_precision":
        p, weights = maps.values[:, ::-1], mass[::-1]
        hits, rows = np.cumsum(p * weights, axis=1), np.maximum(np.cumsum(weights), 1e-12)
        steps = np.diff(hits, prepend=0.0, axis=1)
        found = (steps * hits / rows).sum(axis=1) / hits[:, -1]
    else:
        found = expected.RATIOS[metric](expected.sums(maps.values, share, maps.knots, mass))
    return float(np.nanstd(found, ddof=1)) if np.isfinite(found).any() else 0.0


def joined(rows: Rows, *, by_score: bool) -> Inputs:
    """The inputs, with the score as one more number where windows are told apart by it."""
    if not by_score:
        return rows.inputs
    return Inputs(
        np.column_stack([rows.inputs.values, rows.score]),
        np.append(rows.inputs.categorical, False),
    )
