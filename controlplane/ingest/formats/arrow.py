"""Arrow IPC streams, read as something that a stranger sent.

Nothing is looked into before it was validated: offsets that point outside a buffer would take the
whole process down.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.ingest.batch import (
    MOST_COLUMNS,
    MOST_ROWS,
    Batch,
    Shape,
    Unusable,
    Values,
    batch_of,
)
from controlplane.ingest.formats.arrow_claims import claimed_bytes

MOST_BYTES: Final = 512 * 2**20
"""Bytes of the table that a stream unfolds to."""
_USABLE: Final = (
    pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating,
    pa.types.is_decimal, pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
    pa.types.is_date, pa.types.is_timestamp,
)  # fmt: skip
"""Kinds of columns that something can be made of; any other is not even read."""
_VIEW: Final = 4
"""A view is four numbers of 32 bits, the first of them a length."""


def decode(body: bytes, *, digest: str = "") -> Batch:
    """The columns of an Arrow IPC stream. Raises BadInput, TooLarge."""
    try:
        _checked(claimed_bytes(body), 0)
        schema = pa.ipc.open_stream(body).schema
        _check_names(schema)
        table, rows = _read(body, schema)
        columns = _columns(schema, table, rows)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"the body is not an Arrow IPC stream: {why}"
        raise BadInput(message) from None
    return batch_of(columns, Shape.TABLE, size=table.nbytes, digest=digest)


def _check_names(schema: pa.Schema) -> None:
    if len(schema) > MOST_COLUMNS:
        message = f"{len(schema)} columns came; expected at most {MOST_COLUMNS} in one request"
        raise TooLarge(message)
    if len(set(schema.names)) != len(schema):
        message = "the stream has two columns of one name; expected a name a column"
        raise BadInput(message)


def _read(body: bytes, schema: pa.Schema) -> tuple[pa.Table, int]:
    """The usable columns, batch by batch validated and counted; and how many rows there are."""
    usable = [number for number, field in enumerate(schema) if _is_usable(field.type)]
    # an empty list would be every column
    asked = pa.ipc.IpcReadOptions(included_fields=usable or ([0] if len(schema) else None))
    reader = pa.ipc.open_stream(body, options=asked)
    batches, size, rows = [], 0, 0
    for batch in reader:
        rows += batch.num_rows
        _checked(size, rows)
        if not usable or not batch.num_rows:
            continue
        batch.validate(full=True)
        size += batch.nbytes + sum(_unfolded(column) for column in batch.columns)
        _checked(size, rows)
        batches.append(batch)
    kept = reader.schema if usable else pa.schema([])
    return pa.Table.from_batches(batches, schema=kept), rows


def _checked(size: int, rows: int) -> None:
    if size > MOST_BYTES or rows > MOST_ROWS:
        message = (
            f"the stream unfolds to more than {MOST_BYTES} bytes or {MOST_ROWS} rows; "
            "send it in several requests"
        )
        raise TooLarge(message)


def _is_usable(kind: pa.DataType) -> bool:
    kind = _stored(kind)
    if pa.types.is_dictionary(kind):
        kind = _stored(kind.value_type)
    return any(is_of(kind) for is_of in _USABLE)


def _stored(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _unfolded(column: pa.Array) -> int:
    """Bytes that texts will take when each stands for itself; 0 where they do already."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if isinstance(column, pa.DictionaryArray):
        lengths = _lengths(column.dictionary)
        taken = column.indices.drop_null().to_numpy(zero_copy_only=False)
        return int(lengths[taken].sum()) if len(lengths) else 0
    return int(_lengths(column).sum()) if pa.types.is_string_view(column.type) else 0


def _lengths(texts: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Bytes of each value of an array, shape (n,)."""
    kind = texts.type
    if pa.types.is_string_view(kind):
        views = np.frombuffer(texts.buffers()[1] or b"", np.int32).reshape(-1, _VIEW)
        mine = views[texts.offset : texts.offset + len(texts), 0].astype(np.int64)
        return np.where(texts.is_valid().to_numpy(zero_copy_only=False), mine, 0)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        lengths = pc.fill_null(pc.binary_length(texts), 0)
        return np.asarray(lengths.to_numpy(zero_copy_only=False), np.int64)
    return np.full(len(texts), 8, np.int64)


def _columns(schema: pa.Schema, table: pa.Table, rows: int) -> dict[str, Values]:
    read = set(table.column_names)
    return {
        field.name: _plain(table.column(field.name)) if field.name in read
        else [Unusable(str(field.type))] * rows
        for field in schema
    }  # fmt: skip


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without dictionaries, views and large offsets."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([c.storage for c in column.chunks], type=kind.storage_type)
        return _plain(column)
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column
