"""The small records in DuckDB: one table a kind, a record a row, its body as JSON.

Nothing is updated in place: replacing is deleting and inserting in one transaction, since an
update keeps checkpoints waiting for every open read. One writer makes ids unique.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar, cast

import msgspec

from controlplane.domain.errors import BadInput, Refused
from controlplane.domain.journal import GENESIS, Entry, entry_hash
from controlplane.domain.records import Record
from controlplane.store.catalog import Tables
from controlplane.store.record_codec import decoded, encoded
from controlplane.store.remembered import Remembered, Versions
from controlplane.store.session import Session, filled, quoted, stored_time

R = TypeVar("R", bound=Record)

COLUMNS: Final[Mapping[str, str]] = {
    "id": "varchar", "model": "varchar", "state": "varchar", "filed_at": "timestamp",
    "seq": "bigint", "body": "blob",
}  # fmt: skip

_CREATE: Final = """
create table {table} (
    id varchar not null, model varchar not null, state varchar not null,
    filed_at timestamp not null, seq bigint not null, body blob not null
)"""
_GET: Final = "select body from {table} where id = ?"
_GET_ALL: Final = "select id, body from {table} where id in (select unnest($ids))"
_PLACE: Final = "select filed_at, seq from {table} where id = ?"
_FIND: Final = """
select body from {table}
where ($model is null or model = $model)
  and ($states is null or list_contains($states, state))
  and ($since is null or filed_at >= $since)
  and ($until is null or filed_at < $until)"""
_AFTER: Final = " and (filed_at > $after_at or (filed_at = $after_at and seq > $after_seq))"
_BEFORE: Final = " and (filed_at < $after_at or (filed_at = $after_at and seq < $after_seq))"
_OLDEST_FIRST: Final = " order by filed_at, seq limit $most"
_NEWEST_FIRST: Final = " order by filed_at desc, seq desc limit $most"
_COUNT: Final = """
select count(*) from {table}
where ($model is null or model = $model)
  and ($states is null or list_contains($states, state))"""
_NEXT: Final = "select coalesce(max(seq) + 1, 0) from {table}"
_TAKE_OUT: Final = "delete from {table} where id = ? returning seq"
_INSERT: Final = "insert into {table} values (?, ?, ?, ?, ?, ?)"
_TAKE_ALL_OUT: Final = "delete from {table} where id in (select unnest($ids)) returning id, seq"
_INSERT_ALL: Final = """
insert into {table}
select unnest($ids), unnest($models), unnest($states), unnest($times), unnest($numbers), unnest($bodies)"""
_REMOVE: Final = "delete from {table} where model = ?"
_PRUNE: Final = "delete from {table} where filed_at < ? returning model"
_LAST: Final = "select body from {table} order by seq desc limit 1"

_NO_LIMIT: Final = 2**62


class DuckDBLedgerReader:
    """Reading within a session's transaction."""

    def __init__(
        self, session: Session, tables: Tables, versions: Versions, remembered: Remembered
    ) -> None:
        self._session = session
        self._tables = tables
        self._versions = versions
        self._remembered = remembered
        self.touched: set[tuple[str, str]] = set()
        """Tables and models written in this transaction; of a snapshot, none."""

    def get(self, kind: type[R], id: str) -> R | None:  # noqa: A002
        """One record, None where there is none."""
        if not self._tables.catalog.has(kind.TABLE):
            return None
        question = (kind, "get", id)
        version = self._version(kind, None)
        known = self._known(question, version)
        if known is None:
            rows = self._session.run(_about(_GET, kind), [id])
            known = tuple(decoded(kind, cast("bytes", row[0])) for row in rows)
            self._keep(question, version, known)
        return cast("R", known[0]) if known else None

    def get_all(self, kind: type[R], ids: Sequence[str]) -> dict[str, R]:
        """Those of the records that there are, by id."""
        if not ids or not self._tables.catalog.has(kind.TABLE):
            return {}
        rows = self._session.run(_about(_GET_ALL, kind), {"ids": list(ids)})
        return {str(name): decoded(kind, cast("bytes", body)) for name, body in rows}

    def find(  # noqa: PLR0913
        self, kind: type[R], *, model: str | None = None, states: Iterable[str] | None = None,
        since: datetime | None = None, until: datetime | None = None, limit: int | None = None,
        newest_first: bool = False, after: str | None = None,
    ) -> list[R]:  # fmt: skip
        """Records by (filed_at, order of first writing); raises BadInput for an unknown `after`."""
        if not self._tables.catalog.has(kind.TABLE):
            return []
        named = None if states is None else [str(state) for state in states]
        question = (
            kind, "find", model, None if named is None else tuple(named), since, until, limit,
            newest_first, after,
        )  # fmt: skip
        version = self._version(kind, model)
        known = self._known(question, version)
        if known is None:
            parameters: dict[str, object] = {
                "model": model, "states": named, "most": _NO_LIMIT if limit is None else limit,
                "since": stored_time(since) if since else None,
                "until": stored_time(until) if until else None,
            }  # fmt: skip
            sql = _FIND
            if after is not None:
                parameters |= self._place(kind, after)
                sql += _BEFORE if newest_first else _AFTER
            sql += _NEWEST_FIRST if newest_first else _OLDEST_FIRST
            rows = self._session.run(_about(sql, kind), parameters)
            known = tuple(decoded(kind, cast("bytes", row[0])) for row in rows)
            self._keep(question, version, known)
        return [cast("R", record) for record in known]

    def count(
        self, kind: type[R], *, model: str | None = None, states: Iterable[str] | None = None
    ) -> int:
        """How many there are."""
        if not self._tables.catalog.has(kind.TABLE):
            return 0
        named = None if states is None else [str(state) for state in states]
        return self._session.count(_about(_COUNT, kind), {"model": model, "states": named})

    def _place(self, kind: type[Record], after: str) -> dict[str, object]:
        row = self._session.one(_about(_PLACE, kind), [after])
        if row is None:
            message = (
                f"the cursor {after!r} names none of the {kind.TABLE}; start from the first page"
            )
            raise BadInput(message)
        return {"after_at": row[0], "after_seq": row[1]}

    def _version(self, kind: type[Record], model: str | None) -> int | None:
        """The version of what a question is about; None where answers may not be remembered."""
        if any(table == kind.TABLE for table, _ in self.touched):
            return None
        return self._versions.get((kind.TABLE, model or "*"), 0)

    def _known(
        self, question: tuple[object, ...], version: int | None
    ) -> tuple[object, ...] | None:
        return None if version is None else self._remembered.get(question, version)

    def _keep(
        self, question: tuple[object, ...], version: int | None, answer: tuple[object, ...]
    ) -> None:
        if version is not None:
            self._remembered.put(question, version, answer)


