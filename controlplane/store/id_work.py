"""What keeps indexes small in memory and few in files: done beside the writer, agreed to by it.

One piece of work at a time, in a thread of its own: fresh rows into a file, small files into a
large one, a file read through to see whether it is whole. The writer starts it between two
commits and takes up what came of it in a transaction; a commit never waits for it.
"""

import threading
import time
from typing import Final

import msgspec
import structlog
from typing_extensions import override

from controlplane.domain.errors import StorageError
from controlplane.store.checkpoints import SPARE
from controlplane.store.disk import free_bytes
from controlplane.store.id_files import IdFiles, State
from controlplane.store.id_index import IdIndex, to_merge
from controlplane.store.id_keeping import LARGE, NONE, Indexes, written
from controlplane.store.id_runs import Part, Run
from controlplane.store.session import Session

TOGETHER: Final = 4 << 20
"""So many rows in memory over all tables are too many: the largest part goes into a file."""
WORTHWHILE: Final = 50_000
"""At rest, so many rows do."""
RETRY_SECONDS: Final = 30.0
BYTES_EACH: Final = 18
"""Of a row in a file."""

log = structlog.get_logger("leeboard.store")


class Outcome(msgspec.Struct, frozen=True):
    """The files that an index has from now on, and the state that names them; None: no change."""

    runs: tuple[Run, ...]
    state: State | None


class _Work(threading.Thread):
    """One piece, about one index."""

    def __init__(self, index: IdIndex, files: IdFiles, kind: str) -> None:
        super().__init__(name=f"leeboard-ids-{kind}", daemon=True)
        self.index, self.files, self.kind = index, files, kind
        self.covered = index.covered
        self.parts: tuple[Part, ...] = ()
        self.runs = index.held.runs
        self.least = NONE
        self.outcome: Outcome | None = None
        self.failure: Exception | None = None
        self.is_cancelled = threading.Event()

    @override
    def run(self) -> None:
        try:
            self.outcome = self._done()
        except (OSError, StorageError) as error:
            self.failure = error

    def _done(self) -> Outcome:
        if self.kind == "check":
            self._checked()
            return Outcome(self.runs, None)
        runs = self.runs
        if self.parts:
            runs = (*runs, self._merged(self.parts))
        elif some := to_merge(runs):
            merged = self._merged([(run.hashes, run.values) for run in some], some)
            runs = (*(run for run in runs if run not in some), merged)
        return Outcome(runs, self.files.agreed(self.index.token, runs, self.covered))

    def _merged(self, parts: "list[Part] | tuple[Part, ...]", runs: tuple[Run, ...] = ()) -> Run:
        rows = sum(len(hashes) for hashes, _ in parts)
        free, wanted = free_bytes(self.files.folder.parent.parent), 2 * rows * BYTES_EACH + SPARE
        if free < wanted:
            message = f"{free} bytes are free, {wanted} are wanted for a file of {rows} ids"
            raise OSError(message)
        return written(self.files, parts, lambda: self._between(runs), least=self.least)

    def _checked(self) -> None:
        for run in self.runs:
            if not run.is_whole(self._cancelled):
                message = f"{run.path} is not what was written"
                raise StorageError(message)

    def _between(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            run.let_go()
        self._cancelled()

    def _cancelled(self) -> None:
        if self.is_cancelled.is_set():
            raise OSError("the store closes")


class IdWork:
    """Starts the pieces and takes up what came of them; only the writer's thread."""

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes
        self._work: _Work | None = None
        self._retry_at = 0.0
        self._seen: set[str] = set()
        self._counted = 0

    def is_due(self, session: Session, *, idle: bool) -> bool:
        """Start what there is to do; whether something waits to be taken up."""
        if self._work is not None:
            return not self._work.is_alive()
        if time.monotonic() >= self._retry_at:
            self._start(session, idle=idle)
        return False

    def take_up(self, session: Session) -> None:
        """Let the database agree to what came of the work, in a transaction; where that is undone,
        with the next one."""
        work = self._work
        if work is None or work.is_alive():
            return
        work.join()
        if self._indexes.ready(work.index.name) is not work.index:
            self._work = None  # the table was dropped meanwhile; its files go with the next ones
        elif work.outcome is None:
            self._failed(session, work)
        elif work.outcome.state is None:
            self._work = None
        else:
            state = work.outcome.state
            self._indexes.agree(session, work.index.name, state.token, state.covered)

    def committed(self) -> None:
        """What was taken up is agreed to."""
        work = self._work
        if work is None or work.outcome is None:
            return
        self._work = None
        runs, state = work.outcome.runs, work.outcome.state
        assert state is not None
        work.index.arrived(runs, state.covered)
        work.index.agreed, work.index.token = runs, state.token
        try:
            work.files.tidy(runs)
        except OSError as error:
            log.warning("old_files_of_ids_stay", table=work.index.name, reason=str(error))

    def close(self) -> None:
        """Break off what runs; it is begun again after the next start."""
        if self._work is not None:
            self._work.is_cancelled.set()
            self._work.join()
            self._work = None

    def _failed(self, session: Session, work: _Work) -> None:
        """Go on in memory and try again later; an index whose file is damaged is made anew."""
        self._work = None
        name, reason = work.index.name, str(work.failure)
        if work.kind == "check":
            log.error("ids_are_indexed_anew", table=name, reason=reason)
            self._indexes.distrust(session, name)
            return
        work.index.come_back()
        self._retry_at = time.monotonic() + RETRY_SECONDS
        log.warning("ids_stay_in_memory", table=name, reason=reason)

    def _start(self, session: Session, *, idle: bool) -> None:
        index, kind = self._chosen(idle=idle)
        files = self._indexes.files(index.name) if index else None
        if index is None or files is None:
            return
        work = self._work = _Work(index, files, kind)
        if kind == "write":
            work.parts, work.covered = index.send_off(), index.upto
        elif kind == "merge":
            work.least = index.source.least(session, index.name)
        work.start()

    def _chosen(self, *, idle: bool) -> tuple[IdIndex | None, str]:
        """What is most urgent: memory, then the number of files, then trust."""
        crowded = self._is_crowded()
        if idle or crowded:
            some = self._indexes.all_ready()
        else:
            names = sorted(self._indexes.grown)
            some = [index for index in map(self._indexes.ready, names) if index is not None]
        largest = max(some, key=lambda index: index.rows_fresh, default=None)
        if largest is not None:
            rows = largest.rows_fresh
            if crowded or rows >= (WORTHWHILE if idle else LARGE) or not largest.is_agreed:
                return largest, "write"
        for index in some:
            if not index.is_agreed:
                return index, "write"
            if to_merge(index.held.runs):
                return index, "merge"
            if index.held.runs and index.name not in self._seen:
                self._seen.add(index.name)
                return index, "check"
        self._indexes.grown.clear()
        return None, ""

    def _is_crowded(self) -> bool:
        """Whether all tables together hold too much in memory; summed up now and then."""
        if self._indexes.rows_added < self._counted + WORTHWHILE:
            return False
        rows = sum(index.rows_fresh for index in self._indexes.all_ready())
        if rows < TOGETHER:
            self._counted = self._indexes.rows_added
        return rows >= TOGETHER
