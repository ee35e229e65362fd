"""What a comparison of two sets of rows holds: all that a table, a document or a report shows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from detectors.finding import Finding, Kind, Verdict

if TYPE_CHECKING:
    from detectors.comparison.correlations import Correlations
    from detectors.comparison.outcome import Outcome
    from detectors.comparison.overview import Overview

QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""The shares at which a side of numbers tells its quantiles."""


class Rows(msgspec.Struct, frozen=True):
    """How many rows each of the two has."""

    reference: int
    current: int


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one of the two holds of a column; None, or empty, where the kind has no such figure.

    `missing` and `infinite` count rows; moments and quantiles are those of the finite numbers, in
    the column's units, the standard deviation with divisor n; `distinct` counts levels. `first` and
    `last` are the bounds of dates, as ISO 8601. `usual` is the most frequent level, or the number
    that more than half of the values are, as text, and `usual_share` its share of the values.
    """

    rows: int
    missing: int
    infinite: int = 0
    distinct: int | None = None
    mean: float | None = None
    std: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    quantiles: tuple[float, ...] = ()
    """At `QUANTILES`."""
    first: str | None = None
    last: str | None = None
    usual: str | None = None
    usual_share: float | None = None


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of a numeric column counted over the same bins.

    `len(edges) == len(reference) + 1 == len(current) + 1`; edges increase, in the column's units,
    and belong to the bin above them, the last one to the last bin. What lies outside, infinities
    with it, is in `below` and `above`.
    """

    edges: tuple[float, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]
    below: Rows = Rows(0, 0)
    above: Rows = Rows(0, 0)


class Levels(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of a column of levels: the most frequent ones by name, the rest together.

    `apart` is the share of rows that would have to change their level, over all levels: the total
    variation. It is `at_least` so much where not all levels are counted; None where a side holds
    no value.
    """

    names: tuple[str, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]
    others: Rows = Rows(0, 0)
    apart: float | None = None
    at_least: bool = False


class ComparedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column: what both sides hold of it, what the detectors found, what is concluded.

    `kind` is what it was compared as, the reference's where the two differ. A side is None where it
    has no such column or one that could not be read; `note` then says so. `course` are the means of
    the current side's numbers in consecutive blocks of rows, in the order of the file, in the
    column's units, None for a block without any.
    """

    column: str
    kind: Kind
    verdict: Verdict
    reference: Side | None
    current: Side | None
    findings: tuple[Finding, ...]
    histogram: Histogram | None = None
    levels: Levels | None = None
    course: tuple[float | None, ...] = ()
    note: str | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two sets of rows compared. `columns` stand in the reference's order, then the current's own.

    `reference` and `current` name the two as the asker did. `findings` are of no single column
    (column `*`). `rule` says in a sentence what verdicts rest on; `notes` are remarks, a sentence
    each. Failed where a column or such a finding failed; inconclusive where nothing was judged.
    """

    reference: str
    current: str
    rows: Rows
    verdict: Verdict
    columns: tuple[ComparedColumn, ...]
    findings: tuple[Finding, ...] = ()
    rule: str
    notes: tuple[str, ...] = ()
    segments: tuple["Segment", ...] = ()
    roles: Mapping[str, str] = {}
    """What columns are to the model: `label`, `prediction` or `score`."""
    overviews: "tuple[Overview, Overview] | None" = None
    correlations: "Correlations | None" = None
    outcome: "Outcome | None" = None
    """How well both sides were predicted, where labels and predictions were named."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of the rows that hold one level of a column."""

    column: str
    level: str
    comparison: Comparison
