"""What the rest of the control plane may ask of the store, and what the store promises.

One writer thread owns the only writing connection. Work handed to `Store.write` runs there, in
the order in which it came; several pieces may share one commit, none is half done, and the
future is resolved after the commit. Readers have snapshots of their own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from typing_extensions import override

from controlplane.domain.records import Record
from controlplane.domain.schema import Schema
from controlplane.store.beside import Halves, HalvesWriter, Kpis, KpisWriter
from controlplane.store.figures import StoreFigures
from controlplane.store.keeping import Keeping, Upkeep, UpkeepReader

R = TypeVar("R", bound=Record)
T = TypeVar("T")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows a question is about: `[start, end)` of event time, known at or before `by`."""

    start: datetime | None = None
    end: datetime | None = None
    by: datetime | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows of a model are stored, and their bounds."""

    predictions: int = 0
    labels: int = 0
    rejected: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    """The greatest event time seen; the watermark is this less the allowed lateness."""
    first_served_at: datetime | None = None
    """The least event time of a row that carries a prediction."""
    last_known_at: datetime | None = None


class Received(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What became of the rows of one append; two are equal where their counts are."""

    accepted: int = 0
    duplicates: int = 0
    reused_ids: int = 0
    late: int = 0
    known: NDArray[np.bool_] | None = None
    """Which of the rows were duplicates, shape (rows,); None where none was."""
    again: NDArray[np.bool_] | None = None
    """Which of the rows have an id that was stored for another time; None where none has."""

    @override
    def __eq__(self, other: object) -> bool:
        """Whether the counts are the same."""
        return isinstance(other, Received) and self._counts() == other._counts()

    @override
    def __hash__(self) -> int:
        """By the counts."""
        return hash(self._counts())

    def _counts(self) -> tuple[int, ...]:
        return self.accepted, self.duplicates, self.reused_ids, self.late


class EventsReader(Protocol):
    """The rows of a model. Every table has `id, at, known_at` in front; times are UTC micros."""

    @property
    def kpis(self) -> Kpis: ...
    @property
    def halves(self) -> Halves: ...

    def counts(self, model: str) -> Counts:
        """Row counts and bounds; zeros where the model has no rows."""
        ...

    def last_at(self, model: str, *, by: datetime | None = None) -> datetime | None:
        """The greatest event time seen, references aside, of those up to `by`; None where there is
        no such row."""
        ...

    def rows(
        self, model: str, columns: Sequence[str], known: Known, *, roles: Sequence[str] = ("live",)
    ) -> pa.Table:
        """Prediction rows as `id, at, known_at, version, role, prediction, score:<class>…` and the
        features named in `columns`, ordered by (at, id). `prediction` is null in rows of history
        that were never served."""
        ...

    def labelled(
        self, model: str, columns: Sequence[str], known: Known, *, roles: Sequence[str] = ("live",)
    ) -> pa.Table:
        """The rows whose label is known by `known.by`, with `label` and `label_known_at` (the
        latest value known by then), ordered by (at, id)."""
        ...

    def scored(self, model: str, version: str, known: Known) -> pa.Table:
        """`id, at, prediction, score:<class>…` of a version over rows: logged ones (live, shadow,
        canary) first, then what Leeboard scored itself; one row an id; ordered by (at, id)."""
        ...

    def new_labels(self, model: str, after: datetime, by: datetime) -> pa.Table:
        """`at` (of the prediction) of labels that became known in `(after, by]`."""
        ...

    def new_rows(self, model: str, after: datetime, by: datetime) -> pa.Table:
        """`at` of served live rows (those with a prediction) that became known in `(after, by]`;
        what finds the windows that late rows belong to."""
        ...

    def row_numbers(self, model: str, first: int, last: int) -> pa.Table:
        """Served live rows number `first` to `last` (from 0, `last` excluded) in the order of
        (known_at, arrival): `id, at, known_at`. For counted windows."""
        ...

    def count(self, model: str, known: Known, *, served: bool) -> int:
        """How many live rows there are of a span, by then; with `served` those with a prediction."""
        ...

    def hours(self, model: str, by: datetime) -> pa.Table:
        """Live rows known by then, by the hour in which they happened: `hour` (hours since 1970),
        `rows`, and the `first` and `last` of them (microseconds since 1970)."""
        ...

    def reference_rows(self, model: str, version: str | None) -> Counts:
        """How many rows were sent as a version's reference (as that of none), and their bounds."""
        ...


