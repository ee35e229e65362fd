"""The law of scores without change, and the threshold for their maximum."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import tail_arrays, thresholds
from detectors.finding import Basis, Reason
from detectors.laws import (
    PLAIN,
    ROUNDING,
    Calibration,
    Law,
    Options,
    Scale,
    more_variance,
    sides,
    standardised,
    transformed,
)
from detectors.reading import Floats
from detectors.scores import Form, Scores

FEWEST_DISTINCT: Final = 5
LEAST_SD: Final = 0.02


def fit(
    scores: Sequence[Scores], *, family: str, alpha: float, options: Options = PLAIN,
    sized: Sequence[Sequence[Scores]] = (),
) -> Calibration:  # fmt: skip
    """The threshold of scores over the same windows, whatever they are scores of.

    `sized[k - 1]` are the same scores of windows thinned to size k, as far as they are.
    """
    factor = options.factor
    scales = [
        scale(found, factor=factor, smaller=[s[at] for s in sized if at < len(s)])
        for at, found in enumerate(scores)
    ]
    kept = [at for at, fitted in enumerate(scales) if fitted.reason is None]
    freedom = max((scales[at].windows for at in kept), default=2) - 2
    maxima = _maxima([scores[at] for at in kept], [scales[at] for at in kept], freedom)
    tests = sum(sides(scales[at]) for at in kept)
    usable = max([maxima.size, *(fitted.windows for fitted in scales)])
    needs = max(0, thresholds.FEWEST_WINDOWS - usable) if scores else 0
    found = None if needs else thresholds.threshold(maxima, alpha, scores=tests)
    return Calibration(
        family=family,
        windows=usable,
        alpha=alpha,
        threshold=None if found is None else found.height,
        tail=None if found is None else found.tail,
        conformal=None if found is None else found.conformal,
        trustworthy=found is None or found.trustworthy,
        needs=needs,
        basis=_basis(usable, options) if not needs else None,
        freedom=freedom,
        scales=tuple(scales),
    )


def scale(scores: Scores, *, factor: float, smaller: Sequence[Scores] = ()) -> Scale:
    """The law of one score over the windows of the usual size in which it is known."""
    known = ~np.isnan(scores.values) & (scores.bucket == 0)
    values = scores.values[known]
    blank = Scale(
        column=scores.column,
        detector=scores.detector,
        part=scores.part,
        form=scores.form,
        windows=values.size,
        floor=scores.floor * factor,
        reason=str(Reason.INSUFFICIENT),
    )
    if not values.size:
        return blank
    law = _law(scores, known)
    return msgspec.structs.replace(
        blank,
        **{name: getattr(law, name) for name in Law.__struct_fields__},
        least=float(values.min()),
        greatest=float(values.max()),
        reason=_why_not(scores, values, law.sd),
        smaller=tuple(_smaller_law(level) for level in smaller)
        if scores.form is Form.DISTANCE
        else (),
    )


def _smaller_law(scores: Scores) -> Law | None:
    known = ~np.isnan(scores.values)
    return _law(scores, known) if known.sum() >= thresholds.FEWEST_WINDOWS else None


def _law(scores: Scores, known: NDArray[np.bool_]) -> Law:
    sized = Law(
        rows=float(np.median(scores.drawn[known])),
        rows_reference=float(np.median(scores.rows_reference[known])),
        effect=_mean(scores.effects[known]),
    )
    levels = transformed(scores, sized)[known]
    sd = float(levels.std(ddof=1)) if levels.size > 1 else 0.0
    return msgspec.structs.replace(sized, mean=float(levels.mean()), sd=sd)


def jackknife(levels: Floats, more: Floats) -> Floats:
    """Every window standardised by the mean and standard deviation of the others.

    `levels` has shape (windows, scores), NaN where not known, three known windows or more a
    score; `more` is added to the variance. So a calibration window's figure is exchangeable with
    that of a window to come.

    >>> jackknife(np.array([[1.0], [2.0], [3.0], [9.0]]), np.zeros((4, 1))).round(2).ravel().tolist()
    [-0.84, -0.49, -0.2, 6.06]
    """
    count = (~np.isnan(levels)).sum(axis=0)
    mean = np.nansum(levels, axis=0) / count
    apart = levels - mean
    squares = np.nansum(np.square(apart), axis=0)
    others = np.maximum(squares - np.square(apart) * count / (count - 1), 0.0) / (count - 2)
    spread = np.sqrt((others + more) * (1.0 + 1.0 / (count - 1)))
    found: Floats = apart * count / (count - 1) / np.maximum(spread, ROUNDING)
    return found


def _maxima(scores: Sequence[Scores], scales: Sequence[Scale], freedom: int) -> Floats:
    """The greatest standardised score of every window in which any is known."""
    if not scores:
        return np.empty(0)
    z = np.column_stack(
        [_calibrating(one, fitted) for one, fitted in zip(scores, scales, strict=True)]
    )
    z = tail_arrays.t_matched(z, np.array([fitted.windows - 2.0 for fitted in scales]), freedom)
    greatest = np.where(np.isnan(z), -np.inf, z).max(axis=1)
    found: Floats = greatest[np.isfinite(greatest)]
    return found


def _calibrating(scores: Scores, fitted: Scale) -> Floats:
    """The windows of the usual size by the others of it, smaller ones by the law of theirs."""
    usual = scores.bucket == 0
    levels = np.where(usual, transformed(scores, fitted), np.nan)[:, None]
    z = jackknife(levels, more_variance(scores, fitted)[:, None])[:, 0]
    z = np.abs(z) if sides(fitted) > 1 else z
    return z if usual.all() else np.where(usual, z, standardised(fitted, scores))


def _why_not(scores: Scores, values: NDArray[np.float64], sd: float) -> str | None:
    if values.size < thresholds.FEWEST_WINDOWS:
        return str(Reason.INSUFFICIENT)
    if scores.form is Form.COUNT:
        return None
    narrow = sd < (LEAST_SD if scores.form is Form.DISTANCE else ROUNDING)
    few = np.unique(values).size < FEWEST_DISTINCT
    return str(Reason.DEGENERATE) if narrow or few else None


def _basis(windows: int, options: Options) -> Basis | None:
    if windows < thresholds.FEWEST_WINDOWS:
        return None
    if options.pseudo:
        return Basis.OPTIMISTIC
    return Basis.CALIBRATED if windows >= thresholds.CALIBRATED_FROM else Basis.PROVISIONAL


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None
