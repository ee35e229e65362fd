"""Arrow IPC streams."""

from typing import Final

import pyarrow as pa

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.ingest.batch import MOST_ROWS, Batch, Shape, Values, batch_of

MOST_BYTES: Final = 512 * 2**20
"""Bytes of the table that a stream unfolds to."""


def decode(body: bytes, *, digest: str = "") -> Batch:
    """The columns of an Arrow IPC stream. Raises BadInput, TooLarge."""
    try:
        table = _read(body)
        table.validate(full=True)
        columns: dict[str, Values] = {
            field.name: _plain(table.column(number)) for number, field in enumerate(table.schema)
        }
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        message = f"the body is not an Arrow IPC stream: {str(error).splitlines()[0]}"
        raise BadInput(message) from None
    if len(columns) != table.num_columns:
        message = "the stream has two columns of one name; expected a name a column"
        raise BadInput(message)
    return batch_of(columns, Shape.TABLE, size=table.nbytes, digest=digest)


def _read(body: bytes) -> pa.Table:
    """All batches of the stream, counted as they come."""
    reader = pa.ipc.open_stream(body)
    batches, size, rows = [], 0, 0
    for batch in reader:
        batches.append(batch)
        size += batch.nbytes
        rows += batch.num_rows
        if size > MOST_BYTES or rows > MOST_ROWS:
            message = (
                f"the stream unfolds to more than {MOST_BYTES} bytes or {MOST_ROWS} rows; "
                "send it in several requests"
            )
            raise TooLarge(message)
    return pa.Table.from_batches(batches, schema=reader.schema)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without dictionaries, views and large offsets."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([c.storage for c in column.chunks], type=kind.storage_type)
        kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column
