"""CSV with a line of names: RFC 4180, its values typed as JSON's would be."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.ingest.batch import (
    MOST_COLUMNS,
    MOST_ROWS,
    Batch,
    Shape,
    Unreadable,
    Values,
    batch_of,
)
from controlplane.ingest.formats.csv_records import record_lines
from controlplane.ingest.formats.json import BYTE_ORDER_MARK
from controlplane.ingest.formats.untyped import typed
from controlplane.ingest.unfolding import unfolds_to

TEXTS: Final = frozenset({"id", "version", "role"})
"""Columns that stay the texts that they are."""
COPIES: Final = 7
"""A body of CSV is there three and a half times while it is read, where others are twice: it counts
seven quarters of its bytes."""
_REPLACED: Final = "\ufffd"
"""What stands where a byte was no UTF-8."""
_LONGEST_SHOWN: Final = 1_000
"""Characters of a row that cannot be read."""


_SEPARATORS: Final = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
"""Signs that stand between values in files called CSV; the first two are taken."""


class _Read(NamedTuple):
    """The records that have as many fields as the header, and the others by their number; the
    header is number 1."""

    table: pa.Table
    ragged: dict[int, Unreadable]


def decode(body: bytes, *, digest: str = "") -> Batch:
    """The columns of a CSV body. Raises BadInput, TooLarge.

    A record with more or fewer fields than the header, one that is not UTF-8, and a last one whose
    quotes are not closed, are rejected with their line, the others stored. What is not quoted and
    empty, or a word such as `NA`, is missing; what is quoted is the text that it is.
    """
    return decoded(body, ",", digest)


def decode_tabs(body: bytes, *, digest: str = "") -> Batch:
    """The same of a body whose values stand between tabs. Raises BadInput, TooLarge."""
    return decoded(body, "\t", digest)


def decoded(body: bytes, delimiter: str, digest: str) -> Batch:
    """The columns of a body whose values stand between `delimiter`. Raises BadInput, TooLarge."""
    text = body.removeprefix(BYTE_ORDER_MARK)
    if (rows := text.count(b"\n")) > 2 * MOST_ROWS:
        message = f"{rows} lines came; expected at most {MOST_ROWS} in one request"
        raise TooLarge(message)
    unfolds_to(len(text) * COPIES // 4)
    begun = record_lines(text)
    if is_spoilt := not _is_utf8(text):
        text = text.decode(errors="replace").encode()
    if len(begun) <= 1 and not text.endswith(b"\n"):
        text += b"\n"  # without it a header alone is no header
    names = _names(text, begun, delimiter)
    found = _read(text, names, delimiter)
    records = 1 + found.table.num_rows + len(found.ragged)
    lines = begun[1:] if len(begun) == records else None
    return _batch(_placed(found), lines, text, size=len(body), digest=digest, is_spoilt=is_spoilt)


def _names(text: bytes, begun: NDArray[np.int64], delimiter: str) -> list[str]:
    """The header's names. Raises BadInput, TooLarge."""
    header = text if len(begun) <= 1 else _until_line(text, int(begun[1]))
    if header.count(delimiter.encode()) >= MOST_COLUMNS:
        message = f"more than {MOST_COLUMNS} columns came; expected at most so many in one request"
        raise TooLarge(message)
    try:
        table = pyarrow.csv.read_csv(
            pa.py_buffer(header), read_options=_options(header), parse_options=_manner(delimiter)
        )
        names = list(table.column_names)
    except pa.ArrowException as error:
        message = f"the body is not CSV with a line of column names: {_why(error)}"
        raise BadInput(message) from None
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        message = f"the header has the column {twice!r} twice; expected a name a column"
        raise BadInput(message)
    if len(names) == 1 and any(sign in names[0] for sign in _SEPARATORS.keys() - {delimiter}):
        between = _SEPARATORS[delimiter]
        message = f"the header is one name, {names[0][:60]!r}; expected {between} between names"
        raise BadInput(message)
    return names


def _until_line(text: bytes, line: int) -> bytes:
    """Everything before a line, which counts from 1."""
    end = 0
    for _ in range(line - 1):
        end = text.index(b"\n", end) + 1
    return text[:end]


