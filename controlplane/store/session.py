"""One cursor in one thread: statements in, rows or Arrow out, DuckDB's errors as ours."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import duckdb
import pyarrow as pa

from controlplane.domain.errors import StorageError

Parameters = Sequence[object] | Mapping[str, object]

INSTANT: Final = pa.timestamp("us", "UTC")
"""The type of every time in a table that leaves the store."""
STORED_INSTANT: Final = pa.timestamp("us")
"""And of every time in one that the store keeps."""
_PART: Final = 200_000
"""Rows of a part."""


class StoreBroken(StorageError):
    """DuckDB gave the whole file up; it has to be opened anew."""


class Session:
    """Statements on one cursor. `failure` is the first error since `begin`: a transaction in
    which a statement failed commits nothing and does not say so, hence nobody may commit it."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, place: str) -> None:
        self._cursor = cursor
        self._place = place
        self.failure: StorageError | None = None
        self.is_ended = False
        """Somebody ended what it is used for; until it is given back, it answers nothing more."""

    def run(self, sql: str, parameters: Parameters = ()) -> list[tuple[object, ...]]:
        """Every row of the answer."""
        with self._said():
            return self._cursor.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Parameters = ()) -> tuple[object, ...] | None:
        """The first row of the answer, None where it is empty."""
        rows = self.run(sql, parameters)
        return rows[0] if rows else None

    def count(self, sql: str, parameters: Parameters = ()) -> int:
        """The first figure of the answer; of a statement that changes rows, how many it did."""
        row = self.one(sql, parameters)
        return int(str(row[0])) if row and row[0] is not None else 0

    def arrow(self, sql: str, parameters: Mapping[str, object]) -> pa.Table:
        """The answer as Arrow, its times in UTC."""
        with self._said():
            return _in_utc(self._cursor.sql(sql, params=dict(parameters)).to_arrow_table())

    def parts(self, sql: str) -> Iterator[pa.Table]:
        """The answer as Arrow, in parts of limited size; at least one, which may be empty."""
        with self._said():
            reader = self._cursor.sql(sql).to_arrow_reader(_PART)
            yield reader.schema.empty_table()
            for batch in reader:
                yield pa.Table.from_batches([batch])

    @contextmanager
    def registered(self, name: str, table: pa.Table) -> Iterator[None]:
        """Make a table visible to statements under a name that no stored table may have."""
        with self._said():
            self._cursor.register(name, table)
        try:
            yield
        finally:
            if self.failure is None:
                with self._said():
                    self._cursor.unregister(name)

    def begin(self) -> None:
        """Start a transaction."""
        self.failure = None
        with self._said():
            self._cursor.begin()

    def commit(self) -> None:
        """Commit; raises what failed before, if anything did."""
        self.check()
        with self._said():
            self._cursor.commit()

    def check(self) -> None:
        """Raise what failed since `begin`, even where somebody caught it."""
        if self.failure is not None:
            raise self.failure

    def rollback(self) -> None:
        """Undo; a transaction that DuckDB has undone by itself is no error."""
        try:
            self._cursor.rollback()
        except duckdb.TransactionException:
            return
        except duckdb.Error as error:
            raise self._ours(error) from error

    def end(self) -> None:
        """End what runs and what would come after it; the one thing that another thread may do."""
        self.is_ended = True
        self._cursor.interrupt()

    def close(self) -> None:
        """Give the cursor up."""
        self._cursor.close()

    @contextmanager
    def _said(self) -> Iterator[None]:
        if self.is_ended:
            message = f"this read of {self._place} took too long and was ended; ask again"
            raise StorageError(message)
        try:
            yield
        except duckdb.Error as error:
            self.failure = self.failure or self._ours(error)
            raise self.failure from error

    def _ours(self, error: duckdb.Error) -> StorageError:
        text = str(error).strip()
        line = text.splitlines()[0] if text else type(error).__name__
        if isinstance(error, duckdb.FatalException) or "has been invalidated" in text:
            return StoreBroken(f"{self._place} has to be opened anew: {line}")
        if "No space left" in text or "File too large" in text:
            message = f"there is no space left for {self._place}; free some, then send it again"
            return StorageError(message)
        return StorageError(f"{self._place} could not do it: {line}")


def stored_time(moment: datetime) -> datetime:
    """A time as statements take it: UTC without saying so. Raises ValueError without an offset."""
    if moment.tzinfo is None:
        message = f"{moment.isoformat()} has no offset; every time in Leeboard has one"
        raise ValueError(message)
    return moment.astimezone(UTC).replace(tzinfo=None)


def time_of(value: object) -> datetime | None:
    """A time as an answer carries it, in UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else None


def stored_times(table: pa.Table) -> pa.Table:
    """A table whose times are as the store keeps them."""
    return _retyped(table, STORED_INSTANT)


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def filled(template: str, **identifiers: str) -> str:
    """A statement with the tables and columns it is about, which are quoted already."""
    for key, value in identifiers.items():
        template = template.replace("{" + key + "}", value)
    return template


def _in_utc(table: pa.Table) -> pa.Table:
    return _retyped(table, INSTANT)


def _retyped(table: pa.Table, instant: pa.DataType) -> pa.Table:
    """Only the columns that are not so yet are touched: most tables have none of those."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type != instant:
            column = table.column(place)
            if field.type.tz not in {None, "UTC"}:
                column = column.cast(INSTANT)
            table = table.set_column(place, field.with_type(instant), column.cast(instant))
    return table
