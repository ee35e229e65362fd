"""Scores of windows against a calibration: which pass the threshold, and the findings of one."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import laws, tail_arrays
from detectors.answers import number
from detectors.finding import Basis, Finding, Reason, Verdict
from detectors.laws import Calibration, Laws, Scale
from detectors.reading import Floats
from detectors.scores import Form, Name, Scores
from detectors.thresholds import CALIBRATED_FROM, FEWEST_WINDOWS


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What scores of several windows came to: arrays of shape (scores, windows).

    `z` is what the threshold is compared with, `p_values` are of each score alone.
    """

    z: Floats
    p_values: Floats
    effects: Floats
    failed: NDArray[np.bool_]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One score of one window: how far from the usual, by how much, and what is concluded."""

    z: float | None = None
    p_value: float | None = None
    effect: float | None = None
    verdict: Verdict = Verdict.INCONCLUSIVE
    reason: str | None = None
    basis: Basis | None = None


class Standing(StrEnum):
    """By what a score can be judged."""

    CALIBRATED = "calibrated"
    """By the law of its calibration windows."""
    STILL = "still"
    """By the binomial law, as it is a share that hardly moved while calibrating."""
    SHOWN = "shown"
    """By none, as its calibration windows give no law."""
    UNKNOWN = "unknown"
    """By none, as too few windows calibrated it."""


def findings(calibration: Calibration, scores: Sequence[Scores]) -> list[Finding]:
    """A finding a column and detector; of a score in parts, that of the part that stands out most.

    `scores` are those of a single window. The findings stand in the order of the scores' places.
    """
    scales = by_name(calibration)
    rows: list[tuple[int, Name, Judged, int, int]] = []
    for one in scores:
        judged = judge(calibration, [scales.get(name) for name in one.names], one)
        sizes = one.rows[:, 0].tolist(), one.rows_reference[:, 0].tolist()
        rows += zip(one.places, one.names, judged, *sizes, strict=True)
    rows.sort(key=itemgetter(0))
    found = []
    for (column, detector), parts in groupby(rows, key=_of_column):
        group = list(parts)
        most = group[0][2] if len(group) == 1 else max((g[2] for g in group), key=_standing_out)
        p_value = None if most.p_value is None else min(1.0, most.p_value * len(group))
        found.append(
            Finding(
                column=column,
                detector=detector,
                statistic=most.z,
                p_value=p_value,
                threshold=calibration.threshold,
                effect=most.effect,
                rows=group[0][3],
                rows_reference=group[0][4],
                verdict=most.verdict,
                reason=most.reason,
                basis=most.basis,
            )
        )
    return found


def by_name(calibration: Calibration) -> Mapping[Name, Scale]:
    """The scales by column, detector and part."""
    return {Name(s.column, s.detector, s.part): s for s in calibration.scales}


def failed(calibration: Calibration, scores: Sequence[Scores]) -> NDArray[np.bool_]:
    """Which windows fail in which score, shape (windows, scores), in the order of their places."""
    scales = by_name(calibration)
    windows = scores[0].values.shape[1] if scores else 0
    found = np.zeros((sum(len(one.names) for one in scores), windows), dtype=np.bool_)
    for one in scores:
        fitted = [scales.get(name) for name in one.names]
        places = np.array(one.places)
        for at, out in _outcomes(calibration, fitted, one):
            found[places[at]] = out.failed
    return found.T


def judge(calibration: Calibration, fitted: Sequence[Scale | None], scores: Scores) -> list[Judged]:
    """Scores of a single window against their laws, None where there is none."""
    figures = np.full((5, len(fitted)), np.nan)
    for at, out in _outcomes(calibration, fitted, _and_farthest(fitted, scores)):
        told = (out.z, out.p_values, out.effects, out.failed)
        figures[:4, at] = [each[:, 0] for each in told]
        figures[4, at] = out.failed[:, -1]
    columns = zip(fitted, scores.values[:, 0].tolist(), *figures.tolist(), strict=True)
    return [_judged(calibration, scale, value, told) for scale, value, *told in columns]


def _and_farthest(fitted: Sequence[Scale | None], scores: Scores) -> Scores:
    """Distances of a single window, and as a second one the greatest that they could be."""
    if scores.form is not Form.DISTANCE:
        return scores
    most = np.array([[math.inf if s is None or s.reach is None else s.reach] for s in fitted])
    sizes = ("rows", "drawn", "rows_reference", "bucket")
    return msgspec.structs.replace(
        scores, values=np.hstack([scores.values, most]),
        effects=np.hstack([scores.effects, np.full(most.shape, math.inf)]),
        **{name: np.repeat(getattr(scores, name), 2, axis=1) for name in sizes},
    )  # fmt: skip


def _judged(
    calibration: Calibration, fitted: Scale | None, value: float, figures: Sequence[float]
) -> Judged:
    """What is concluded from a score and from z, p-value, effect, whether it failed and whether it
    could have."""
    if math.isnan(value):
        return Judged(reason=str(Reason.INSUFFICIENT))
    standing = standing_of(fitted)
    if fitted is None or standing is Standing.UNKNOWN:
        return Judged(effect=number(value), reason=str(Reason.UNCALIBRATED))
    z, p_value, effect = number(figures[0]), figures[1], number(figures[2])
    if standing is Standing.SHOWN:
        return Judged(effect=effect, reason=fitted.reason)
    still = standing is Standing.STILL
    if not still and (calibration.threshold is None or effect is None):
        reason = Reason.UNCALIBRATED if calibration.threshold is None else Reason.DEGENERATE
        return Judged(z=z, p_value=p_value, effect=effect, reason=str(reason))
    if fitted.form is Form.DISTANCE and not (figures[3] or figures[4]):
        return Judged(z=z, p_value=p_value, effect=effect, reason=str(Reason.OUT_OF_REACH))
    return Judged(
        z=z,
        p_value=p_value,
        effect=effect,
        verdict=Verdict.FAILED if figures[3] else Verdict.PASSED,
        basis=Basis.PROVISIONAL if still else _basis(calibration, fitted),
    )


def _basis(calibration: Calibration, fitted: Scale) -> Basis | None:
    """That of the threshold; provisional too where this score's own windows count as too few."""
    few = fitted.memory > 0.0 and fitted.counted < CALIBRATED_FROM
    return Basis.PROVISIONAL if few and calibration.basis is Basis.CALIBRATED else calibration.basis


