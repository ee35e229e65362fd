"""A column of any kind to a column of one kind, and which values would not go.

Whole columns are cast at once; only a column that does not cast is looked at value by value.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.schema import canonical_label
from controlplane.ingest.batch import Unusable, Values
from detectors.finding import Kind

INSTANT: Final = pa.timestamp("us", "UTC")
_NAIVE: Final = pa.timestamp("us")
_CUT: Final = {kind: pc.CastOptions(kind, allow_time_truncate=True) for kind in (INSTANT, _NAIVE)}
"""What is finer is cut off; what is too far away for microseconds will not go."""
_BLANK: Final = ""
_TRUTH: Final = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)

Cast = Callable[[pa.ChunkedArray], pa.ChunkedArray]
One = Callable[[object], object]

_NO_ITEM: Final = (pa.ArrowException, OverflowError, ValueError, LookupError)  # or no such zone


class Coerced(NamedTuple):
    """Values of one kind, null where `bad`; `bad` has shape (rows,), None where all went well."""

    values: pa.ChunkedArray
    bad: NDArray[np.bool_] | None = None


class _WillNotGoError(Exception):
    """A value, or a column at once, that is not of the kind."""


def numbers(values: Values) -> Coerced:
    """Doubles; truth values count 1 and 0, texts that are numbers are taken, blank is null."""
    return _coerced(values, _cast_numbers, _one_number, pa.float64())


def present_numbers(values: Values) -> Coerced:
    """Doubles with NaN as null: a feature or score that is not a number is missing."""
    found = numbers(values)
    if not _may_have_nan(found.values):
        return found
    known = pc.if_else(pc.is_nan(found.values), pa.scalar(None, pa.float64()), found.values)
    return Coerced(known, found.bad)


def _may_have_nan(values: pa.ChunkedArray) -> bool:
    """False where no double is NaN; what stands in place of a null may be one."""
    return any(bool(np.isnan(_doubles(chunk)).any()) for chunk in values.chunks if len(chunk))


def _doubles(chunk: pa.DoubleArray) -> NDArray[np.float64]:
    """The doubles as they lie in memory, whatever stands in place of nulls; shape (n,)."""
    laid = np.frombuffer(chunk.buffers()[1], np.float64)
    return laid[chunk.offset : chunk.offset + len(chunk)]


def finite_numbers(values: Values) -> Coerced:
    """Doubles, where NaN and the infinities do not go: predictions and labels."""
    found = numbers(values)
    odd = pc.fill_null(pc.invert(pc.is_finite(found.values)), fill_value=False)
    if not pc.any(odd).as_py():
        return found
    mask = _mask(odd)
    known = pc.if_else(odd, pa.scalar(None, pa.float64()), found.values)
    return Coerced(known, mask if found.bad is None else mask | found.bad)


def classes(values: Values) -> Coerced:
    """Text in the canonical form of a class: `1.0` is `1`, True is `true`; NaN is null."""
    return _coerced(values, _cast_classes, _one_class, pa.string())


def truths(values: Values) -> Coerced:
    """Truth values; 1, 0 and the texts true, false, 1, 0 are taken."""
    return _coerced(values, _cast_truths, _one_truth, pa.bool_())


def instants(values: Values) -> Coerced:
    """Times in UTC; each must say its offset."""
    return _coerced(values, _cast_instants, _one_instant, INSTANT)


def moments(values: Values) -> Coerced:
    """Times of a feature: dates too, and without an offset in UTC."""
    return _coerced(values, _cast_moments, _one_moment, INSTANT)


COERCIONS: Final[dict[Kind, tuple[Callable[[Values], Coerced], str]]] = {
    Kind.NUMERIC: (present_numbers, "a number"),
    Kind.CATEGORICAL: (classes, "a text, a number or a truth value"),
    Kind.BOOLEAN: (truths, "true or false"),
    Kind.DATETIME: (moments, "a date or a time, such as 2024-03-01T06:00:00Z"),
}
"""How a feature of each kind is read, and what it is said to be expected."""


def _coerced(values: Values, cast: Cast, one: One, kind: pa.DataType) -> Coerced:
    if isinstance(values, pa.ChunkedArray):
        try:
            return Coerced(_nulls(len(values), kind) if values.type == pa.null() else cast(values))
        except (pa.ArrowException, _WillNotGoError, OverflowError, ValueError):
            pass
    return _one_by_one(values, one, kind)


def _one_by_one(values: Values, one: One, kind: pa.DataType) -> Coerced:
    rows = len(values)
    bad = np.zeros(rows, dtype=np.bool_)
    found: list[object] = [None] * rows
    for row, value in enumerate(_items(values)):
        try:
            found[row] = one(value)
        except (_WillNotGoError, ValueError, OverflowError):
            bad[row] = True
    try:
        typed = pa.chunked_array([pa.array(found, kind)])
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        return Coerced(_nulls(rows, kind), np.ones(rows, dtype=np.bool_))
    return Coerced(typed, bad if bad.any() else None)


def _items(values: Values) -> list[object]:
    if isinstance(values, list):
        return values
    try:
        items: list[object] = values.to_pylist()
    except _NO_ITEM:
        items = [_item(value) for value in values]
    return items


def _item(value: pa.Scalar) -> object:
    try:
        return value.as_py()
    except _NO_ITEM:
        return Unusable(str(value.type))


def _nulls(rows: int, kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(rows, kind)])


def _mask(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = values.to_numpy()
    return found


# Whole columns.


def _cast_numbers(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_string(kind):
        trimmed = pc.utf8_trim_whitespace(values)
        known = pc.if_else(pc.equal(trimmed, _BLANK), pa.scalar(None, pa.string()), trimmed)
        return known.cast(pa.float64())
    if pa.types.is_boolean(kind):
        return values.cast(pa.uint8()).cast(pa.float64())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return values.cast(pa.float64(), safe=False)
    raise _WillNotGoError


def _cast_classes(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """By the distinct values, so that a class is written the same wherever it comes from."""
    kind = values.type
    if pa.types.is_string(kind):
        return values
    if pa.types.is_nested(kind) or pa.types.is_temporal(kind):
        raise _WillNotGoError
    coded = values.combine_chunks().dictionary_encode()
    written = pa.array([_one_class(v) for v in coded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([written.take(coded.indices)])


def _cast_truths(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_boolean(kind):
        return values
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise _WillNotGoError
    known = values.cast(pa.float64(), safe=False)
    if not pc.all(pc.is_in(known, pa.array([0.0, 1.0, None]))).as_py():
        raise _WillNotGoError
    return pc.equal(known, 1.0)


def _cast_instants(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if not (pa.types.is_string(kind) or (pa.types.is_timestamp(kind) and kind.tz is not None)):
        raise _WillNotGoError
    return _in_range(values.cast(options=_CUT[INSTANT]))


def _cast_moments(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return _in_range(values.cast(options=_CUT[_NAIVE]).cast(INSTANT))
    if pa.types.is_date(kind):
        return _in_range(values.cast(_NAIVE).cast(INSTANT))
    if pa.types.is_string(kind):
        try:
            return _in_range(values.cast(_NAIVE).cast(INSTANT))
        except pa.ArrowInvalid:
            return _cast_instants(values)
    return _cast_instants(values)


def _in_range(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times that Python can hold; a column with another one will not go at once."""
    first, last = pa.scalar(_FIRST, INSTANT), pa.scalar(_LAST, INSTANT)
    inside = pc.and_(pc.greater_equal(values, first), pc.less_equal(values, last))
    if not pc.all(pc.fill_null(inside, fill_value=True)).as_py():
        raise _WillNotGoError
    return values


