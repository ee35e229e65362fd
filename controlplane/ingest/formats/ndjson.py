"""JSON lines: a row a line, so that one broken line costs one row and no more."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.ingest.batch import MOST_ROWS, Batch, Shape, Unreadable, batch_of, kind_of
from controlplane.ingest.formats.json import BYTE_ORDER_MARK, MOST_VALUES, TIMES
from controlplane.ingest.formats.stacking import stacked
from controlplane.ingest.loose import loosely_read
from controlplane.ingest.unfolding import unfolds_to

PART: Final = 4 * 2**20
"""Bytes of lines that are looked at together."""
_EXPECTED: Final = "expected a row as an object with its values"
_NEWLINE, _RETURN, _OPENS, _SHUTS = (ord(sign) for sign in "\n\r{}")


class _Lines(NamedTuple):
    """The objects of the lines that are not blank, which lines those are (from 1), and what was
    wrong with a row, by its place among them."""

    rows: list[object]
    numbers: NDArray[np.int64]
    unreadable: dict[int, Unreadable]


def decode(body: bytes, *, digest: str = "") -> Batch:
    """The columns of a body of JSON lines; blank lines are passed over. Raises TooLarge.

    A line that is no object (cut off, nested too deep, a list) is a row that is rejected with its
    line; so a body whose last line is half stores all the others.
    """
    text = body.removeprefix(BYTE_ORDER_MARK)
    if text.count(b",") > MOST_VALUES:
        message = (
            f"the body may hold more than {MOST_VALUES} values; send it in several requests, or as "
            "an Arrow stream"
        )
        raise TooLarge(message)
    if (rows := text.count(b"\n")) > 2 * MOST_ROWS:
        message = f"{rows} lines came; expected at most {MOST_ROWS} in one request"
        raise TooLarge(message)
    unfolds_to(len(text), times=TIMES)
    numbers: list[NDArray[np.int64]] = []
    unreadable: dict[int, Unreadable] = {}
    columns = stacked(_parts(text, numbers, unreadable))
    return batch_of(
        columns, Shape.LINES, size=len(body), digest=digest,
        lines=np.concatenate([*numbers, np.zeros(0, np.int64)]), unreadable=unreadable,
    )  # fmt: skip


def _parts(
    text: bytes, numbers: list[NDArray[np.int64]], unreadable: dict[int, Unreadable]
) -> Iterator[list[object]]:
    """The objects of some lines after the other, and into `numbers` and `unreadable` what else
    there is to know of them."""
    begin = before = rows = 0
    while begin < len(text):
        end = text.find(b"\n", begin + PART) + 1 or len(text)
        some = text[begin:end]
        found = _at_once(some, before) or _one_by_one(some, before)
        numbers.append(found.numbers)
        unreadable |= {rows + row: wrong for row, wrong in found.unreadable.items()}
        yield found.rows
        rows += len(found.rows)
        before += some.count(b"\n")
        begin = end


def _at_once(text: bytes, before: int) -> _Lines | None:
    """All lines, after so many others, in one call; None where one of them may be no object of its own.

    Between two tokens of one value no `}` is followed by `{`, so lines that all begin with the one
    and end with the other hold whole objects; and as many objects as lines are one a line.
    """
    signs = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(signs == _NEWLINE)
    if text and not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    if not ends.size:
        return _Lines([], ends, {})
    begins = np.concatenate([[0], ends[:-1] + 1])
    ends = ends - ((ends > begins) & (signs[ends - 1] == _RETURN))
    full = ends > begins
    begins, ends = begins[full], ends[full]
    if not ((signs[begins] == _OPENS) & (signs[ends - 1] == _SHUTS)).all():
        return None
    try:
        rows: list[object] = _decoder.decode_lines(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return _Lines(rows, np.flatnonzero(full) + before + 1, {}) if len(rows) == len(begins) else None


def _one_by_one(text: bytes, before: int) -> _Lines:
    """Line by line, where something is wrong with one of them and it has to be told with which."""
    rows: list[object] = []
    numbers: list[int] = []
    unreadable: dict[int, Unreadable] = {}
    for number, line in enumerate(text.split(b"\n"), before + 1):
        if not line.strip():
            continue
        row, wrong = _one(line)
        if wrong is not None:
            unreadable[len(rows)] = Unreadable(
                says=f"line {number} is {wrong}; {_EXPECTED}", text=line.decode(errors="replace")
            )
        rows.append(row)
        numbers.append(number)
    return _Lines(rows, np.array(numbers, dtype=np.int64), unreadable)


def _one(line: bytes) -> tuple[object, str | None]:
    try:
        found = loosely_read(line)
    except BadInput as error:
        return {}, str(error)
    return (found, None) if isinstance(found, dict) else ({}, kind_of(found))


_decoder: Final[msgspec.json.Decoder[object]] = msgspec.json.Decoder(object)
