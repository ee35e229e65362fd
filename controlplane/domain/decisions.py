"""What was decided, and the facts it rests on."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

import msgspec
from typing_extensions import override

from controlplane.domain.names import digest
from controlplane.domain.records import Record
from controlplane.domain.states import DecisionState


class DecisionKind(StrEnum):
    """Everything that Leeboard decides."""

    RETRAIN = "retrain"
    HOLD = "hold"
    """A trigger came and nothing was started, with the reason."""
    TRIAL = "trial"
    FIRST = "first"
    PROMOTE = "promote"
    REJECT = "reject"
    ROLL_BACK = "roll_back"
    ALERT = "alert"
    STOP = "stop"
    """Retraining stops until an operator says go."""
    RESUME = "resume"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that a decision cites: what kind of record, which one, what it said."""

    kind: str
    id: str
    says: str
    figures: dict[str, float | None] = {}


class Decision(Record, frozen=True, kw_only=True):
    """A stored intent; `id` is a hash of model, generation, kind, subject and model time."""

    TABLE: ClassVar[str] = "decisions"

    kind: DecisionKind
    subject: str
    generation: int
    model_time: datetime
    state: DecisionState = DecisionState.RECORDED
    says: str
    """One sentence for a person."""
    evidence: tuple[Evidence, ...] = ()
    verdict: str | None = None
    condition: str | None = None
    window: str | None = None
    triggers: tuple[str, ...] = ()
    by: str = "policy"
    """`policy`, or the operator who asked for it."""
    severity: str | None = None
    replaces: str | None = None
    """The champion when this was decided: a move is refused where another serves by then."""
    made: bool = False
    dry: bool = False
    recorded_at: datetime | None = None
    """Wall clock."""
    outcome: str | None = None

    @property
    @override
    def filed_at(self) -> datetime:
        """Decisions are listed by model time."""
        return self.model_time


def decision_id(model: str, generation: int, kind: DecisionKind, subject: str, at: datetime) -> str:
    """The id that these facts give, the same whenever they are looked at again."""
    return digest("d", model, generation, kind, subject, at.isoformat())
