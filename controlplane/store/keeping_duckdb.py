"""What may be done with the DuckDB file as a whole: measured, held for a backup, written anew."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import structlog

from controlplane.domain.errors import Conflict, StorageError
from controlplane.store.commits import Committer, Exchange
from controlplane.store.compacting import Compaction, compacted_at, used_and_free
from controlplane.store.copying import FilesHeld, held_files
from controlplane.store.database import Database
from controlplane.store.disk import free_bytes
from controlplane.store.keeping import Space
from controlplane.store.session import Session

T = TypeVar("T")

PATIENCE: Final = 0.5
"""Seconds that commits and new reads wait for reads under way before the files change places."""
ATTEMPTS: Final = 30
PAUSE: Final = 1.0

_WAITING: Final = """
select count(*) from erased_ids
where erased_at > coalesce((select max(compacted_at) from compactions), '0001-01-01'::timestamp)"""

log = structlog.get_logger("leeboard.store")


class DuckDBKeeping:
    """See `keeping.Keeping`; `nudge` lets the writer thread see that something is to be done."""

    def __init__(
        self, database: Database, committer: Committer, nudge: Callable[[], object]
    ) -> None:
        self._database = database
        self._committer = committer
        self._nudge = nudge
        self._busy = threading.Lock()
        self._stopping = threading.Event()
        self._copying: Session | None = None

    def stop(self) -> None:
        """The server ends: a compaction gives up, and none begins."""
        self._stopping.set()
        copying = self._copying
        if copying is not None:
            copying.end()

    def space(self) -> Space:
        """What the store takes."""
        path = self._database.path
        with self._database.session() as session:
            used, free = used_and_free(session)
            return Space(
                file=path.stat().st_size if path else 0, used=used, free=free,
                log=self._committer.checkpoints.log_size,
                disk_free=free_bytes(path.parent) if path else 0,
                erasures_waiting=session.count(_WAITING) if path else 0,
                compacted_at=compacted_at(session),
            )  # fmt: skip

    @contextmanager
    def copying(self) -> Iterator[FilesHeld]:
        """Hold the files as they are, for a backup. Raises Conflict where somebody does already."""
        path = self._path()
        with self._alone(), held_files(path, self._committer.checkpoints, self._between) as held:
            yield held

    def compact(self, at: datetime) -> tuple[int, int]:
        """Write the file anew without what was deleted; its bytes before and after."""
        path = self._path()
        with self._alone():
            compaction = Compaction(path)
            try:
                with self._database.session() as session:
                    self._copying = session
                    try:
                        self._check_going_on()
                        compaction.begin(session)
                    finally:
                        self._copying = None
                self._exchanged(compaction, at)
            except BaseException:
                with suppress(StorageError), self._database.session() as session:
                    compaction.give_up(session)
                raise
        after = path.stat().st_size
        log.info("compacted", before=compaction.bytes_before, after=after)
        return compaction.bytes_before, after

    def _exchanged(self, compaction: Compaction, at: datetime) -> None:
        checkpoints = self._committer.checkpoints

        def prepare(session: Session) -> None:
            if not checkpoints.run(session):
                raise Conflict("the log could not be folded in; try again when there is space")
            compaction.finish(session, at)

        exchange = Exchange(prepare, compaction.put, lambda session: compaction.check(session, at))

        def job(session: Session) -> bool:
            checkpoints.run(session)
            return self._committer.exchange(exchange, PATIENCE)

        for _ in range(ATTEMPTS):
            self._check_going_on()
            if self._between(job):
                return
            if self._stopping.wait(PAUSE):
                break
        message = "reads kept the file for too long to be changed for the fresh one; try again"
        raise Conflict(message)

    def _between(self, job: Callable[[Session], T]) -> T:
        future = self._committer.between(job)
        self._nudge()
        return future.result()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise Conflict("a backup or a compaction is under way; wait until it is done")
        try:
            yield
        finally:
            self._busy.release()

    def _check_going_on(self) -> None:
        if self._stopping.is_set():
            raise Conflict("the server is ending; the file is written anew another time")

    def _path(self) -> Path:
        if self._database.path is None:
            raise StorageError("the store is in memory: it has no file")
        return self._database.path
