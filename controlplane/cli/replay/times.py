"""Columns of a file as UTC times, and when each label became known."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.cli.replay.written import ISO, MOSTLY, NUMBER, as_written, in_one_way
from controlplane.domain.errors import BadInput

STAMP: Final = pa.timestamp("us", tz="UTC")
BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
UNITS: Final = ((1e6, 1e11), (1e3, 1e14), (1.0, 1e17))
"""Microseconds a unit, and what its numbers stay below until the year 5138."""
MOST_MICROS: Final = 1e17
SECONDS: Final = {"D": 86_400.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_FIRST: Final = -62_135_596_800
_LAST: Final = 253_402_300_799
"""The years from 1 to 9999, in seconds since 1970."""
LEAST_SECONDS: Final = 1e8
"""Unix time of fewer seconds, before March 1973, is no time but a count."""
EXPECTED: Final = "expected dates, times, ISO 8601 text or Unix time"
MOST: Final = 0.95
"""The share of labels that has come when a window's labels close; the rest are corrections."""


def known_times(
    at: pa.ChunkedArray, labels: pa.ChunkedArray,
    *, came: pa.ChunkedArray | None, delay: timedelta | None,
) -> tuple[pa.ChunkedArray, timedelta]:  # fmt: skip
    """When each label became known, null where none did, and the delay after which most have.

    `came` are the times that the file itself gives; without them every label comes `delay` after
    its row, a day where nothing says so. No label is known before its row.
    """
    if came is None:
        delay = DAY if delay is None else delay
        known = pc.add(at, pa.scalar(delay, pa.duration("us")))
    else:
        known = pc.if_else(pc.less(came, at), at, came)
        delay = _usual(at, known) if delay is None else delay
    return pc.if_else(pc.is_valid(labels), known, pa.scalar(None, STAMP)), delay


