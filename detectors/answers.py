"""How figures become a finding: what is too little to judge, and what judges nothing."""

import math
from typing import Final, Protocol

import msgspec

from detectors.finding import Basis, Finding, Interval, Reason, Verdict

MIN_ROWS: Final = 30
"""A column with fewer values in a window is computed, never judged."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector computed; `rows` and `rows_reference` count the values it used."""

    statistic: float | None = None
    p_value: float | None = None
    effect: float | None = None
    interval: Interval | None = None
    rows: int
    rows_reference: int


class Named(Protocol):
    """What has a column's name: a sample, or what was made of one."""

    @property
    def column(self) -> str:
        """The column's name."""


def answer(detector: str, sample: Named, figures: Figures, threshold: float | None) -> Finding:
    """A finding for the reader; it judges only against a threshold that the caller fixed.

    Failed where the statistic passes the threshold. Without a threshold: inconclusive, reason
    `shown`; with fewer than 30 values on either side: `insufficient`; without a figure:
    `degenerate`.
    """
    statistic, reason = number(figures.statistic), _why_not(figures, threshold)
    verdict = Verdict.INCONCLUSIVE
    if reason is None and statistic is not None and threshold is not None:
        verdict = Verdict.FAILED if statistic > threshold else Verdict.PASSED
    return Finding(
        column=sample.column,
        detector=detector,
        statistic=statistic,
        p_value=number(figures.p_value),
        interval=figures.interval,
        threshold=threshold,
        effect=number(figures.effect),
        rows=figures.rows,
        rows_reference=figures.rows_reference,
        verdict=verdict,
        reason=reason,
        basis=Basis.FIXED if threshold is not None else None,
    )


def unjudged(detector: str, column: str, reason: Reason | str, *, rows: int = 0) -> Finding:
    """An inconclusive finding without figures."""
    return Finding(
        column=column,
        detector=detector,
        rows=rows,
        verdict=Verdict.INCONCLUSIVE,
        reason=str(reason),
    )


def hard(detector: str, column: str, figures: Figures, *, limit: float) -> Finding:
    """A finding of a hard limit, outside the false-alarm budget: failed above `limit`."""
    statistic = number(figures.statistic)
    judged = statistic is not None
    failed = statistic is not None and statistic > limit
    verdict = Verdict.FAILED if failed else Verdict.PASSED if judged else Verdict.INCONCLUSIVE
    return Finding(
        column=column,
        detector=detector,
        statistic=statistic,
        p_value=number(figures.p_value),
        interval=figures.interval,
        threshold=limit,
        effect=number(figures.effect),
        rows=figures.rows,
        rows_reference=figures.rows_reference,
        verdict=verdict,
        reason=None if judged else str(Reason.INSUFFICIENT),
        basis=Basis.HARD,
    )


def number(value: float | None) -> float | None:
    """A figure that JSON can hold: None for what is not finite."""
    return float(value) if value is not None and math.isfinite(value) else None


def _why_not(figures: Figures, threshold: float | None) -> str | None:
    if min(figures.rows, figures.rows_reference) < MIN_ROWS:
        return str(Reason.INSUFFICIENT)
    if number(figures.statistic) is None:
        return str(Reason.DEGENERATE)
    return str(Reason.SHOWN) if threshold is None else None
