"""Columns taken out of a batch one after the other, and what was wrong with them."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.ingest.batch import Batch, Values
from controlplane.ingest.coercion import Coerced
from controlplane.ingest.rejection import Fault


class Taker:
    """Takes columns out of a batch and keeps what was wrong with them."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.faults: list[Fault] = []
        self._asked: set[str] = set()

    def take(
        self, name: str, coerce: Callable[[Values], Coerced], expected: str
    ) -> pa.ChunkedArray | None:
        """A column as one kind, None where the batch has no such column."""
        self._asked.add(name)
        values = self.batch.columns.get(name)
        if values is None:
            return None
        found = coerce(values)
        if found.bad is not None:
            self.fault(name, found.bad, expected)
        return found.values

    def fault(self, name: str, bad: NDArray[np.bool_], expected: str) -> None:
        """Rows in which a column is not what it has to be; a row is faulted once a column."""
        before = [fault.bad for fault in self.faults if fault.column == name]
        fresh = bad & ~np.logical_or.reduce(before) if before else bad
        if fresh.any():
            self.faults.append(Fault(column=name, bad=fresh, expected=expected))

    def need(
        self, name: str, values: pa.ChunkedArray | None, expected: str
    ) -> pa.ChunkedArray | None:
        """Fault the rows in which a column has no value."""
        rows = self.batch.rows
        missing = np.ones(rows, np.bool_) if values is None else pc.is_null(values).to_numpy()
        self.fault(name, missing, expected)
        return values

    def good(self) -> NDArray[np.bool_]:
        """Rows without a fault."""
        bad = np.zeros(self.batch.rows, dtype=np.bool_)
        bad[list(self.batch.unreadable)] = True
        for fault in self.faults:
            bad |= fault.bad
        return ~bad

    def unknown(self) -> dict[str, int]:
        """Columns with values that nobody asked for, with the count of those."""
        return {
            name: count
            for name, values in self.batch.columns.items()
            if name not in self._asked and (count := count_of(values))
        }


def count_of(values: Values) -> int:
    """How many values of a column are there."""
    if isinstance(values, list):
        return sum(value is not None for value in values)
    return len(values) - int(values.null_count)
