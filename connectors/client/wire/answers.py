"""Answers to what is sent, and what serving must run."""

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from connectors.client.problems import RowError

Item = TypeVar("Item")


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """One page of a list."""

    items: list[Item] = []
    next: str | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows of an ingest request."""

    accepted: int = 0
    duplicates: int = 0
    reused_ids: int = 0
    late: int = 0
    rejected: int = 0
    unknown_columns: dict[str, int] = {}
    errors: list[RowError] = []
    watermark: datetime | None = None
    waiting: int = 0
    """Requests and responses whose other half has not come yet."""


class ColumnSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a reference or a window, summarised."""

    name: str
    kind: str = ""
    rows: int = 0
    missing: float = 0.0
    """Share in [0, 1]."""
    distinct: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None


class ReferenceReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A reference that was taken in."""

    version: str | None = None
    rows: int = 0
    rejected: int = 0
    errors: list[RowError] = []
    columns: list[ColumnSummary] = []


class ArtifactRef(msgspec.Struct, frozen=True, kw_only=True):
    """What serving must load."""

    version: str
    artifact: str = ""
    """The path of the tar on this server."""
    sha256: str


class Canary(msgspec.Struct, frozen=True, kw_only=True):
    """The version that gets a share of live traffic."""

    version: str
    weight: float


class Champion(msgspec.Struct, frozen=True, kw_only=True):
    """What serving must run."""

    champion: ArtifactRef | None = None
    canary: Canary | None = None
    shadow: list[str] = []
    generation: int = 0
    """Counts the champion's moves."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """Everything due by this model time is done."""

    model_time: datetime
    champion: Champion


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What applying a model file changes."""

    model: str
    generation: int = 0
    created: bool = False
    changes: list[str] = []
    applied: bool = False


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was stopped, and whether its data are gone."""

    model: str
    purged: bool = False


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server is well."""

    status: str = ""
    version: str