def _read(text: bytes, names: list[str], delimiter: str) -> _Read:
    ragged: dict[int, Unreadable] = {}

    def passed_over(row: pyarrow.csv.InvalidRow) -> str:
        says = f"has {row.actual_columns} fields; expected {row.expected_columns}, as the header"
        ragged[row.number] = Unreadable(says=says, text=row.text[:_LONGEST_SHOWN])
        return "skip"

    convert = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True,
        quoted_strings_can_be_null=False, check_utf8=False,
    )  # fmt: skip
    try:
        table = pyarrow.csv.read_csv(
            pa.py_buffer(text), read_options=_options(text), convert_options=convert,
            parse_options=_manner(delimiter, passed_over),
        )  # fmt: skip
    except pa.ArrowException as error:
        message = f"the body is not CSV: {_why(error)}"
        raise BadInput(message) from None
    return _Read(table, ragged)


def _options(text: bytes) -> pyarrow.csv.ReadOptions:
    """One block, since no record may reach over the end of one."""
    return pyarrow.csv.ReadOptions(use_threads=False, block_size=len(text) + 1)


def _manner(delimiter: str, ragged: object = None) -> pyarrow.csv.ParseOptions:
    return pyarrow.csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=ragged
    )


class _Placed(NamedTuple):
    """Columns with a place for every record, and what is wrong with those that have no values."""

    columns: dict[str, pa.ChunkedArray]
    rows: int
    unreadable: dict[int, Unreadable]


def _placed(found: _Read) -> _Placed:
    """Records that could not be read put where they stood."""
    table = found.table
    columns = dict(zip(table.column_names, table.columns, strict=True))
    rows = table.num_rows + len(found.ragged)
    if not found.ragged:
        return _Placed(columns, rows, {})
    gone = np.array(sorted(found.ragged), np.int64) - 2
    kept = np.ones(rows, np.bool_)
    kept[gone] = False
    places = pa.array(np.cumsum(kept) - 1, mask=~kept)
    return _Placed(
        {name: values.take(places) for name, values in columns.items()}, rows,
        {number - 2: wrong for number, wrong in found.ragged.items()},
    )  # fmt: skip


def _batch(
    placed: _Placed, lines: NDArray[np.int64] | None, text: bytes, *, size: int, digest: str,
    is_spoilt: bool,
) -> Batch:  # fmt: skip
    unreadable = dict(placed.unreadable)
    columns: dict[str, Values] = {}
    if placed.rows and placed.rows - 1 not in unreadable and _is_open(text, placed):
        unreadable[placed.rows - 1] = Unreadable("opens a quote that is not closed", "")
    if is_spoilt:
        _marked(placed.columns, unreadable)
    for name, texts in placed.columns.items():
        columns[name] = texts if name in TEXTS else typed(texts)
    told = {row: _told(wrong, row, lines) for row, wrong in unreadable.items()}
    return batch_of(
        columns, Shape.LINES if lines is not None else Shape.TABLE, size=size, digest=digest,
        lines=lines, unreadable=told,
    )  # fmt: skip


def _is_open(text: bytes, placed: _Placed) -> bool:
    """Whether the last record ends within quotes, so that it may have swallowed others."""
    if text.count(b'"') % 2 == 0:
        return False
    last = text.rstrip(b"\r\n").rpartition(b"\n")[2]
    values = (column[placed.rows - 1].as_py() or "" for column in placed.columns.values())
    return last.count(b'"') % 2 == 1 or any("\n" in value for value in values)


def _marked(columns: Mapping[str, pa.ChunkedArray], unreadable: dict[int, Unreadable]) -> None:
    """Rows with a text in which a byte had to be replaced are unreadable."""
    for name, values in columns.items():
        spoilt = pc.fill_null(pc.match_substring(values, _REPLACED), fill_value=False)
        for row in np.flatnonzero(spoilt.to_numpy()).tolist():
            shown = str(values[row])[:_LONGEST_SHOWN]
            unreadable.setdefault(
                row, Unreadable(f"has bytes in the column {name} that are not UTF-8", shown)
            )


def _is_utf8(text: bytes) -> bool:
    offsets = pa.py_buffer(np.array([0, len(text)], np.int64))
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(text)])
    try:
        whole.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _told(wrong: Unreadable, row: int, lines: NDArray[np.int64] | None) -> Unreadable:
    place = f"row {row + 1}" if lines is None else f"line {lines[row]}"
    return Unreadable(f"{place} {wrong.says}", wrong.text)


def _why(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
