"""Which columns of a file are features, of which kind, and why the others are none."""

from typing import Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.cli.replay.columns import NoFeature, numbers_among_words, plain
from controlplane.cli.replay.times import as_times
from controlplane.cli.replay.written import as_written
from controlplane.domain.errors import BadInput
from controlplane.domain.schema import Column
from controlplane.ingest.coercion import COERCIONS
from detectors.finding import Kind

MOST_LEVELS: Final = 250
NAME_SHARE: Final = 0.5
"""Of so many different values a row, and more than MOST_LEVELS, are names, not levels."""


class Chosen(NamedTuple):
    """The features under the names that they have in the model, and remarks about the columns."""

    columns: tuple[Column, ...]
    values: dict[str, pa.ChunkedArray]
    renamed: dict[str, str]
    remarks: tuple[str, ...]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a file's columns: those that are none, the names that are taken."""

    out: frozenset[str]
    taken: frozenset[str]
    zone: str
    declared: tuple[Column, ...] | None = None


def choose(table: pa.Table, terms: Terms) -> Chosen:
    """The columns that are left; a name that Leeboard uses itself gets an underscore behind it."""
    names = [name for name in table.column_names if name not in terms.out]
    declared = {column.name: column.kind for column in terms.declared or ()}
    if absent := [name for name in declared if name not in names]:
        message = f"the model file names features that the file lacks: {', '.join(absent)}"
        raise BadInput(message)
    kinds: list[Column] = []
    columns: dict[str, pa.ChunkedArray] = {}
    renamed: dict[str, str] = {}
    remarks: list[str] = []
    for name in declared or names:
        try:
            kind, values = _as_declared(table[name], name, declared, terms.zone, remarks)
        except NoFeature as why:
            remarks.append(f"{name} is no feature: it holds {why}")
            continue
        called = name.replace("score:", "score_", 1) if name.startswith("score:") else name
        while called in terms.taken or (called != name and called in table.column_names):
            called += "_"
        if called != name:
            renamed[name] = called
        kinds.append(Column(called, kind))
        columns[called] = values
    if not kinds:
        message = "no column is left to be a feature; expected at least one beside label and time"
        raise BadInput("; ".join([message, *remarks]))
    return Chosen(tuple(kinds), columns, renamed, tuple(remarks))


def _as_declared(
    column: pa.ChunkedArray, name: str, declared: dict[str, Kind], zone: str, remarks: list[str]
) -> tuple[Kind, pa.ChunkedArray]:
    if not declared:
        kind, values = _feature(plain(column), name, zone, remarks)
        _useful(kind, values)
        return kind, values
    wanted = declared[name]
    values = plain(column)
    if wanted is Kind.DATETIME:
        return wanted, as_times(values, name, zone)
    coerce, expected = COERCIONS[wanted]
    found = coerce(values)
    if found.bad is not None and (count := int(found.bad.sum())):
        first = values[int(np.argmax(found.bad))].as_py()
        message = (
            f"column {name!r} is {wanted} in the model file, but {count} of its values are not: "
            f"the first is {first!r}; expected {expected}"
        )
        raise BadInput(message)
    return wanted, found.values


def _feature(
    column: pa.ChunkedArray, name: str, zone: str, remarks: list[str]
) -> tuple[Kind, pa.ChunkedArray]:
    kind = column.type
    if pa.types.is_boolean(kind):
        return Kind.BOOLEAN, column
    if pa.types.is_null(kind) or _is_number(kind):
        return Kind.NUMERIC, column.cast(pa.float64(), safe=False)
    if pa.types.is_time(kind):
        micros = column.cast(pa.time64("us"), safe=False).cast(pa.int64())
        return Kind.NUMERIC, pc.divide(micros.cast(pa.float64()), 3.6e9)
    if pa.types.is_duration(kind):
        micros = column.cast(pa.duration("us"), safe=False).cast(pa.int64())
        return Kind.NUMERIC, pc.divide(micros.cast(pa.float64()), 1e6)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Kind.DATETIME, as_times(column, name, zone)
    if not pa.types.is_string(kind):
        raise NoFeature(f"{kind}")
    return _words(column, name, zone, remarks)


def _words(
    column: pa.ChunkedArray, name: str, zone: str, remarks: list[str]
) -> tuple[Kind, pa.ChunkedArray]:
    """A column of texts: numbers with a few words among them, times, or levels."""
    read = numbers_among_words(column)
    if read is not None:
        missing = read.null_count - column.null_count
        if missing:
            remarks.append(f"{name}: {missing} of its values are no numbers and count as missing")
        return Kind.NUMERIC, read
    if as_written(column) is not None:
        return Kind.DATETIME, as_times(column, name, zone)
    return Kind.CATEGORICAL, column


def _useful(kind: Kind, values: pa.ChunkedArray) -> None:
    """Raises NoFeature for a name of each row and for a number that counts the rows."""
    rows = len(values)
    if kind is Kind.CATEGORICAL:
        distinct = pc.count_distinct(values).as_py()
        if distinct > MOST_LEVELS and distinct > NAME_SHARE * (rows - values.null_count):
            raise NoFeature(f"a name for nearly every row ({distinct} different values)")
    numbers = values.to_numpy() if kind is Kind.NUMERIC and rows > 1 else np.empty(0)
    if numbers.size and np.isfinite(numbers).all():
        steps = np.diff(numbers)
        if (steps == steps[0]).all() and steps[0] != 0:
            raise NoFeature("the number of the row")


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )
