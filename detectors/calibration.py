"""The law of scores without change, and the threshold for their maximum."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import thresholds
from detectors.finding import Basis, Reason
from detectors.reading import Floats
from detectors.scores import Form, Scores

MINIMUM_EFFECTS: Final = {"none": 0.0, "small": 1.0, "medium": 2.0, "large": 4.0}
FEWEST_DISTINCT: Final = 5
LEAST_SD: Final = 0.02
LEAST_DISTANCE: Final = 1e-9
LEAST_COUNT: Final = 0.5
COUNT_WANDER: Final = 0.05
ROUNDING: Final = 1e-9


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """What one score is without change: the law that a new window's is standardised by.

    `mean` and `sd` are of the logarithm of a distance or a count, or of a share; `effect` is the mean effect,
    `floor` the least that matters. `reason` says why it has no part in the maximum:
    `degenerate`, `insufficient` (fewer than 8 windows with enough values).
    """

    column: str
    detector: str
    part: str = ""
    form: Form
    mean: float = 0.0
    sd: float = 0.0
    effect: float | None = None
    floor: float = 0.0
    rows: float = 0.0
    """Values in the median window."""
    rows_reference: float = 0.0
    windows: int = 0
    least: float = 0.0
    greatest: float = 0.0
    reason: str | None = None


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The threshold of one family for one length of windows, and what it was made of; plain JSON.

    `threshold` is None, and `basis` too, while fewer than 8 windows can calibrate; `needs` is then
    how many are missing. `conformal` is the height by order statistics alone; `trustworthy` is
    False where the threshold lies more than 1 below it.
    """

    family: str
    windows: int
    mode: str = "pooled"
    alpha: float
    threshold: float | None
    tail: str | None = None
    conformal: float | None = None
    trustworthy: bool = True
    needs: int = 0
    basis: Basis | None
    scales: tuple[Scale, ...]


def fit(
    scores: Sequence[Scores], *, family: str, alpha: float, minimum_effect: str = "small"
) -> Calibration:
    """The threshold of scores over the same windows, whatever they are scores of."""
    if minimum_effect not in MINIMUM_EFFECTS:
        raise ValueError(
            f"minimum_effect is {minimum_effect!r}; expected one of {', '.join(MINIMUM_EFFECTS)}"
        )
    scales = [scale(found, factor=MINIMUM_EFFECTS[minimum_effect]) for found in scores]
    kept = [at for at, fitted in enumerate(scales) if fitted.reason is None]
    maxima = _maxima([scores[at] for at in kept], [scales[at] for at in kept])
    tests = sum(sides(scales[at]) for at in kept)
    found = thresholds.threshold(maxima, alpha, scores=tests)
    usable = max((fitted.windows for fitted in scales), default=0)
    return Calibration(
        family=family,
        windows=max(usable, maxima.size),
        alpha=alpha,
        threshold=None if found is None else found.height,
        tail=None if found is None else found.tail,
        conformal=None if found is None else found.conformal,
        trustworthy=found is None or found.trustworthy,
        needs=max(0, thresholds.FEWEST_WINDOWS - usable) if scores else 0,
        basis=_basis(max(usable, maxima.size)),
        scales=tuple(scales),
    )


def scale(scores: Scores, *, factor: float) -> Scale:
    """The law of one score over the windows in which it is known."""
    known = ~np.isnan(scores.values)
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
    sized = msgspec.structs.replace(
        blank,
        rows=float(np.median(scores.rows[known])),
        rows_reference=float(np.median(scores.rows_reference[known])),
        least=float(values.min()),
        greatest=float(values.max()),
        effect=_mean(scores.effects[known]),
    )
    levels = transformed(scores, sized)[known]
    sd = float(levels.std(ddof=1)) if levels.size > 1 else 0.0
    return msgspec.structs.replace(
        sized, mean=float(levels.mean()), sd=sd, reason=_why_not(scores, values, sd)
    )


def sides(fitted: Scale) -> int:
    """In how many directions a score may leave the usual."""
    return 1 if fitted.form is Form.DISTANCE else 2


def transformed(scores: Scores, fitted: Scale) -> Floats:
    """The logarithm of a distance, brought to the median window's size, or of a count; a share."""
    match fitted.form:
        case Form.SHARE:
            return scores.values
        case Form.COUNT:
            return logarithm(scores.values, LEAST_COUNT)
        case Form.DISTANCE:
            return logarithm(scores.values, LEAST_DISTANCE) - np.log(stretch(scores, fitted))


def logarithm(values: Floats, least: float) -> Floats:
    """The natural logarithm, of `least` for all that is smaller."""
    found: Floats = np.log(np.maximum(values, least))
    return found


def stretch(scores: Scores, fitted: Scale) -> Floats:
    """By how much chance makes a distance larger than in the median window; never below 1."""
    if fitted.form is not Form.DISTANCE:
        return np.ones(scores.values.size)
    now = 1.0 / np.maximum(scores.rows, 1) + 1.0 / np.maximum(scores.rows_reference, 1)
    then = 1.0 / max(fitted.rows, 1.0) + 1.0 / max(fitted.rows_reference, 1.0)
    found: Floats = np.sqrt(np.maximum(now / then, 1.0))
    return found


def more_variance(scores: Scores, fitted: Scale) -> Floats:
    """The variance of a share in a smaller window beyond that in the median one.

    A count gets that of a wander of 5 %: streams of so many rows an hour have none at all.
    """
    if fitted.form is Form.COUNT:
        return np.full(scores.values.size, COUNT_WANDER**2)
    if fitted.form is Form.DISTANCE or not fitted.rows:
        return np.zeros(scores.values.size)
    spread = max(fitted.mean * (1.0 - fitted.mean), 0.0)
    fewer = 1.0 / np.maximum(scores.rows, 1) - 1.0 / max(fitted.rows, 1.0)
    found: Floats = spread * np.maximum(fewer, 0.0)
    return found


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


def _maxima(scores: Sequence[Scores], scales: Sequence[Scale]) -> Floats:
    """The greatest standardised score of every window in which any is known."""
    if not scores:
        return np.empty(0)
    pairs = list(zip(scores, scales, strict=True))
    levels = np.column_stack([transformed(one, fitted) for one, fitted in pairs])
    more = np.column_stack([more_variance(one, fitted) for one, fitted in pairs])
    two_sided = np.array([sides(fitted) > 1 for fitted in scales])
    z = jackknife(levels, more)
    z[:, two_sided] = np.abs(z[:, two_sided])
    greatest = np.where(np.isnan(z), -np.inf, z).max(axis=1)
    found: Floats = greatest[np.isfinite(greatest)]
    return found


def _why_not(scores: Scores, values: NDArray[np.float64], sd: float) -> str | None:
    if values.size < thresholds.FEWEST_WINDOWS:
        return str(Reason.INSUFFICIENT)
    if scores.form is Form.COUNT:
        return None
    narrow = sd < (LEAST_SD if scores.form is Form.DISTANCE else ROUNDING)
    few = np.unique(values).size < FEWEST_DISTINCT
    return str(Reason.DEGENERATE) if narrow or few else None


def _basis(windows: int) -> Basis | None:
    if windows < thresholds.FEWEST_WINDOWS:
        return None
    return Basis.CALIBRATED if windows >= thresholds.CALIBRATED_FROM else Basis.PROVISIONAL


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None
