"""The JSON of a comparison: its shape is a promise to scripts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from detectors.comparison.result import ComparedColumn, Comparison, Rows, Side
from detectors.comparison.rule import verdict_of
from detectors.finding import Finding, Kind, Verdict

if TYPE_CHECKING:
    from detectors.comparison.quality import Quality


class Shares(msgspec.Struct, frozen=True):
    """The share of rows without a value on each side, in [0, 1]; None where there is no such side."""

    reference: float | None
    current: float | None


class Column(msgspec.Struct, frozen=True):
    """One column."""

    column: str
    kind: Kind
    verdict: Verdict
    missing: Shares
    findings: tuple[Finding, ...]


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of it; `seconds` is what reading and comparing took. `quality` is there where a model's
    predictions and labels were named."""

    rows: Rows
    verdict: Verdict
    seconds: float
    columns: list[Column]
    quality: "Quality | None" = None


def document(comparison: Comparison, seconds: float) -> Document:
    """The document of a comparison; findings of a part of the rows stand with their column's, and
    its verdict is that of all of them."""
    within: dict[str, list[ComparedColumn]] = {}
    for segment in comparison.segments:
        for column in segment.comparison.columns:
            within.setdefault(column.column, []).append(column)
    return Document(
        rows=comparison.rows,
        verdict=comparison.verdict,
        seconds=round(seconds, 3),
        columns=[_column(column, within.get(column.column, ())) for column in comparison.columns],
        quality=None if comparison.outcome is None else comparison.outcome.quality,
    )


def share_missing(side: Side | None) -> float | None:
    """The share of rows without a value."""
    return side.missing / side.rows if side is not None and side.rows else None


def _column(column: ComparedColumn, parts: Sequence[ComparedColumn]) -> Column:
    missing = Shares(share_missing(column.reference), share_missing(column.current))
    verdict = verdict_of([column.verdict, *(part.verdict for part in parts)])
    findings = (*column.findings, *(finding for part in parts for finding in part.findings))
    return Column(column.column, column.kind, verdict, missing, findings)
