"""The JSON of a comparison: its shape is a promise to scripts."""

import msgspec

from detectors.comparison.result import ComparedColumn, Comparison, Rows, Side
from detectors.finding import Finding, Kind, Verdict


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


class Document(msgspec.Struct, frozen=True):
    """All of it; `seconds` is what reading and comparing took."""

    rows: Rows
    verdict: Verdict
    seconds: float
    columns: list[Column]


def document(comparison: Comparison, seconds: float) -> Document:
    """The document of a comparison."""
    return Document(
        rows=comparison.rows,
        verdict=comparison.verdict,
        seconds=round(seconds, 3),
        columns=[_column(column) for column in comparison.columns],
    )


def share_missing(side: Side | None) -> float | None:
    """The share of rows without a value."""
    return side.missing / side.rows if side is not None and side.rows else None


def _column(column: ComparedColumn) -> Column:
    missing = Shares(share_missing(column.reference), share_missing(column.current))
    return Column(column.column, column.kind, column.verdict, missing, column.findings)
