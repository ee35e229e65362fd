"""What the monitors found: models at a glance, windows, findings, metrics, columns."""

from datetime import datetime

import msgspec

from connectors.client.wire.estimates import (
    Estimate,
    EstimatedPoint,
    Interval,
    MergedPoint,
)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one detector says of one column (or of the whole window, column `*`) in one window.

    `effect` is in the units that the detector documents, after subtracting what chance alone
    gives; `threshold` is what `statistic` was compared with. None means not known.
    """

    column: str
    detector: str
    segment: str | None = None
    statistic: float | None = None
    p_value: float | None = None
    interval: Interval | None = None
    threshold: float | None = None
    effect: float | None = None
    rows: int = 0
    rows_reference: int = 0
    verdict: str = ""
    reason: str | None = None
    basis: str | None = None


class WindowFindings(msgspec.Struct, frozen=True, kw_only=True):
    """Every finding of one revision of a window."""

    window: str
    revision: int = 0
    scored_at: datetime
    verdict: str = ""
    findings: list[Finding] = []


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A metric's value over some rows, with its interval."""

    metric: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    rows: int = 0


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A window with its headline figures."""

    id: str
    model: str
    number: int = 0
    start: datetime
    end: datetime
    state: str = ""
    revision: int = 0
    rows: int = 0
    labels: int = 0
    late: int = 0
    verdict: str | None = None
    champion: str | None = None
    realised: Figure | None = None
    estimated: Estimate | None = None
    columns_failed: int = 0
    columns_judged: int = 0
    columns_unjudged: int = 0
    stream_alarm: bool | None = None
    scored_at: datetime | None = None
    notes: list[str] = []


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One window of a version's series."""

    window: str
    start: datetime
    end: datetime
    value: float | None = None
    interval: Interval | None = None
    rows: int = 0


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over time of one version (`*`: all live rows)."""

    version: str
    realised: list[Point] = []
    estimated: list[EstimatedPoint] = []
    merged: list[MergedPoint] = []


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over time, a series a version."""

    model: str
    metric: str = ""
    direction: str = ""
    """`down`: less is better; `up`: more is better."""
    segment: str | None = None
    """Of which part of the rows; null: of all."""
    series: list[Series] = []


class ColumnSide(msgspec.Struct, frozen=True, kw_only=True):
    """A column's values over the reference or over a window."""

    rows: int = 0
    missing: float = 0.0
    """Share in [0, 1]."""
    counts: list[int] = []
    """Rows in each bin or of each level, in the order of `edges` or `levels`; numbers below the
    first edge are in the first bin, those above the last in the last."""
    other: int = 0
    """Rows with a value that is in no bin or level."""
    mean: float | None = None
    quantiles: dict[str, float] = {}
    """`0.05`, `0.25`, `0.5`, `0.75`, `0.95`, of the values that are finite; none for levels."""


class ColumnPicture(msgspec.Struct, frozen=True, kw_only=True):
    """One column, reference and window on the same bins or levels."""

    model: str
    column: str
    kind: str = ""
    window: str | None = None
    version: str | None = None
    """Whose reference it is."""
    edges: list[float] = []
    """One more than the bins of a number; empty for levels."""
    levels: list[str] = []
    reference: ColumnSide | None = None
    current: ColumnSide | None = None


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of the policy as it stands: `holds` is null where it cannot be told."""

    name: str
    holds: bool | None = None
    says: str = ""
    window: str | None = None


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Row counts of a model."""

    predictions: int = 0
    labels: int = 0
    rejected: int = 0


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """A business metric: `direction` is what the model file says is good, if it says so."""

    name: str
    direction: str | None = None
    values: int = 0
    last_at: datetime | None = None
    last_value: float | None = None


class Halves(msgspec.Struct, frozen=True, kw_only=True):
    """Requests and responses that wait for each other, and those given up after a week."""

    waiting: int = 0
    oldest: datetime | None = None
    forgotten: int = 0


class ModelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the fleet."""

    name: str
    task: str = ""
    timing: str = ""
    generation: int = 0
    verdict: str | None = None
    champion: str | None = None
    metric: str = ""
    realised: Figure | None = None
    estimated: Estimate | None = None
    reference_loss: float | None = None
    activity: str = ""
    """What is going on: `trial of v3`, `guard over v2`, `training`, `watching` …"""
    open_alerts: int = 0
    worst_alert: str | None = None
    rows: Rows = Rows()
    model_time: datetime | None = None
    retraining_stopped: str | None = None
    frozen: str | None = None
    timed: bool = True
    """False: rows have no times; row k stands for hour k."""
