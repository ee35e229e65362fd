"""Every state of every record that has one, and every move between them: tables, nothing else."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from controlplane.domain.errors import IllegalMove


class RunState(StrEnum):
    """A training run."""

    REQUESTED = "requested"
    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    VANISHED = "vanished"


class RunEvent(StrEnum):
    """What can happen to a run."""

    APPROVAL_ASKED = "approval_asked"
    QUEUED = "queued"
    STARTED = "started"
    EXITED_CLEAN = "exited_clean"
    EXITED_BADLY = "exited_badly"
    RAN_OUT_OF_TIME = "ran_out_of_time"
    CANCELLED = "cancelled"
    LOST = "lost"


class VersionState(StrEnum):
    """A trained artifact."""

    CANDIDATE = "candidate"
    ON_TRIAL = "on_trial"
    CHAMPION = "champion"
    RETIRED = "retired"
    REJECTED = "rejected"
    ROLLED_BACK = "rolled_back"


class VersionEvent(StrEnum):
    """What can happen to a version."""

    TRIAL_OPENED = "trial_opened"
    TRIAL_LOST = "trial_lost"
    PROMOTED = "promoted"
    SUCCEEDED = "succeeded"
    """Another version took its place."""
    ROLLED_BACK = "rolled_back"
    RESTORED = "restored"


class TrialState(StrEnum):
    """A shadow evaluation; its last four states are its verdicts."""

    RUNNING = "running"
    BETTER = "better"
    NOT_BETTER = "not_better"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class TrialEvent(StrEnum):
    """What can end a trial."""

    PROVED_BETTER = "proved_better"
    PROVED_NOT_BETTER = "proved_not_better"
    PROVED_WORSE = "proved_worse"
    STOPPED = "stopped"
    COULD_NOT_SCORE = "could_not_score"


class GuardState(StrEnum):
    """The watch after a promotion; the last three are its verdicts."""

    WATCHING = "watching"
    PASSED = "passed"
    BREACHED = "breached"
    INCONCLUSIVE = "inconclusive"


class GuardEvent(StrEnum):
    """What can end a guard."""

    TIME_UP = "time_up"
    CROSSED = "crossed"
    CUT_SHORT = "cut_short"


class DecisionState(StrEnum):
    """A stored intent."""

    RECORDED = "recorded"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    PERFORMED = "performed"
    FAILED = "failed"


class DecisionEvent(StrEnum):
    """What can happen to a decision."""

    APPROVAL_ASKED = "approval_asked"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    PERFORMED = "performed"
    FAILED = "failed"


class WindowState(StrEnum):
    """A span of event time."""

    OPEN = "open"
    CLOSED = "closed"
    SCORED = "scored"
    MATURED = "matured"


class WindowEvent(StrEnum):
    """What can happen to a window."""

    ROWS_CLOSED = "rows_closed"
    SCORED = "scored"
    LABELS_CLOSED = "labels_closed"


class AlertState(StrEnum):
    """A condition somebody should hear of."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class AlertEvent(StrEnum):
    """What can happen to an alert."""

    FIRED = "fired"
    RESOLVED = "resolved"


