"""Rows in DuckDB, written: duplicates left out, ids that come again counted."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.errors import NotFound
from controlplane.domain.schema import Schema
from controlplane.store import event_questions as questions
from controlplane.store import rejecting
from controlplane.store.catalog import (
    FEATURE,
    LABELS,
    PREDICTIONS,
    SCORE,
    SCORED,
    Tables,
    event_tables,
    stored_name,
)
from controlplane.store.event_columns import brought_to
from controlplane.store.events_duckdb import DuckDBEventsReader
from controlplane.store.halves import HalvesWriterInDuckDB
from controlplane.store.id_filter import IdFilter, filters_of
from controlplane.store.kpis import KpisWriterInDuckDB
from controlplane.store.pending import Pending
from controlplane.store.ports import Received
from controlplane.store.row_hashes import (
    ID,
    PLACE,
    ROW,
    Hashes,
    label_hashes,
    prediction_hashes,
    repeated,
)
from controlplane.store.session import (
    Session,
    filled,
    quoted,
    stored_time,
    stored_times,
    time_of,
)

DOUBTFUL: Final = "doubtful rows"

_SEEN: Final = """select id, "at", role, version from {table}"""
_TOLD: Final = "select id from {table}"
_ROWS: Final = "select count(*) from {table}"
_REUSED: Final = "insert into reused_ids values (?)"
_DROP: Final = "drop table if exists {table}"
_FORGET: Final = (
    "delete from rejected_rows where model = ?",
    "delete from reused_ids where model = ?",
    "delete from erased_ids where model = ?",
    "delete from removed_places where model = ?",
    """delete from arrival_floors where ends_with("table", '/' || ?)""",
)
_PLAIN: Final = frozenset({"id", "at", "known_at", "version", "role", "prediction", "label"})


class DuckDBEventsWriter(DuckDBEventsReader):
    """Appending within the writer's transaction."""

    def __init__(self, session: Session, tables: Tables) -> None:
        self._pending = Pending(session)
        super().__init__(session, tables, before=self._pending.insert)
        self.kpis: KpisWriterInDuckDB = KpisWriterInDuckDB(session, self._pending, self._touch)
        self.halves: HalvesWriterInDuckDB = HalvesWriterInDuckDB(
            session, self._pending, self._touch
        )
        self.touched: set[str] = set()
        self._dropped: set[str] = set()
        self._filters: dict[str, dict[str, IdFilter]] = {}

    def begin(self) -> None:
        """A transaction begins."""
        self.touched = set()
        self._dropped = set()

    def settle(self) -> None:
        """Insert what waits: the transaction is about to be committed."""
        self.halves.settle()
        self._pending.insert()

    def undone(self) -> None:
        """The transaction was undone: what was derived from its rows is not true."""
        self._pending.undone()
        self.halves.undone()
        self._last_at.clear()
        for table in self._dropped:
            self._forget(table)

    def prepare(self, model: str, schema: Schema) -> None:
        """Make the model's tables, or bring them to a schema. Raises Conflict where a column
        would have to lose what it holds, BadInput for a name that rows have themselves."""
        for table, columns in event_tables(model, schema).items():
            changed = brought_to(self._session, self._tables.catalog, table, columns)
            if changed is not self._tables.catalog:
                self._tables.catalog = changed
                self.touched.add(model)

    def append_predictions(
        self, model: str, rows: pa.Table, *, watermark: datetime | None = None
    ) -> Received:
        """Store rows that are not there yet; `late` counts those before `watermark`."""
        if rows.num_rows == 0:
            return Received()
        table = self._there(PREDICTIONS + model)
        ours = _ours(rows)
        hashes = prediction_hashes(ours)
        seen = self._filters_of(table, _SEEN, prediction_hashes)
        fresh = self._fresh(model, ours, seen[ROW], hashes[ROW])
        reused = self._come_again(model, ours, fresh, (seen, hashes))
        for kind, values in hashes.items():
            seen[kind].add(values[fresh])
        kept = self._take(table, ours, fresh)
        self._note_last(model, kept)
        return Received(
            accepted=kept.num_rows, duplicates=rows.num_rows - kept.num_rows, reused_ids=reused,
            late=_before(kept, watermark), known=None if fresh.all() else ~fresh,
        )  # fmt: skip

    def append_labels(self, model: str, rows: pa.Table) -> Received:
        """Store labels; one that says what the label before it said is a duplicate."""
        if rows.num_rows == 0:
            return Received()
        table = self._there(LABELS + model)
        ours = _ours(rows)
        ids = label_hashes(ours)[ID]
        seen = self._filters_of(table, _TOLD, label_hashes)[ID]
        fresh = np.ones(rows.num_rows, dtype=np.bool_)
        doubtful = np.flatnonzero(seen.maybe(ids) | repeated(ids))
        if len(doubtful):
            asked = {"reused": model in self._tables.catalog.reused}
            said = self._asked(questions.LABELS_REPEATED, model, ours, doubtful, asked)
            fresh[said["n"].to_numpy()] = False
        seen.add(ids)
        kept = self._take(table, ours, fresh)
        return Received(
            accepted=kept.num_rows, duplicates=rows.num_rows - kept.num_rows,
            known=None if fresh.all() else ~fresh,
        )  # fmt: skip

    def append_scored(self, model: str, version: str, rows: pa.Table) -> None:
        """Store predictions that Leeboard made; those that are there already are left out."""
        if rows.num_rows == 0:
            return
        table = self._there(SCORED + model)
        named = rows.append_column("version", pa.array([version] * rows.num_rows, pa.string()))
        ours = _ours(named)
        everything = np.arange(rows.num_rows)
        asked = _span(ours["at"]) | {"version": version}
        found = self._asked(questions.SCORED_FRESH, model, ours, everything, asked)
        fresh = np.zeros(rows.num_rows, dtype=np.bool_)
        fresh[found["n"].to_numpy()] = True
        self._take(table, ours, fresh)

    def append_rejected(
        self, model: str, feed: str, known_at: datetime, rows: Sequence[tuple[str, str]], *,
        unnamed: int = 0,
    ) -> None:  # fmt: skip
        """Rejected rows as (reason, text); `unnamed` more are stored as a figure only."""
        more = [(f"{unnamed} more rows of the same request were rejected", "", unnamed)]
        told = [(reason, text, 1) for reason, text in rows] + (more if unnamed else [])
        if not told:
            return
        first = self._pending.numbers("rejected_rows", len(told))
        rejecting.append(self._session, first, (model, feed, known_at), told)
        self.touched.add(model)

    def drop(self, model: str) -> None:
        """Delete everything stored of a model's rows."""
        self._pending.insert()
        for table in (PREDICTIONS + model, LABELS + model, SCORED + model):
            self._session.run(filled(_DROP, table=quoted(table)))
            self._dropped.add(table)
            self._forget(table)
        for sql in _FORGET:
            self._session.run(sql, [model])
        self.kpis.drop(model)
        self.halves.drop(model)
        self._tables.catalog = self._tables.catalog.without(model)
        self._last_at.pop(model, None)
        self.touched.add(model)

    def _touch(self, model: str) -> None:
        self.touched.add(model)

    def _forget(self, table: str) -> None:
        """What is remembered of a table's rows is not true any more."""
        self._pending.forget(table)
        self._filters.pop(table, None)

    def _there(self, table: str) -> str:
        if not self._tables.catalog.has(table):
            model = table.split("/", 1)[1]
            message = f"the model {model!r} has no tables yet; its schema has to be known first"
            raise NotFound(message)
        return table

    def _asked(
        self, sql: str, model: str, rows: pa.Table, numbers: NDArray[np.int64],
        parameters: Mapping[str, object],
    ) -> pa.Table:  # fmt: skip
        """The answer to a question about some of the rows; `n` is their place among all."""
        asked = rows.take(numbers).append_column("n", pa.array(numbers, pa.int64()))
        with self._session.registered(DOUBTFUL, asked):
            return self._session.arrow(
                self._about(sql, model, incoming=quoted(DOUBTFUL)), parameters
            )

    def _take(self, table: str, rows: pa.Table, fresh: NDArray[np.bool_]) -> pa.Table:
        """Those of the rows that are fresh, which will be inserted."""
        kept = rows if fresh.all() else rows.filter(pa.array(fresh))
        if kept.num_rows:
            self._pending.take(table, kept)
            self.touched.add(table.split("/", 1)[1])
        return kept

    def _note_last(self, model: str, kept: pa.Table) -> None:
        """Keep `last_at` right without looking at the table again."""
        if model not in self._last_at:
            return
        newest = time_of(pc.max(kept["at"].filter(pc.not_equal(kept["role"], "reference"))).as_py())
        known = self._last_at[model]
        self._last_at[model] = max((t for t in (newest, known) if t is not None), default=None)

    def _fresh(self, model: str, rows: pa.Table, seen: IdFilter, keys: Hashes) -> NDArray[np.bool_]:
        """Which rows are neither stored nor earlier among `rows`, shape (rows,)."""
        fresh = ~(seen.maybe(keys) | repeated(keys))
        doubtful = np.flatnonzero(~fresh)
        if len(doubtful):
            span = _span(rows["at"].take(doubtful))
            found = self._asked(questions.FRESH, model, rows, doubtful, span)
            fresh[found["n"].to_numpy()] = True
        return fresh

    def _come_again(
        self, model: str, rows: pa.Table, fresh: NDArray[np.bool_], known: "_Known"
    ) -> int:
        """How many of the fresh rows have an id that another event time has too."""
        seen, hashes = known
        maybe = seen[ID].maybe(hashes[ID]) & ~seen[PLACE].maybe(hashes[PLACE])
        doubtful = np.flatnonzero((maybe | repeated(hashes[ID])) & fresh)
        if not len(doubtful):
            return 0
        answer = self._asked(questions.COME_AGAIN, model, rows, doubtful, {})
        count = int(answer.column(0)[0].as_py())
        if count and model not in self._tables.catalog.reused:
            self._session.run(_REUSED, [model])
            self._tables.catalog = self._tables.catalog.with_reused(model)
        return count

    def _filters_of(
        self, table: str, sql: str, hashing: Callable[[pa.Table], dict[str, Hashes]]
    ) -> dict[str, IdFilter]:
        """The filters of a table, made by one look at it when first asked for."""
        known = self._filters.get(table)
        if known is None or any(one.full for one in known.values()):
            self._pending.insert()
            total = self._session.count(filled(_ROWS, table=quoted(table)))
            parts = self._session.parts(filled(sql, table=quoted(table)))
            known = self._filters[table] = filters_of(total, (hashing(part) for part in parts))
        return known


_Known = tuple[dict[str, IdFilter], dict[str, Hashes]]


def _ours(rows: pa.Table) -> pa.Table:
    """Rows under the names and with the times of the store."""
    return stored_times(rows.rename_columns([_stored(name) for name in rows.column_names]))


def _stored(name: str) -> str:
    if name in _PLAIN:
        return name
    if name.startswith("score:"):
        return stored_name(SCORE, name.removeprefix("score:"))
    return stored_name(FEATURE, name)


def _span(times: pa.ChunkedArray) -> dict[str, object]:
    bounds = pc.min_max(times)
    return {"low": bounds["min"].as_py(), "high": bounds["max"].as_py()}


def _before(rows: pa.Table, watermark: datetime | None) -> int:
    if watermark is None or rows.num_rows == 0:
        return 0
    early = pc.less(rows["at"], pa.scalar(stored_time(watermark), rows["at"].type))
    return int(pc.sum(early).as_py() or 0)
