"""What is told about erasing, rejected rows, and the store's file."""

from datetime import datetime

import msgspec


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure did: of how many ids there were rows, of how many none (they are refused
    from now on like the others), how many had been erased before; and rows by what they were."""

    model: str = ""
    ids: int = 0
    unknown: int = 0
    repeated: int = 0
    rows: dict[str, int] = {}


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be stored; `rows` is how many an entry without text stands for."""

    number: int = 0
    known_at: datetime
    feed: str = ""
    reason: str = ""
    text: str = ""
    rows: int = 0
    resendable: bool = False


class RejectedCount(msgspec.Struct, frozen=True, kw_only=True):
    """Rejected rows of a feed and a reason."""

    feed: str = ""
    reason: str = ""
    rows: int = 0
    resendable: int = 0
    newest: datetime


class RejectedCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Rejected rows of a model, the most frequent reasons first."""

    rows: int = 0
    resendable: int = 0
    reasons: list[RejectedCount] = []


class Resent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of rejected rows that were sent again."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    kept: int = 0
    """Rows that could not be sent again: their text is not whole, or it was a reference's."""


class StoreSpace(msgspec.Struct, frozen=True, kw_only=True):
    """What the store takes, in bytes; `free` is within the file, and used again."""

    file: int = 0
    used: int = 0
    free: int = 0
    log: int = 0
    disk_free: int = 0
    erasures_waiting: int = 0
    """Ids erased since the file was last written anew: their bytes may be in it still."""
    compacted_at: datetime | None = None


class Compaction(msgspec.Struct, frozen=True, kw_only=True):
    """The file's bytes before and after it was written anew."""

    before: int = 0
    after: int = 0
