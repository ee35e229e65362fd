"""Tables that a stranger sent, once they are Arrow: which columns are usable, how large they are
when each text stands for itself, and what is left of their types."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.ingest.batch import MOST_COLUMNS, MOST_ROWS, Unusable, Values
from controlplane.ingest.formats.spread import UUID_LENGTH, runs_of, spread, uuid_texts
from controlplane.ingest.unfolding import unfolds_to
from controlplane.settings import MIB, MOST_UNFOLDED

MOST_BYTES: Final = MOST_UNFOLDED * MIB
"""Bytes of the table that a body unfolds to."""
_USABLE: Final = (
    pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating,
    pa.types.is_decimal, pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
    pa.types.is_date, pa.types.is_timestamp,
)  # fmt: skip
"""Kinds of columns that something can be made of; any other is not even read."""
_WIDEST: Final = 8
"""Bytes of a number, a time or a truth value, at most; decimals may have more."""
_VIEW: Final = 4
"""A view is four numbers of 32 bits, the first of them a length."""


def check_names(schema: pa.Schema) -> None:
    """Raise TooLarge for too many columns, BadInput for two of one name."""
    if len(schema) > MOST_COLUMNS:
        message = f"{len(schema)} columns came; expected at most {MOST_COLUMNS} in one request"
        raise TooLarge(message)
    if len(set(schema.names)) != len(schema):
        message = "the body has two columns of one name; expected a name a column"
        raise BadInput(message)


def check_size(size: int, rows: int) -> None:
    """Raise TooLarge beyond what one request may unfold to."""
    unfolds_to(size)
    if size > MOST_BYTES or rows > MOST_ROWS:
        message = (
            f"the body unfolds to more than {MOST_BYTES} bytes or {MOST_ROWS} rows; "
            "send it in several requests"
        )
        raise TooLarge(message)


def is_usable(kind: pa.DataType) -> bool:
    """Whether something can be made of a column of a kind; lists, objects and bytes are not even
    read."""
    kind = _stored(kind)
    if pa.types.is_dictionary(kind):
        kind = _stored(kind.value_type)
    return any(is_of(kind) for is_of in _USABLE)


def _stored(kind: pa.DataType) -> pa.DataType:
    """The kind that a value is read as: a UUID as text, of runs what they repeat."""
    if isinstance(kind, pa.UuidType):
        return pa.string()
    if pa.types.is_run_end_encoded(kind):
        return _stored(kind.value_type)
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def unfolded(column: pa.Array) -> int:
    """Bytes that texts will take when each stands for itself; 0 where they do already."""
    if isinstance(column.type, pa.UuidType):
        return len(column) * UUID_LENGTH
    if isinstance(column, pa.ExtensionArray):
        return unfolded(column.storage)
    if isinstance(column, pa.RunEndEncodedArray):
        return int((_lengths(column.values) * runs_of(column)).sum())
    if isinstance(column, pa.DictionaryArray) or pa.types.is_string_view(column.type):
        return int(_lengths(column).sum())
    return 0


def _lengths(texts: pa.Array) -> NDArray[np.int64]:
    """Bytes of each value of an array, shape (n,)."""
    kind = texts.type
    if isinstance(kind, pa.UuidType):
        return np.full(len(texts), UUID_LENGTH, np.int64)
    if isinstance(texts, pa.ExtensionArray):
        return _lengths(texts.storage)
    if isinstance(texts, pa.DictionaryArray):
        each = np.append(_lengths(texts.dictionary), 0)
        places = pc.fill_null(texts.indices.cast(pa.int64()), len(each) - 1)
        found: NDArray[np.int64] = each[places.to_numpy(zero_copy_only=False)]
        return found
    if pa.types.is_string_view(kind):
        views = np.frombuffer(texts.buffers()[1] or b"", np.int32).reshape(-1, _VIEW)
        mine = views[texts.offset : texts.offset + len(texts), 0].astype(np.int64)
        return np.where(texts.is_valid().to_numpy(zero_copy_only=False), mine, 0)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        lengths = pc.fill_null(pc.binary_length(texts), 0)
        return np.asarray(lengths.to_numpy(zero_copy_only=False), np.int64)
    width = kind.byte_width if pa.types.is_decimal(kind) else _WIDEST
    return np.full(len(texts), width, np.int64)


def columns_of(schema: pa.Schema, table: pa.Table, rows: int) -> dict[str, Values]:
    """The columns of a table, and those that were not read as values of no use, by their kind."""
    read = set(table.column_names)
    return {
        field.name: _plain(table.column(field.name)) if field.name in read
        else [Unusable(str(field.type))] * rows
        for field in schema
    }  # fmt: skip


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without runs, dictionaries, views and large offsets."""
    kind = column.type
    if isinstance(kind, pa.UuidType):
        return pa.chunked_array([uuid_texts(part) for part in column.chunks], pa.string())
    if pa.types.is_run_end_encoded(kind):
        parts = [spread(part) for part in column.chunks]
        return _plain(pa.chunked_array(parts, kind.value_type))
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([c.storage for c in column.chunks], type=kind.storage_type)
        return _plain(column)
    if pa.types.is_dictionary(kind):
        if pa.types.is_string_view(kind.value_type):
            column = _of_texts(column)
        return _plain(column.cast(column.type.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def _of_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of dictionaries of views, as Polars writes its categories, with texts instead: what
    stands for a view cannot be cast to it."""
    kind = column.type
    made = pa.dictionary(kind.index_type, pa.string(), ordered=kind.ordered)
    parts = [
        pa.DictionaryArray.from_arrays(
            part.indices, part.dictionary.cast(pa.string()), ordered=kind.ordered
        )
        for part in column.chunks
    ]
    return pa.chunked_array(parts, type=made)
