"""Both ports over one DuckDB file: the writer, the snapshots, and their opening and closing."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from controlplane.domain.errors import StorageError
from controlplane.store.catalog import Tables
from controlplane.store.claims import keyed
from controlplane.store.commits import Committer, Listener, Published
from controlplane.store.compacting import remove_left
from controlplane.store.database import Database
from controlplane.store.events_duckdb import DuckDBEventsReader
from controlplane.store.figures import StoreFigures
from controlplane.store.keeping import Keeping
from controlplane.store.keeping_duckdb import DuckDBKeeping
from controlplane.store.ledger_duckdb import DuckDBLedgerReader
from controlplane.store.ports import LedgerReader, Snapshot, Store, Transaction
from controlplane.store.session import Parameters, Session
from controlplane.store.upkeep_duckdb import DuckDBUpkeepReader
from controlplane.store.writer import Limits, Writer

T = TypeVar("T")

_TOUCH = "select number from schema_migrations limit 1"
"""DuckDB fixes a transaction's view at its first look at a table, not at `begin`."""


class _NotRememberedError(Exception):
    """The answer is not in memory."""


class _NoSession(Session):
    """Stands where nothing but memory is asked: it has no cursor."""

    def __init__(self) -> None:
        self.failure = None

    @override
    def run(self, sql: str, parameters: Parameters = ()) -> list[tuple[object, ...]]:
        """Nothing can be run."""
        raise _NotRememberedError


class DuckDBSnapshot:
    """A consistent view, until its block ends."""

    def __init__(self, session: Session, published: Published) -> None:
        tables = Tables(published.catalog)
        self.events = DuckDBEventsReader(session, tables, published.indexes)
        self.ledger = DuckDBLedgerReader(session, tables, published.versions, published.remembered)
        self.upkeep = DuckDBUpkeepReader(session)


class DuckDBStore:
    """See `controlplane.store.ports.Store`."""

    def __init__(self, directory: Path | None, limits: Limits) -> None:
        self._database = Database(directory)
        self._published = Published(directory)
        self._closing = threading.Lock()
        self._closed = False
        try:
            self._committer = Committer(self._database, self._published)
        except BaseException:
            self._database.close()
            raise
        self._writer = Writer(self._committer, limits)
        self._keeping = DuckDBKeeping(
            self._database, self._committer, lambda: self.write(lambda _: None, quiet=True)
        )
        if self._database.path is not None:
            remove_left(self._database.path)

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """A snapshot; any thread."""
        with ExitStack() as lease:
            with self._published.lock:  # before the session, for which a reopening would wait
                session = lease.enter_context(self._database.session())
                session.begin()
                lease.callback(session.rollback)
                session.one(_TOUCH)
                snapshot = DuckDBSnapshot(session, self._published)
            yield snapshot

    def ask(self, question: Callable[[LedgerReader], T]) -> T:
        """A question to the ledger, answered from memory where all of it is remembered."""
        with self._published.lock:
            tables, versions = Tables(self._published.catalog), self._published.versions
        remembered = self._published.remembered
        try:
            return question(DuckDBLedgerReader(_NoSession(), tables, versions, remembered))
        except _NotRememberedError:
            with self.read() as view:
                return question(view.ledger)

    def write(
        self, work: Callable[[Transaction], T], *, size: int = 0, quiet: bool = False
    ) -> "Future[T]":
        """Run `work` in the writer thread; the future is done after the commit."""
        return self._writer.submit(keyed(work), size=size, quiet=quiet)

    @property
    def keeping(self) -> Keeping:
        """What may be done with the file as a whole; any thread."""
        return self._keeping

    @property
    def figures(self) -> StoreFigures:
        """How it is, at this moment; any thread."""
        entries, size = self._writer.waiting
        return StoreFigures(
            queue_entries=entries, queue_bytes=size, commits=self._committer.seconds.read(),
            wal_bytes=self._committer.checkpoints.log_size,
            checkpoints=self._committer.checkpoints.seconds.read(),
        )  # fmt: skip

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with the models that a commit touched, from the writer thread."""
        self._committer.tell(listener)

    def close(self) -> None:
        """Finish what is queued, checkpoint, close. Raises StorageError, naming the file; what
        was acknowledged is on disk even then. A second call does nothing."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._keeping.stop()
            self._writer.close()
            try:
                self._committer.close()
            except StorageError as error:
                message = (
                    f"{error}; nothing acknowledged is lost, the next start reads the log beside "
                    f"{self._database.place}"
                )
                raise StorageError(message) from error
            finally:
                self._database.close()


def open_store(path: Path | None, *, limits: Limits | None = None) -> Store:
    """The store in a data directory, made if need be; None: in memory, for tests.

    Raises StorageError that names the file and what to do: it is in use (with the PID), was
    written by something newer, is not ours, may not be read, or there is no space.
    """
    return DuckDBStore(path, limits or Limits())
