"""The store's files as they were between two commits, read while commits go on.

Nothing that a file holds is changed but by a checkpoint, and the log only grows; so while
checkpoints are held back, the first bytes of both files, as many as there were between two
commits, are a store. The log is never read further: what later commits wrote into the file
beside it may not be in the part of the file that was read.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from controlplane.domain.errors import Conflict, StorageError
from controlplane.store.checkpoints import LARGEST, MIB, Checkpoints
from controlplane.store.disk import log_of
from controlplane.store.session import Session, filled, quoted

PART: Final = 4 * MIB
"""Bytes that are read at a time."""

_TABLES: Final = """
select table_name from duckdb_tables()
where database_name = current_database() and schema_name = 'main' and not internal order by 1"""
_ROWS: Final = "select count(*) from {table}"


class FilesHeld:
    """Files with as many bytes as count; see `keeping.Copying`."""

    def __init__(
        self, folder: Path, files: Mapping[str, int], rows: Mapping[str, int],
        checkpoints: Checkpoints,
    ) -> None:  # fmt: skip
        self.files = files
        self.rows = rows
        self._folder = folder
        self._checkpoints = checkpoints

    def read(self, name: str) -> Iterator[bytes]:
        """A file, part by part. Raises StorageError where the log grew too large meanwhile."""
        left = self.files[name]
        with (self._folder / name).open("rb") as file:
            while left:
                part = file.read(min(PART, left))
                if not self._checkpoints.is_held:
                    message = (
                        f"the log grew to {LARGEST} bytes while the backup was read, and had to "
                        "be folded in; take it faster, or when less comes in"
                    )
                    raise StorageError(message)
                if not part:
                    raise StorageError(f"{name} is shorter than it was; take the backup again")
                left -= len(part)
                yield part


Between = Callable[[Callable[[Session], tuple[dict[str, int], dict[str, int]]]],
                   tuple[dict[str, int], dict[str, int]]]  # fmt: skip
"""Has something done in the writer thread between two commits, and waits for it."""


@contextmanager
def held_files(path: Path, checkpoints: Checkpoints, between: Between) -> Iterator[FilesHeld]:
    """Hold the store's files as they are; raises Conflict where somebody does already."""
    with ExitStack() as holding:

        def look(session: Session) -> tuple[dict[str, int], dict[str, int]]:
            files = [path, log_of(path)]
            sizes = {file.name: file.stat().st_size for file in files if file.exists()}
            return sizes, table_rows(session)

        if not checkpoints.try_hold():
            raise Conflict("a backup or a compaction is under way; wait until it is done")
        holding.callback(checkpoints.let_go)
        files, rows = between(look)
        yield FilesHeld(path.parent, files, rows, checkpoints)


def table_rows(session: Session) -> dict[str, int]:
    """How many rows each table has."""
    tables = [str(row[0]) for row in session.run(_TABLES)]
    return {name: session.count(filled(_ROWS, table=quoted(name))) for name in tables}
