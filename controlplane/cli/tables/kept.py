"""All rows of a file that does not keep its columns apart: in memory, or on disk where it is large."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec
import pyarrow as pa

from controlplane.cli.tables.opening import DataFile, first_line, opened
from controlplane.cli.tables.texts import NotSoThroughout
from controlplane.domain.errors import BadInput
from detectors.reading import decoded

MOST_HELD: Final = 2**30
"""Bytes of rows that are kept in memory; of more, all go to a temporary file."""


class Kept(msgspec.Struct, frozen=True):
    """The rows of a file by column; a column takes memory while it is looked at."""

    schema: pa.Schema
    rows: int
    column: Callable[[str], pa.ChunkedArray]
    remarks: tuple[str, ...] = ()


def kept(path: Path) -> Kept:
    """The rows of a CSV, JSON-lines or Arrow file of any size, in one pass; raises BadInput.

    An uncompressed Arrow file stays where it is. Of others, what takes more than 1 GiB as columns
    is written to a temporary file as such, which goes when it is no longer used: memory holds
    some 256 MiB more than 1 GiB at most, and then what is looked at.
    """
    file = opened(path)
    while True:
        try:
            return _kept(file)
        except NotSoThroughout as changed:
            file = opened(path, as_text=file.as_text | {changed.column})


def _kept(file: DataFile) -> Kept:
    held: list[pa.Table] = []
    size = 0
    pieces = _tables(file)
    for piece in pieces:
        held.append(piece)
        size += piece.nbytes
        # What an Arrow file holds uncompressed is mapped, not allocated.
        if size > MOST_HELD and pa.total_allocated_bytes() > MOST_HELD:
            return _on_disk(file, held, pieces)
    if not held:
        return Kept(pa.schema([]), 0, _nothing, file.remarks)
    whole = pa.concat_tables(held)
    return Kept(whole.schema, whole.num_rows, whole.column, file.remarks)


def _tables(file: DataFile) -> Iterator[pa.Table]:
    if file.names:
        for piece in file.pieces(file.names):
            yield pa.table({name: decoded(values) for name, values in piece.items()})


def _nothing(_: str) -> pa.ChunkedArray:
    return pa.chunked_array([], pa.null())


def _on_disk(file: DataFile, held: list[pa.Table], more: Iterator[pa.Table]) -> Kept:
    # Held by what reads it, and taken off the disk with it.
    place = tempfile.NamedTemporaryFile(prefix="leeboard-", suffix=".arrow")  # noqa: SIM115 - see above
    schema, rows = held[0].schema, 0
    try:
        with pa.OSFile(place.name, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            while held:
                rows += held[0].num_rows
                writer.write_table(held.pop(0))
            for piece in more:
                rows += piece.num_rows
                writer.write_table(piece)
    except OSError as error:
        message = (
            f"{file.path} is too large for memory, and its columns cannot be written to "
            f"{Path(place.name).parent}: {first_line(error)}; set TMPDIR to a folder with more room"
        )
        raise BadInput(message) from error
    return Kept(schema, rows, _reading(place), file.remarks)


def _reading(place: IO[bytes]) -> Callable[[str], pa.ChunkedArray]:
    def column(name: str) -> pa.ChunkedArray:
        with pa.memory_map(place.name) as mapped:
            reader = pa.ipc.open_file(mapped)
            at = reader.schema.get_field_index(name)
            parts = [reader.get_batch(k).column(at) for k in range(reader.num_record_batches)]
            return pa.chunked_array(parts, reader.schema.field(at).type)

    return column
