"""The records of the lifecycle: versions, runs, trials, guards, decisions, alerts."""

from datetime import datetime

import msgspec

from controlplane.domain.decisions import Evidence


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One point of a trial's confidence sequence; positive means that the candidate is better."""

    at: datetime
    blocks: int
    rows: int
    difference: float | None
    low: float | None
    high: float | None
    unit: str
    worth: int | None
    design_effect: float | None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A shadow evaluation; `verdict` is null while it runs."""

    id: str
    model: str
    state: str
    verdict: str | None
    champion: str
    candidate: str
    made: bool
    metric: str
    unit: str
    opened_at: datetime
    ended_at: datetime | None
    start: datetime
    rows: int
    blocks: int
    stop_blocks: int
    difference: float | None
    low: float | None
    high: float | None
    loss_champion: float | None
    loss_candidate: float | None
    series: list[Progress]
    decision: str
    says: str


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """The watch after a promotion; `level` of `threshold` is how near it is to a rollback."""

    id: str
    state: str
    version: str
    previous: str | None
    started_at: datetime
    until: datetime
    rows: int
    level: float
    threshold: float
    mean_difference: float | None
    margin: float
    ended_at: datetime | None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One trained artifact, with its lineage."""

    version: str
    model: str
    state: str
    made_at: datetime
    origin: str
    made: bool
    run: str | None
    parent: str | None
    sha256: str
    artifact: str
    trainer: str
    trained_from: datetime | None
    trained_to: datetime | None
    rows_trained: int
    data_sha256: str | None
    code: str | None
    parameters: dict[str, str]
    environment: dict[str, str]
    metrics: dict[str, float]
    reference_loss: float | None
    promoted_at: datetime | None
    ended_at: datetime | None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One episode of a condition."""

    id: str
    model: str
    condition: str
    subject: str
    severity: str
    state: str
    summary: str
    decision: str | None
    window: str | None
    fired_at: datetime
    resolved_at: datetime | None
    resolved_because: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    verdict: str | None = None
    """`true_alarm` or `false_alarm`, as an operator said."""
    note: str = ""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one receiver."""

    id: str
    state: str
    receiver: str
    alert: str
    type: str
    attempts: int
    queued_at: datetime
    due_at: datetime
    delivered_at: datetime | None
    last_error: str | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One training process."""

    id: str
    model: str
    state: str
    decision: str
    triggers: list[str]
    requested_at: datetime
    finished_at: datetime | None
    trainer: str
    rows: int
    data_from: datetime | None
    data_to: datetime | None
    version: str | None
    reason: str | None
    seconds: float | None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, and the facts it rests on."""

    id: str
    model: str
    kind: str
    subject: str
    generation: int
    model_time: datetime
    recorded_at: datetime | None
    state: str
    says: str
    verdict: str | None
    condition: str | None
    window: str | None
    triggers: list[str]
    by: str
    made: bool
    outcome: str | None
    evidence: list[Evidence]
