"""Upkeep of rows in DuckDB: erasing, ageing, rejected rows; within a session's transaction."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from controlplane.store import ageing, erasing, rejecting
from controlplane.store.catalog import Tables
from controlplane.store.events_appending import DuckDBEventsWriter
from controlplane.store.keeping import Aged, Erased, RejectedCount, RejectedRow
from controlplane.store.row_hashes import Hashes, text_hashes
from controlplane.store.session import Session


class DuckDBUpkeepReader:
    """Looking; `marks` are the quick hashes of erased ids by model, as far as they are known."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._marks: dict[str, Hashes] = {}

    def rejected_page(self, model: str, *, before: int | None, limit: int) -> list[RejectedRow]:
        """Rejected rows, the newest first, with numbers below `before`."""
        return rejecting.page(self._session, model, before=before, limit=limit)

    def rejected_counts(self, model: str) -> list[RejectedCount]:
        """How many there are, by feed and reason, the most frequent first; at most 100."""
        return rejecting.counts(self._session, model)

    def erased(self, model: str, ids: pa.ChunkedArray) -> NDArray[np.bool_] | None:
        """Which of the ids were erased, shape (n,); None: none of them."""
        if model not in self._marks:
            self._marks[model] = erasing.marks_of(self._session, model)
        if not len(self._marks[model]) or not len(ids):
            return None
        maybe = np.isin(text_hashes(ids), self._marks[model])
        if not maybe.any():
            return None
        doubtful = ids.filter(pa.array(maybe)).to_pylist()
        truly = erasing.truly_erased(self._session, model, doubtful)
        found = np.zeros(len(ids), np.bool_)
        found[maybe] = [id in truly for id in doubtful]  # noqa: A001 - as rows call it
        return found if found.any() else None


class DuckDBUpkeep(DuckDBUpkeepReader):
    """Changing within the writer's transaction. What it remembers holds from commit to commit."""

    def __init__(self, session: Session, tables: Tables, events: DuckDBEventsWriter) -> None:
        super().__init__(session)
        self._tables = tables
        self._events = events

    def undone(self) -> None:
        """The transaction was undone: what was remembered of it may not be true."""
        self._marks.clear()

    def erase(self, model: str, ids: Sequence[str], *, at: datetime, by: str) -> Erased:
        """Delete everything that is stored of these ids, and refuse them from now on."""
        self._events.settle()
        erased = erasing.erase(
            self._session, self._tables.catalog, model, ids, (at, by), self._events.indexes(model)
        )
        self._marks.pop(model, None)
        self._events.halves.undone()  # what it remembers may have gone
        self._events.touched.add(model)
        return erased

    def age(self, model: str, aged: Aged, *, most: int) -> int:
        """Delete up to `most` rows of each table that are too old; how many went."""
        self._events.settle()
        number = aged.rows_kept_from
        needed = None if number is None else self._events.row_place(model, number)
        return ageing.age(self._session, self._tables.catalog, model, aged, most, needed)

    def age_kpis(self, model: str, *, before: datetime, most: int) -> int:
        """Delete up to `most` values of business metrics from before then; how many went."""
        return self._events.kpis.age(model, before, most)

    def age_rejected(self, model: str, *, before: datetime, keep: int) -> int:
        """Delete rejected rows from before then, and all but the newest `keep`; how many."""
        return rejecting.delete_old(self._session, model, before=before, keep=keep)

    def take_rejected(self, model: str, numbers: Sequence[int]) -> int:
        """Delete rejected rows by their numbers, since they are stored now; how many."""
        return rejecting.take(self._session, model, numbers)
