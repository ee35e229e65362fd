"""When the write-ahead log is folded into the file: between two commits, never inside one.

A checkpoint stops commits for about 8 ms a MiB of log, and a full disk during one takes the
whole file out of use; hence it is asked for at size or at rest, and only with space to spare.
While a backup reads the file none runs, so that the file stays as it is.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from controlplane.domain.errors import StorageError
from controlplane.store.disk import free_bytes
from controlplane.store.figures import Tally
from controlplane.store.session import Session, StoreBroken

MIB: Final = 2**20
LARGE: Final = 48 * MIB
"""A log of this size is folded in at the next gap between commits, and a smaller one where the
last was folded in so slowly that this one would keep commits waiting for longer than `BEARABLE`."""
LEAST: Final = 32 * MIB
"""But no smaller one: each begins with the rows that the last one left unfilled, and less than one
commit in a hundred is to wait for one."""
BEARABLE: Final = 0.4
"""Seconds."""
LARGEST: Final = 512 * MIB
"""A log of this size is folded in even where reads that stand in the way have to be ended, and
it ends a backup that keeps it from that: it is read again at a start, at about 4 s a GiB."""
WORTHWHILE: Final = 4 * MIB
"""At rest, a log of this size is."""
SPARE: Final = 16 * MIB
RETRY_SECONDS: Final = 1.0

log = structlog.get_logger("leeboard.store")


class Checkpoints:
    """Decides by the size of the log; `wal` None: in memory, nothing to do. `end_reads`
    ends what is under way in every session but one. Never forced: a forced one would keep everybody
    waiting for the slowest reader."""

    def __init__(
        self, wal: Path | None, end_reads: Callable[[Session], None] = lambda _: None
    ) -> None:
        self._wal = wal
        self._end_reads = end_reads
        self._folding = threading.Lock()
        self._holding = threading.Lock()
        self._is_held = False
        self._retry_at = 0.0
        self._tables_changed = False
        self._quick = float("inf")
        """Bytes that are folded in within what is bearable, as the last time showed."""
        self.seconds = Tally()

    def tables_changed(self) -> None:
        """A table was made or altered: better folded in soon than replayed."""
        self._tables_changed = True

    def try_hold(self) -> bool:
        """Let none run until `let_go`; any thread. False where they are held already."""
        with self._holding:
            if self._is_held:
                return False
            self._is_held = True
        with self._folding:  # one that runs has to end first
            return True

    def let_go(self) -> None:
        """Let them run again."""
        self._is_held = False

    @property
    def is_held(self) -> bool:
        """Whether none runs; a log that grew too large ends it."""
        return self._is_held

    @property
    def log_size(self) -> int:
        """Bytes of the log."""
        try:
            return self._wal.stat().st_size if self._wal else 0
        except OSError:
            return 0

    def due(self, *, idle: bool) -> bool:
        """Whether one should run now."""
        size = self.log_size
        if size == 0 or time.monotonic() < self._retry_at:
            return False
        return size >= min(LARGE, max(LEAST, self._quick)) or (
            idle and (size >= WORTHWHILE or self._tables_changed)
        )

    def run(self, session: Session) -> bool:
        """Checkpoint; False where it has to wait (no space, or an open read stands in the way).

        Raises StoreBroken where DuckDB gave the file up.
        """
        if self._wal is None or self.log_size == 0:
            return True
        self._retry_at = time.monotonic() + RETRY_SECONDS
        with self._folding:
            if self._is_held and self.log_size >= LARGEST:
                log.warning("backup_ended_by_checkpoint", size=self.log_size)
                self._is_held = False
            return not self._is_held and self._run(session, self._wal)

    def _run(self, session: Session, wal: Path) -> bool:
        wanted = 2 * self.log_size + SPARE
        free = free_bytes(wal.parent)
        if free < wanted:
            log.warning("checkpoint_waits_for_space", free=free, wanted=wanted)
            return False
        if self.log_size >= LARGEST:
            log.warning("checkpoint_ends_reads", size=self.log_size)
            self._end_reads(session)
        began, size = time.monotonic(), self.log_size
        try:
            session.run("checkpoint")
        except StoreBroken:
            raise
        except StorageError as error:
            log.info("checkpoint_waits", reason=str(error))
            return False
        took = time.monotonic() - began
        self.seconds.observe(took)
        if size >= WORTHWHILE:
            self._quick = size * BEARABLE / max(took, 1e-9)
        self._retry_at = 0.0
        self._tables_changed = False
        return True
