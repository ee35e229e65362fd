"""What moved in a window, and whether it matters to the model: an order of columns."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from detectors import jensen_shannon, multiplicity
from detectors.finding import Basis, Finding
from detectors.reading import Counts, Floats

LEVEL: Final = 0.1
DISTANCES: Final = frozenset({jensen_shannon.NAME, "share"})


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """How far one column moved.

    `z` is the greatest of its standardised scores, None where it is not calibrated; `p_value` is
    Holm's over all columns, of the least p of its scores times their number. `share` is its part
    of the squared Jensen–Shannon distances beyond chance of all columns, in [0, 1]. `importance`
    is the column's, in [0, 1] of the most important one's, and `weight` z above zero times it:
    an order, not a test. None means not known. `stands_out` says that Holm's p is at most 10 %.
    """

    column: str
    z: float | None
    p_value: float | None
    effect: float | None
    detector: str
    share: float
    stands_out: bool
    importance: float | None = None
    weight: float | None = None


def moved(findings: Sequence[Finding], importance: Mapping[str, float] | None) -> list[Moved]:
    """The columns of a window's findings, by weight where importance is known, else by z.

    Findings of segments are left aside. `importance` has any scale; only its ratios count. A column
    that it does not name has none that is known.
    """
    columns: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.segment is None and finding.column != "*":
            columns.setdefault(finding.column, []).append(finding)
    excess = {column: _excess(found) for column, found in columns.items()}
    whole = sum(excess.values())
    greatest = max((abs(value) for value in (importance or {}).values()), default=0.0)
    adjusted = multiplicity.holm([_p(found) for found in columns.values()])
    rows = []
    for (column, found), p in zip(columns.items(), adjusted.tolist(), strict=True):
        first = _first(found)
        own = (importance or {}).get(column)
        matters = abs(own) / greatest if own is not None and greatest > 0.0 else None
        z = first.statistic if _is_standardised(first) else None
        weight = None if matters is None or z is None else max(z, 0.0) * matters
        rows.append(
            Moved(
                column=column, z=z, p_value=p if z is not None else None, effect=first.effect,
                detector=first.detector, share=excess[column] / whole if whole > 0.0 else 0.0,
                stands_out=z is not None and p <= LEVEL, importance=matters, weight=weight,
            )
        )  # fmt: skip
    return sorted(rows, key=_place)


def main_effects(codes: Sequence[Counts], predictions: Floats) -> list[float]:
    """How much of the variance of the predictions each column explains by itself, in [0, 1].

    `codes` hold each row's part of each column. The first-order index of Sobol 1993 from logged
    rows, less what parts without any effect would explain (Kelley 1935). One bincount a column.
    """
    n = predictions.size
    spread = np.square(predictions - predictions.mean()).sum() if n else 0.0
    if not spread > 0.0:
        return [0.0] * len(codes)
    found = []
    for column in codes:
        rows = np.bincount(column)
        used = rows > 0
        sums = np.bincount(column, weights=predictions - predictions.mean())[used]
        between = float((np.square(sums) / rows[used]).sum())
        parts = int(used.sum())
        within = (spread - between) / max(n - parts, 1)
        found.append(float(max(0.0, (between - (parts - 1) * within) / spread)))
    return found


def _is_standardised(finding: Finding) -> bool:
    """Whether the statistic is a score in standard deviations: those of hard limits and of
    thresholds set by hand are in units of their own."""
    return finding.threshold is not None and finding.basis not in {Basis.HARD, Basis.FIXED}


def _excess(found: Sequence[Finding]) -> float:
    return max((f.effect**2 for f in found if f.detector in DISTANCES and f.effect), default=0.0)


def _p(found: Sequence[Finding]) -> float:
    known = [f.p_value for f in found if _is_standardised(f) and f.p_value is not None]
    return min(1.0, min(known) * len(known)) if known else 1.0


def _first(found: Sequence[Finding]) -> Finding:
    """The judged score that stands highest; else the distance that is shown."""
    judged = [f for f in found if _is_standardised(f) and f.statistic is not None]
    if judged:
        return max(judged, key=lambda f: f.statistic or 0.0)
    return next((f for f in found if f.detector in DISTANCES), found[0])


def _place(row: Moved) -> tuple[float, float, float]:
    return (-(row.weight or 0.0), -(row.z if row.z is not None else -np.inf), -row.share)
