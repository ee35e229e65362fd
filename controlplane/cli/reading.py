"""CSV, Parquet and JSON-lines files of any size as Arrow tables of a size that a request carries.

The parts of a file are the same whenever it is read, so that what is sent twice is known as sent.
"""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from controlplane.cli import json_lines
from controlplane.cli.csv_files import CsvFile
from controlplane.domain.errors import BadInput

MOST_ROWS: Final = 50_000
MOST_BYTES: Final = 24 * 2**20
"""Of a part; a body may have 64 MiB."""
BLOCK: Final = 8 * 2**20
"""Bytes of a CSV file from which its columns' types are told."""
BUFFER: Final = 2**20
"""Bytes of each column of a Parquet file that are read at a time."""
PARQUET: Final = frozenset({".parquet", ".pq"})


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place between two rows of a file, from which reading it can go on."""

    rows: int = 0
    """Of the file, before it."""
    offset: int = 0
    lines: int = 0
    into: int = 0
    """Of JSON lines: where the block of lines begins that the next row is in, how many lines are
    before that, and how many rows of the block are before the place."""


BEGIN: Final = Place()


class Part(NamedTuple):
    """Rows as a request carries them."""

    table: pa.Table
    begin: Place
    end: Place
    most: int
    """As many rows have all parts but the last."""
    runs: tuple[tuple[int, int], ...]
    """Stretches of rows that follow on each other in the file: the number of the first within the
    part and in the file, both from 0."""


class Reading(NamedTuple):
    """A file that is open: its columns, the tables in it, and how much of it has been read."""

    names: tuple[str, ...]
    tables: Iterator[tuple[pa.Table, Place]]
    """With where each begins."""
    size: int
    """Of the file, in the units of `read_so_far`."""
    read_so_far: Callable[[], int]
    wrong: dict[int, str]
    """Lines that are no row of JSON lines (from 1), or rows of CSV that are none (from 0), as far as
    they were read: what is wrong with each."""
    are_lines: bool = True
    """Which of the two they are."""


def reading(path: Path, *, texts: Collection[str] = (), start: Place = BEGIN) -> Reading:
    """Open a file; raises BadInput where it is none of them. `texts` are read as text."""
    try:
        if path.suffix.lower() in PARQUET:
            return _parquet(path, start)
        if json_lines.is_json_lines(path):
            return _json_lines(path, texts, start)
        return _csv(path, texts, start)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        kind = "Parquet" if path.suffix.lower() in PARQUET else "CSV"
        kind = "JSON lines" if json_lines.is_json_lines(path) else kind
        message = f"{path} is not readable as {kind}: {_first_line(error)}"
        raise BadInput(message) from error


def parts(found: Reading, path: Path, most: int = 0) -> Iterator[Part]:
    """The tables cut and joined to parts of `most` rows, 0: as many as a request carries, by the
    first of them; raises BadInput where the file turns out unreadable."""
    waiting: list[tuple[pa.Table, Place]] = []
    try:
        for table, begin in found.tables:
            most = most or _rows_a_part(table)
            waiting.append((table, begin))
            if sum(t.num_rows for t, _ in waiting) >= most:
                whole = _whole_parts(waiting, most)
                yield from whole
                waiting = _rest(waiting, most * len(whole))
    except (pa.ArrowException, OSError) as error:
        message = (
            f"{path}: {_first_line(error)}; a column whose first values look like another kind is "
            "read as text with --text COLUMN"
        )
        raise BadInput(message) from error
    if sum(table.num_rows for table, _ in waiting):
        joined = _joined(waiting)
        yield _part(joined, waiting, 0, joined.num_rows, most)


def _whole_parts(tables: list[tuple[pa.Table, Place]], most: int) -> list[Part]:
    """As many parts of so many rows as the tables give."""
    joined = _joined(tables)
    starts = range(0, joined.num_rows - most + 1, most)
    return [_part(joined, tables, n, n + most, most) for n in starts]


def _part(
    joined: pa.Table, tables: list[tuple[pa.Table, Place]], first: int, last: int, most: int
) -> Part:
    """Rows `first` to `last` of the tables, which are joined."""
    runs, begin = [], 0
    for table, place in tables:
        end = begin + table.num_rows
        if begin < last and end > first:
            inside = max(first - begin, 0)
            runs.append((begin + inside - first, place.rows + inside))
        begin = end
    return Part(
        joined.slice(first, last - first), _at(tables, first), _after(tables, last), most,
        tuple(runs),
    )  # fmt: skip


def _joined(tables: list[tuple[pa.Table, Place]]) -> pa.Table:
    """Tables as one; a column whose kinds do not go together is one of texts."""
    some = [table for table, _ in tables]
    try:
        return pa.concat_tables(some, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.concat_tables(_alike(some), promote_options="permissive")


def _alike(tables: list[pa.Table]) -> list[pa.Table]:
    kinds: dict[str, list[pa.Field]] = {}
    for table in tables:
        for field in table.schema:
            kinds.setdefault(field.name, []).append(field)
    odd = {name for name, fields in kinds.items() if not _go_together(fields)}
    return [
        pa.table({n: json_lines.as_text(table[n]) if n in odd else table[n] for n in table.column_names})
        for table in tables
    ]  # fmt: skip


def _go_together(fields: list[pa.Field]) -> bool:
    try:
        pa.unify_schemas([pa.schema([field]) for field in fields], promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return False
    return True


def _at(tables: list[tuple[pa.Table, Place]], row: int) -> Place:
    """Where a row of the tables stands."""
    for table, begin in tables:
        if row < table.num_rows:
            return _moved(begin, row)
        row -= table.num_rows
    raise AssertionError("there are not as many rows")


def _rest(tables: list[tuple[pa.Table, Place]], rows: int) -> list[tuple[pa.Table, Place]]:
    """What is left of tables after so many of their rows."""
    left: list[tuple[pa.Table, Place]] = []
    for table, begin in tables:
        gone = min(rows, table.num_rows)
        rows -= gone
        if gone < table.num_rows:
            left.append((table.slice(gone), _moved(begin, gone)))
    return left


def _after(tables: list[tuple[pa.Table, Place]], rows: int) -> Place:
    """The place after so many rows of the tables."""
    for table, begin in tables:
        if rows <= table.num_rows:
            return _moved(begin, rows)
        rows -= table.num_rows
    raise AssertionError("there are not as many rows")


def _moved(place: Place, rows: int) -> Place:
    return msgspec.structs.replace(place, rows=place.rows + rows, into=place.into + rows)


def _rows_a_part(table: pa.Table) -> int:
    wide: int = max(table.nbytes // max(table.num_rows, 1), 1)
    return max(1, min(MOST_ROWS, MOST_BYTES // wide))


def _parquet(path: Path, start: Place) -> Reading:
    """Row groups are read a batch at a time, so that one of any size takes no more memory."""
    file = pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False)
    read = start.rows

    def tables() -> Iterator[tuple[pa.Table, Place]]:
        nonlocal read
        groups, before = _groups_after(file.metadata, start.rows)
        skipped = start.rows - before
        for batch in file.iter_batches(batch_size=MOST_ROWS, row_groups=groups):
            table = pa.Table.from_batches([batch]).slice(skipped)
            skipped = max(0, skipped - batch.num_rows)
            if table.num_rows:
                begin = Place(rows=read)
                read += table.num_rows
                yield table, begin

    names = tuple(file.schema_arrow.names)
    return Reading(names, tables(), file.metadata.num_rows, lambda: read, {})


def _groups_after(metadata: pq.FileMetaData, rows: int) -> tuple[list[int], int]:
    """The row groups from that one on which holds the row of that number, and the rows before."""
    before, first = 0, 0
    while first < metadata.num_row_groups and before + metadata.row_group(first).num_rows <= rows:
        before += metadata.row_group(first).num_rows
        first += 1
    return list(range(first, metadata.num_row_groups)), before


def _csv(path: Path, texts: Collection[str], start: Place) -> Reading:
    found = CsvFile(path, texts, rows=start.rows, block=BLOCK)
    tables = ((table, Place(rows=row)) for table, row in found.tables())
    return Reading(
        found.names, tables, path.stat().st_size, found.read_so_far, found.wrong, are_lines=False
    )


def _told(raw: Any, size: int) -> int:  # noqa: ANN401 - one of Arrow's files or Python's
    """How far a file is read; one that is closed is read."""
    found: int = size if raw.closed else raw.tell()
    return found


def _json_lines(path: Path, texts: Collection[str], start: Place) -> Reading:
    """The columns are those of the first block; later ones may bring more."""
    raw = path.open("rb")
    packed = path.suffix.lower() == ".gz"
    blocks = json_lines.tables(
        raw, packed=packed, texts=texts, offset=start.offset, before=start.lines
    )
    first = next(blocks, json_lines.Lines(pa.table({}), {}, 0, 0))
    wrong: dict[int, str] = {}

    def tables() -> Iterator[tuple[pa.Table, Place]]:
        rows, into = start.rows, start.into
        for block in chain([first], blocks):
            wrong.update(block.wrong)
            begin = Place(rows=rows, offset=block.offset, lines=block.before, into=into)
            table = block.table.slice(into)
            rows, into = rows + table.num_rows, 0
            yield table, begin

    size = path.stat().st_size
    so_far = partial(_told, raw, size)
    return Reading(tuple(first.table.column_names), tables(), size, so_far, wrong)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