def _usual(at: pa.ChunkedArray, known: pa.ChunkedArray) -> timedelta:
    """The delay that most labels keep, in whole days, or in whole hours below a day."""
    waits = pc.subtract(known, at).cast(pa.int64()).drop_null().to_numpy()
    if waits.size == 0:
        return DAY
    most = timedelta(microseconds=float(np.quantile(waits, MOST)))
    unit = DAY if most > DAY else HOUR
    return max(-(-most // unit), 1) * unit


def as_times(column: pa.ChunkedArray, name: str, zone: str) -> pa.ChunkedArray:
    """A column as UTC times; what does not parse is null. Times without an offset are of `zone`.

    Raises BadInput where it holds no times at all.
    """
    column = _read(column, name)
    if column.type.tz is None:
        column = pc.assume_timezone(
            column.cast(pa.timestamp("us"), safe=False), zone,
            ambiguous="earliest", nonexistent="latest",
        )  # fmt: skip
    return column.cast(STAMP, safe=False)


class Sent(NamedTuple):
    """Times as they are sent: `times` in UTC, null where a value is none, and `lost` where that is
    so though there is a value (None: nowhere); `values` are the times, or where some are lost texts:
    times with their offset, and the others as they are."""

    times: pa.ChunkedArray
    values: pa.ChunkedArray
    lost: pa.ChunkedArray | None = None


def sent_times(column: pa.ChunkedArray, name: str, zone: str) -> Sent:
    """A column of times for a server that can say which of them are none. Times without an offset
    are of `zone`. Raises BadInput where no value at all is a time, though there are some.
    """
    if column.null_count == len(column):
        nothing = pa.chunked_array([pa.nulls(len(column), STAMP)])
        return Sent(nothing, nothing)
    try:
        times = as_times(column, name, zone)
    except BadInput:
        usual = in_one_way(column.cast(pa.string())) if _is_text(column.type) else None
        if usual is None:
            raise
        times = as_times(usual, name, zone)
    lost = pc.and_(pc.is_valid(column), pc.is_null(times))
    if not pc.any(lost).as_py():
        return Sent(times, times)
    told = pc.strftime(times, format="%Y-%m-%dT%H:%M:%SZ")
    return Sent(times, pc.if_else(lost, column.cast(pa.string()), told), lost)


def sent_anyhow(column: pa.ChunkedArray, name: str, zone: str) -> Sent:
    """The same of rows in the midst of a file, of which every one may be odd. Raises BadInput only
    for a kind of column that can hold no time."""
    try:
        return sent_times(column, name, zone)
    except BadInput:
        if not _is_text(column.type):
            raise
    return Sent(pa.chunked_array([pa.nulls(len(column), STAMP)]), column, pc.is_valid(column))


def _is_text(kind: pa.DataType) -> bool:
    return kind in {pa.string(), pa.large_string(), pa.string_view()}


def is_order(column: pa.ChunkedArray) -> bool:
    """Whether a column holds numbers that are no times, and so an order of rows at most."""
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return False
    values = column.cast(pa.float64(), safe=False)
    return _days_in(values) is None and _size(values) < LEAST_SECONDS


def _read(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """A column as timestamps, with or without an offset."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if _is_text(kind):
        return _of_text(column.cast(pa.string()), name)
    if pa.types.is_date(kind):
        return _within_years(column, "D" if kind == pa.date32() else "ms").cast(pa.timestamp("us"))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _of_numbers(column.cast(pa.float64(), safe=False), name)
    if not pa.types.is_timestamp(kind):
        raise BadInput(f"column {name!r} holds {kind}; {EXPECTED}")
    return _within_years(column, kind.unit)


def _within_years(column: pa.ChunkedArray, unit: str) -> pa.ChunkedArray:
    """Dates or times with null where one is of no year from 1 to 9999, which microseconds or the
    calendar could not hold."""
    if unit == "ns":  # of which 64 bits hold none but the years 1677 to 2262
        return column
    ticks = column.cast(pa.int32()) if unit == "D" else column.cast(pa.int64())
    first, last = (int(edge // SECONDS[unit]) for edge in (_FIRST, _LAST))
    within = pc.and_(pc.greater_equal(ticks, first), pc.less_equal(ticks, last))
    if pc.all(within).as_py() is not False:
        return column
    return pc.if_else(within, column, pa.scalar(None, column.type))


def _of_text(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Texts as times, in the one way of writing that most of them share."""
    read = as_written(column)
    if read is not None:
        return read if pa.types.is_timestamp(read.type) else _parsed(read)
    number = pc.match_substring_regex(column, NUMBER)
    present = len(column) - column.null_count
    if present and (pc.sum(number).as_py() or 0) >= MOSTLY * present:
        numbers = pc.if_else(number, column, pa.scalar(None, pa.string())).cast(pa.float64())
        return _of_numbers(numbers, name)
    texts = column.drop_null()
    found = f"texts such as {_no_time_of(texts)[:40]!r}" if len(texts) else "nothing"
    raise BadInput(f"column {name!r} holds {found}; {EXPECTED}")


def _no_time_of(texts: pa.ChunkedArray) -> str:
    """A text that is not even ISO 8601, rather than one that would do; else the first."""
    place = pc.index(pc.match_substring_regex(texts, ISO), pa.scalar(value=False)).as_py()
    found: str = texts[max(place, 0)].as_py()
    return found


def _of_numbers(values: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    days = _days_in(values)
    if days is not None:
        return days
    if _size(values) < LEAST_SECONDS:
        ends = pc.min_max(values).as_py()
        message = (
            f"column {name!r} holds numbers from {ends['min']:g} to {ends['max']:g}, which as "
            f"Unix time are all of the years about 1970; {EXPECTED}"
        )
        raise BadInput(message)
    return _since_1970(values)


def _days_in(values: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Numbers such as 20240131 as days; None where they are not that."""
    present = values.drop_null()
    inside = pc.and_(pc.greater_equal(present, 19000101), pc.less(present, 21010000))
    if len(present) == 0 or not pc.all(inside).as_py():
        return None
    if not pc.all(pc.equal(pc.floor(present), present)).as_py():
        return None
    days = pc.strptime(
        values.cast(pa.int64()).cast(pa.string()), format="%Y%m%d", unit="us", error_is_null=True
    )
    return days if days.null_count == values.null_count else None


def _size(values: pa.ChunkedArray) -> float:
    numbers = values.to_numpy(zero_copy_only=False)
    return float(np.nanmedian(np.abs(numbers))) if np.isfinite(numbers).any() else 0.0


def _since_1970(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Unix time in seconds, milli-, micro- or nanoseconds, told apart by its size; null where it
    is of this unit no time before the year 5138."""
    values = column.to_numpy(zero_copy_only=False)
    size = _size(column)
    unit = next((unit for unit, most in UNITS if size < most), 1e-3)
    micros = values * unit
    known = np.isfinite(micros) & (np.abs(micros) < MOST_MICROS)
    return pa.chunked_array(
        [pa.array(np.where(known, micros, 0).astype("int64"), mask=~known)]
    ).cast(STAMP)


def _parsed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """ISO 8601 text as times, with or without an offset; anything else becomes null."""
    offset = pc.match_substring_regex(column, r"(Z|[+-]\d{2}:?\d{2})$")
    kind = STAMP if pc.any(offset).as_py() else pa.timestamp("us")
    column = pc.replace_substring_regex(column, r" (Z|[+-]\d{2}:?\d{2})$", r"\1")
    looks = pc.match_substring_regex(column, ISO)
    kept = pc.if_else(pc.fill_null(looks, fill_value=False), column, pa.scalar(None, column.type))
    if kind == STAMP:
        kept = pc.if_else(
            pc.fill_null(offset, fill_value=False), kept, pc.binary_join_element_wise(kept, "Z", "")
        )
    try:
        return kept.cast(kind)
    except pa.ArrowInvalid:
        return pa.chunked_array([[_one(text) for text in kept.to_pylist()]], STAMP)


def _one(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - BEGIN) // timedelta(microseconds=1)


def as_micros(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """A column of times, none of them null, as microseconds since 1970."""
    found: NDArray[np.int64] = times.cast(pa.int64()).to_numpy()
    return found
