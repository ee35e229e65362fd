"""What a label column asks for: a number, one of two classes, or one of many."""

from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.errors import BadInput
from controlplane.domain.schema import Task

MOST_CLASSES: Final = 50
FEW_NUMBERS: Final = 10
"""Whole numbers with so few different values are classes."""
YES: Final = ("true", "1", "yes", "y", "t", "positive", "pos", "bad", "default", "late", "fraud")


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of a file in the form in which they are stored: doubles, or classes as text."""

    task: Task
    values: pa.ChunkedArray
    classes: tuple[str, ...] = ()
    positive: str | None = None


def read_labels(
    column: pa.ChunkedArray, name: str, *, task: str | None = None, positive: str | None = None
) -> Labels:
    """Decide the task where the command line did not, and bring the labels into their form."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    present = column.drop_null()
    distinct = pc.count_distinct(present).as_py()
    if distinct < 2:  # noqa: PLR2004
        message = f"label column {name!r} has {distinct} different values; expected two or more"
        raise BadInput(message)
    decided = Task(task) if task else _task(column.type, distinct, name)
    if decided is Task.REGRESSION:
        try:
            return Labels(task=decided, values=_finite(column.cast(pa.float64())))
        except pa.ArrowInvalid as error:
            message = f"label column {name!r} is not numeric: {error}"
            raise BadInput(message) from error
    values = as_classes(column)
    classes = tuple(sorted(pc.unique(values.drop_null()).to_pylist()))
    if decided is Task.BINARY and len(classes) != 2:  # noqa: PLR2004
        message = f"label column {name!r} has {len(classes)} classes; a binary label has two"
        raise BadInput(message)
    chosen = positive or _positive(classes, values) if decided is Task.BINARY else None
    if chosen is not None and chosen not in classes:
        message = f"{chosen!r} is not a class of {name!r}; its classes are {', '.join(classes)}"
        raise BadInput(message)
    return Labels(task=decided, values=values, classes=classes, positive=chosen)


def as_classes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Classes as text in the canonical form: whole numbers without a point, true and false."""
    if pa.types.is_floating(column.type):
        whole = pc.equal(pc.floor(column), column)
        if pc.all(whole).as_py():
            column = column.cast(pa.int64())
    return column.cast(pa.string())


def _task(kind: pa.DataType, distinct: int, name: str) -> Task:
    if distinct == 2:  # noqa: PLR2004
        return Task.BINARY
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Task.REGRESSION
    if pa.types.is_integer(kind):
        return Task.MULTICLASS if distinct <= FEW_NUMBERS else Task.REGRESSION
    if distinct > MOST_CLASSES:
        message = f"label column {name!r} has {distinct} classes; at most {MOST_CLASSES} are tried"
        raise BadInput(message)
    return Task.MULTICLASS


def _positive(classes: tuple[str, ...], values: pa.ChunkedArray) -> str:
    """The class that says yes; where neither does, the rarer one."""
    for word in YES:
        for name in classes:
            if name.lower() == word:
                return name
    counts = pc.value_counts(values.drop_null()).to_pylist()
    rarest = min(counts, key=lambda pair: (pair["counts"], pair["values"]))
    return str(rarest["values"])


def _finite(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))
