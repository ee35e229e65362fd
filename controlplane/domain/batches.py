"""What became of the rows of a request, and the memory of requests that carried a key."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from controlplane.domain.errors import RowError
from controlplane.domain.names import digest
from controlplane.domain.records import Record

KEY_LIFETIME: Final = timedelta(days=7)
"""So long, by the wall clock, a key is remembered."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows of an ingest request."""

    accepted: int
    duplicates: int = 0
    reused_ids: int = 0
    late: int = 0
    rejected: int = 0
    unknown_columns: dict[str, int] = {}
    errors: list[RowError] = []
    watermark: datetime | None = None
    waiting: int = 0
    """Requests and responses whose other half has not come yet."""


class Replayed(Receipt, frozen=True, kw_only=True):
    """The receipt of an earlier request with the same key and body; nothing was changed."""


class KeyedBatch(Record, frozen=True, kw_only=True):
    """A request with an idempotency key, stored in the transaction of what it protects.

    `id` derives from model, feed and key; `answered_at` is wall clock.
    """

    TABLE: ClassVar[str] = "batches"

    body_sha256: str
    receipt: Receipt
    answered_at: datetime

    @property
    @override
    def filed_at(self) -> datetime:
        """Batches are listed, and forgotten, by when they were answered."""
        return self.answered_at


def batch_id(model: str, feed: str, key: str) -> str:
    """The id of a request with a key."""
    return digest("b", model, feed, key)
