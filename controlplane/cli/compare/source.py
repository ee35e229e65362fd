"""The two files of a comparison: their columns by name, each read when it is its turn.

Parquet is read a column at a time, or a few where they are small, without a thread of Arrow's own:
the memory it takes is that of the columns at hand. Other files are read once, as a whole.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from controlplane.cli.tables import kinds
from controlplane.domain.errors import BadInput
from detectors.finding import Kind

PARQUET: Final = b"PAR1"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A file's rows: the types of its columns by name, and what reads some of them.

    `remarks` are what had to be said about reading it. `read` may be called by several threads;
    it raises BadInput where the file turns out unreadable.
    """

    path: str
    rows: int
    types: Mapping[str, pa.DataType]
    read: Callable[[Sequence[str]], Mapping[str, pa.ChunkedArray]]
    remarks: tuple[str, ...] = ()


def source(path: Path) -> Source:
    """Open a Parquet, Arrow, CSV or JSON-lines file; raises BadInput where it is none of them."""
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == PARQUET
        return _parquet(path) if is_parquet else _whole(path)
    except FileNotFoundError as error:
        message = f"there is no file {path}"
        raise BadInput(message) from error
    except (pa.ArrowException, OSError) as error:
        message = f"{path} is not readable: {_first_line(error)}"
        raise BadInput(message) from error


def comparable(kind: pa.DataType) -> bool:
    """Whether columns of this type are compared: those of several parts are not."""
    if isinstance(kind, pa.BaseExtensionType):
        return comparable(kind.storage_type)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return comparable(kind.value_type)
    return not pa.types.is_nested(kind)


def kind_of_type(kind: pa.DataType) -> Kind:
    """What values of a type are, as far as it tells: texts may be numbers or dates."""
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return kind_of_type(kind.value_type)
    if pa.types.is_boolean(kind):
        return Kind.BOOLEAN
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Kind.DATETIME
    number = pa.types.is_primitive(kind) or pa.types.is_decimal(kind)
    return Kind.NUMERIC if number else Kind.CATEGORICAL


def kind_of(values: pa.ChunkedArray) -> Kind:
    """What the values of a column are, by their type and, of texts, by what they look like."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not _is_text(kind):
        return kind_of_type(kind)
    if kinds.are_words(values):
        return Kind.CATEGORICAL
    return kinds.kind_of(values.cast(pa.string()))


def kinds_of(before: pa.ChunkedArray, now: pa.ChunkedArray) -> Kind | None:
    """The kind that both sides are compared as; None where they are of two.

    A side without any value is of the other's kind; beside booleans, whatever may stand for them.
    """
    empty = [values.null_count == len(values) for values in (before, now)]
    if all(empty):
        return Kind.CATEGORICAL
    if any(empty):
        return kind_of(now if empty[0] else before)
    first, second = kind_of(before), kind_of(now)
    if first is second:
        return first
    both = {first, second}
    return Kind.BOOLEAN if Kind.BOOLEAN in both and Kind.DATETIME not in both else None


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Values as they are compared: without extension types, bytes as the text that they are; None
    where they are no text."""
    kind = values.type
    if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type):
        return values
    usual = (
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
        or pa.types.is_string(kind)
    )  # fmt: skip
    if usual:
        return values
    from controlplane.cli.tables.opening import plain_or_none  # noqa: PLC0415 - for odd types alone

    return plain_or_none(values)


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _parquet(path: Path) -> Source:
    with pq.ParquetFile(path, memory_map=True) as file:
        schema, metadata = file.schema_arrow, file.metadata
    texts = [field.name for field in schema if _is_text(field.type)]
    readers = threading.local()

    def read(names: Sequence[str]) -> Mapping[str, pa.ChunkedArray]:
        if not hasattr(readers, "file"):
            readers.file = pq.ParquetFile(path, metadata=metadata, read_dictionary=texts)
        try:
            table = readers.file.read(columns=list(names), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            message = f"{path}: {', '.join(names)} cannot be read: {_first_line(error)}"
            raise BadInput(message) from error
        return {name: table[name] for name in names}

    types, remarks = _by_name(path, schema.names, schema.types)
    return Source(path=str(path), rows=metadata.num_rows, types=types, read=read, remarks=remarks)


def _whole(path: Path) -> Source:
    """A file of another make, read once: kept as it is, or beside it on disk where it is large."""
    from controlplane.cli.tables.kept import kept  # noqa: PLC0415 - not for Parquet

    rows = kept(path)
    types = dict(zip(rows.schema.names, rows.schema.types, strict=True))

    def read(names: Sequence[str]) -> Mapping[str, pa.ChunkedArray]:
        return {name: rows.column(name) for name in names}

    return Source(path=str(path), rows=rows.rows, types=types, read=read, remarks=rows.remarks)


def _by_name(
    path: Path, names: Sequence[str], types: Sequence[pa.DataType]
) -> tuple[dict[str, pa.DataType], tuple[str, ...]]:
    """The columns whose name is theirs alone, and a remark on the others."""
    twice = sorted({name for name in names if names.count(name) > 1})
    kept = {
        name: kind for name, kind in zip(names, types, strict=True) if name not in set(twice)
    }  # fmt: skip
    remarks = (
        f"{path} has several columns called {name!r}; none of them is read" for name in twice
    )
    return kept, tuple(remarks)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
