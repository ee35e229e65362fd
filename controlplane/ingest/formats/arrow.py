"""Arrow IPC streams, read as something that a stranger sent.

Nothing is looked into before it was validated: offsets that point outside a buffer would take the
whole process down.
"""

from typing import Final

import pyarrow as pa

from controlplane.domain.errors import BadInput
from controlplane.ingest.batch import Batch, Shape, batch_of
from controlplane.ingest.formats.arrow_claims import claimed_bytes
from controlplane.ingest.formats.columnar import (
    check_names,
    check_size,
    columns_of,
    is_usable,
    unfolded,
)

_FILE: Final = b"ARROW1"
"""How files begin, which have the same content in another frame."""


def decode(body: bytes, *, digest: str = "") -> Batch:
    """The columns of an Arrow IPC stream. Raises BadInput, TooLarge."""
    if body.startswith(_FILE):
        raise BadInput("the body is an Arrow file (Feather); expected an Arrow stream")
    try:
        check_size(claimed_bytes(body), 0)
        schema = pa.ipc.open_stream(body).schema
        check_names(schema)
        table, rows = _read(body, schema)
        columns = columns_of(schema, table, rows)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"the body is not an Arrow IPC stream: {why}"
        raise BadInput(message) from None
    return batch_of(columns, Shape.TABLE, size=table.nbytes, digest=digest)


def _read(body: bytes, schema: pa.Schema) -> tuple[pa.Table, int]:
    """The usable columns, batch by batch validated and counted; and how many rows there are."""
    usable = [number for number, field in enumerate(schema) if is_usable(field.type)]
    # an empty list would be every column
    asked = pa.ipc.IpcReadOptions(included_fields=usable or ([0] if len(schema) else None))
    source = pa.BufferReader(body)
    reader = pa.ipc.open_stream(source, options=asked)
    batches, size, rows = [], 0, 0
    for batch in reader:
        rows += batch.num_rows
        check_size(size, rows)
        if not usable or not batch.num_rows:
            continue
        batch.validate(full=True)
        size += batch.nbytes + sum(unfolded(column) for column in batch.columns)
        check_size(size, rows)
        batches.append(batch)
    if body[source.tell() :].strip(b"\0"):
        raise BadInput("something follows the end of the Arrow stream; send one stream a request")
    kept = reader.schema if usable else pa.schema([])
    return pa.Table.from_batches(batches, schema=kept), rows
