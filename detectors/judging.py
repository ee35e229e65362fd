"""Scores of one window against a calibration: findings."""

import math
from collections.abc import Sequence
from itertools import groupby

import msgspec

from detectors import calibration as law
from detectors import tails
from detectors.answers import number
from detectors.calibration import Calibration, Scale
from detectors.finding import Basis, Finding, Reason, Verdict
from detectors.scores import Form, Scores
from detectors.thresholds import FEWEST_WINDOWS


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
    scales = {(s.column, s.detector, s.part): s for s in calibration.scales}
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


def judge(calibration: Calibration, fitted: Scale | None, scores: Scores) -> Judged:
    """One score of a single window against its law."""
    value = float(scores.values[0])
    if math.isnan(value):
        return Judged(reason=str(Reason.INSUFFICIENT))
    if fitted is None or fitted.windows < FEWEST_WINDOWS:
        return Judged(effect=value, reason=str(Reason.UNCALIBRATED))
    effect = _effect(fitted, scores)
    if fitted.reason is not None:
        rare = fitted.form is Form.SHARE
        return (
            _rare(calibration, fitted, scores)
            if rare
            else Judged(effect=effect, reason=fitted.reason)
        )
    variance = fitted.sd**2 + float(law.more_variance(scores, fitted)[0])
    apart = float(law.transformed(scores, fitted)[0]) - fitted.mean
    z = apart / math.sqrt(max(variance * (1.0 + 1.0 / fitted.windows), law.ROUNDING**2))
    z = z if fitted.form is Form.DISTANCE else abs(z)
    p_value = min(1.0, law.sides(fitted) * tails.t_sf(z, fitted.windows - 1))
    if calibration.threshold is None or effect is None:
        reason = Reason.UNCALIBRATED if calibration.threshold is None else Reason.DEGENERATE
        return Judged(z=z, p_value=p_value, effect=effect, reason=str(reason))
    failed = z > calibration.threshold and abs(effect) >= fitted.floor
    return Judged(
        z=z,
        p_value=p_value,
        effect=effect,
        verdict=Verdict.FAILED if failed else Verdict.PASSED,
        basis=calibration.basis,
    )


def _effect(fitted: Scale, scores: Scores) -> float | None:
    """What is left of the effect after its mean without change; None where it has none."""
    now = float(scores.effects[0])
    if fitted.effect is None or math.isnan(now):
        return None
    match fitted.form:
        case Form.DISTANCE:
            return max(0.0, now - fitted.effect * float(law.stretch(scores, fitted)[0]))
        case Form.SHARE:
            return now - fitted.effect
        case Form.COUNT:
            return now / max(fitted.effect, law.LEAST_COUNT) - 1.0


def _rare(calibration: Calibration, fitted: Scale, scores: Scores) -> Judged:
    """A share that hardly moved while calibrating, by the binomial law at its level then.

    Failed where the share leaves all that the calibration windows had, by the floor at least, and
    chance explains it with less than the family's alpha over its scores.
    """
    share, rows = float(scores.values[0]), int(scores.rows[0])
    effect = _effect(fitted, scores) or 0.0
    seen = fitted.windows * (fitted.rows or rows)
    rises = share >= fitted.mean
    usual = fitted.mean if rises else 1.0 - fitted.mean
    hits = round((share if rises else 1.0 - share) * rows)
    p_value = tails.binomial_sf(hits, rows, min(1.0, max(usual, 1.0 / max(seen, 1.0))))
    left = share > fitted.greatest if rises else share < fitted.least
    unlikely = p_value <= calibration.alpha / max(len(calibration.scales), 1)
    failed = left and unlikely and abs(effect) >= fitted.floor
    return Judged(
        p_value=p_value,
        effect=effect,
        verdict=Verdict.FAILED if failed else Verdict.PASSED,
        basis=Basis.PROVISIONAL,
    )


def _standing_out(judged: Judged) -> tuple[bool, float]:
    return judged.verdict is Verdict.FAILED, -math.inf if judged.z is None else judged.z
