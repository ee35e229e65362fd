"""What every route may answer: pages, problems, receipts, and the small answers of operations."""

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from controlplane.domain.errors import RowError

Item = TypeVar("Item")


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """One page of a list."""

    items: list[Item]
    next: str | None = None


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[RowError] = []
    errors_total: int = 0


class ColumnSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a reference or a window, summarised."""

    name: str
    kind: str
    rows: int
    missing: float
    """Share in [0, 1]."""
    distinct: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None


class ReferenceReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A reference that was taken in."""

    version: str | None
    rows: int
    rejected: int
    errors: list[RowError] = []
    columns: list[ColumnSummary]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server is well."""

    status: str
    version: str


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was stopped, and whether its data are gone."""

    model: str
    purged: bool


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What applying a model file changes."""

    model: str
    generation: int
    created: bool
    changes: list[str]
    applied: bool


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the hash-chained journal."""

    id: str
    at: datetime
    model: str
    kind: str
    subject: str
    by: str
    facts: dict[str, object]
    hash: str


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the journal's chain holds; `broken_at` is the first entry that does not fit."""

    holds: bool
    entries: int
    broken_at: str | None = None
