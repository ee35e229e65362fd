"""CSV, Parquet and JSON-lines files of any size as Arrow tables of a size that a request carries.

The parts of a file are the same whenever it is read, so that what is sent twice is known as sent.
"""

from collections.abc import Callable, Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from controlplane.cli import json_lines
from controlplane.domain.errors import BadInput

MOST_ROWS: Final = 50_000
MOST_BYTES: Final = 24 * 2**20
"""Of a part; a body may have 64 MiB."""
BLOCK: Final = 8 * 2**20
"""Bytes of a CSV file from which its columns' types are told."""
PARQUET: Final = frozenset({".parquet", ".pq"})


class Reading(NamedTuple):
    """A file that is open: its columns, the tables in it, and how much of it has been read."""

    names: tuple[str, ...]
    tables: Iterator[pa.Table]
    size: int
    """Of the file, in the units of `read_so_far`."""
    read_so_far: Callable[[], int]
    wrong: dict[int, str]
    """Lines that are no row of JSON lines, as far as they were read: what is wrong with each."""


def reading(path: Path, *, texts: Collection[str] = ()) -> Reading:
    """Open a file; raises BadInput where it is none of them. `texts` are read as text."""
    try:
        if path.suffix.lower() in PARQUET:
            return _parquet(path)
        if json_lines.is_json_lines(path):
            return _json_lines(path, texts)
        return _csv(path, texts)
    except (pa.ArrowException, OSError) as error:
        kind = "Parquet" if path.suffix.lower() in PARQUET else "CSV"
        kind = "JSON lines" if json_lines.is_json_lines(path) else kind
        message = f"{path} is not readable as {kind}: {_first_line(error)}"
        raise BadInput(message) from error


def parts(found: Reading, path: Path) -> Iterator[pa.Table]:
    """The tables cut and joined to parts; raises BadInput where the file turns out unreadable."""
    waiting: list[pa.Table] = []
    most = 0
    try:
        for table in found.tables:
            most = most or _rows_a_part(table)
            waiting.append(table)
            if sum(t.num_rows for t in waiting) >= most:
                joined = pa.concat_tables(waiting, promote_options="permissive")
                whole = joined.num_rows - joined.num_rows % most
                for start in range(0, whole, most):
                    yield joined.slice(start, most)
                waiting = [joined.slice(whole)]
    except (pa.ArrowException, OSError) as error:
        message = (
            f"{path}: {_first_line(error)}; a column whose first values look like another kind is "
            "read as text with --text COLUMN"
        )
        raise BadInput(message) from error
    if sum(table.num_rows for table in waiting):
        yield pa.concat_tables(waiting, promote_options="permissive")


def _rows_a_part(table: pa.Table) -> int:
    wide: int = max(table.nbytes // max(table.num_rows, 1), 1)
    return max(1, min(MOST_ROWS, MOST_BYTES // wide))


def _parquet(path: Path) -> Reading:
    file = pq.ParquetFile(path)
    read = 0

    def tables() -> Iterator[pa.Table]:
        nonlocal read
        for batch in file.iter_batches(batch_size=MOST_ROWS):
            read += batch.num_rows
            yield pa.Table.from_batches([batch])

    names = tuple(file.schema_arrow.names)
    return Reading(names, tables(), file.metadata.num_rows, lambda: read, {})


def _csv(path: Path, texts: Collection[str]) -> Reading:
    raw = pa.OSFile(str(path))
    stream = pa.CompressedInputStream(raw, "gzip") if path.suffix.lower() == ".gz" else raw
    convert = pyarrow.csv.ConvertOptions(
        strings_can_be_null=True, column_types={name: pa.string() for name in texts}
    )
    read = pyarrow.csv.ReadOptions(block_size=BLOCK)
    reader = pyarrow.csv.open_csv(stream, read_options=read, convert_options=convert)

    def tables() -> Iterator[pa.Table]:
        for batch in reader:
            yield pa.Table.from_batches([batch])

    return Reading(tuple(reader.schema.names), tables(), path.stat().st_size, raw.tell, {})


def _json_lines(path: Path, texts: Collection[str]) -> Reading:
    """The columns are those of the first block; later ones may bring more."""
    raw = path.open("rb")
    blocks = json_lines.tables(raw, packed=path.suffix.lower() == ".gz", texts=texts)
    first = next(blocks, json_lines.Lines(pa.table({}), {}))
    wrong: dict[int, str] = {}

    def tables() -> Iterator[pa.Table]:
        for block in chain([first], blocks):
            wrong.update(block.wrong)
            yield block.table

    def so_far() -> int:
        return path.stat().st_size if raw.closed else raw.tell()

    return Reading(tuple(first.table.column_names), tables(), path.stat().st_size, so_far, wrong)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
