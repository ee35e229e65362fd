"""What the monitors found: windows, findings, series, columns."""

from datetime import datetime

import msgspec

from controlplane.api.wire.estimates import Estimate, EstimatedPoint, MergedPoint
from detectors.finding import Finding, Interval


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A metric's value over some rows, with its interval."""

    metric: str
    value: float | None
    low: float | None
    high: float | None
    rows: int


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A window with its headline figures."""

    id: str
    model: str
    number: int
    start: datetime
    end: datetime
    state: str
    revision: int
    rows: int
    labels: int
    late: int
    verdict: str | None
    champion: str | None
    realised: Figure | None
    estimated: Estimate | None
    columns_failed: int
    columns_judged: int
    columns_unjudged: int
    stream_alarm: bool | None
    scored_at: datetime | None
    notes: list[str]


class WindowFindings(msgspec.Struct, frozen=True, kw_only=True):
    """Every finding of one revision of a window."""

    window: str
    revision: int
    scored_at: datetime
    verdict: str
    findings: list[Finding]


class ColumnSide(msgspec.Struct, frozen=True, kw_only=True):
    """A column's values over the reference or over a window."""

    rows: int
    missing: float
    """Share in [0, 1]."""
    counts: list[int]
    """Rows in each bin or of each level, in the order of `edges` or `levels`; numbers below the
    first edge are in the first bin, those above the last in the last."""
    other: int
    """Rows with a value that is in no bin or level."""
    mean: float | None = None
    quantiles: dict[str, float] = {}
    """`0.05`, `0.25`, `0.5`, `0.75`, `0.95`, of the values that are finite; none for levels."""


class ColumnPicture(msgspec.Struct, frozen=True, kw_only=True):
    """One column, reference and window on the same bins or levels."""

    model: str
    column: str
    kind: str
    window: str | None
    version: str | None
    """Whose reference it is."""
    edges: list[float]
    """One more than the bins of a number; empty for levels."""
    levels: list[str]
    reference: ColumnSide | None
    current: ColumnSide | None


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One window of a version's series."""

    window: str
    start: datetime
    end: datetime
    value: float | None
    interval: Interval | None
    rows: int


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over time of one version (`*`: all live rows)."""

    version: str
    realised: list[Point]
    estimated: list[EstimatedPoint] = []
    merged: list[MergedPoint] = []
    """One series: what was realised where labels are in, what is expected where they are not."""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over time, a series a version."""

    model: str
    metric: str
    direction: str
    """`down`: less is better; `up`: more is better."""
    segment: str | None = None
    """Of which part of the rows; null: of all."""
    series: list[Series]