class EventsWriter(EventsReader, Protocol):
    """Appending; only inside a transaction."""

    @property
    @override
    def kpis(self) -> KpisWriter: ...
    @property
    @override
    def halves(self) -> HalvesWriter: ...

    def prepare(self, model: str, schema: Schema) -> None:
        """Make the model's tables, or add the columns that the schema has and they lack."""
        ...

    def append_predictions(
        self, model: str, rows: pa.Table, *, watermark: datetime | None = None
    ) -> Received:
        """Rows as `EventsReader.rows` describes them; those whose id, at and role are there
        already (in the table or earlier in `rows`; in the shadow, of the same version) are
        duplicates. `late` counts the stored ones before `watermark`."""
        ...

    def append_labels(self, model: str, rows: pa.Table) -> Received:
        """Rows of `id, label, known_at, at` (`at` may be null). One that says of the same
        prediction what the label before it said is a duplicate; another value is a correction,
        stored. Which prediction that is, is seen by the rows there are when it comes."""
        ...

    def append_scored(self, model: str, version: str, rows: pa.Table) -> None:
        """Predictions that Leeboard made itself of stored rows: `id, at, prediction, score:…`."""
        ...

    def append_rejected(self, model: str, feed: str, known_at: datetime,
                        rows: Sequence[tuple[str, str]], *, unnamed: int = 0) -> None:  # fmt: skip
        """Rejected rows as (reason, text); `unnamed` more are kept as a figure only."""
        ...

    def drop(self, model: str) -> None:
        """Delete everything stored of a model's rows."""
        ...


class LedgerReader(Protocol):
    """The small records. Every kind of `Record` has a table of its own."""

    def get(self, kind: type[R], id: str) -> R | None:  # noqa: A002
        """One record, None where there is none."""
        ...

    def get_all(self, kind: type[R], ids: Sequence[str]) -> dict[str, R]:
        """Those of the records that there are, by id; one question whatever their number."""
        ...

    def find(  # noqa: PLR0913
        self, kind: type[R], *, model: str | None = None, states: Iterable[str] | None = None,
        since: datetime | None = None, until: datetime | None = None, limit: int | None = None,
        newest_first: bool = False, after: str | None = None,
    ) -> list[R]:  # fmt: skip
        """Records by (filed_at, order of first writing); `since` and `until` bound `filed_at`,
        half-open; `after` is the id of the last record of the page before."""
        ...

    def count(self, kind: type[R], *, model: str | None = None,
              states: Iterable[str] | None = None) -> int:  # fmt: skip
        """How many there are."""
        ...


class LedgerWriter(LedgerReader, Protocol):
    """Writing; only inside a transaction."""

    def put(self, record: Record) -> None:
        """Store a record, in place of the one with its id if there is one."""
        ...

    def put_all(self, records: Sequence[Record]) -> None:
        """Store records of one kind, each in place of the one with its id; few statements
        whatever their number."""
        ...

    def add(self, record: Record) -> bool:
        """Store a record unless one with its id is there; whether it was stored."""
        ...

    def remove(self, kind: type[Record], *, model: str) -> None:
        """Delete a model's records of a kind; Refused for the journal."""
        ...

    def prune(self, kind: type[Record], *, before: datetime) -> int:
        """Delete the records of a kind that were filed before; how many. Refused for the journal."""
        ...

    def journal(self, *, model: str, at: datetime, kind: str, subject: str, by: str,
                facts: Mapping[str, object]) -> None:  # fmt: skip
        """Append an entry to the hash chain."""
        ...


class Snapshot(Protocol):
    """A consistent view; close it soon."""

    @property
    def events(self) -> EventsReader: ...
    @property
    def ledger(self) -> LedgerReader: ...
    @property
    def upkeep(self) -> UpkeepReader: ...


class Transaction(Protocol):
    """Inside the writer: all of it commits together or none of it does."""

    @property
    def events(self) -> EventsWriter: ...
    @property
    def ledger(self) -> LedgerWriter: ...
    @property
    def upkeep(self) -> Upkeep: ...


class Store(Protocol):
    """Both ports over one file."""

    def read(self) -> AbstractContextManager[Snapshot]:
        """A snapshot; any thread."""
        ...

    def ask(self, question: Callable[[LedgerReader], T]) -> T:
        """What a question says of the ledger, of one moment; quicker than a snapshot where all of
        it was asked before and nothing of it has changed. It may be called twice; any thread."""
        ...

    def write(
        self, work: Callable[[Transaction], T], *, size: int = 0, quiet: bool = False
    ) -> "Future[T]":
        """Run `work` in the writer thread; the future is done after the commit. `size` counts
        against the queue's bytes; raises Overloaded where it is full. A commit of `quiet` work
        alone, which nobody has to act upon, is not told to listeners. Exceptions that `work`
        raises reach the future and undo only that work. `work` may run twice (when what shared
        its commit failed), so it touches nothing but the transaction, and never waits for
        another write."""
        ...

    @property
    def keeping(self) -> Keeping:
        """What may be done with the file as a whole; any thread."""
        ...

    @property
    def figures(self) -> StoreFigures: ...

    def subscribe(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call `listener` with the models that a commit touched, from the writer thread."""
        ...

    def close(self) -> None:
        """Finish what is queued, checkpoint, close."""
        ...
