"""Parquet files, read as something that a stranger sent."""

from itertools import islice
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.ingest.batch import MOST_COLUMNS, Batch, Shape, batch_of
from controlplane.ingest.formats.columnar import (
    check_names,
    check_size,
    columns_of,
    is_usable,
    unfolded,
)
from controlplane.ingest.formats.parquet_claims import (
    DELTA_BYTE_ARRAY,
    DELTA_LENGTH_BYTE_ARRAY,
    MOST_PAGES,
    Claims,
    claims_of,
    pages,
)

_ROWS: Final = 65_536
"""Rows that are read together."""
_TOGETHER: Final = 64 * 2**20
"""Bytes that rows read together may come to, where a text may be told by its length alone."""
_TEXT_WIDTH: Final = 4
_OWN_LENGTHS: Final = frozenset({DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY})


def decode(body: bytes, *, digest: str = "") -> Batch:
    """The columns of a Parquet file. Raises BadInput, TooLarge.

    Columns of lists, objects and bytes are not read: they count as unknown. A time is one that has
    an offset where the file says that it is in UTC.
    """
    try:
        claims = claims_of(body)
        file = pq.ParquetFile(pa.BufferReader(body), pre_buffer=False)
        _check_counts(file.metadata, claims)
        schema = file.schema_arrow
        check_names(schema)
        usable = [field.name for field in schema if is_usable(field.type)]
        _check_widths(schema, usable, file.metadata.num_rows)
        manner = _check_pages(body, claims)
        table = _read(body, schema, usable, manner)
        columns = columns_of(schema, table, file.metadata.num_rows)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"the body is not a Parquet file that can be read: {why}"
        raise BadInput(message) from None
    return batch_of(columns, Shape.TABLE, size=table.nbytes, digest=digest)


def _check_counts(told: pq.FileMetaData, claims: Claims) -> None:
    check_size(0, told.num_rows)
    if told.num_columns > MOST_COLUMNS:
        message = f"{told.num_columns} columns came; expected at most {MOST_COLUMNS} in one request"
        raise TooLarge(message)
    if claims.rows != told.num_rows:
        message = f"the file says that it has {told.num_rows} rows, its row groups {claims.rows}"
        raise BadInput(message)


def _check_widths(schema: pa.Schema, usable: list[str], rows: int) -> None:
    """Refuse what would be too large even with no text in it: nothing, often, takes no bytes."""
    widths = (_width(schema.field(name).type) for name in usable)
    check_size(rows * sum(widths) // 8, rows)


def _width(kind: pa.DataType) -> int:
    """Bits that a value takes at least, once it is unfolded."""
    if pa.types.is_dictionary(kind):
        return _width(kind.value_type)
    try:
        return int(kind.bit_width)
    except ValueError:
        return 8 * _TEXT_WIDTH


class _Manner(NamedTuple):
    """How the rows are to be read: so many together, and which columns of texts not as
    dictionaries, since their pages are encoded in a way of which the reader makes none."""

    together: int
    plain: frozenset[str]


def _check_pages(body: bytes, claims: Claims) -> _Manner:
    """Look at every page. Raises TooLarge for what they say that they unfold to."""
    view = memoryview(body)
    size = count = widest = 0
    plain: set[str] = set()
    for part in claims.parts:
        found = list(islice(pages(view, part.start, part.end), MOST_PAGES + 1))
        size, count = size + sum(page.size for page in found), count + len(found)
        check_size(size, 0)
        if count > MOST_PAGES:
            message = f"the file has more than {MOST_PAGES} pages; send it with larger ones"
            raise TooLarge(message)
        if any(page.encoding in _OWN_LENGTHS for page in found):
            plain.add(part.name)
            widest = max(widest, *(page.size for page in found))
    together = _ROWS if not widest else max(1, min(_ROWS, _TOGETHER // widest))
    return _Manner(together, frozenset(plain))


def _read(body: bytes, schema: pa.Schema, usable: list[str], manner: _Manner) -> pa.Table:
    """The usable columns, part by part validated and counted; texts stay dictionaries until then,
    so that one that stands for many is seen as that."""
    texts = [n for n in usable if _is_text(schema.field(n).type) and n not in manner.plain]
    file = pq.ParquetFile(pa.BufferReader(body), read_dictionary=texts, pre_buffer=False)
    batches, size, rows = [], 0, 0
    for batch in file.iter_batches(manner.together, columns=usable, use_threads=False):
        batch.validate(full=True)
        rows += batch.num_rows
        size += batch.nbytes + sum(unfolded(column) for column in batch.columns)
        check_size(size, rows)
        batches.append(batch)
    if usable and rows != file.metadata.num_rows:
        message = f"the file says that it has {file.metadata.num_rows} rows; {rows} could be read"
        raise BadInput(message)
    return pa.Table.from_batches(batches).select(usable) if batches else _empty(schema, usable)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _empty(schema: pa.Schema, usable: list[str]) -> pa.Table:
    return pa.schema([schema.field(name) for name in usable]).empty_table()
