"""What every format is decoded to: columns, and where in the body each value stood."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from typing_extensions import override

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.domain.names import LONGEST_COLUMN

MOST_ROWS: Final = 1_000_000
"""Rows of one request."""
MOST_COLUMNS: Final = 2_000
LONGEST_NAME: Final = LONGEST_COLUMN
"""Characters of a column's name, and of a version's."""


class Feed(StrEnum):
    """What rows are about."""

    PREDICTIONS = "predictions"
    LABELS = "labels"
    REFERENCE = "reference"
    KPIS = "kpis"


class Shape(StrEnum):
    """How the body held its rows; it decides what a pointer looks like."""

    COLUMNS = "columns"
    ROWS = "rows"
    ROW = "row"
    LINES = "lines"
    TABLE = "table"
    EVENTS = "events"


class Unusable:
    """Stands for a value of a kind of which nothing can be made, such as a list or a union."""

    __slots__ = ("_kind",)

    def __init__(self, kind: str) -> None:
        self._kind = kind

    @override
    def __repr__(self) -> str:
        """Its kind, as messages say it."""
        return f"of the kind {self._kind}"


Values: TypeAlias = pa.ChunkedArray | list[object]
"""A column: Arrow where its values are of one kind, a list where they are mixed."""


class Unreadable(NamedTuple):
    """A row of which nothing could be read: the whole sentence, and what stood there."""

    says: str
    text: str


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of a request, as they came. `size` is their weight in bytes, roughly."""

    columns: Mapping[str, Values]
    rows: int
    shape: Shape
    size: int = 0
    digest: str = ""
    """A short hash of the body, where rows without ids need one."""
    lines: NDArray[np.int64] | None = None
    """The line of each row, from 1, shape (rows,); None where a row is no line."""
    unreadable: Mapping[int, Unreadable] = {}
    """What was wrong with rows that hold no values for it, by their place."""

    def line(self, row: int) -> int | None:
        """The line on which a row stood, from 1; None where a row is no line."""
        return None if self.lines is None else int(self.lines[row])

    def pointer(self, column: str, row: int) -> str:
        """The JSON pointer of a value; without a place in the body, `/column/row`."""
        name = column.replace("~", "~0").replace("/", "~1")
        match self.shape:
            case Shape.COLUMNS:
                return f"/columns/{name}/{row}"
            case Shape.ROWS:
                return f"/rows/{row}/{name}"
            case Shape.ROW | Shape.LINES:
                return f"/{name}"
            case Shape.EVENTS:
                return f"/{row}/data/{name}"
            case Shape.TABLE:
                return f"/{name}/{row}"

    def value(self, column: str, row: int) -> object:
        """One value, as Python knows it; None where the column is not there."""
        values = self.columns.get(column)
        if values is None:
            return None
        return values[row] if isinstance(values, list) else _plain(values[row])


def batch_of(
    columns: Mapping[str, Values], shape: Shape, *, size: int, digest: str = "",
    lines: NDArray[np.int64] | None = None, unreadable: Mapping[int, Unreadable] = {},
) -> Batch:  # fmt: skip
    """A batch of columns, checked to be of one length. Raises BadInput, TooLarge."""
    check_count(len(columns))
    longest_name = max((len(name) for name in columns), default=0)
    if longest_name > LONGEST_NAME:
        message = f"a column's name has {longest_name} characters; expected at most {LONGEST_NAME}"
        raise BadInput(message)
    if any("\0" in name for name in columns):
        raise BadInput("a column's name holds the character of code 0; give it another name")
    lengths = {name: len(values) for name, values in columns.items()}
    rows = max(lengths.values(), default=0)
    short = next((name for name, length in lengths.items() if length != rows), None)
    if short is not None:
        longest = next(name for name, length in lengths.items() if length == rows)
        message = (
            f"the column {short!r} has {lengths[short]} values and {longest!r} has {rows}; "
            "expected columns of one length"
        )
        raise BadInput(message)
    if rows > MOST_ROWS:
        message = f"{rows} rows came; expected at most {MOST_ROWS} in one request"
        raise TooLarge(message)
    return Batch(
        columns=columns, rows=rows, shape=shape, size=size, digest=digest, lines=lines,
        unreadable=unreadable,
    )  # fmt: skip


def check_count(columns: int) -> None:
    """Raise TooLarge for more columns than one request may have."""
    if columns > MOST_COLUMNS:
        message = f"{columns} columns came; expected at most {MOST_COLUMNS} in one request"
        raise TooLarge(message)


def as_values(items: list[object]) -> Values:
    """A column of Python values: Arrow where they are of one kind."""
    try:
        array = pa.array(items)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        return items
    return pa.chunked_array([array])


def kind_of(value: object) -> str:
    """What kind of JSON a value is, as messages say it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"


def _plain(scalar: pa.Scalar) -> object:
    """A scalar's value; its text where Python has no such value."""
    try:
        return scalar.as_py()
    except (pa.ArrowException, OverflowError, ValueError, LookupError):
        return str(scalar.cast(pa.int64())) if pa.types.is_timestamp(scalar.type) else "unreadable"
