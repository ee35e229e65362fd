"""Which rows of which table an index is made of."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.store.row_hashes import (
    WAITING,
    Hashes,
    micros,
    packed,
    row_entries,
    text_hashes,
)
from controlplane.store.session import Session, filled, quoted

Entries = tuple[Hashes, Hashes]


class Source(msgspec.Struct, frozen=True):
    """A question for rows from an arrival number on, and what the index keeps of them; one for
    the least moment that it may keep."""

    sql: str
    entries: Callable[[pa.Table], Entries]
    first: str

    def read(self, session: Session, table: str, first: int) -> Iterator[Entries]:
        """What is to be taken in of a table's rows from arrival number `first` on, in parts."""
        sql = filled(self.sql, table=quoted(table), first=str(first))
        for part in session.parts(sql):
            if part.num_rows:
                yield self.entries(part)

    def least(self, session: Session, table: str) -> np.uint64:
        """No packed moment of a row that is there lies below this one."""
        first = session.count(filled(self.first, table=quoted(table)))
        return np.uint64(packed(np.array([first]), 0)[0])


def label_values(rows: pa.Table) -> Hashes:
    """Of labels with `place, known_at`: the moment of the prediction or, where it waits for one,
    when it became known; packed, shape (rows,)."""
    waits = pc.is_null(rows["place"])
    moments = micros(pc.coalesce(rows["place"], rows["known_at"]))
    return packed(moments, waits.to_numpy().astype(np.uint64) * np.uint64(WAITING))


def _label_entries(rows: pa.Table) -> Entries:
    return text_hashes(rows["id"]), label_values(rows)


OF_PREDICTIONS: Final = Source(
    """select id, "at", role, version from {table} where seq >= {first}""",
    row_entries,
    """select coalesce(epoch_us(min("at")), 0) from {table}""",
)
OF_LABELS: Final = Source(
    "select id, place, known_at from {table} where seq >= {first}",
    _label_entries,
    "select coalesce(epoch_us(least(min(place), min(known_at))), 0) from {table}",
)
