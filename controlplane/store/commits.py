"""Group commit: several pieces of work in one transaction, and only the bad one fails."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import structlog

from controlplane.domain.errors import StorageError
from controlplane.store.catalog import Catalog, Tables, read_catalog
from controlplane.store.checkpoints import Checkpoints
from controlplane.store.database import Database
from controlplane.store.events_appending import DuckDBEventsWriter
from controlplane.store.figures import Tally
from controlplane.store.id_keeping import FOLDER, Indexes
from controlplane.store.id_work import IdWork
from controlplane.store.label_upgrade import unplaced, with_places
from controlplane.store.ledger_duckdb import DuckDBLedgerWriter
from controlplane.store.migrate import migrate
from controlplane.store.remembered import Remembered, Versions, bumped
from controlplane.store.session import Session, StoreBroken
from controlplane.store.upkeep_duckdb import DuckDBUpkeep
from controlplane.store.writer import Piece

log = structlog.get_logger("leeboard.store")

T = TypeVar("T")

Listener = Callable[[frozenset[str]], None]


class Published:
    """What every new snapshot starts from; changed together with a commit, under `lock`."""

    def __init__(self, directory: Path | None) -> None:
        self.lock = threading.Lock()
        self.remembered = Remembered()
        self.catalog = Catalog()
        self.versions: Versions = {}
        self.indexes = Indexes(None if directory is None else directory / FOLDER)


class DuckDBTransaction:
    """The writers on the one writing session."""

    def __init__(self, session: Session, published: Published) -> None:
        self.tables = Tables(published.catalog)
        self.events = DuckDBEventsWriter(session, self.tables, published.indexes)
        self.ledger = DuckDBLedgerWriter(
            session, self.tables, published.versions, published.remembered
        )
        self.upkeep = DuckDBUpkeep(session, self.tables, self.events)


class Exchange(NamedTuple):
    """How one file takes the place of another: made ready while nobody else reads or writes, put
    there while nobody has either open, and checked once it is open."""

    prepare: Callable[[Session], None]
    put: Callable[[], None]
    check: Callable[[Session], None]


class Committer:
    """The engine of the writing thread."""

    def __init__(self, database: Database, published: Published) -> None:
        self._database = database
        self._published = published
        self._checkpoints = Checkpoints(database.wal, database.end_all_but)
        self._between: deque[tuple[Callable[[Session], object], Future[object]]] = deque()
        self._listeners: tuple[Listener, ...] = ()
        self.seconds = Tally()
        self._lease = ExitStack()
        self._broken = False
        self._id_work = IdWork(published.indexes)
        self._open()
        self._place_labels()

    def tell(self, listener: Listener) -> None:
        """Call a listener with the models that a commit touched; any thread may ask for it."""
        self._listeners = (*self._listeners, listener)

    def commit(self, pieces: Sequence[Piece[object]]) -> None:
        """Run the pieces in one transaction; if that fails, each in one of its own."""
        try:
            self._mend()
            began = time.perf_counter()
            results = self._together(pieces)
            self.seconds.observe(time.perf_counter() - began)
        except StoreBroken as error:
            self._broken = True
            _fail(pieces, _unsure(error))
        except Exception as error:  # noqa: BLE001 - it reaches whoever asked for the work
            if len(pieces) == 1:
                _fail(pieces, error)
                return
            for piece in pieces:
                self.commit([piece])
        else:
            for piece, result in zip(pieces, results, strict=True):
                piece.future.set_result(result)
            if not all(piece.is_quiet for piece in pieces):
                self._announce()

    @property
    def checkpoints(self) -> Checkpoints:
        """What folds the log in."""
        return self._checkpoints

    def between(self, job: Callable[[Session], T]) -> "Future[T]":
        """Have something done with the writing session between two commits; any thread."""
        future: Future[T] = Future()
        self._between.append((job, future))  # type: ignore[arg-type]
        return future

    def exchange(self, exchange: "Exchange", patience: float) -> bool:
        """Go on with another file that holds the same; only from a job between two commits.

        False: reads were under way for longer than `patience` seconds, and nothing was done.
        """
        with self._published.lock:
            if not self._database.drained(but=1, patience=patience):
                return False
            exchange.prepare(self._session)
            self._broken = True
            self._lease.close()
            self._database.reopen(exchange.put)
            self._published.remembered.clear()
            self._open()
            exchange.check(self._session)
        self._broken = False
        return True

    def rest(self, *, idle: bool) -> None:
        """Between two commits: jobs; checkpoint if it is time; open the file anew if it broke."""
        try:
            self._mend()
            while self._between:
                self._do(*self._between.popleft())
            if self._id_work.is_due(self._session, idle=idle):
                self._alone(lambda _: self._id_work.take_up(self._session))
                self._id_work.committed()
            elif idle and (model := self._transaction.events.reused_unready()):
                self._alone(lambda t: t.events.make_ready(model))
            if self._checkpoints.due(idle=idle):
                self._checkpoints.run(self._session)
        except StorageError as error:
            self._broken = self._broken or isinstance(error, StoreBroken)
            log.warning("store_does_not_rest", reason=str(error))

    def _do(self, job: Callable[[Session], object], future: "Future[object]") -> None:
        try:
            future.set_result(job(self._session))
        except Exception as error:  # noqa: BLE001 - it reaches whoever asked for the work
            self._broken = self._broken or isinstance(error, StoreBroken)
            future.set_exception(error)

    def close(self) -> None:
        """Checkpoint for the last time, give the session up. Raises StorageError."""
        while self._between:
            self._between.popleft()[1].set_exception(StorageError("the server is ending"))
        self._id_work.close()
        try:
            if not self._broken:
                self._checkpoints.run(self._session)
        finally:
            self._lease.close()

    def _open(self) -> None:
        self._session = self._lease.enter_context(self._database.session())
        try:
            migrate(self._session, self._database.place)
            self._published.catalog = with_places(self._session, read_catalog(self._session))
        except StorageError:
            self._lease.close()
            raise
        self._published.indexes.forget()
        self._transaction = DuckDBTransaction(self._session, self._published)

    def _place_labels(self) -> None:
        """Labels of an earlier Leeboard get the time of their prediction."""
        for model in unplaced(self._session):
            first: int | None = 0
            while first is not None:
                first = self._alone(partial(_place_labels, model, first))

    def _mend(self) -> None:
        """Open a broken file anew. Raises StorageError where that does not help."""
        if not self._broken:
            return
        log.error("store_opens_anew", place=self._database.place)
        self._lease.close()
        with self._published.lock:
            self._database.reopen()
            touched = [key for key in self._published.versions if key[1] != "*"]
            self._published.versions = bumped(self._published.versions, touched)
            self._published.remembered.clear()
            self._open()
        self._broken = False

    def _alone(self, work: Callable[[DuckDBTransaction], T]) -> T:
        """Something of our own, in a transaction by itself."""
        [result] = self._together([Piece(work, 0, quiet=True)])  # type: ignore[arg-type]
        return result  # type: ignore[return-value]

    def _together(self, pieces: Sequence[Piece[object]]) -> list[object]:
        transaction, published = self._transaction, self._published
        self._session.begin()
        try:
            transaction.tables.catalog = published.catalog
            transaction.events.begin()
            transaction.ledger.begin(published.versions)
            results = []
            for piece in pieces:
                results.append(piece.work(transaction))
                self._session.check()
            transaction.events.settle()
            self._commit()
        except BaseException:
            transaction.events.undone()
            transaction.upkeep.undone()
            self._session.rollback()
            raise
        transaction.events.committed()
        return results

    def _commit(self) -> None:
        """Commit, and let new snapshots start from what it made, at one moment for both."""
        published, transaction = self._published, self._transaction
        with published.lock:
            self._session.commit()
            published.versions = bumped(published.versions, transaction.ledger.touched)
            if transaction.tables.catalog is not published.catalog:
                published.catalog = transaction.tables.catalog
                self._checkpoints.tables_changed()

    def _announce(self) -> None:
        ledger, events = self._transaction.ledger, self._transaction.events
        touched = frozenset(events.touched | {model for _, model in ledger.touched})
        if not touched:
            return
        for listener in self._listeners:
            try:
                listener(touched)
            except Exception as error:
                log.exception("listener_failed", error=repr(error))


def _place_labels(model: str, first: int, t: DuckDBTransaction) -> int | None:
    return t.events.place_labels(model, first)


def _fail(pieces: Sequence[Piece[object]], error: Exception) -> None:
    for piece in pieces:
        piece.future.set_exception(error)


def _unsure(error: StorageError) -> StorageError:
    message = (
        f"{error}. It is not known whether this was stored: send it again, what is there already "
        "does no harm"
    )
    return StorageError(message)
