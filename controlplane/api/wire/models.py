"""Models: the fleet, one model, what serves it."""

from datetime import datetime

import msgspec

from controlplane.api.wire.estimates import Estimate
from controlplane.api.wire.found import Figure
from controlplane.api.wire.steps import Alert, Guard, Run, Trial, Version


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Row counts of a model."""

    predictions: int
    labels: int
    rejected: int


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of the policy as it stands: `holds` is null where it cannot be told."""

    name: str
    holds: bool | None
    says: str
    window: str | None = None


class ModelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the fleet."""

    name: str
    task: str
    timing: str
    generation: int
    verdict: str | None
    champion: str | None
    metric: str
    realised: Figure | None
    """Of the newest window whose labels are closed."""
    estimated: Estimate | None
    """Of the newest window, labels or not."""
    reference_loss: float | None
    activity: str
    """What is going on: `trial of v3`, `guard over v2`, `training`, `watching` …"""
    open_alerts: int
    worst_alert: str | None
    rows: Rows
    model_time: datetime | None
    retraining_stopped: str | None
    frozen: str | None
    timed: bool = True
    """False: rows have no times; row k stands for hour k."""


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """A business metric: `direction` is what the model file says is good, null where it does not."""

    name: str
    direction: str | None
    values: int
    last_at: datetime | None
    last_value: float | None


class Halves(msgspec.Struct, frozen=True, kw_only=True):
    """Requests and responses that wait for each other, and those given up after a week."""

    waiting: int
    oldest: datetime | None
    forgotten: int


class ModelDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One model: its file and its status."""

    name: str
    summary: ModelSummary
    file: str
    """The model file as it was applied."""
    conditions: list[Condition]
    watermark: datetime | None
    features: list[str]
    champion: Version | None
    trial: Trial | None
    guard: Guard | None
    run: Run | None
    open_alerts: list[Alert]
    timed: bool
    window_seconds: float | None
    kpis: list[Kpi] = []
    halves: Halves | None = None
    """Null where no sender tells requests and responses apart."""


class ArtifactRef(msgspec.Struct, frozen=True, kw_only=True):
    """What serving must load."""

    version: str
    artifact: str
    """The path of the tar on this server."""
    sha256: str


class Canary(msgspec.Struct, frozen=True, kw_only=True):
    """The version that gets a share of live traffic."""

    version: str
    weight: float


class Champion(msgspec.Struct, frozen=True, kw_only=True):
    """What serving must run."""

    champion: ArtifactRef | None
    canary: Canary | None = None
    shadow: list[str]
    generation: int
    """Counts the champion's moves."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """Everything due by this model time is done."""

    model_time: datetime
    champion: Champion
