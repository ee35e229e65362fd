"""The false-alarm budget of a model: shares, thresholds, what they rest on, how it was kept."""

from datetime import datetime

import msgspec


class BudgetLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the ledger: what one family or detector may cost."""

    family: str
    detector: str
    share: float
    """Of the budget, in [0, 1]."""
    alarms: float
    """False alarms expected a period."""
    is_measured: bool
    """Measured on the model's own past rows; otherwise it is what thresholds are designed for."""
    says: str
    """Of a detector that reads rows one after another: what it may have, what it had, or why it is
    not read; empty for the others."""


class BudgetFamily(msgspec.Struct, frozen=True, kw_only=True):
    """The threshold of one family, and what it rests on."""

    family: str
    share: float
    alarms_allowed: float
    """False alarms a period."""
    alpha: float
    """The probability that one window without change alarms."""
    windows: int
    """Calibration windows."""
    counted_as: int
    """As how many of them that know nothing of each other they count, for half of the scores."""
    mode: str
    """`pooled`, or `matched`: windows are compared with those of their season alone."""
    season: str | None
    threshold: float | None
    """In standard deviations of the calibration windows' scores."""
    tail: str | None
    """How the height was found: `peaks`, `gumbel`, `gumbel or t`, `t`."""
    conformal: float | None
    """The height by order statistics alone, where there are windows enough."""
    trustworthy: bool
    """False where the threshold lies more than 1 below that."""
    basis: str | None
    needs: int
    """Calibration windows that are missing until there is a threshold to judge by."""
    judged_from: datetime | None
    """When the first window closes that has them, as windows come; null where none are missing,
    where they do not come by themselves, or where nobody can say yet."""
    says: str


class BudgetColumn(msgspec.Struct, frozen=True, kw_only=True):
    """What one score of one column must reach, and what a window would show of it."""

    family: str
    column: str
    detector: str
    windows: int
    counted_as: int
    """As how many windows that know nothing of each other these count."""
    floor: float
    """The least effect that alarms."""
    usual: float | None
    """The mean effect without change."""
    detectable: float | None
    """The least shift that one window shows in four cases of five; null: not even the largest
    that was tried."""
    unit: str
    """Of `detectable`: `sd`, `share` or `relative`."""
    reason: str | None
    """Why it has no part in the threshold: `degenerate`, `insufficient`."""


class BudgetAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What operators said of the alerts since the thresholds were set."""

    since: datetime
    periods: float
    alerts: int
    true_alarms: int
    false_alarms: int
    unjudged: int
    rate: float
    """False alarms a period; `low` and `high` bound it with 90 % each."""
    low: float
    high: float
    is_broken: bool
    """Whether the rate lies above the budget with 90 %."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What false alarms are allowed, and how every threshold follows from it."""

    model: str
    count: float
    period_seconds: float
    windows_a_period: float
    safety: float
    """The part of the budget that thresholds are designed for."""
    predicted: float
    """False alarms expected a period, at most, over all lines."""
    version: str | None
    """Whose reference windows are compared with."""
    calibration_windows: int
    confirmed_windows: int
    """Of these, how many an operator added."""
    recalibrated_at: datetime | None
    families: list[BudgetFamily]
    ledger: list[BudgetLine]
    columns: list[BudgetColumn]
    fixed: dict[str, float]
    """Thresholds set by hand, by detector: outside the budget."""
    audit: BudgetAudit | None
