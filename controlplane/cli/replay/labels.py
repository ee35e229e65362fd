"""What a label column asks for: a number, one of two classes, or one of many."""

from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.cli.replay.columns import numbers_among_words
from controlplane.domain.errors import BadInput
from controlplane.domain.schema import Task

MOST_CLASSES: Final = 50
FEASIBLE: Final = 250
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
    column = _as_numbers(_labelled(column, name), task)
    empty = pa.types.is_null(column.type)
    distinct = 0 if empty else pc.count_distinct(column, mode="only_valid").as_py()
    if distinct < 2:  # noqa: PLR2004
        found = "no value" if distinct == 0 else f"one value alone, {column.drop_null()[0].as_py()}"
        message = f"label column {name!r} has {found}; expected two different ones or more"
        raise BadInput(message)
    decided = Task(task) if task else _task(column, distinct, name)
    if decided is Task.REGRESSION:
        if not (_is_number(column.type) or pa.types.is_boolean(column.type)):
            message = f"label column {name!r} holds {column.type}, not numbers; a regression needs numbers"
            raise BadInput(message)
        return Labels(task=decided, values=_finite(column.cast(pa.float64(), safe=False)))
    return _classes(as_classes(column), name, decided, positive)


def _labelled(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Labels as numbers, truths or texts; of times or what has several parts none are made."""
    kind = column.type
    if _is_number(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return _present(column)
    if pa.types.is_null(kind):
        return column
    message = f"label column {name!r} holds {kind}; expected numbers, truth values or texts"
    raise BadInput(message)


def _present(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without what stands for no label: NaN, infinite, a blank text."""
    if pa.types.is_floating(column.type):
        return _finite(column.cast(pa.float64()))
    if pa.types.is_string(column.type):
        text = pc.utf8_trim_whitespace(pc.replace_substring_regex(column, r"[\r\n\t]+", " "))
        return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    return column


def _as_numbers(column: pa.ChunkedArray, task: str | None) -> pa.ChunkedArray:
    """Texts that are nearly all numbers as those, where they are not to be classes."""
    if not pa.types.is_string(column.type) or task in {"binary", "multiclass"}:
        return column
    read = numbers_among_words(column)
    return column if read is None else read


def _classes(values: pa.ChunkedArray, name: str, task: Task, positive: str | None) -> Labels:
    classes = tuple(sorted(pc.unique(values.drop_null()).to_pylist()))
    if len(classes) > (FEASIBLE if task is Task.MULTICLASS else 2):
        most = (
            f"at most {FEASIBLE} can be told apart"
            if task is Task.MULTICLASS
            else "a binary label has two"
        )
        message = f"label column {name!r} has {len(classes)} classes; {most}"
        raise BadInput(message)
    if task is not Task.BINARY:
        return Labels(task=task, values=values, classes=classes)
    chosen = _positive(classes, values) if positive is None else _meant(positive, classes)
    if chosen is None:
        message = f"{positive!r} is not a class of {name!r}; its classes are {', '.join(classes)}"
        raise BadInput(message)
    return Labels(task=task, values=values, classes=classes, positive=chosen)


def _meant(positive: str, classes: tuple[str, ...]) -> str | None:
    """The class that a word of the command line names: `True` and `1.0` are `true` and `1`."""
    spelled = positive.strip().removesuffix(".0").lower()
    alike = [name for name in classes if name.lower() == spelled]
    return positive if positive in classes else alike[0] if len(alike) == 1 else None


def as_classes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Classes as text in the canonical form: whole numbers without a point, true and false."""
    if _is_whole(column):
        column = column.cast(pa.float64()).cast(pa.int64())
    return column.cast(pa.string())


def _is_whole(column: pa.ChunkedArray) -> bool:
    """Whether floats or decimals are all whole numbers."""
    if not (pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        return False
    values = column.cast(pa.float64(), safe=False).drop_null()
    whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), 2.0**53))
    return bool(pc.all(whole).as_py())


def _task(column: pa.ChunkedArray, distinct: int, name: str) -> Task:
    kind = column.type
    if distinct == 2:  # noqa: PLR2004
        return Task.BINARY
    if _is_number(kind):
        few = distinct <= FEW_NUMBERS and (pa.types.is_integer(kind) or _is_whole(column))
        return Task.MULTICLASS if few else Task.REGRESSION
    if distinct > MOST_CLASSES:
        message = (
            f"label column {name!r} has {distinct} classes; at most {MOST_CLASSES} are taken "
            "unless --task multiclass says that they are meant"
        )
        raise BadInput(message)
    return Task.MULTICLASS


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


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
