"""Scores of windows against a calibration: which pass the threshold, and the findings of one."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import laws, tail_arrays
from detectors.answers import number
from detectors.finding import Basis, Finding, Reason, Verdict
from detectors.laws import Calibration, Scale
from detectors.reading import Floats
from detectors.scores import Form, Scores
from detectors.thresholds import FEWEST_WINDOWS


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one score of several windows came to: arrays of shape (windows,).

    `z` is what the threshold is compared with, `p_values` are of this score alone.
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


def findings(calibration: Calibration, scores: Sequence[Scores]) -> list[Finding]:
    """A finding a column and detector; of a score in parts, that of the part that stands out most.

    `scores` are those of a single window.
    """
    scales = by_name(calibration)
    found = []
    for (column, detector), parts in groupby(scores, key=lambda s: (s.column, s.detector)):
        group = list(parts)
        judged = [judge(calibration, scales.get((s.column, s.detector, s.part)), s) for s in group]
        most = max(judged, key=_standing_out)
        p_value = None if most.p_value is None else min(1.0, most.p_value * len(group))
        found.append(
            Finding(
                column=column,
                detector=detector,
                statistic=number(most.z),
                p_value=p_value,
                threshold=calibration.threshold,
                effect=number(most.effect),
                rows=int(group[0].rows[0]),
                rows_reference=int(group[0].rows_reference[0]),
                verdict=most.verdict,
                reason=most.reason,
                basis=most.basis,
            )
        )
    return found


def by_name(calibration: Calibration) -> Mapping[tuple[str, str, str], Scale]:
    """The scales by column, detector and part."""
    return {(s.column, s.detector, s.part): s for s in calibration.scales}


def failed(calibration: Calibration, scores: Sequence[Scores]) -> NDArray[np.bool_]:
    """Which windows fail in which score, shape (windows, scores); cheap for many windows."""
    scales = by_name(calibration)
    found = []
    for one in scores:
        fitted = scales.get((one.column, one.detector, one.part))
        if fitted is None or fitted.windows < FEWEST_WINDOWS:
            found.append(np.zeros(one.values.shape, dtype=np.bool_))
        elif fitted.reason is None:
            found.append(outcome(calibration, fitted, one).failed)
        elif fitted.form is Form.SHARE:
            found.append(rare(calibration, fitted, one).failed)
        else:
            found.append(np.zeros(one.values.shape, dtype=np.bool_))
    return np.column_stack(found)


def judge(calibration: Calibration, fitted: Scale | None, scores: Scores) -> Judged:
    """One score of a single window against its law."""
    value = float(scores.values[0])
    if math.isnan(value):
        return Judged(reason=str(Reason.INSUFFICIENT))
    if fitted is None or fitted.windows < FEWEST_WINDOWS:
        return Judged(effect=value, reason=str(Reason.UNCALIBRATED))
    if fitted.reason is not None and fitted.form is not Form.SHARE:
        return Judged(effect=number(float(_effects(fitted, scores)[0])), reason=fitted.reason)
    still = fitted.reason is not None
    out = (rare if still else outcome)(calibration, fitted, scores)
    z, effect = number(float(out.z[0])), number(float(out.effects[0]))
    p_value = float(out.p_values[0])
    if not still and (calibration.threshold is None or effect is None):
        reason = Reason.UNCALIBRATED if calibration.threshold is None else Reason.DEGENERATE
        return Judged(z=z, p_value=p_value, effect=effect, reason=str(reason))
    return Judged(
        z=z,
        p_value=p_value,
        effect=effect,
        verdict=Verdict.FAILED if out.failed[0] else Verdict.PASSED,
        basis=Basis.PROVISIONAL if still else calibration.basis,
    )


def outcome(calibration: Calibration, fitted: Scale, scores: Scores) -> Outcome:
    """Scores by the law of windows without change: beyond the threshold, and by enough to matter.

    Scores that fewer windows calibrated have heavier tails; they are brought to the tail of the
    others, so that one threshold holds for all.
    """
    z = laws.standardised(fitted, scores)
    freedom = fitted.windows - 1.0
    p_values = np.minimum(1.0, laws.sides(fitted) * tail_arrays.t_sf(z, freedom))
    z = tail_arrays.t_matched(z, np.array(freedom), calibration.freedom + 1.0)
    effects = _effects(fitted, scores)
    height = math.inf if calibration.threshold is None else calibration.threshold
    with np.errstate(invalid="ignore"):
        beyond = (z > height) & (np.abs(effects) >= fitted.floor)
    return Outcome(z=z, p_values=p_values, effects=effects, failed=beyond)


def rare(calibration: Calibration, fitted: Scale, scores: Scores) -> Outcome:
    """A share that hardly moved while calibrating, by the binomial law at its level then.

    Failed where the share leaves all that the calibration windows had, by the floor at least, and
    chance explains it with less than the family's alpha over its scores.
    """
    level = fitted.effect or 0.0
    shares, rows = np.nan_to_num(scores.values, nan=level), scores.rows
    effects = shares - level
    seen = fitted.windows * np.where(fitted.rows, fitted.rows, rows)
    rises = shares >= level
    usual = np.maximum(np.where(rises, level, 1.0 - level), 1.0 / np.maximum(seen, 1.0))
    hits = np.round(np.where(rises, shares, 1.0 - shares) * rows).astype(np.int64)
    p_values = tail_arrays.binomial_sf(hits, rows, np.minimum(1.0, usual))
    left = np.where(rises, shares > fitted.greatest, shares < fitted.least)
    unlikely = p_values <= calibration.alpha / max(len(calibration.scales), 1)
    return Outcome(
        z=np.full(shares.shape, np.nan), p_values=p_values, effects=effects,
        failed=left & unlikely & (np.abs(effects) >= fitted.floor),
    )  # fmt: skip


def _effects(fitted: Scale, scores: Scores) -> Floats:
    """What is left of the effects after their mean without change; NaN where there is none."""
    found = np.full(scores.values.shape, np.nan)
    if scores.bucket.size == 1:
        law = laws.law_of(fitted, int(scores.bucket[0]))
        return found if law.effect is None else _left(law, law.effect, scores)
    for bucket in np.unique(scores.bucket):
        law = laws.law_of(fitted, int(bucket))
        if law.effect is not None:
            found = np.where(scores.bucket == bucket, _left(law, law.effect, scores), found)
    return found


def _left(law: laws.Law, usual: float, scores: Scores) -> Floats:
    match scores.form:
        case Form.DISTANCE:
            return np.maximum(0.0, scores.effects - usual * laws.stretch(scores, law))
        case Form.SHARE | Form.LEVEL:
            return scores.effects - usual
        case Form.COUNT:
            return scores.effects / max(usual, laws.LEAST_COUNT) - 1.0


def _standing_out(judged: Judged) -> tuple[bool, float]:
    return judged.verdict is Verdict.FAILED, -math.inf if judged.z is None else judged.z