def standing_of(fitted: Scale | None) -> Standing:
    """By what a score with this law can be judged."""
    if fitted is None or fitted.windows < FEWEST_WINDOWS:
        return Standing.UNKNOWN
    if fitted.reason is None:
        return Standing.CALIBRATED
    return Standing.STILL if fitted.form is Form.SHARE else Standing.SHOWN


def _outcomes(
    calibration: Calibration, fitted: Sequence[Scale | None], scores: Scores
) -> Iterator[tuple[NDArray[np.int64], Outcome]]:
    """What the scores come to that have a law, with their places, those of one law together."""
    standings = [standing_of(scale) for scale in fitted]
    for standing, law in _LAWS.items():
        at = np.array([n for n, own in enumerate(standings) if own is standing], dtype=np.int64)
        if at.size:
            scales = [scale for n in at.tolist() if (scale := fitted[n]) is not None]
            some = scores if at.size == len(fitted) else scores.picked(at)
            yield at, law(calibration, scales, some)


def outcome(calibration: Calibration, fitted: Sequence[Scale], scores: Scores) -> Outcome:
    """Scores by the law of windows without change: beyond the threshold, and by enough to matter.

    Scores that fewer windows calibrated have heavier tails; they are brought to the tail of the
    others, so that one threshold holds for all.
    """
    known = laws.laws_of(fitted, scores.bucket)
    z = laws.standardised(fitted, scores, known)
    freedom = np.array([scale.counted - 1.0 for scale in fitted])[:, None]
    p_values = np.minimum(1.0, laws.sides(scores.form) * tail_arrays.t_sf(z, freedom))
    z = tail_arrays.t_matched(z, freedom, calibration.freedom + 1.0)
    effects = _effects(known, scores)
    height = math.inf if calibration.threshold is None else calibration.threshold
    with np.errstate(invalid="ignore"):
        beyond = (z > height) & (np.abs(effects) >= _floors(fitted))
    return Outcome(z=z, p_values=p_values, effects=effects, failed=beyond)


def rare(calibration: Calibration, fitted: Sequence[Scale], scores: Scores) -> Outcome:
    """Shares that hardly moved while calibrating, by the binomial law at their level then.

    Failed where a share leaves all that the calibration windows had, by the floor at least, and
    chance explains it with less than the family's alpha over its scores.
    """
    level = np.array([scale.effect or 0.0 for scale in fitted])[:, None]
    usual_rows = np.array([scale.rows for scale in fitted])[:, None]
    windows, least, greatest = (
        np.array([[getattr(scale, name)] for scale in fitted])
        for name in ("windows", "least", "greatest")
    )
    shares, rows = np.where(np.isnan(scores.values), level, scores.values), scores.rows
    effects = shares - level
    seen = windows * np.where(usual_rows, usual_rows, rows)
    rises = shares >= level
    usual = np.maximum(np.where(rises, level, 1.0 - level), 1.0 / np.maximum(seen, 1.0))
    hits = np.round(np.where(rises, shares, 1.0 - shares) * rows).astype(np.int64)
    p_values = tail_arrays.binomial_sf(hits, rows, np.minimum(1.0, usual))
    left = np.where(rises, shares > greatest, shares < least)
    unlikely = p_values <= calibration.alpha / max(len(calibration.scales), 1)
    return Outcome(
        z=np.full(shares.shape, np.nan), p_values=p_values, effects=effects,
        failed=left & unlikely & (np.abs(effects) >= _floors(fitted)),
    )  # fmt: skip


def _shown(_: Calibration, fitted: Sequence[Scale], scores: Scores) -> Outcome:
    none = np.full(scores.values.shape, np.nan)
    return Outcome(
        z=none, p_values=none, effects=_effects(laws.laws_of(fitted, scores.bucket), scores),
        failed=np.zeros(none.shape, dtype=np.bool_),
    )  # fmt: skip


_LAWS: Final[Mapping[Standing, Callable[[Calibration, Sequence[Scale], Scores], Outcome]]] = {
    Standing.CALIBRATED: outcome, Standing.STILL: rare, Standing.SHOWN: _shown,
}  # fmt: skip


def _floors(fitted: Sequence[Scale]) -> Floats:
    return np.array([[scale.floor] for scale in fitted])


def _effects(known: Laws, scores: Scores) -> Floats:
    """What is left of the effects after their mean without change; NaN where there is none."""
    match scores.form:
        case Form.DISTANCE:
            left = scores.effects - known.effect * laws.stretch(scores, known)
            return np.maximum(0.0, left)
        case Form.SHARE | Form.LEVEL:
            return scores.effects - known.effect
        case Form.COUNT:
            return scores.effects / np.maximum(known.effect, laws.LEAST_COUNT) - 1.0


def _of_column(row: tuple[int, Name, Judged, int, int]) -> tuple[str, str]:
    return row[1].column, row[1].detector


def _standing_out(judged: Judged) -> tuple[bool, float]:
    return judged.verdict is Verdict.FAILED, -math.inf if judged.z is None else judged.z
