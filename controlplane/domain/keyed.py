"""The memory of writes that carried an idempotency key: what was asked, what came of it."""

from datetime import datetime
from typing import ClassVar

import msgspec
from typing_extensions import override

from controlplane.domain.names import digest
from controlplane.domain.records import Record


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it went out, to be given again."""

    status: int
    media_type: str
    body: str


class KeyedWrite(Record, frozen=True, kw_only=True):
    """A write with a key, stored in the transaction of what it protects; it belongs to no model.

    `kind` and `made` name the record that the write gave back (a table and an id, or what it is and
    its JSON where it is none); both are empty where it gave nothing. `answer` is None until it has been told: where the server ended before,
    what was done is told again from the record.
    """

    TABLE: ClassVar[str] = "keyed_writes"

    model: str = ""
    request_sha256: str
    kind: str = ""
    made: str = ""
    answer: KeptAnswer | None = None
    asked_at: datetime
    """Wall clock."""

    @property
    @override
    def filed_at(self) -> datetime:
        """Writes are forgotten by when they were asked for."""
        return self.asked_at


def write_id(who: str, method: str, path: str, key: str) -> str:
    """The id of a write with a key: a key is its sender's, and each path has its own."""
    return digest("k", who, method, path, key)
