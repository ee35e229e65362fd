"""Columns of a file as UTC times, and when each label became known."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.errors import BadInput

STAMP: Final = pa.timestamp("us", tz="UTC")
BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
UNITS: Final = ((1e6, 1e11), (1e3, 1e14), (1.0, 1e17))
"""Microseconds a unit, and what its numbers stay below until the year 5138."""
MOST_MICROS: Final = 1e17
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
        known = pc.max_element_wise(came, at, skip_nulls=False)
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
    """A column as UTC times; what does not parse is null. Times without an offset are of `zone`."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _parsed(column)
        kind = column.type
    if pa.types.is_date(kind):
        column, kind = column.cast(pa.timestamp("us")), pa.timestamp("us")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        column, kind = _since_1970(column.cast(pa.float64())), STAMP
    if not pa.types.is_timestamp(kind):
        message = f"column {name!r} holds {kind}; expected dates, times, ISO 8601 text or Unix time"
        raise BadInput(message)
    if kind.tz is None:
        column = pc.assume_timezone(
            column.cast(pa.timestamp("us")), zone, ambiguous="earliest", nonexistent="latest"
        )
    return column.cast(STAMP)


def _since_1970(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Unix time in seconds, milli-, micro- or nanoseconds, told apart by its size; null where it
    is of this unit no time before the year 5138."""
    values = column.to_numpy(zero_copy_only=False)
    size = float(np.nanmedian(np.abs(values))) if np.isfinite(values).any() else 0.0
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
    looks = pc.match_substring_regex(
        column, r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$"
    )
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
