"""When each row happened: by a column of times, by its order, or by its place in the file."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.cli.replay.asked import Asked
from controlplane.cli.replay.columns import plain_column
from controlplane.cli.replay.times import DAY, STAMP, as_micros, as_times, is_order
from controlplane.domain.errors import BadInput

BEGINNING: Final = datetime(1970, 1, 5, tzinfo=UTC)
"""Row k of a file without a time column is given hour k from here on."""
SHORTEST: Final = timedelta(days=3)
"""A file of less has no days to speak of, so that it is told in rows."""
FAR: Final = 10
"""Times so many times the middle 90 % of the rows' span away from them stand for no time."""
_WITHOUT: Final = "where the rows stand in the order in which they happened, leave --time out"


def event_times(table: pa.Table, asked: Asked) -> tuple[pa.ChunkedArray, bool, tuple[str, ...]]:
    """Each row's time, null where it has none; whether those are times; what is to be said."""
    if asked.time is None:
        return _hours(np.arange(table.num_rows), np.ones(table.num_rows, np.bool_)), False, ()
    column = plain_column(table, asked.time, "of times")
    if is_order(column):
        _refuse_label_time(asked)
        why = f"{asked.time} holds numbers that are no times: rows go in their order"
        return _ranked(column.cast(pa.float64(), safe=False)), False, (why,)
    try:
        at = as_times(column, asked.time, asked.time_zone)
    except BadInput as error:
        message = f"{error}; {_WITHOUT}"
        raise BadInput(message) from None
    if at.null_count == len(at) > 0:
        message = (
            f"nothing in column {asked.time!r} reads as a time; found "
            f"{column[0].as_py()!r}, expected for example 2024-03-01 06:00:00"
        )
        raise BadInput(message)
    at, odd = _without_far(at)
    said: tuple[str, ...] = ()
    if odd:
        said = (f"{odd} times far from all others stand for none",)
    ends = pc.min_max(at).as_py()
    if not asked.has_file and not asked.label_time and ends["max"] - ends["min"] < SHORTEST:
        span = ends["max"] - ends["min"]
        said = (
            *said,
            f"all of it happened within {span}: too short for days, so it is told in rows",
        )
        return _ranked(at.cast(pa.int64()).cast(pa.float64(), safe=False)), False, said
    return at, True, said


def _refuse_label_time(asked: Asked) -> None:
    if asked.label_time is not None:
        message = (
            f"--label-time needs times of the rows too, and column {asked.time!r} holds numbers "
            "that are none"
        )
        raise BadInput(message)


def _ranked(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Hours in the order of values, those alike in the file's; null where there is none."""
    numbers = values.to_numpy(zero_copy_only=False)
    there = np.isfinite(numbers)
    ranks = np.empty(len(numbers), np.int64)
    ranks[np.argsort(np.where(there, numbers, np.inf), kind="stable")] = np.arange(len(numbers))
    return _hours(ranks, there)


def _hours(ranks: NDArray[np.int64], there: NDArray[np.bool_]) -> pa.ChunkedArray:
    first = int(BEGINNING.timestamp() * 1_000_000)
    return pa.chunked_array([pa.array(ranks * 3_600_000_000 + first, mask=~there)]).cast(STAMP)


def _without_far(at: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """Times without those that only stand for none, such as 1900-01-01 or 9999-12-31."""
    known = as_micros(at.drop_null())
    low, high = np.quantile(known, [0.05, 0.95])
    room = FAR * (high - low) + 365 * DAY / timedelta(microseconds=1)
    micros = at.cast(pa.int64())
    odd = pc.or_(pc.less(micros, int(low - room)), pc.greater(micros, int(high + room)))
    count = int(pc.sum(odd).as_py() or 0)
    return (pc.if_else(odd, pa.scalar(None, STAMP), at), count) if count else (at, 0)
