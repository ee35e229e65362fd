"""The false-alarm budget, as a client reads it."""

from datetime import datetime

import msgspec


class BudgetLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one family or detector may cost."""

    family: str
    detector: str
    share: float = 0.0
    alarms: float = 0.0
    is_measured: bool = False
    says: str = ""


class BudgetFamily(msgspec.Struct, frozen=True, kw_only=True):
    """The threshold of one family."""

    family: str
    share: float = 0.0
    alarms_allowed: float = 0.0
    alpha: float = 0.0
    windows: int = 0
    counted_as: int = 0
    mode: str = "pooled"
    season: str | None = None
    threshold: float | None = None
    tail: str | None = None
    conformal: float | None = None
    trustworthy: bool = True
    basis: str | None = None
    needs: int = 0
    judged_from: datetime | None = None
    says: str = ""


class BudgetColumn(msgspec.Struct, frozen=True, kw_only=True):
    """What one score of one column must reach."""

    family: str
    column: str
    detector: str
    windows: int = 0
    counted_as: int = 0
    floor: float = 0.0
    usual: float | None = None
    detectable: float | None = None
    unit: str = "sd"
    reason: str | None = None


class BudgetAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What operators said of the alerts."""

    since: datetime
    periods: float = 0.0
    alerts: int = 0
    true_alarms: int = 0
    false_alarms: int = 0
    unjudged: int = 0
    rate: float = 0.0
    low: float = 0.0
    high: float = 0.0
    is_broken: bool = False


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What false alarms are allowed, and how thresholds follow from it."""

    model: str
    count: float = 1.0
    period_seconds: float = 0.0
    windows_a_period: float = 0.0
    safety: float = 0.5
    predicted: float = 0.0
    version: str | None = None
    calibration_windows: int = 0
    confirmed_windows: int = 0
    recalibrated_at: datetime | None = None
    families: list[BudgetFamily] = []
    ledger: list[BudgetLine] = []
    columns: list[BudgetColumn] = []
    fixed: dict[str, float] = {}
    audit: BudgetAudit | None = None
