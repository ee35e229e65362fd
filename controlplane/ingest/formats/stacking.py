"""The rows of a large body as columns, a part after the other.

As Python's objects the values of a body take many times the memory of their text; so never all of
them are there at once.
"""

from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa

from controlplane.domain.errors import TooLarge
from controlplane.ingest.batch import Values, as_values, check_count
from controlplane.ingest.formats.json import MOST_VALUES, turned


class _Piece(NamedTuple):
    """Values of a column, and the number of the first one's row."""

    begin: int
    values: Values


def stacked(parts: Iterable[list[object]]) -> dict[str, Values]:
    """What `turned` makes of all rows together, row for row. Raises TooLarge."""
    pieces: dict[str, list[_Piece]] = {}
    rows = 0
    for part in parts:
        if any(isinstance(row, dict) and row for row in part):
            for name, values in turned(part).items():
                pieces.setdefault(name, []).append(_Piece(rows, values))
        rows += len(part)
        check_count(len(pieces))
        if len(pieces) * rows > MOST_VALUES:
            message = (
                f"{rows} rows and more have {len(pieces)} different names; expected at most "
                f"{MOST_VALUES} values: send them in several requests"
            )
            raise TooLarge(message)
    if rows and not pieces:
        return turned([{}] * rows)
    return {name: _column(some, rows) for name, some in pieces.items()}


def _column(pieces: list[_Piece], rows: int) -> Values:
    """A column of so many rows, missing where no piece has it."""
    parts: list[Values] = []
    at = 0
    for begin, values in [*pieces, _Piece(rows, [])]:
        if begin > at:
            parts.append(pa.chunked_array([pa.nulls(begin - at)]))
        parts.append(values)
        at = begin + len(values)
    return _joined([part for part in parts if len(part)])


def _joined(parts: list[Values]) -> Values:
    """Parts of a column as what it would be had it been read at once."""
    if len(parts) == 1:
        return parts[0]
    arrays = [part for part in parts if isinstance(part, pa.ChunkedArray)]
    kinds = {part.type for part in arrays} - {pa.null()}
    if len(arrays) == len(parts) and len(kinds) <= 1:
        kind = next(iter(kinds), pa.null())
        chunks = [chunk for one in arrays for chunk in one.chunks]
        return pa.chunked_array([_as(chunk, kind) for chunk in chunks], kind)
    return as_values([
        value
        for part in parts
        for value in (part if isinstance(part, list) else part.to_pylist())
    ])  # fmt: skip


def _as(chunk: pa.Array, kind: pa.DataType) -> pa.Array:
    """A chunk of this kind or of nulls. Arrow's own cast of nested values may lose some of them."""
    return pa.nulls(len(chunk), kind) if pa.types.is_null(chunk.type) else chunk