class DeliveryState(StrEnum):
    """One sending."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    DEAD = "dead"


class DeliveryEvent(StrEnum):
    """What can happen to a delivery."""

    ACCEPTED = "accepted"
    GAVE_UP = "gave_up"
    RETRIED = "retried"


class ImportanceState(StrEnum):
    """How much a version depends on each feature, as the version itself is asked."""

    ASKED = "asked"
    MADE = "made"
    FAILED = "failed"


class ImportanceEvent(StrEnum):
    """What can happen to such a question."""

    ANSWERED = "answered"
    LEFT_UNANSWERED = "left_unanswered"
    ASKED_AGAIN = "asked_again"


RUN: Final[Mapping[tuple[RunState, RunEvent], RunState]] = {
    (RunState.REQUESTED, RunEvent.APPROVAL_ASKED): RunState.AWAITING_APPROVAL,
    (RunState.REQUESTED, RunEvent.QUEUED): RunState.QUEUED,
    (RunState.AWAITING_APPROVAL, RunEvent.QUEUED): RunState.QUEUED,
    (RunState.AWAITING_APPROVAL, RunEvent.CANCELLED): RunState.CANCELLED,
    (RunState.QUEUED, RunEvent.STARTED): RunState.RUNNING,
    (RunState.QUEUED, RunEvent.CANCELLED): RunState.CANCELLED,
    (RunState.QUEUED, RunEvent.EXITED_BADLY): RunState.FAILED,
    (RunState.RUNNING, RunEvent.EXITED_CLEAN): RunState.SUCCEEDED,
    (RunState.RUNNING, RunEvent.EXITED_BADLY): RunState.FAILED,
    (RunState.RUNNING, RunEvent.RAN_OUT_OF_TIME): RunState.TIMED_OUT,
    (RunState.RUNNING, RunEvent.CANCELLED): RunState.CANCELLED,
    (RunState.RUNNING, RunEvent.LOST): RunState.VANISHED,
}

VERSION: Final[Mapping[tuple[VersionState, VersionEvent], VersionState]] = {
    (VersionState.CANDIDATE, VersionEvent.TRIAL_OPENED): VersionState.ON_TRIAL,
    (VersionState.REJECTED, VersionEvent.TRIAL_OPENED): VersionState.ON_TRIAL,
    (VersionState.RETIRED, VersionEvent.TRIAL_OPENED): VersionState.ON_TRIAL,
    (VersionState.ROLLED_BACK, VersionEvent.TRIAL_OPENED): VersionState.ON_TRIAL,
    (VersionState.ON_TRIAL, VersionEvent.TRIAL_LOST): VersionState.REJECTED,
    (VersionState.ON_TRIAL, VersionEvent.PROMOTED): VersionState.CHAMPION,
    (VersionState.CANDIDATE, VersionEvent.PROMOTED): VersionState.CHAMPION,
    (VersionState.CANDIDATE, VersionEvent.TRIAL_LOST): VersionState.REJECTED,
    (VersionState.REJECTED, VersionEvent.PROMOTED): VersionState.CHAMPION,
    (VersionState.RETIRED, VersionEvent.PROMOTED): VersionState.CHAMPION,
    (VersionState.ROLLED_BACK, VersionEvent.PROMOTED): VersionState.CHAMPION,
    (VersionState.CHAMPION, VersionEvent.SUCCEEDED): VersionState.RETIRED,
    (VersionState.CHAMPION, VersionEvent.ROLLED_BACK): VersionState.ROLLED_BACK,
    (VersionState.RETIRED, VersionEvent.RESTORED): VersionState.CHAMPION,
}

TRIAL: Final[Mapping[tuple[TrialState, TrialEvent], TrialState]] = {
    (TrialState.RUNNING, TrialEvent.PROVED_BETTER): TrialState.BETTER,
    (TrialState.RUNNING, TrialEvent.PROVED_NOT_BETTER): TrialState.NOT_BETTER,
    (TrialState.RUNNING, TrialEvent.PROVED_WORSE): TrialState.WORSE,
    (TrialState.RUNNING, TrialEvent.STOPPED): TrialState.INCONCLUSIVE,
    (TrialState.RUNNING, TrialEvent.COULD_NOT_SCORE): TrialState.ERROR,
}

GUARD: Final[Mapping[tuple[GuardState, GuardEvent], GuardState]] = {
    (GuardState.WATCHING, GuardEvent.TIME_UP): GuardState.PASSED,
    (GuardState.WATCHING, GuardEvent.CROSSED): GuardState.BREACHED,
    (GuardState.WATCHING, GuardEvent.CUT_SHORT): GuardState.INCONCLUSIVE,
}

DECISION: Final[Mapping[tuple[DecisionState, DecisionEvent], DecisionState]] = {
    (DecisionState.RECORDED, DecisionEvent.APPROVAL_ASKED): DecisionState.AWAITING_APPROVAL,
    (DecisionState.RECORDED, DecisionEvent.PERFORMED): DecisionState.PERFORMED,
    (DecisionState.RECORDED, DecisionEvent.FAILED): DecisionState.FAILED,
    (DecisionState.AWAITING_APPROVAL, DecisionEvent.APPROVED): DecisionState.APPROVED,
    (DecisionState.AWAITING_APPROVAL, DecisionEvent.REJECTED): DecisionState.REJECTED,
    (DecisionState.AWAITING_APPROVAL, DecisionEvent.EXPIRED): DecisionState.EXPIRED,
    (DecisionState.APPROVED, DecisionEvent.PERFORMED): DecisionState.PERFORMED,
    (DecisionState.APPROVED, DecisionEvent.FAILED): DecisionState.FAILED,
}

WINDOW: Final[Mapping[tuple[WindowState, WindowEvent], WindowState]] = {
    (WindowState.OPEN, WindowEvent.ROWS_CLOSED): WindowState.CLOSED,
    (WindowState.CLOSED, WindowEvent.SCORED): WindowState.SCORED,
    (WindowState.SCORED, WindowEvent.LABELS_CLOSED): WindowState.MATURED,
}

ALERT: Final[Mapping[tuple[AlertState, AlertEvent], AlertState]] = {
    (AlertState.PENDING, AlertEvent.FIRED): AlertState.FIRING,
    (AlertState.PENDING, AlertEvent.RESOLVED): AlertState.RESOLVED,
    (AlertState.FIRING, AlertEvent.RESOLVED): AlertState.RESOLVED,
}

DELIVERY: Final[Mapping[tuple[DeliveryState, DeliveryEvent], DeliveryState]] = {
    (DeliveryState.QUEUED, DeliveryEvent.ACCEPTED): DeliveryState.DELIVERED,
    (DeliveryState.QUEUED, DeliveryEvent.GAVE_UP): DeliveryState.DEAD,
    (DeliveryState.DEAD, DeliveryEvent.RETRIED): DeliveryState.QUEUED,
}

IMPORTANCE: Final[Mapping[tuple[ImportanceState, ImportanceEvent], ImportanceState]] = {
    (ImportanceState.ASKED, ImportanceEvent.ANSWERED): ImportanceState.MADE,
    (ImportanceState.ASKED, ImportanceEvent.LEFT_UNANSWERED): ImportanceState.FAILED,
    (ImportanceState.MADE, ImportanceEvent.ASKED_AGAIN): ImportanceState.ASKED,
    (ImportanceState.FAILED, ImportanceEvent.ASKED_AGAIN): ImportanceState.ASKED,
}


S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


def moved(table: Mapping[tuple[S, E], S], subject: str, state: S, event: E) -> S:
    """The state after an event; raises IllegalMove, changing nothing, where the table has none."""
    after = table.get((state, event))
    if after is None:
        raise IllegalMove(subject, state, event)
    return after
