"""Small requests that come at once, decoded into batches that are checked and stored as one.

What is the same for every row is so paid for once. A request that is not like the others, or of
which a row is not good, is treated by itself, from its own bytes, as if it had come alone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.errors import LeeboardError
from controlplane.ingest.batch import Batch, Feed, Shape, Values, batch_of
from controlplane.ingest.decode import decode
from controlplane.ingest.formats import json
from controlplane.ingest.media import ARROW, JSON, JSON_LINES, media_type_of
from controlplane.ingest.unfolding import bounded

TOGETHER: Final = frozenset({JSON, JSON_LINES, ARROW})
"""Formats that are decoded beside others; the rest is rarely small, or unfolds."""
SHORT: Final = 4096
"""Rows; shorter chunks are copied together."""
LARGEST: Final = 8 * 2**20
"""Bytes that a small request may unfold to and be stored with others."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A request for rows to be stored, with its body as it came, not packed."""

    model: str
    feed: Feed
    body: bytes
    content_type: str
    known_at: datetime
    """The server's clock when it came."""
    may_backdate: bool = False
    key: str | None = None
    """Its Idempotency-Key."""


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Requests whose rows are one batch: rows `bounds[k]` to `bounds[k + 1]` are those of request
    `numbers[k]`."""

    batch: Batch
    numbers: NDArray[np.int64]
    bounds: NDArray[np.int64]

    def of_rows(self, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many of each request's rows are marked; shape (requests,)."""
        return counted(rows, self.bounds)


def counted(marks: NDArray[np.bool_], bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows from `bounds[k]` to `bounds[k + 1]` are marked, for each k; in O(rows)."""
    sums = np.concatenate(([0], np.cumsum(marks)))
    found: NDArray[np.int64] = np.diff(sums[bounds])
    return found


def gathered(arrivals: Sequence[Arrival]) -> list[Gathered]:
    """The requests' rows as few batches; requests that are missing in all of them are to be
    treated by themselves."""
    bare: list[tuple[int, dict[str, object]]] = []
    alike: dict[tuple[object, ...], list[tuple[int, Batch]]] = {}
    for number, arrival in enumerate(arrivals):
        with bounded(LARGEST):  # else it is treated alone, and none waits for its turn here
            found = _decoded(arrival)
        if isinstance(found, dict):
            bare.append((number, found))
        elif found is not None and (kind := _kind(found)) is not None:
            alike.setdefault(kind, []).append((number, found))
    batches = [_joined(some) for some in alike.values()]
    if bare:
        batches += [_turned(some) for some in _in_bounds(bare)]
    return batches


def _decoded(arrival: Arrival) -> Batch | dict[str, object] | None:
    """A bare row as an object, other rows as a batch; None where it has to be treated alone."""
    kind = media_type_of(arrival.content_type).kind
    if kind not in TOGETHER:
        return None
    try:
        if kind == JSON:
            told = json.parsed(arrival.body)
            if json.is_bare(told):
                return told
            return json.batch_from(told, size=len(arrival.body))
        return decode(arrival.content_type, arrival.body, feed=arrival.feed)
    except LeeboardError:
        return None  # it is read again by itself, which says what is wrong with it


def _in_bounds(
    bare: list[tuple[int, dict[str, object]]],
) -> Iterable[list[tuple[int, dict[str, object]]]]:
    """Rows in one part, or each by itself where their names differ so much that the columns
    would be far larger than what came."""
    names = {name for _, row in bare for name in row}
    values = sum(len(row) for _, row in bare)
    if len(names) * len(bare) > min(json.MOST_VALUES, 4 * values + 1000):
        return []
    return [bare]


def _turned(bare: list[tuple[int, dict[str, object]]]) -> Gathered:
    rows: list[object] = [row for _, row in bare]
    size = sum(len(row) for _, row in bare) * 8
    batch = batch_of(json.turned(rows), Shape.ROWS, size=size)
    return Gathered(
        batch=batch, numbers=np.array([number for number, _ in bare], np.int64),
        bounds=np.arange(len(bare) + 1, dtype=np.int64),
    )  # fmt: skip


def _kind(batch: Batch) -> tuple[object, ...] | None:
    """What batches must have in common to be joined; None for one that is treated alone: with no
    row, with one that cannot be read, large, or with a column of mixed kinds."""
    if batch.unreadable or not batch.rows or batch.size > LARGEST:
        return None
    kinds: list[object] = []
    for name, values in batch.columns.items():
        if not isinstance(values, pa.ChunkedArray):
            return None
        kinds.append((name, values.type))
    return tuple(kinds)


def _joined(some: list[tuple[int, Batch]]) -> Gathered:
    lengths = [batch.rows for _, batch in some]
    columns = {
        name: _put_together([c for _, b in some for c in b.columns[name].chunks], values.type)  # type: ignore[union-attr]
        for name, values in some[0][1].columns.items()
    }
    batch = batch_of(columns, Shape.TABLE, size=sum(batch.size for _, batch in some))
    return Gathered(
        batch=batch, numbers=np.array([number for number, _ in some], np.int64),
        bounds=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
    )  # fmt: skip


def _put_together(chunks: list[pa.Array], kind: pa.DataType) -> pa.ChunkedArray:
    """Chunks as a column; short ones as one, since each is paid for at every step on the way."""
    if sum(len(chunk) for chunk in chunks) < SHORT * len(chunks):
        chunks = [pa.concat_arrays(chunks)]
    return pa.chunked_array(chunks, kind)


def present(values: Values) -> NDArray[np.bool_]:
    """Where a column has a value; shape (rows,)."""
    if isinstance(values, list):
        return np.array([value is not None for value in values], np.bool_)
    found: NDArray[np.bool_] = pc.is_valid(values).to_numpy()
    return found
