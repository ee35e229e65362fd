"""The shapes of what is told about erasing, rejected rows, and the store's file."""

from datetime import datetime

import msgspec


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure did: of how many ids there were rows, of how many none (they are refused
    from now on like the others), how many had been erased before; and rows by what they were."""

    model: str
    ids: int
    unknown: int
    repeated: int
    rows: dict[str, int]


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be stored; `rows` is how many an entry without text stands for."""

    number: int
    known_at: datetime
    feed: str
    reason: str
    text: str
    rows: int
    resendable: bool


class RejectedCount(msgspec.Struct, frozen=True, kw_only=True):
    """Rejected rows of a feed and a reason."""

    feed: str
    reason: str
    rows: int
    resendable: int
    newest: datetime


class RejectedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Rejected rows of a model, the most frequent reasons first."""

    rows: int
    resendable: int
    reasons: list[RejectedCount]


class Resent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of rejected rows that were sent again."""

    sent: int
    accepted: int
    duplicates: int
    rejected: int
    kept: int
    """Rows that could not be sent again: their text is not whole, or it was a reference's."""


class StoreSpace(msgspec.Struct, frozen=True, kw_only=True):
    """What the store takes, in bytes; `free` is within the file, and used again."""

    file: int
    used: int
    free: int
    log: int
    disk_free: int
    erasures_waiting: int
    """Ids erased since the file was last written anew: their bytes may be in it still."""
    compacted_at: datetime | None


class Compaction(msgspec.Struct, frozen=True, kw_only=True):
    """The file's bytes before and after it was written anew."""

    before: int
    after: int
