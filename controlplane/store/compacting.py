"""Writing the file anew, without what was deleted, while commits go on.

A fresh file beside the old one takes everything there is at one moment, which may last. Then,
between two commits and with nobody reading, it takes what came since: of large tables the rows
with later arrival numbers, of all others everything. What is in both is compared, the log of the
old file is folded in, and the fresh one takes its name in one step. Whenever it is killed, the
file of that name is whole: before that step the old one, after it the fresh one.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from controlplane.domain.batches import KeyedBatch
from controlplane.domain.errors import Conflict, StorageError
from controlplane.domain.journal import Entry
from controlplane.store.catalog import read_tables
from controlplane.store.checkpoints import SPARE
from controlplane.store.copying import table_rows
from controlplane.store.disk import free_bytes, log_of, synced
from controlplane.store.session import Session, filled, quoted, stored_time, time_of

FRESH: Final = ".fresh"
BEFORE: Final = ".before"
LARGE: Final = 50_000
"""A table with more rows is copied ahead, and only what came since in the last moment; but not
one of records that are replaced."""
APPENDED: Final = frozenset({Entry.TABLE, KeyedBatch.TABLE})
"""Tables of records that are not."""

_SIZES: Final = """
select block_size * used_blocks, block_size * free_blocks
from pragma_database_size() where database_name = current_database()"""
_ATTACH: Final = "attach {path} as fresh"
_SCHEMA: Final = "copy from database {main} to fresh (schema)"
_MADE: Final = """
select sql from duckdb_tables() where database_name = current_database()
  and schema_name = 'main' and list_contains($names, table_name)"""
_DETACH: Final = "detach database if exists fresh"
_TAKE: Final = "insert into fresh.{table} select * from main.{table}"
_TAKE_LATER: Final = "insert into fresh.{table} select * from main.{table} where seq > $last"
_EMPTY: Final = "delete from fresh.{table}"
_LAST: Final = "select coalesce(max(seq), -1) from fresh.{table}"
_SEQUENCE: Final = """select count(*), bit_xor(hash(seq, {time})) from {where}{table}"""
_LATEST: Final = "select max(compacted_at) from compactions"
_NOTE: Final = "insert into fresh.compactions values (?, ?, ?)"

log = structlog.get_logger("leeboard.store")


class Compaction:
    """One compaction of the file at `path`: `begin` in any thread, `finish` between two commits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fresh = path.with_name(path.name + FRESH)
        self.before = path.with_name(path.name + BEFORE)
        self.bytes_before = path.stat().st_size
        self._ahead: Mapping[str, str] = {}

    def begin(self, session: Session) -> None:
        """Copy the large tables as they are now. Raises StorageError, with nothing changed."""
        used, _ = used_and_free(session)
        free = free_bytes(self.path.parent)
        if free < used + used // 4 + SPARE:
            message = (
                f"writing {self.path} anew takes {used + used // 4 + SPARE} bytes beside it, "
                f"{free} are free; free some, or give the data folder a larger disk"
            )
            raise StorageError(message)
        remove_left(self.path)
        session.run(filled(_ATTACH, path=_literal(self.fresh)))
        session.run(filled(_SCHEMA, main=quoted(self.path.stem)))
        rows = table_rows(session)
        self._ahead = {
            table: next(name for name in ("at", "filed_at", "known_at") if name in columns)
            for table, columns in read_tables(session, self.path.stem).items()
            if rows.get(table, 0) > LARGE and "seq" in columns
            and ("body" not in columns or table in APPENDED)
        }  # fmt: skip
        for table in self._ahead:
            session.run(_of(_TAKE, table, self.path.stem))
        session.run("checkpoint fresh")

    def finish(self, session: Session, at: datetime) -> None:
        """Take what came since, compare, let go of the fresh file: it is complete and on disk.

        Raises Conflict where tables were made or rows deleted meanwhile: then it begins anew.
        """
        main = self.path.stem
        there, here = read_tables(session, main), read_tables(session, "fresh")
        for (sql,) in session.run(_MADE, {"names": sorted(there.keys() - here.keys())}):
            session.run(str(sql).replace("CREATE TABLE ", "CREATE TABLE fresh.", 1))
        if any(columns != there.get(table) for table, columns in here.items()):
            raise Conflict("tables changed while the file was written anew; it is tried again")
        session.begin()
        try:
            for table in there:
                self._take_rest(session, table)
            self._note(session, at)
            session.commit()
        except BaseException:
            session.rollback()
            raise
        for table, time in self._ahead.items():
            ours, theirs = (
                session.one(filled(_SEQUENCE, where=where, table=quoted(table), time=quoted(time)))
                for where in (f"{quoted(main)}.", "fresh.")
            )
            if ours != theirs:
                raise Conflict(f"rows of {table} were deleted meanwhile; it is tried again")
        session.run("checkpoint fresh")
        session.run(_DETACH)
        synced(self.fresh)

    def put(self) -> None:
        """Give the fresh file the name of the old one, whose log is empty. Raises StorageError."""
        wal = log_of(self.path)
        if wal.exists() and wal.stat().st_size:
            raise StorageError(f"{wal} is not folded in; {self.path} is left as it was")
        try:
            self.before.hardlink_to(self.path)
            self.fresh.replace(self.path)
            synced(self.path.parent)
        except OSError as error:
            message = f"{self.fresh} could not take the place of {self.path}: {error.strerror}"
            raise StorageError(message) from error

    def check(self, session: Session, at: datetime) -> None:
        """See to it that the opened file is the fresh one. Raises StorageError, with the old one
        in its place again, where something in this process held on to that."""
        if compacted_at(session) != at:
            self.before.replace(self.path)
            raise StorageError(f"{self.path} was held open while it was written anew; try again")
        self.before.unlink()

    def give_up(self, session: Session) -> None:
        """Leave nothing behind."""
        try:
            session.run(_DETACH)
        except StorageError as error:
            log.warning("fresh_file_stays_attached", reason=str(error))
        remove_left(self.path)

    def _take_rest(self, session: Session, table: str) -> None:
        main = self.path.stem
        if table in self._ahead:
            last = session.count(_of(_LAST, table, main))
            session.run(_of(_TAKE_LATER, table, main), {"last": last})
            return
        session.run(_of(_EMPTY, table, main))
        session.run(_of(_TAKE, table, main))

    def _note(self, session: Session, at: datetime) -> None:
        session.run(_NOTE, [stored_time(at), self.bytes_before, used_and_free(session)[0]])


def used_and_free(session: Session) -> tuple[int, int]:
    """Bytes of the file's blocks that hold something, and of those that will be used again."""
    [(used, free)] = session.run(_SIZES)
    return int(str(used)), int(str(free))


def compacted_at(session: Session) -> datetime | None:
    """When the file was last written anew; None where it never was."""
    row = session.one(_LATEST)
    return None if row is None else time_of(row[0])


def remove_left(path: Path) -> None:
    """Remove what a compaction of this file that was broken off has left beside it."""
    for suffix in (FRESH, f"{FRESH}.wal", BEFORE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _of(sql: str, table: str, main: str) -> str:
    return filled(sql.replace("main.", f"{quoted(main)}."), table=quoted(table))


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
