"""Rows to a matrix of doubles: what a feature is turned into is fixed when a model is trained.

Categorical columns come first in the matrix: scikit-learn puts them there, and the trees that it
grows count columns in that order.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.contract import ColumnSpec

MOST_LEVELS: Final = 250
EVENT_TIME: Final = "at"

_PARTS: Final = {
    "hour": lambda times: pc.add(
        pc.hour(times).cast(pa.float64()), pc.divide(pc.minute(times).cast(pa.float64()), 60.0)
    ),
    "weekday": pc.day_of_week,
    "day_of_year": pc.day_of_year,
}
PARTS: Final = tuple(_PARTS)
"""What a time is turned into. Its age is not among them: no later row would be like a trained one."""


class BadTable(ValueError):
    """The rows are not what the job says they are; the text says where."""


class Encoder(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the matrix: the source column, its kind, and what is taken of it.

    `levels` are a categorical's known levels, most frequent first; a level that is not among them
    is `other` where training had more than MOST_LEVELS of them, else it counts as missing.
    """

    column: str
    kind: str
    part: str = "value"
    levels: tuple[str, ...] = ()
    other: bool = False
    time_zone: str = "UTC"


class Expansion(msgspec.Struct, frozen=True, kw_only=True):
    """What the event time gives: the names of its parts, in the model's time zone."""

    event_time: tuple[str, ...] = ()
    time_zone: str = "UTC"


def encoders(
    table: pa.Table, features: Sequence[ColumnSpec], expansion: Expansion
) -> list[Encoder]:
    """How the rows of a training become a matrix; columns that never vary are left out."""
    asked: list[Encoder] = []
    for feature in features:
        column = _column(table, feature.name)
        if feature.kind == "categorical":
            asked.append(_levels(feature.name, column))
        elif feature.kind == "datetime":
            asked += _times(feature.name, PARTS, expansion.time_zone)
        else:
            asked.append(Encoder(column=feature.name, kind=feature.kind))
    if EVENT_TIME in table.column_names:
        asked += _times(EVENT_TIME, expansion.event_time, expansion.time_zone)
    used = [encoder for encoder in asked if _varies(_encoded(table, encoder))]
    return sorted(used, key=lambda encoder: encoder.kind != "categorical")


def matrix(table: pa.Table, columns: Sequence[Encoder]) -> NDArray[np.float64]:
    """The rows as doubles, shape (rows, columns); missing and unknown values are NaN."""
    filled = np.empty((table.num_rows, len(columns)), dtype=np.float64)
    for position, encoder in enumerate(columns):
        filled[:, position] = _encoded(table, encoder)
    return filled


def text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Classes and levels as text: true and false in lower case, whole numbers without a point."""
    if pa.types.is_floating(values.type):
        whole = pc.all(pc.equal(values, pc.floor(values))).as_py()
        values = values.cast(pa.int64()) if whole else values
    return values.cast(pa.string())


def _times(column: str, parts: Sequence[str], time_zone: str) -> list[Encoder]:
    return [
        Encoder(column=column, kind="datetime", part=part, time_zone=time_zone) for part in parts
    ]


def _levels(name: str, column: pa.ChunkedArray) -> Encoder:
    counted = pc.value_counts(pc.drop_null(text(column))).flatten()
    order = pc.sort_indices(
        pa.table({"level": counted[0], "rows": counted[1]}),
        sort_keys=[("rows", "descending"), ("level", "ascending")],
    )
    levels = counted[0].take(order).to_pylist()
    kept = tuple(levels[:MOST_LEVELS])
    return Encoder(column=name, kind="categorical", levels=kept, other=len(levels) > MOST_LEVELS)


def _encoded(table: pa.Table, encoder: Encoder) -> NDArray[np.float64]:
    column = _column(table, encoder.column)
    if encoder.kind == "categorical":
        return _doubles(_codes(column, encoder))
    try:
        if encoder.kind == "datetime":
            return _doubles(_PARTS[encoder.part](_local(column, encoder.time_zone)))
        if encoder.kind == "boolean" and not pa.types.is_integer(column.type):
            return _doubles(column.cast(pa.bool_()).cast(pa.int8()))
        return _doubles(column.cast(pa.float64(), safe=False))
    except pa.ArrowException as error:
        message = f"column {encoder.column!r} is {encoder.kind}, but holds {column.type}: {error}"
        raise BadTable(message) from error


def _codes(column: pa.ChunkedArray, encoder: Encoder) -> pa.ChunkedArray:
    values = text(column)
    codes = pc.index_in(values, value_set=pa.array(encoder.levels, pa.string()))
    if encoder.other:
        unknown = pc.and_(pc.is_valid(values), pc.is_null(codes))
        codes = pc.if_else(unknown, pa.scalar(len(encoder.levels), pa.int32()), codes)
    return codes


def _local(column: pa.ChunkedArray, time_zone: str) -> pa.ChunkedArray:
    """Times as the clocks of a time zone show them; a time without an offset is UTC."""
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = column.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    column = column.cast(pa.timestamp("us"), safe=False)
    if time_zone == "UTC":
        return column
    return pc.local_timestamp(
        column.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", time_zone))
    )


def _doubles(values: pa.ChunkedArray) -> NDArray[np.float64]:
    doubles: NDArray[np.float64] = values.cast(pa.float64(), safe=False).to_numpy()
    return doubles


def _varies(values: NDArray[np.float64]) -> bool:
    missing = np.isnan(values)
    known = values[~missing]
    return known.size > 0 and bool(missing.any() or (known != known[0]).any())


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        found = ", ".join(table.column_names)
        message = f"the rows have no column {name!r}; they have {found}"
        raise BadTable(message)
    return table.column(name)
