"""What is said of rows that are not stored."""

import math
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from controlplane.domain.errors import RowError
from controlplane.ingest.batch import Batch

MOST_ERRORS: Final = 20
"""Places that an answer names."""
MOST_KEPT: Final = 10_000
"""Rejected rows of one request that are kept with their text; more are kept as a figure."""
LONGEST_TEXT: Final = 65_536
"""Characters of a rejected row that are kept; one that is cut cannot be sent again."""
MOST_TEXT: Final = 32 * 2**20
"""Characters of all rejected rows of a request; beyond, and of what is wrong with a row, only the
first `CUT_TEXT` are kept."""
CUT_TEXT: Final = 1_000
LONGEST_VALUE: Final = 60


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Rows (`bad`, shape (rows,)) in which a column is not what was expected."""

    column: str
    bad: NDArray[np.bool_]
    expected: str


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """`kept` are (reason, text) of the first rejected rows, `rows` how many there are in all."""

    rows: int = 0
    kept: tuple[tuple[str, str], ...] = ()
    errors: tuple[RowError, ...] = ()

    @property
    def unnamed(self) -> int:
        """Rejected rows whose text is not kept."""
        return self.rows - len(self.kept)


def joined(one: Rejection, other: Rejection) -> Rejection:
    """What is said of other rows of the same batch, too."""
    return Rejection(
        rows=one.rows + other.rows, kept=(*one.kept, *other.kept)[:MOST_KEPT],
        errors=(*one.errors, *other.errors)[:MOST_ERRORS],
    )  # fmt: skip


def rejection_of(batch: Batch, faults: list[Fault], good: NDArray[np.bool_]) -> Rejection:
    """Why each row that is not good is rejected."""
    rejected = np.flatnonzero(~good)
    if not len(rejected):
        return Rejection()
    kept: list[tuple[str, str]] = []
    errors: list[RowError] = []
    room = MOST_TEXT
    for row in rejected[:MOST_KEPT].tolist():
        says = _wrong(batch, faults, row)
        wrong = {fault.column for fault in faults if fault.bad[row]}
        text = _text(batch, row, wrong, LONGEST_TEXT if room > 0 else CUT_TEXT)
        kept.append(("; ".join(says.values()), text))
        room -= len(text)
        if len(errors) < MOST_ERRORS:
            errors += [
                RowError(pointer=pointer, message=said, row=row, line=batch.line(row))
                for pointer, said in says.items()
            ]
    return Rejection(rows=len(rejected), kept=tuple(kept), errors=tuple(errors[:MOST_ERRORS]))


def _wrong(batch: Batch, faults: list[Fault], row: int) -> dict[str, str]:
    """What is wrong with a row, by where; of a row that could not be read, that."""
    if (unread := batch.unreadable.get(row)) is not None:
        return {"": _short(unread.says, CUT_TEXT)}
    return {
        batch.pointer(fault.column, row): _says(batch, fault, row)
        for fault in faults
        if fault.bad[row]
    }


def _says(batch: Batch, fault: Fault, row: int) -> str:
    value = batch.value(fault.column, row)
    shown = str(value) if isinstance(value, date | Decimal) else repr(value)
    found = "missing" if value is None or value == "" else _short(shown, LONGEST_VALUE)
    return f"{fault.column} is {found}; expected {fault.expected}"


def _text(batch: Batch, row: int, wrong: set[str], most: int) -> str:
    """The row as JSON, as far as it can be said; `wrong` are the columns for which it is rejected."""
    if (unread := batch.unreadable.get(row)) is not None:
        return _short(unread.text, most)
    values = {name: _named(batch.value(name, row), name in wrong) for name in batch.columns}
    try:
        text = msgspec.json.encode(values).decode()
    except (TypeError, ValueError, RecursionError):
        text = str({name: str(value) for name, value in values.items()})
    return _short(text, most)


def _named(value: object, is_wrong: bool) -> object:  # noqa: FBT001 - one of two columns' values
    """A value that JSON can say: an infinity by its name, and NaN too where it is what is wrong.
    As null the row would be good when it is sent again, and be another one."""
    if isinstance(value, float) and not math.isfinite(value) and (is_wrong or math.isinf(value)):
        return str(value)
    return value


def _short(text: str, most: int) -> str:
    clean = text.encode(errors="replace").decode()
    return clean if len(clean) <= most else clean[: most - 1] + "…"
