"""Conditions somebody should hear of, and the sendings that tell them."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from typing_extensions import override

from controlplane.domain.records import Record
from controlplane.domain.states import AlertState, DeliveryState

QUIET_WINDOWS: Final = 3
"""After so many windows in a row in which a condition does not hold its alert is over: what comes
again sooner is the same episode, and nobody is told twice."""
RUNS_FAILING: Final = "runs_failing"
"""The alert of three failed runs in a row: it ends with an operator's go, not with a promotion."""


class Severity(StrEnum):
    """How loud."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlarmVerdict(StrEnum):
    """What an operator says an alert was."""

    TRUE_ALARM = "true_alarm"
    FALSE_ALARM = "false_alarm"


class Alert(Record, frozen=True, kw_only=True):
    """One episode of a condition, from firing to resolved; times are model time.

    `fingerprint` names the condition (model, condition, subject); an episode adds its start.
    """

    TABLE: ClassVar[str] = "alerts"

    fingerprint: str
    condition: str
    subject: str = ""
    severity: Severity
    state: AlertState = AlertState.FIRING
    summary: str
    decision: str | None = None
    window: str | None = None
    fired_at: datetime
    quiet: tuple[str, ...] = ()
    """The windows in a row, up to now, in which its condition did not hold."""
    resolved_at: datetime | None = None
    resolved_because: str | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    """Wall clock."""
    verdict: AlarmVerdict | None = None
    """What whoever acknowledged it found; None while nobody has said."""
    note: str = ""

    @property
    @override
    def filed_at(self) -> datetime:
        """Alerts are listed by when they fired."""
        return self.fired_at


class Delivery(Record, frozen=True, kw_only=True):
    """One message to one receiver; `id` is the webhook's id and is the same at every attempt.

    `due_at` and `delivered_at` are wall clock.
    """

    TABLE: ClassVar[str] = "deliveries"

    state: DeliveryState = DeliveryState.QUEUED
    receiver: str
    alert: str
    type: str
    """`alert.fired` or `alert.resolved`."""
    body: str
    """The JSON that is signed and sent."""
    attempts: int = 0
    queued_at: datetime
    due_at: datetime
    delivered_at: datetime | None = None
    last_error: str | None = None

    @property
    @override
    def filed_at(self) -> datetime:
        """Deliveries are listed by when they were queued."""
        return self.queued_at
