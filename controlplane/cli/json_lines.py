"""JSON-lines files: read by the very decoder that the server has, a block at a time."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec
import pyarrow as pa

from controlplane.ingest.batch import Batch, Values
from controlplane.ingest.formats import ndjson

SUFFIXES: Final = frozenset({".ndjson", ".jsonl"})
BLOCK: Final = 8 * 2**20


class Lines(NamedTuple):
    """The rows of some lines, and what was wrong with lines that are no row, by their number;
    where in the file (unpacked, where it is packed) the lines begin, and how many are before."""

    table: pa.Table
    wrong: dict[int, str]
    offset: int
    before: int


def is_json_lines(path: Path) -> bool:
    """Whether a file is called as JSON lines are, gzipped or not."""
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return name.suffix.lower() in SUFFIXES


def tables(
    raw: BinaryIO, *, packed: bool, texts: Collection[str] = (), offset: int = 0, before: int = 0
) -> Iterator[Lines]:
    """A file's lines, a table a block of whole lines. Raises BadInput, OSError.

    From `offset` on, where a line begins and `before` lines have gone. What is nested, or of
    several kinds in one column, comes as it would from a program that sends the lines: the server
    says which value will not go.
    """
    with pa.PythonFile(raw) as file:
        stream = pa.CompressedInputStream(file, "gzip") if packed else file
        _skip(stream, offset, packed=packed)
        rest = b""
        while block := stream.read(BLOCK):
            whole, found, last = (rest + block).rpartition(b"\n")
            if not found:
                rest = last
                continue
            yield table_of(whole, texts=texts, offset=offset, before=before)
            rest, before = last, before + whole.count(b"\n") + 1
            offset += len(whole) + 1
        if rest.strip():
            yield table_of(rest, texts=texts, offset=offset, before=before)


def _skip(stream: pa.NativeFile, offset: int, *, packed: bool) -> None:
    if not packed:
        stream.seek(offset)
        return
    while offset > 0 and (passed := len(stream.read(min(offset, BLOCK)))):
        offset -= passed


def table_of(
    body: bytes, *, texts: Collection[str] = (), offset: int = 0, before: int = 0
) -> Lines:
    """The rows of some lines that come after so many others. Raises BadInput, TooLarge."""
    batch = ndjson.decode(body)
    columns = batch.columns if len(batch.unreadable) < batch.rows else {}
    found = pa.table({name: _column(v, as_text=name in texts) for name, v in columns.items()})
    wrong = {_line(batch, row, before): unread.says for row, unread in batch.unreadable.items()}
    if wrong and columns:
        found = found.filter(pa.array([row not in batch.unreadable for row in range(batch.rows)]))
    told = {n: _moved(says, n, before) for n, says in wrong.items()}
    return Lines(found, told, offset, before)


def _line(batch: Batch, row: int, before: int) -> int:
    return (batch.line(row) or 0) + before


def _moved(says: str, line: int, before: int) -> str:
    return says.replace(f"line {line - before} ", f"line {line} ", 1)


def _column(values: Values, *, as_text: bool) -> pa.ChunkedArray:
    if isinstance(values, list):
        return pa.chunked_array([[_text(value) for value in values]], pa.string())
    return values.cast(pa.string()) if as_text and not pa.types.is_nested(values.type) else values


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column's values as text: what is nested as JSON."""
    if pa.types.is_nested(column.type):
        return pa.chunked_array([[_text(value) for value in column.to_pylist()]], pa.string())
    return column.cast(pa.string())


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
