"""What was decided and done: decisions, runs, versions, trials, guards, alerts, the journal."""

from datetime import datetime

import msgspec

from connectors.client.wire.found import Condition, Halves, Kpi, ModelSummary


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that a decision cites: what kind of record, which one, what it said."""

    kind: str = ""
    id: str
    says: str = ""
    figures: dict[str, float | None] = {}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, and the facts it rests on."""

    id: str
    model: str
    kind: str = ""
    subject: str = ""
    generation: int = 0
    model_time: datetime
    recorded_at: datetime | None = None
    state: str = ""
    says: str = ""
    verdict: str | None = None
    condition: str | None = None
    window: str | None = None
    triggers: list[str] = []
    by: str = ""
    made: bool = False
    outcome: str | None = None
    evidence: list[Evidence] = []


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One point of a trial's confidence sequence; positive means that the candidate is better."""

    at: datetime
    blocks: int = 0
    rows: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = "days"
    worth: int | None = None
    design_effect: float | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A shadow evaluation; `verdict` is null while it runs."""

    id: str
    model: str
    state: str = ""
    verdict: str | None = None
    champion: str = ""
    candidate: str = ""
    made: bool = False
    metric: str = ""
    unit: str = "days"
    opened_at: datetime
    ended_at: datetime | None = None
    start: datetime
    rows: int = 0
    blocks: int = 0
    stop_blocks: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    loss_champion: float | None = None
    loss_candidate: float | None = None
    series: list[Progress] = []
    decision: str = ""
    says: str = ""


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """The watch after a promotion; `level` of `threshold` is how near it is to a rollback."""

    id: str
    state: str = ""
    version: str
    previous: str | None = None
    started_at: datetime
    until: datetime
    rows: int = 0
    level: float
    threshold: float
    mean_difference: float | None = None
    margin: float
    ended_at: datetime | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One trained artifact, with its lineage."""

    version: str
    model: str
    state: str = ""
    made_at: datetime
    origin: str = ""
    made: bool = False
    run: str | None = None
    parent: str | None = None
    sha256: str
    artifact: str = ""
    trainer: str = ""
    trained_from: datetime | None = None
    trained_to: datetime | None = None
    rows_trained: int = 0
    data_sha256: str | None = None
    code: str | None = None
    parameters: dict[str, str] = {}
    environment: dict[str, str] = {}
    metrics: dict[str, float] = {}
    reference_loss: float | None = None
    promoted_at: datetime | None = None
    ended_at: datetime | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One episode of a condition."""

    id: str
    model: str
    condition: str = ""
    subject: str = ""
    severity: str = ""
    state: str = ""
    summary: str = ""
    decision: str | None = None
    window: str | None = None
    fired_at: datetime
    resolved_at: datetime | None = None
    resolved_because: str | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    verdict: str | None = None
    note: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One training process."""

    id: str
    model: str
    state: str = ""
    decision: str = ""
    triggers: list[str] = []
    requested_at: datetime
    finished_at: datetime | None = None
    trainer: str = ""
    rows: int = 0
    data_from: datetime | None = None
    data_to: datetime | None = None
    version: str | None = None
    reason: str | None = None
    seconds: float | None = None


class ModelDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One model: its file and its status."""

    name: str
    summary: ModelSummary
    file: str = ""
    """The model file as it was applied."""
    conditions: list[Condition] = []
    watermark: datetime | None = None
    features: list[str] = []
    champion: Version | None = None
    trial: Trial | None = None
    guard: Guard | None = None
    run: Run | None = None
    open_alerts: list[Alert] = []
    timed: bool = False
    window_seconds: float | None = None
    kpis: list[Kpi] = []
    halves: Halves | None = None
    """None where no sender tells requests and responses apart."""


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the hash-chained journal."""

    id: str
    at: datetime
    model: str
    kind: str = ""
    subject: str = ""
    by: str = ""
    facts: dict[str, object] = {}
    hash: str = ""


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the journal's chain holds; `broken_at` is the first entry that does not fit."""

    holds: bool = False
    entries: int = 0
    broken_at: str | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one receiver."""

    id: str
    state: str = ""
    receiver: str = ""
    alert: str = ""
    type: str = ""
    attempts: int = 0
    queued_at: datetime
    due_at: datetime
    delivered_at: datetime | None = None
    last_error: str | None = None