class DuckDBLedgerWriter(DuckDBLedgerReader):
    """Writing within the writer's transaction."""

    def __init__(
        self, session: Session, tables: Tables, versions: Versions, remembered: Remembered
    ) -> None:
        super().__init__(session, tables, versions, remembered)
        self._next: dict[str, int] = {}
        self._last: Entry | None = None

    def begin(self, versions: Versions) -> None:
        """A transaction begins; what an undone one left is forgotten."""
        self._versions = versions
        self.touched = set()
        self._last = None

    def put(self, record: Record) -> None:
        """Store a record, in place of the one with its id if there is one."""
        kind = type(record)
        self._made(kind)
        was = self._session.one(_about(_TAKE_OUT, kind), [record.id])
        self._insert(record, None if was is None else int(str(was[0])))

    def put_all(self, records: Sequence[Record]) -> None:
        """Store records of one kind, each in place of the one with its id."""
        if not records:
            return
        kind = type(records[0])
        self._made(kind)
        gone = self._session.run(_about(_TAKE_ALL_OUT, kind), {"ids": [r.id for r in records]})
        places = {str(name): int(str(number)) for name, number in gone}
        self._session.run(_about(_INSERT_ALL, kind), {
            "ids": [record.id for record in records],
            "models": [record.model for record in records],
            "states": [record.filed_state for record in records],
            "times": [stored_time(record.filed_at) for record in records],
            "numbers": [self._number(kind, places.get(record.id)) for record in records],
            "bodies": [encoded(record) for record in records],
        })  # fmt: skip
        self.touched.update((kind.TABLE, record.model) for record in records)

    def add(self, record: Record) -> bool:
        """Store a record unless one with its id is there; whether it was stored."""
        kind = type(record)
        self._made(kind)
        if self._session.one(_about(_PLACE, kind), [record.id]) is not None:
            return False
        self._insert(record, None)
        return True

    def remove(self, kind: type[Record], *, model: str) -> None:
        """Delete a model's records of a kind. Raises Refused for the journal."""
        if kind is Entry:
            raise Refused("the journal is never cut: its chain would break")
        if self._tables.catalog.has(kind.TABLE):
            self._session.run(_about(_REMOVE, kind), [model])
            self.touched.add((kind.TABLE, model))

    def prune(self, kind: type[Record], *, before: datetime) -> int:
        """Delete the records of a kind that were filed before; how many. Refused for the journal."""
        if kind is Entry:
            raise Refused("the journal is never cut: its chain would break")
        if not self._tables.catalog.has(kind.TABLE):
            return 0
        gone = self._session.run(_about(_PRUNE, kind), [stored_time(before)])
        self.touched.update((kind.TABLE, str(row[0])) for row in gone)
        return len(gone)

    def journal(
        self, *, model: str, at: datetime, kind: str, subject: str, by: str,
        facts: Mapping[str, object],
    ) -> None:  # fmt: skip
        """Append an entry to the hash chain."""
        last = self._last or self._last_entry()
        open_entry = Entry(
            id=f"{int(last.id) + 1 if last else 1:012d}", model=model, at=at, kind=kind,
            subject=subject, by=by, text=msgspec.json.encode(facts, order="deterministic").decode(),
            previous=last.hash if last else GENESIS, hash="",
        )  # fmt: skip
        entry = msgspec.structs.replace(open_entry, hash=entry_hash(open_entry))
        self._made(Entry)
        self._insert(entry, None)
        self._last = entry

    def _last_entry(self) -> Entry | None:
        if not self._tables.catalog.has(Entry.TABLE):
            return None
        row = self._session.one(_about(_LAST, Entry))
        return None if row is None else decoded(Entry, cast("bytes", row[0]))

    def _made(self, kind: type[Record]) -> None:
        if not self._tables.catalog.has(kind.TABLE):
            self._session.run(_about(_CREATE, kind))
            self._tables.catalog = self._tables.catalog.with_columns(kind.TABLE, COLUMNS)
            self._next.pop(kind.TABLE, None)

    def _insert(self, record: Record, number: int | None) -> None:
        kind = type(record)
        row = [
            record.id, record.model, record.filed_state, stored_time(record.filed_at),
            self._number(kind, number), encoded(record),
        ]  # fmt: skip
        self._session.run(_about(_INSERT, kind), row)
        self.touched.add((kind.TABLE, record.model))

    def _number(self, kind: type[Record], known: int | None) -> int:
        """The place of a record in the order of first writing: its own, or the next."""
        if known is not None:
            return known
        if kind.TABLE not in self._next:
            self._next[kind.TABLE] = self._session.count(_about(_NEXT, kind))
        self._next[kind.TABLE] += 1
        return self._next[kind.TABLE] - 1


def _about(sql: str, kind: type[Record]) -> str:
    return filled(sql, table=quoted(kind.TABLE))
