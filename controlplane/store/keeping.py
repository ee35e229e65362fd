"""What is asked of the store beside rows and records: erasing, ageing, rejected rows, its file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure did. `ids` had rows; `unknown` had none, and are refused from now on like
    the others; `repeated` had been erased before."""

    ids: int = 0
    unknown: int = 0
    repeated: int = 0
    rows: Mapping[str, int] = {}
    """Rows that are gone, by what they were: predictions, labels, scored, rejected and more."""
    hashes: tuple[str, ...] = ()
    """SHA-256 of the ids that were not erased before, as `tombstone` makes them."""


class Aged(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of a model are too old: those before `before`, but for what lies in `kept`."""

    before: datetime
    kept: Sequence[tuple[datetime, datetime]] = ()
    """Spans of event time, `[start, end)`, that something still needs."""
    rows_kept_from: int | None = None
    """The number of the first served live row that windows of counted rows still need; None:
    the model's windows are cut by time."""


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be stored. `number` orders them; `rows` is how many rows an entry
    without text stands for; `whole`: the text is all of the row, which can be sent again."""

    number: int
    known_at: datetime
    feed: str
    reason: str
    text: str
    rows: int = 1
    whole: bool = False


class RejectedCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many rejected rows there are of a feed and a reason."""

    feed: str
    reason: str
    rows: int
    resendable: int
    newest: datetime


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """What the store takes, in bytes. `free` is within the file, where it is used again."""

    file: int = 0
    used: int = 0
    free: int = 0
    log: int = 0
    disk_free: int = 0
    erasures_waiting: int = 0
    """Ids that were erased since the file was last written anew: their bytes may be in it still."""
    compacted_at: datetime | None = None


class UpkeepReader(Protocol):
    """Looking; in a snapshot."""

    def rejected_page(self, model: str, *, before: int | None, limit: int) -> list[RejectedRow]:
        """Rejected rows, the newest first, with numbers below `before`."""
        ...

    def rejected_counts(self, model: str) -> list[RejectedCount]:
        """How many there are, by feed and reason, the most frequent first; at most 100."""
        ...

    def erased(self, model: str, ids: pa.ChunkedArray) -> NDArray[np.bool_] | None:
        """Which of the ids were erased, shape (n,); None: none of them."""
        ...


class Upkeep(UpkeepReader, Protocol):
    """Changing; only inside a transaction."""

    def erase(self, model: str, ids: Sequence[str], *, at: datetime, by: str) -> Erased:
        """Delete everything that is stored of rows with these ids, and refuse the ids from now
        on. Their bytes leave the file when it is next compacted."""
        ...

    def age(self, model: str, aged: Aged, *, most: int) -> int:
        """Delete up to `most` rows of each table that are too old; how many went."""
        ...

    def age_kpis(self, model: str, *, before: datetime, most: int) -> int:
        """Delete up to `most` values of business metrics from before then; how many went."""
        ...

    def age_rejected(self, model: str, *, before: datetime, keep: int) -> int:
        """Delete rejected rows from before then, and all but the newest `keep`; how many."""
        ...

    def take_rejected(self, model: str, numbers: Sequence[int]) -> int:
        """Delete rejected rows by their numbers, since they are stored now; how many."""
        ...


class Copying(Protocol):
    """The store's files as they were at one moment, while commits go on."""

    @property
    def files(self) -> Mapping[str, int]:
        """Name to size in bytes."""
        ...

    @property
    def rows(self) -> Mapping[str, int]:
        """Table to how many rows it has."""
        ...

    def read(self, name: str) -> Iterator[bytes]:
        """A file, part by part. Raises StorageError where the log grew too large meanwhile."""
        ...


class Keeping(Protocol):
    """What may be done with the file as a whole."""

    def space(self) -> Space:
        """What it takes."""
        ...

    def copying(self) -> AbstractContextManager[Copying]:
        """Hold the file as it is, for a backup. Raises Conflict where somebody does already."""
        ...

    def compact(self, at: datetime) -> tuple[int, int]:
        """Write the file anew without what was deleted; bytes before and after. Commits go on but
        for the last moment. `at` is noted. Raises Conflict, StorageError; then nothing has
        changed."""
        ...

    def stop(self) -> None:
        """End a compaction that is under way: the server ends."""
        ...