# One value.


def _one_number(value: object) -> float | None:
    match value:
        case None:
            return None
        case bool() | int() | float():
            return float(value)
        case str() if "_" not in value:
            return float(value) if value.strip() else None
        case _:
            raise _WillNotGoError


def _one_class(value: object) -> str | None:
    match value:
        case float() if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124
            return None if value != value else str(value)  # noqa: PLR0124
        case None | bool() | int() | float() | str() | Decimal():
            return canonical_label(value)
        case datetime() | date():
            return value.isoformat()
        case _:
            raise _WillNotGoError


def _one_truth(value: object) -> bool | None:
    match value:
        case None | bool():
            return value
        case int() | float() | str():
            known = _TRUTH.get(str(value).strip().lower())
            if known is None and str(value).strip():
                raise _WillNotGoError
            return known
        case _:
            raise _WillNotGoError


def _one_instant(value: object) -> datetime | None:
    moment = _one_time(value)
    if moment is not None and moment.tzinfo is None:
        raise _WillNotGoError
    return None if moment is None else moment.astimezone(UTC)


def _one_moment(value: object) -> datetime | None:
    moment = _one_time(value)
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _one_time(value: object) -> datetime | None:
    """A time as it was written. Raises ValueError, _WillNotGoError."""
    match value:
        case None:
            return None
        case datetime():
            return value
        case date():
            return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - as written
        case str() if value.strip():
            return datetime.fromisoformat(value.strip().upper())
        case str():
            return None
        case _:
            raise _WillNotGoError
