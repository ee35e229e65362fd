"""Rows that were taken and are not inserted yet: many small appends become one statement.

They are inserted before anybody reads, and before the commit that acknowledges them.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from controlplane.store.session import Session, filled, quoted

INCOMING: Final = "incoming rows"
"""No table can be called so: those of a model have a slash, the others no space."""

_INSERT: Final = "insert into {table} ({columns}) select {columns} from {incoming}"
NEXT: Final = """
select greatest(
    coalesce((select max(seq) + 1 from {table}), 0),
    coalesce((select max(next) from arrival_floors where "table" = $name), 0),
    coalesce((select max(covered) from id_indexes where name = $name), 0))"""
"""The arrival number after all that were given to rows of a table."""


class Pending:
    """The rows of a transaction that wait, by table, with their arrival numbers."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: dict[str, list[pa.Table]] = {}
        self._next: dict[str, int] = {}

    def take(self, table: str, rows: pa.Table) -> None:
        """Give rows (under the store's names) their arrival numbers, and let them wait."""
        if rows.num_rows == 0:
            return
        first = self.numbers(table, rows.num_rows)
        numbers = np.arange(first, first + rows.num_rows, dtype=np.int64)
        numbered = rows.append_column("seq", pa.array(numbers))
        self._waiting.setdefault(table, []).append(numbered)

    def take_again(self, table: str, rows: pa.Table) -> None:
        """Let rows wait that have their arrival numbers from before."""
        self._waiting.setdefault(table, []).append(rows)

    def insert(self) -> None:
        """Insert everything that waits."""
        while self._waiting:
            table, parts = self._waiting.popitem()
            rows = parts[0]
            if len(parts) > 1:
                rows = pa.concat_tables(parts, promote_options="permissive")
            columns = ", ".join(quoted(name) for name in rows.column_names)
            sql = filled(_INSERT, table=quoted(table), columns=columns, incoming=quoted(INCOMING))
            with self._session.registered(INCOMING, rows):
                self._session.run(sql)

    def numbers(self, table: str, count: int) -> int:
        """The first of `count` arrival numbers. Those of an undone transaction stay unused."""
        if table not in self._next:
            sql = filled(NEXT, table=quoted(table))
            self._next[table] = self._session.count(sql, {"name": table})
        first = self._next[table]
        self._next[table] += count
        return first

    def undone(self) -> None:
        """The transaction was undone, and what waited with it."""
        self._waiting.clear()

    def forget(self, table: str) -> None:
        """The table is not what it was."""
        self._waiting.pop(table, None)
        self._next.pop(table, None)
