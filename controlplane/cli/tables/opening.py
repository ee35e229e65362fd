"""A data file told by its first bytes, and read in pieces whose size does not grow with it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from controlplane.cli.replay.columns import NoFeature, plain
from controlplane.cli.replay.files import GZIP, OTHERS, PARQUET
from controlplane.cli.tables import texts
from controlplane.domain.errors import BadInput

PACKED: Final = ((GZIP, "gzip"), (b"BZh", "bz2"), (b"\x28\xb5\x2f\xfd", "zstd"))
"""By what a text file that is compressed begins."""
ARROW_FILE: Final = b"ARROW1"
ARROW_STREAM: Final = b"\xff\xff\xff\xff"
PIECE_ROWS: Final = 4_000_000
"""Of one column."""
PIECE_BYTES: Final = 256 * 2**20
"""Of whole rows."""
BATCH_ROWS: Final = 131_072

Columns = dict[str, pa.ChunkedArray]


class DataFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of rows. `pieces(names)` reads these columns from its beginning, in pieces of at most
    4,000,000 rows of one column or about 256 MiB of several; each call begins anew.

    With `by_column` reading one column costs that column alone; else every call reads all rows.
    `size` is what a whole pass amounts to, in the units in which `advance` is called meanwhile.
    """

    path: Path
    names: tuple[str, ...]
    by_column: bool
    size: int
    read: Callable[[Sequence[str], Callable[[int], None]], Iterator[pa.Table]]
    as_text: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()
    """On columns that are not among the names."""

    def pieces(
        self, names: Sequence[str], advance: Callable[[int], None] = lambda _: None
    ) -> Iterator[Columns]:
        """The columns piece by piece; raises BadInput where the file turns out unreadable."""
        waiting: list[pa.Table] = []
        rows = size = 0
        most_rows = PIECE_ROWS if len(names) == 1 else 2**62
        try:
            for table in self.read(names, advance):
                waiting.append(table)
                rows, size = rows + table.num_rows, size + table.nbytes
                if rows >= most_rows or size >= PIECE_BYTES:
                    yield _joined(waiting, names)
                    waiting, rows, size = [], 0, 0
            if waiting:
                yield _joined(waiting, names)
        except (pa.ArrowException, OSError) as error:
            message = f"{self.path} cannot be read: {first_line(error)}"
            raise BadInput(message) from error


def opened(path: Path, *, as_text: frozenset[str] = frozenset()) -> DataFile:
    """A Parquet, Arrow, CSV or JSON file, the last two perhaps packed by gzip, zstd or bzip2; raises
    BadInput.

    Columns of `as_text` are read as text from a CSV file, whatever its first rows look like.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
        if head.startswith(PARQUET):
            return _parquet(path)
        if head.startswith((ARROW_FILE, ARROW_STREAM)):
            return _arrow(path, stream=not head.startswith(ARROW_FILE))
        packed = next((codec for begins, codec in PACKED if head.startswith(begins)), None)
        for begins, what in OTHERS:
            if head.startswith(begins) and packed is None:
                message = f"{path} is {what}; expected Parquet, Arrow, CSV or JSON lines"
                raise BadInput(message)
        source = texts.source(path, packed=packed, as_text=as_text)
    except FileNotFoundError as error:
        message = f"there is no file {path}"
        raise BadInput(message) from error
    except (pa.ArrowException, OSError, EOFError) as error:
        message = (
            f"{path} is not readable as Parquet, Arrow, CSV or JSON lines: {first_line(error)}"
        )
        raise BadInput(message) from error
    names, remarks = _distinct(path, source.names)
    return DataFile(
        path=path,
        names=names,
        remarks=(*remarks, *source.remarks),
        by_column=False,
        size=path.stat().st_size,
        read=source.tables,
        as_text=as_text,
    )


def first_line(error: Exception) -> str:
    """What an error says, without the rest of it."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _parquet(path: Path) -> DataFile:
    with pq.ParquetFile(path) as file:
        schema, metadata = file.schema_arrow, file.metadata
    names, remarks = _distinct(path, schema.names)
    rows = metadata.num_rows
    # Texts come as the file holds them, each once: levels are then counted by their codes.
    texts = [field.name for field in schema if pa.types.is_string(field.type)]

    def tables(wanted: Sequence[str], advance: Callable[[int], None]) -> Iterator[pa.Table]:
        with pq.ParquetFile(path, metadata=metadata, read_dictionary=texts) as again:
            if len(wanted) == 1 and rows <= PIECE_ROWS:
                yield again.read(columns=list(wanted))
                advance(rows)
                return
            for batch in again.iter_batches(batch_size=BATCH_ROWS, columns=list(wanted)):
                advance(batch.num_rows * batch.num_columns)
                yield pa.Table.from_batches([batch])

    return DataFile(
        path=path, names=names, remarks=remarks, by_column=True, size=rows * len(names), read=tables
    )  # fmt: skip


def _arrow(path: Path, *, stream: bool) -> DataFile:
    def batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        if stream:
            yield from reader
        else:
            for at in range(reader.num_record_batches):
                yield reader.get_batch(at)

    def tables(wanted: Sequence[str], advance: Callable[[int], None]) -> Iterator[pa.Table]:
        with pa.memory_map(str(path)) as mapped, _reader(mapped, stream=stream) as reader:
            for batch in batches(reader):
                advance(batch.num_rows * len(wanted))
                yield pa.Table.from_batches([batch]).select(list(wanted))

    with pa.memory_map(str(path)) as mapped, _reader(mapped, stream=stream) as reader:
        names, remarks = _distinct(path, reader.schema.names)
        rows = sum(batch.num_rows for batch in batches(reader))
    return DataFile(
        path=path, names=names, remarks=remarks, by_column=True, size=rows * len(names), read=tables
    )  # fmt: skip


def _reader(mapped: pa.MemoryMappedFile, *, stream: bool) -> pa.RecordBatchReader:
    return pa.ipc.open_stream(mapped) if stream else pa.ipc.open_file(mapped)


def _joined(tables: Sequence[pa.Table], names: Sequence[str]) -> Columns:
    whole = pa.concat_tables(tables, promote_options="permissive")
    return {name: whole[name] for name in names}


def plain_or_none(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column in one of the few types that are compared; None for lists, structs and bytes."""
    try:
        return plain(values)
    except NoFeature:
        return None


def _distinct(path: Path, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns whose name is theirs alone, and a remark on the others."""
    many = Counter(names)
    twice = [name for name, times in many.items() if times > 1]
    remarks = tuple(
        f"{path} has several columns called {name!r}; none of them is read" for name in twice
    )
    return tuple(name for name in names if many[name] == 1), remarks
