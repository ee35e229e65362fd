"""CSV, JSON lines and JSON lists as a stream of tables, packed or not."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
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
MOST_LIST: Final = 512 * 2**20
"""Bytes of a JSON list, unpacked."""
BOM: Final = b"\xef\xbb\xbf"
_COLUMN: Final = re.compile(r"In CSV column #(\d+)")


class Source(NamedTuple):
    """The columns, and what reads the tables of a whole pass."""

    names: list[str]
    tables: Callable[[Sequence[str], Callable[[int], None]], Iterator[pa.Table]]
    remarks: tuple[str, ...] = ()


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


def source(path: Path, *, packed: str | None, as_text: frozenset[str]) -> Source:
    """A text file's columns and tables, `packed` by that codec; raises BadInput for an empty one."""
    with _stream(path, packed) as stream:
        sample = stream.read(SAMPLE)
    if not sample.strip():
        message = f"{path} is empty; expected CSV with a line of column names, or JSON lines"
        raise BadInput(message)
    begins = sample.removeprefix(BOM).lstrip()[:1]
    if begins == b"[":
        return _json_list(path, packed)
    if begins == b"{":
        return _json_lines(path, packed)
    return _csv(path, packed, _dialect(path, sample), as_text)


def _csv(path: Path, packed: str | None, dialect: Dialect, as_text: frozenset[str]) -> Source:
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
        with pa.OSFile(str(path)) as raw, _unpacked(raw, packed) as stream:
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

    with _stream(path, packed) as stream:
        names = list(opened(stream).schema.names)
    figures = bool(names) and all(map(_is_figure, names))
    remark = f"the first line of {path} holds figures, and is taken for the names of the columns"
    return Source(names, tables, (remark,) if figures else ())


def _is_figure(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _json_list(path: Path, packed: str | None) -> Source:
    """A list of objects, read at once: there is no telling where in it a piece would end."""
    with _stream(path, packed) as stream:
        raw = stream.read(MOST_LIST + 1)
    if len(raw) > MOST_LIST:
        message = f"{path} is one JSON list of more than {MOST_LIST >> 20} MiB; expected a line a row (JSON lines)"
        raise BadInput(message)
    try:
        rows = msgspec.json.decode(raw.removeprefix(BOM), type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        message = f"{path} begins like a JSON list, and is none: {error}"
        raise BadInput(message) from error
    if not all(bytes(memoryview(row)[:1]) == b"{" for row in rows):
        message = (
            f"{path} is a JSON list whose entries are not all objects; expected an object a row"
        )
        raise BadInput(message)
    size, lines = path.stat().st_size, b"\n".join(rows)
    if not rows:
        return Source([], lambda _names, _advance: iter(()))
    parse = pyarrow.json.ParseOptions(newlines_in_values=True)
    read = pyarrow.json.ReadOptions(block_size=max(len(lines), 1))
    table = _widened(pyarrow.json.read_json(pa.BufferReader(lines), read, parse))

    def tables(wanted: Sequence[str], advance: Callable[[int], None]) -> Iterator[pa.Table]:
        advance(size)
        yield table.select(list(wanted))

    return Source(list(table.schema.names), tables)


def _json_lines(path: Path, packed: str | None) -> Source:
    read = pyarrow.json.ReadOptions(block_size=BLOCK)

    def tables(wanted: Sequence[str], advance: Callable[[int], None]) -> Iterator[pa.Table]:
        with pa.OSFile(str(path)) as raw, _unpacked(raw, packed) as stream:
            before = 0
            for batch in pyarrow.json.open_json(stream, read_options=read):
                advance(raw.tell() - before)
                before = raw.tell()
                yield _widened(pa.Table.from_batches([batch]).select(list(wanted)))

    with _stream(path, packed) as stream:
        names = list(pyarrow.json.open_json(stream, read_options=read).schema.names)
    return Source(names, tables)


def _stream(path: Path, packed: str | None) -> pa.NativeFile:
    return _unpacked(pa.OSFile(str(path)), packed)


def _unpacked(raw: pa.NativeFile, packed: str | None) -> pa.NativeFile:
    return raw if packed is None else pa.CompressedInputStream(raw, packed)


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
