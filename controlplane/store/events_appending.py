"""Rows in DuckDB, written: duplicates left out, ids that come again counted."""

from collections.abc import Sequence
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
    LABELS,
    PREDICTIONS,
    SCORED,
    Tables,
    event_tables,
)
from controlplane.store.event_columns import brought_to
from controlplane.store.events_duckdb import DuckDBEventsReader
from controlplane.store.halves import HalvesWriterInDuckDB
from controlplane.store.id_index import IdIndex
from controlplane.store.id_keeping import Indexes
from controlplane.store.id_sources import OF_LABELS, OF_PREDICTIONS, Source, label_values
from controlplane.store.known_rows import Incoming, come_again, fresh_rows
from controlplane.store.kpis import KpisWriterInDuckDB
from controlplane.store.label_places import LabelPlaces
from controlplane.store.label_upgrade import MOST, NEXT, all_placed
from controlplane.store.pending import Pending
from controlplane.store.ports import Received
from controlplane.store.row_hashes import asked_for, row_entries
from controlplane.store.session import (
    Session,
    filled,
    quoted,
    stored_time,
    stored_times,
    time_of,
)
from controlplane.store.stored_rows import as_stored

_REUSED: Final = "insert into reused_ids values (?)"
_DROP: Final = "drop table if exists {table}"
_FORGET: Final = (
    "delete from rejected_rows where model = ?",
    "delete from reused_ids where model = ?",
    "delete from erased_ids where model = ?",
    "delete from removed_places where model = ?",
    "delete from unplaced_labels where model = ?",
    """delete from arrival_floors where ends_with("table", '/' || ?)""",
)


