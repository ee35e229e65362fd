"""The law of scores without change, and the threshold for their maximum."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors import remembering, tail_arrays, thresholds
from detectors.answers import number
from detectors.finding import Basis, Reason
from detectors.laws import (
    PLAIN,
    POWER,
    ROUNDING,
    Calibration,
    Law,
    Laws,
    Options,
    Scale,
    as_laws,
    laws_of,
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
    sized: Sequence[Sequence[Sequence[Law | None]]] = (),
) -> Calibration:  # fmt: skip
    """The threshold of scores over the same windows, whatever they are scores of.

    `sized[k - 1]` are the laws of the first of the same scores in windows thinned to size k.
    """
    factor = options.factor
    scales = [
        scales_of(found, factor=factor, smaller=[level[at] for level in sized if at < len(level)])
        for at, found in enumerate(scores)
    ]
    fitted = _in_order(scores, scales)
    kept = [one for one in fitted if one.reason is None]
    counted = _counted(kept)
    freedom = (counted or max((one.windows for one in kept), default=2)) - 2
    maxima = _maxima(scores, scales, freedom)
    tests = sum(sides(one.form) for one in kept)
    usable = max([maxima.size, *(one.windows for one in fitted)])
    needs = max(0, thresholds.FEWEST_WINDOWS - usable) if fitted else 0
    worth = usable if counted is None else min(counted, usable)
    found = None if needs else thresholds.threshold(maxima, alpha, scores=tests, worth=counted)
    return Calibration(
        family=family,
        windows=usable,
        worth=worth,
        alpha=alpha,
        threshold=None if found is None else found.height,
        tail=None if found is None else found.tail,
        conformal=None if found is None else found.conformal,
        trustworthy=found is None or found.trustworthy,
        needs=needs,
        basis=_basis(worth, options) if not needs else None,
        freedom=freedom,
        scales=tuple(fitted),
    )


def _in_order(scores: Sequence[Scores], scales: Sequence[Sequence[Scale]]) -> list[Scale]:
    places = [place for found in scores for place in found.places]
    fitted = [one for found in scales for one in found]
    return [one for _, one in sorted(zip(places, fitted, strict=True), key=lambda pair: pair[0])]


def scales_of(
    scores: Scores, *, factor: float, smaller: Sequence[Sequence[Law | None]] = ()
) -> list[Scale]:
    """The law of each score over the windows of the usual size in which it is known."""
    known = ~np.isnan(scores.values) & (scores.bucket == 0)
    laws = _laws(scores, known)
    levels = smaller if scores.form is Form.DISTANCE else ()
    return [
        _scale(scores, at, law, scores.values[at][known[at]], factor=factor,
               smaller=tuple(level[at] for level in levels))
        for at, law in enumerate(laws)
    ]  # fmt: skip


def _scale(
    scores: Scores, at: int, law: Law | None, values: Floats, *, factor: float,
    smaller: tuple[Law | None, ...],
) -> Scale:  # fmt: skip
    column, detector, part = scores.names[at]
    floor = float(scores.floors[at]) * factor
    if law is None:
        return Scale(
            column=column, detector=detector, part=part, form=scores.form, floor=floor,
            reason=str(Reason.INSUFFICIENT),
        )  # fmt: skip
    return Scale(
        mean=law.mean, sd=law.sd, effect=law.effect, rows=law.rows,
        rows_reference=law.rows_reference, power=law.power, column=column, detector=detector,
        part=part, form=scores.form, floor=floor, windows=values.size, least=float(values.min()),
        greatest=float(values.max()), reason=_why_not(scores.form, values, law), smaller=smaller,
        memory=0.0 if scores.memory is None else float(scores.memory[at]),
    )  # fmt: skip


def smaller_laws(scores: Scores) -> list[Law | None]:
    """The law of each score in smaller windows; None where it is known in fewer than eight."""
    known = ~np.isnan(scores.values)
    enough = known.sum(axis=1, keepdims=True) >= thresholds.FEWEST_WINDOWS
    return _laws(scores, known & enough)


def _laws(scores: Scores, known: NDArray[np.bool_]) -> list[Law | None]:
    """The law of each score in the windows in which it is known; None where it is in none.

    At once of those that are known in all windows.
    """
    found: list[Law | None] = [None] * len(known)
    whole = np.flatnonzero(known.all(axis=1))
    if whole.size and known.shape[1]:
        alike = scores if whole.size == len(known) else scores.picked(whole)
        for at, law in zip(whole.tolist(), _laws_over(alike), strict=True):
            found[at] = law
    for at in np.flatnonzero(known.any(axis=1) & ~known.all(axis=1)).tolist():
        [found[at]] = _laws_over(scores.picked(np.array([at]), known[at]))
    return found


def _laws_over(scores: Scores) -> list[Law]:
    """The law of each score over all windows."""
    sized = untold(scores)
    levels = transformed(scores, sized)
    windows = levels.shape[1]
    spread = levels.std(axis=1, ddof=1) if windows > 1 else np.zeros(len(levels))
    if scores.memory is not None:
        spread = spread * remembering.wider(scores.memory, np.array(float(windows)))
    figures = (levels.mean(axis=1), spread, _means(scores.effects))
    fields = (*figures, sized.rows[:, 0], sized.rows_reference[:, 0])
    power = float(sized.power[0, 0]) if len(levels) else 0.0
    return [
        Law(
            mean=mean,
            sd=sd,
            effect=number(effect),
            rows=size,
            rows_reference=reference,
            power=power,
        )
        for mean, sd, effect, size, reference in zip(*(f.tolist() for f in fields), strict=True)
    ]


def untold(scores: Scores) -> Laws:
    """The sizes and the power of laws whose figures are yet to be told, (scores, 1) each."""
    none = np.zeros((len(scores.values), 1))
    power = POWER if scores.values.shape[1] >= thresholds.CALIBRATED_FROM else 0.0
    rows, rows_reference = (
        np.median(own, axis=1)[:, None] for own in (scores.drawn, scores.rows_reference)
    )
    return Laws(none, none, none, rows, rows_reference, np.full_like(none, power))


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


def _maxima(scores: Sequence[Scores], scales: Sequence[Sequence[Scale]], freedom: int) -> Floats:
    """The greatest standardised score of every window in which any is known."""
    windows = scores[0].values.shape[1] if scores else 0
    greatest = np.full(windows, -np.inf)
    for one, fitted in zip(scores, scales, strict=True):
        kept = np.flatnonzero([scale.reason is None for scale in fitted])
        if kept.size:
            laws = [fitted[at] for at in kept.tolist()]
            z = _calibrating(one.picked(kept), laws)
            counted = np.array([law.counted for law in laws])
            for worth in np.unique(counted).tolist():  # equal tails keep the order of those alike
                most = np.fmax.reduce(z[counted == worth], axis=0)
                most = tail_arrays.t_matched(most, np.array(worth - 2.0), freedom)
                greatest = np.fmax(greatest, most)
    found: Floats = greatest[np.isfinite(greatest)]
    return found


def _calibrating(scores: Scores, scales: Sequence[Scale]) -> Floats:
    """The windows of the usual size by the others of it, smaller ones by the law of theirs."""
    usual = scores.bucket == 0
    laws = as_laws(scales)
    levels = np.where(usual, transformed(scores, laws), np.nan)
    z = jackknife(levels.T, more_variance(scores, laws).T).T
    z = np.abs(z) if sides(scores.form) > 1 else z
    if usual.all():
        return z
    return np.where(usual, z, standardised(scales, scores, laws_of(scales, scores.bucket)))


def _why_not(form: Form, values: Floats, law: Law) -> str | None:
    if values.size < thresholds.FEWEST_WINDOWS:
        return str(Reason.INSUFFICIENT)
    if form is Form.COUNT:
        return None
    least = ROUNDING
    if form is Form.DISTANCE:  # of a power, what is that much of the logarithm
        least = LEAST_SD * law.power * law.mean if law.power else LEAST_SD
    narrow = law.sd < max(least, ROUNDING)
    few = np.unique(values).size < FEWEST_DISTINCT
    return str(Reason.DEGENERATE) if narrow or few else None


def _counted(kept: Sequence[Scale]) -> int | None:
    """As how many windows apart those of the scores count where half of them or more wander.

    That of the many sets the rule of the threshold; scores of more or fewer are brought to its tail.
    """
    if not kept or float(np.median([one.memory for one in kept])) <= 0.0:
        return None
    return int(np.median([one.counted for one in kept]))


def _basis(worth: int, options: Options) -> Basis | None:
    if worth < thresholds.FEWEST_WINDOWS:
        return None
    if options.pseudo:
        return Basis.OPTIMISTIC
    return Basis.CALIBRATED if worth >= thresholds.CALIBRATED_FROM else Basis.PROVISIONAL


def _means(values: Floats) -> Floats:
    """The mean of the finite values of each row; NaN where there are none."""
    finite = np.isfinite(values)
    if finite.all():
        found: Floats = values.mean(axis=1)
        return found
    rows = zip(values, finite, strict=True)
    return np.array([row[known].mean() if known.any() else np.nan for row, known in rows])
