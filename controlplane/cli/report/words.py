"""Figures as a report writes them."""

from typing import Final

from detectors.comparison.result import ComparedColumn
from detectors.finding import Verdict

DASH: Final = "–"
SPACE: Final = "\N{NO-BREAK SPACE}"
LEAST_P: Final = 1e-99
VERDICTS: Final = {
    Verdict.FAILED: "failed", Verdict.PASSED: "passed", Verdict.INCONCLUSIVE: "not judged",
    Verdict.ERROR: "not measured",
}  # fmt: skip
"""What verdicts are called, in a terminal and on a page."""


def span_of(column: ComparedColumn) -> str | None:
    """From when to when the dates of both sides are, to the minute; None where they are not known
    of both."""
    before, now = column.reference, column.current
    if before is None or now is None or None in {before.first, now.first}:
        return None
    return " → ".join(
        " … ".join(_to_the_minute(str(moment)) for moment in (side.first, side.last))
        for side in (before, now)
    )


def _to_the_minute(moment: str) -> str:
    return ":".join(moment.split(":")[:2]).replace("T", " ")


def figure(value: float | None) -> str:
    """A figure with four digits that matter.

    >>> figure(0.123456), figure(None), figure(1234567.0), figure(1e-9)
    ('0.1235', '–', '1,234,567', '1e-09')
    """
    if value is None:
        return DASH
    if abs(value) >= 10_000 and abs(value) < 1e15:  # noqa: PLR2004 - from here on digits, not powers
        return f"{value:,.0f}"
    return f"{value:.4g}"


def share(value: float | None) -> str:
    """A share in [0, 1] in per cent, never rounded to nothing.

    The space does not break.

    >>> [share(value).replace("\N{NO-BREAK SPACE}", " ") for value in (0.0, 0.123, 0.0000012)]
    ['0 %', '12.3 %', '<0.01 %']
    """
    if value is None:
        return DASH
    if 0.0 < value < 0.0001:  # noqa: PLR2004 - below what two digits show
        return f"<0.01{SPACE}%"
    return f"{value * 100:.3g}{SPACE}%"


def count(value: int | None) -> str:
    """A count with thousands apart."""
    return DASH if value is None else f"{value:,}"


def chance(p_value: float | None) -> str:
    """A p-value; what a double rounds to nothing is not nothing.

    >>> chance(0.0), chance(0.04321), chance(None)
    ('<1e-99', '0.0432', '–')
    """
    if p_value is None:
        return DASH
    return f"<{LEAST_P:g}" if p_value < LEAST_P else f"{p_value:.3g}"
