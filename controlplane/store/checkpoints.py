"""When the write-ahead log is folded into the file: between two commits, never inside one.

A checkpoint stops commits for about 8 ms a MiB of log, and a full disk during one takes the
whole file out of use; hence it is asked for at size or at rest, and only with space to spare.
"""

import shutil
import time
from pathlib import Path
from typing import Final

import structlog

from controlplane.domain.errors import StorageError
from controlplane.store.session import Session, StoreBroken

MIB: Final = 2**20
LARGE: Final = 64 * MIB
"""A log of this size is folded in at the next gap between commits."""
WORTHWHILE: Final = 4 * MIB
"""At rest, a log of this size is."""
SPARE: Final = 16 * MIB
RETRY_SECONDS: Final = 1.0

log = structlog.get_logger("leeboard.store")


def free_bytes(folder: Path) -> int:
    """Space that is left where a folder is; none where it cannot be told."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


class Checkpoints:
    """Decides by the size of the log; `wal` None: in memory, nothing to do."""

    def __init__(self, wal: Path | None) -> None:
        self._wal = wal
        self._retry_at = 0.0
        self._tables_changed = False

    def tables_changed(self) -> None:
        """A table was made or altered: better folded in soon than replayed."""
        self._tables_changed = True

    def due(self, *, idle: bool) -> bool:
        """Whether one should run now."""
        size = self._log_size()
        if size == 0 or time.monotonic() < self._retry_at:
            return False
        return size >= LARGE or (idle and (size >= WORTHWHILE or self._tables_changed))

    def run(self, session: Session) -> bool:
        """Checkpoint; False where it has to wait (no space, or an open read stands in the way).

        Raises StoreBroken where DuckDB gave the file up.
        """
        if self._wal is None or self._log_size() == 0:
            return True
        self._retry_at = time.monotonic() + RETRY_SECONDS
        wanted = 2 * self._log_size() + SPARE
        free = free_bytes(self._wal.parent)
        if free < wanted:
            log.warning("checkpoint_waits_for_space", free=free, wanted=wanted)
            return False
        try:
            session.run("checkpoint")
        except StoreBroken:
            raise
        except StorageError as error:
            log.info("checkpoint_waits", reason=str(error))
            return False
        self._retry_at = 0.0
        self._tables_changed = False
        return True

    def _log_size(self) -> int:
        try:
            return self._wal.stat().st_size if self._wal else 0
        except OSError:
            return 0
