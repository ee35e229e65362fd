"""The indexes of all tables: loaded when first needed, taken along by transactions.

The writer's thread owns them; readers may ask those that are loaded. An index that cannot be
trusted (files missing, cut short, of another history) is made anew from its table.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from controlplane.domain.errors import StorageError
from controlplane.store.id_files import IdFiles
from controlplane.store.id_index import Held, IdIndex, to_merge
from controlplane.store.id_runs import Part, Run, slices, sorted_part, write_run
from controlplane.store.id_sources import Source
from controlplane.store.session import Session

FOLDER: Final = "ids"
LARGE: Final = 1 << 18
"""So many rows in memory go into a file."""
PROGRESS_ROWS: Final = 5_000_000
NONE: Final = np.uint64(0)

_AGREED: Final = "select token, covered from id_indexes where name = ?"
_FORGET: Final = "delete from id_indexes where name = ?"
_AGREE: Final = "insert into id_indexes values (?, ?, ?)"

log = structlog.get_logger("leeboard.store")


class Indexes:
    """By table. `folder` None: in memory only."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._ready: dict[str, IdIndex] = {}
        self._before: dict[str, tuple[Held, int] | None] = {}
        self._dropped: set[str] = set()
        self.grown: set[str] = set()
        """Tables whose index took rows in since somebody looked."""
        self.rows_added = 0
        """Rows that were taken into any index."""

    def ready(self, table: str) -> IdIndex | None:
        """The index of a table where it is loaded; any thread."""
        return self._ready.get(table)

    def all_ready(self) -> list[IdIndex]:
        """Every index that is loaded."""
        return list(self._ready.values())

    def files(self, table: str) -> IdFiles | None:
        """Where the files of a table's index are; None in memory."""
        return None if self._folder is None else IdFiles(self._folder, table)

    def of(self, session: Session, table: str, source: Source, *, upto: int) -> IdIndex:
        """The index of a table, loaded if need be; only the writer, in a transaction in which
        every row that was taken so far is in the table, with an arrival number below `upto`, or
        in the index."""
        index = self._ready.get(table)
        if index is None:
            index = self._loaded(session, table, source)
            index.upto = max(index.upto, upto)
            self._ready[table] = index
            self._before.setdefault(table, None)
            self.grown.add(table)
            self.rows_added += index.rows_fresh
        return index

    def add(self, index: IdIndex, part: Part, *, upto: int) -> None:
        """Take in rows of the transaction, in the order of their hashes, of arrival numbers below
        `upto`."""
        self._before.setdefault(index.name, (index.held, index.upto))
        index.add(part, upto=upto)
        self.grown.add(index.name)
        self.rows_added += len(part[0])

    def dropped(self, session: Session, table: str) -> None:
        """A table was dropped in the transaction."""
        self._ready.pop(table, None)
        self._before[table] = None
        self._dropped.add(table)
        session.run(_FORGET, [table])

    def agree(self, session: Session, table: str, token: str, covered: int) -> None:
        """Let the database agree to the files of an index, in a transaction."""
        session.run(_FORGET, [table])
        session.run(_AGREE, [table, token, covered])

    def distrust(self, session: Session, table: str) -> None:
        """Make an index anew from its table when it is needed next, whatever its files say."""
        session.run(_FORGET, [table])
        self.forget(table)

    def begin(self) -> None:
        """A transaction begins."""
        self._before.clear()
        self._dropped.clear()

    def committed(self) -> None:
        """The transaction is on disk."""
        for table in self._dropped - self._ready.keys():
            files = self.files(table)
            if files is not None:
                files.remove()
        self.begin()

    def undone(self) -> None:
        """The transaction was undone: indexes are as they were when it began."""
        for table, before in self._before.items():
            index = self._ready.get(table)
            if before is None:
                self._ready.pop(table, None)
            elif index is not None:
                index.held, index.upto = before
        self.begin()

    def forget(self, table: str | None = None) -> None:
        """Load an index (None: all of them) from disk again when it is needed next."""
        for name in [table] if table is not None else list(self._ready):
            self._ready.pop(name, None)

    def _loaded(self, session: Session, table: str, source: Source) -> IdIndex:
        index = self._opened(session, table, source)
        total, said = 0, PROGRESS_ROWS
        for hashes, values in source.read(session, table, index.covered):
            index.add(sorted_part(hashes, values), upto=index.upto)
            total += len(hashes)
            if self._folder is not None and index.rows_fresh >= 2 * LARGE:
                self._spilled(index)
            if total >= said:
                log.info("ids_are_read", table=table, rows=total)
                said += PROGRESS_ROWS
        return index

    def _opened(self, session: Session, table: str, source: Source) -> IdIndex:
        """The index as its files have it; empty where they cannot be trusted."""
        files, row = self.files(table), session.one(_AGREED, [table])
        if files is None or row is None:
            return IdIndex(table, source)
        try:
            state, runs = files.opened(str(row[0]))
        except StorageError as error:
            log.warning("ids_are_indexed_anew", table=table, reason=str(error))
            return IdIndex(table, source)
        index = IdIndex(table, source, runs, state.covered)
        index.token, index.agreed = state.token, runs
        return index

    def _spilled(self, index: IdIndex) -> None:
        """Write what was read so far into a file, which the database shall agree to later."""
        files = self.files(index.name)
        assert files is not None
        try:
            run = written(files, index.send_off())
            index.arrived((*index.held.runs, run), index.covered)
            while some := to_merge(index.held.runs):
                run = written(files, [(one.hashes, one.values) for one in some])
                index.arrived((*(r for r in index.held.runs if r not in some), run), index.covered)
        except OSError as error:
            index.come_back()
            log.warning("ids_stay_in_memory", table=index.name, reason=str(error))


def written(
    files: IdFiles, parts: Sequence[Part], between: Callable[[], object] = bool, *,
    least: np.uint64 = NONE,
) -> Run:  # fmt: skip
    """Parts as one run, on disk, without packed moments below `least`; `between` is called between
    two slices, and may raise OSError to break off. Raises OSError where there is no space."""
    path = files.new_path()
    try:
        rows = sum(len(hashes) for hashes, _ in parts)
        kept = _told(slices(parts), between)
        if least > NONE:
            rows = sum(len(some[0]) for some in _from(least, kept))
            kept = _told(slices(parts), between)
        write_run(path, _from(least, kept), rows)
        return Run(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _told(parts: Iterator[Part], between: Callable[[], object]) -> Iterator[Part]:
    for part in parts:
        yield part
        between()


def _from(least: np.uint64, parts: Iterable[Part]) -> Iterator[Part]:
    for hashes, values in parts:
        kept = values >= least
        yield (hashes, values) if kept.all() else (hashes[kept], values[kept])
