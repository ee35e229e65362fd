"""CSV and JSON lines as a stream of tables, gzipped or not."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.json

from controlplane.cli.replay.files import (
    ENCODINGS,
    SAMPLE,
    UNKNOWN,
    delimiter_of,
    has_decimal_commas,
)  # fmt: skip
from controlplane.domain.errors import BadInput

BLOCK: Final = 8 * 2**20
"""Bytes of a file from which its columns' types are told."""
_COLUMN: Final = re.compile(r"In CSV column #(\d+)")


class Source(NamedTuple):
    """The columns, and what reads the tables of a whole pass."""

    names: list[str]
    tables: Callable[[Sequence[str], Callable[[int], None]], Iterator[pa.Table]]


class Dialect(NamedTuple):
    """How a CSV file is written."""

    delimiter: str
    decimal: str
    encoding: str


class NotSoThroughout(BadInput):
    """A column whose later values are of another type than the first ones: read it as text."""

    def __init__(self, path: Path, column: str) -> None:
        super().__init__(f"{path}: column {column!r} changes its type on the way")
        self.column = column


def source(path: Path, *, packed: bool, as_text: frozenset[str]) -> Source:
    """A text file's columns and tables; raises BadInput for an empty one."""
    with _stream(path, packed=packed) as stream:
        sample = stream.read(SAMPLE)
    if not sample.strip():
        message = f"{path} is empty; expected CSV with a line of column names, or JSON lines"
        raise BadInput(message)
    if sample.lstrip()[:1] in {b"{", b"["}:
        return _json_lines(path, packed=packed)
    return _csv(path, packed, _dialect(path, sample), as_text)


def _csv(path: Path, packed: bool, dialect: Dialect, as_text: frozenset[str]) -> Source:  # noqa: FBT001 - a fact of the file
    convert = pyarrow.csv.ConvertOptions(
        strings_can_be_null=True, column_types={name: pa.string() for name in as_text},
        null_values=[*pyarrow.csv.ConvertOptions().null_values, *UNKNOWN],
        decimal_point=dialect.decimal,
    )  # fmt: skip
    read = pyarrow.csv.ReadOptions(block_size=BLOCK, encoding=dialect.encoding)
    parse = pyarrow.csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True)

    def opened(stream: pa.NativeFile) -> pyarrow.csv.CSVStreamingReader:
        return pyarrow.csv.open_csv(
            stream, read_options=read, parse_options=parse, convert_options=convert
        )

    def tables(wanted: Sequence[str], advance: Callable[[int], None]) -> Iterator[pa.Table]:
        with pa.OSFile(str(path)) as raw, _unpacked(raw, packed=packed) as stream:
            before = 0
            try:
                for batch in opened(stream):
                    advance(raw.tell() - before)
                    before = raw.tell()
                    yield _widened(pa.Table.from_batches([batch]).select(list(wanted)))
            except pa.ArrowInvalid as error:
                if found := _COLUMN.search(str(error)):
                    raise NotSoThroughout(path, names[int(found[1])]) from error
                raise

    with _stream(path, packed=packed) as stream:
        names = list(opened(stream).schema.names)
    return Source(names, tables)


def _json_lines(path: Path, *, packed: bool) -> Source:
    read = pyarrow.json.ReadOptions(block_size=BLOCK)

    def tables(wanted: Sequence[str], advance: Callable[[int], None]) -> Iterator[pa.Table]:
        with pa.OSFile(str(path)) as raw, _unpacked(raw, packed=packed) as stream:
            before = 0
            for batch in pyarrow.json.open_json(stream, read_options=read):
                advance(raw.tell() - before)
                before = raw.tell()
                yield _widened(pa.Table.from_batches([batch]).select(list(wanted)))

    with _stream(path, packed=packed) as stream:
        names = list(pyarrow.json.open_json(stream, read_options=read).schema.names)
    return Source(names, tables)


def _stream(path: Path, *, packed: bool) -> pa.NativeFile:
    return _unpacked(pa.OSFile(str(path)), packed=packed)


def _unpacked(raw: pa.NativeFile, *, packed: bool) -> pa.NativeFile:
    return pa.CompressedInputStream(raw, "gzip") if packed else raw


def _dialect(path: Path, sample: bytes) -> Dialect:
    encoding = next((name for mark, name in ENCODINGS if sample.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in sample:
        message = f"{path} holds bytes that are no text; expected Parquet, Arrow, CSV or JSON lines"
        raise BadInput(message)
    try:
        io.TextIOWrapper(io.BytesIO(sample), encoding).read()
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4:
            encoding = "cp1252"
    text = sample.decode(encoding, errors="replace")
    delimiter = delimiter_of(text)
    comma = delimiter != "," and has_decimal_commas(text, delimiter)
    return Dialect(delimiter, "," if comma else ".", encoding.removesuffix("-sig"))


def _widened(table: pa.Table) -> pa.Table:
    """Columns of nothing as text, so that pieces of a column that is empty at first join."""
    for place, field in enumerate(table.schema):
        if pa.types.is_null(field.type):
            table = table.set_column(place, field.name, table[place].cast(pa.string()))
    return table