class DuckDBEventsWriter(DuckDBEventsReader):
    """Appending within the writer's transaction."""

    def __init__(self, session: Session, tables: Tables, indexes: Indexes) -> None:
        self._pending = Pending(session)
        super().__init__(session, tables, indexes, before=self._pending.insert)
        self.kpis: KpisWriterInDuckDB = KpisWriterInDuckDB(session, self._pending, self._touch)
        self.halves: HalvesWriterInDuckDB = HalvesWriterInDuckDB(
            session, self._pending, self._touch
        )
        self.touched: set[str] = set()
        self._dropped: set[str] = set()
        self._labels = LabelPlaces(
            self._asking, self._pending, self._predictions_of, self._labels_of
        )

    def begin(self) -> None:
        """A transaction begins."""
        self.touched = set()
        self._dropped = set()
        self._indexes.begin()

    def settle(self) -> None:
        """Insert what waits: the transaction is about to be committed."""
        self.halves.settle()
        self._pending.insert()

    def committed(self) -> None:
        """The transaction is on disk."""
        self._indexes.committed()

    def undone(self) -> None:
        """The transaction was undone: what was derived from its rows is not true."""
        self._pending.undone()
        self.halves.undone()
        self.kpis.undone()
        self._indexes.undone()
        self._last_at.clear()
        for table in self._dropped:
            self._pending.forget(table)

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
        ours, index = as_stored(rows), self._predictions_of(model)
        hashes, values = row_entries(ours)
        asked = asked_for(hashes)
        came = Incoming(ours, asked, values, index.find(asked))
        fresh = fresh_rows(self._asking, model, came)
        again, unsure = come_again(self._asking, model, came, fresh)
        if again.any():
            self._note_reused(model)
        kept = self._take(table, ours, fresh)
        order = asked.order[fresh[asked.order]]
        upto = self._pending.numbers(table, 0)
        self._indexes.add(index, (hashes[order], values[order]), upto=upto)
        if kept.num_rows:
            self._labels.arrived(model, LABELS + model, came, fresh, unsure)
        self._note_last(model, kept)
        return Received(
            accepted=kept.num_rows, duplicates=rows.num_rows - kept.num_rows,
            reused_ids=int(again.sum()), late=_before(kept, watermark),
            known=None if fresh.all() else ~fresh, again=again if again.any() else None,
        )  # fmt: skip

    def append_labels(self, model: str, rows: pa.Table) -> Received:
        """Store labels, each with the time of its prediction where that is there; one that says
        what the label before it said is a duplicate."""
        if rows.num_rows == 0:
            return Received()
        table = self._there(LABELS + model)
        placed = self._labels.placed(model, as_stored(rows))
        fresh = np.ones(rows.num_rows, dtype=np.bool_)
        fresh[self._labels.repeated(model, placed)] = False
        kept = self._take(table, placed.rows, fresh)
        if kept.num_rows:
            order = placed.asked.order[fresh[placed.asked.order]]
            part = placed.asked.hashes[order], label_values(placed.rows)[order]
            upto = self._pending.numbers(table, 0)
            self._indexes.add(self._labels_of(model), part, upto=upto)
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
        ours = as_stored(named)
        everything = np.arange(rows.num_rows)
        asked = _span(ours["at"]) | {"version": version}
        found = self._asking.asked(questions.SCORED_FRESH, model, ours, everything, asked)
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
            self._pending.forget(table)
            self._indexes.dropped(self._session, table)
        for sql in _FORGET:
            self._session.run(sql, [model])
        self.kpis.drop(model)
        self.halves.drop(model)
        self._tables.catalog = self._tables.catalog.without(model)
        self._last_at.pop(model, None)
        self.touched.add(model)

    def _touch(self, model: str) -> None:
        self.touched.add(model)

    def _there(self, table: str) -> str:
        if not self._tables.catalog.has(table):
            model = table.split("/", 1)[1]
            message = f"the model {model!r} has no tables yet; its schema has to be known first"
            raise NotFound(message)
        return table

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

    def _predictions_of(self, model: str) -> IdIndex:
        return self._index(PREDICTIONS + model, OF_PREDICTIONS)

    def _labels_of(self, model: str) -> IdIndex:
        return self._index(LABELS + model, OF_LABELS)

    def _index(self, table: str, source: Source) -> IdIndex:
        ready = self._indexes.ready(table)
        if ready is not None:
            return ready
        self._pending.insert()
        upto = self._pending.numbers(table, 0)
        return self._indexes.of(self._session, table, source, upto=upto)

    def indexes(self, model: str) -> tuple[IdIndex, IdIndex] | None:
        """At which moments ids of predictions, and of labels, came; None where the model has no
        tables."""
        if not self._tables.catalog.has(PREDICTIONS + model):
            return None
        return self._predictions_of(model), self._labels_of(model)

    def reused_unready(self) -> str | None:
        """A model whose ids came again and whose index nobody has asked for since the start."""
        catalog = self._tables.catalog
        for model in sorted(catalog.reused):
            if catalog.has(PREDICTIONS + model) and not self._indexes.ready(PREDICTIONS + model):
                return model
        return None

    def make_ready(self, model: str) -> None:
        """Load the index of a model's ids, so that readers have it."""
        self._predictions_of(model)

    def place_labels(self, model: str, first: int) -> int | None:
        """Give stored labels that have none the time of their prediction, as many as fit into one
        transaction, from an arrival number on; the number to go on from, None at the end."""
        table = self._there(LABELS + model)
        sql = self._about(NEXT, model, first=str(first), most=str(MOST))
        told = stored_times(self._session.arrow(sql, {}))
        if not told.num_rows:
            all_placed(self._session, model)
            return None
        self._labels.place_waiting(model, table, told)
        return int(told["seq"][-1].as_py()) + 1

    def _note_reused(self, model: str) -> None:
        """From now on it is seen where else ids of the model are."""
        if model not in self._tables.catalog.reused:
            self._session.run(_REUSED, [model])
            self._tables.catalog = self._tables.catalog.with_reused(model)


def _span(times: pa.ChunkedArray) -> dict[str, object]:
    bounds = pc.min_max(times)
    return {"low": bounds["min"].as_py(), "high": bounds["max"].as_py()}


def _before(rows: pa.Table, watermark: datetime | None) -> int:
    if watermark is None or rows.num_rows == 0:
        return 0
    early = pc.less(rows["at"], pa.scalar(stored_time(watermark), rows["at"].type))
    return int(pc.sum(early).as_py() or 0)
