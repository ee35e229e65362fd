"""What is compared of a column of dates in place of the dates, which always move.

A date becomes three columns: its age when its row happened, in seconds, its hour of the day, and
its day of the week. They are named after it: `booked (age)`, `booked (hour)`, `booked (weekday)`.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from detectors.finding import Kind, Sample

AGE: Final = " (age)"
HOUR: Final = " (hour)"
WEEKDAY: Final = " (weekday)"
LEAST_SPANS: Final[Mapping[str, timedelta]] = {
    AGE: timedelta(0), HOUR: timedelta(days=2), WEEKDAY: timedelta(days=14),
}  # fmt: skip
"""How long a reference has to be for each."""
_DAY: Final = 86_400_000_000
_MICROS: Final = pa.timestamp("us", "UTC")
HOURS: Final = tuple(f"{hour:02}" for hour in range(24))
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def derived(sample: Sample, at: pa.ChunkedArray, *, zone: str = "UTC") -> tuple[Sample, ...]:
    """The columns that a column of dates is compared by; `at` are the event times of its rows.

    Ages are negative for dates still to come. Hours (00 to 23) and days of the week are levels, by
    the clock of `zone`; a column of whole days has no hour. Times without a zone are UTC. Missing
    dates are missing in all of them, and times of day have an hour alone. O(rows). Raises
    ValueError where the column holds no dates or `at` has another number of rows.

    >>> from datetime import datetime
    >>> dates = Sample("booked", Kind.DATETIME, pa.chunked_array([[datetime(2024, 3, 1, 6), None]]))
    >>> at = pa.chunked_array([[datetime(2024, 3, 2, 6), datetime(2024, 3, 2, 6)]])
    >>> [(s.column, s.values.to_pylist()) for s in derived(dates, at)]
    [('booked (age)', [86400.0, None]), ('booked (hour)', ['06', None]), ('booked (weekday)', ['Friday', None])]
    """
    kind = sample.values.type
    if len(at) != len(sample.values):
        raise ValueError(
            f"{sample.column} has {len(sample.values)} rows and the event times {len(at)}; "
            "expected as many"
        )
    if pa.types.is_time(kind):
        return (_hour(sample.column, sample.values),)
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise ValueError(f"{sample.column} holds {kind}; expected dates or times")
    moments = _moments(sample.values)
    local = moments.cast(pa.timestamp("us", zone))
    found = [_age(sample.column, moments, _moments(at))]
    if not pa.types.is_date(kind):
        found.append(_hour(sample.column, local))
    return (*found, _weekday(sample.column, moments if pa.types.is_date(kind) else local))


def settled(sample: Sample, at: pa.ChunkedArray) -> frozenset[str]:
    """The names of the columns that a reference is compared by, of those that `derived` gives.

    Whole days have no hour, and the hour and the weekday need so long a reference (`LEAST_SPANS`):
    of a shorter one, hours and days that it has not seen would count as new. None where no date or
    no event time is known. O(rows).
    """
    limits = pc.min_max(at)
    first, last = (limits[end].as_py() for end in ("min", "max"))
    if sample.values.null_count == len(sample.values) or first is None or last is None:
        return frozenset()
    parts = [part for part, least in LEAST_SPANS.items() if last - first >= least]
    if are_whole_days(sample.values):
        parts = [part for part in parts if part != HOUR]
    return frozenset(sample.column + part for part in parts)


def among(
    sample: Sample, at: pa.ChunkedArray, names: Collection[str], *, zone: str = "UTC"
) -> list[Sample]:
    """Those columns of `derived` that a reference settled; of whole days the weekday that was
    written, whatever the zone."""
    is_days = sample.column + WEEKDAY in names and sample.column + HOUR not in names
    found = derived(as_days(sample) if is_days else sample, at, zone=zone)
    return [each for each in found if each.column in names]


def are_whole_days(values: pa.ChunkedArray) -> bool:
    """Whether dates or times say no time of day: all that are there begin a day, by UTC. O(rows).

    True where there is none; what is kept as times is often written as days.

    >>> are_whole_days(pa.chunked_array([pa.array([0, 86_400, None], pa.timestamp("s"))]))
    True
    """
    kind = values.type
    if pa.types.is_date(kind):
        return True
    if pa.types.is_time(kind):
        return False
    moments = _moments(values).cast(pa.int64()).drop_null().to_numpy()
    return not bool((moments % _DAY).any())


def as_days(sample: Sample) -> Sample:
    """Times as the days, by UTC, that they lie in: a column that has no hour."""
    days = _moments(sample.values).cast(pa.timestamp("us")).cast(pa.date32(), safe=False)
    return Sample(sample.column, sample.kind, days)


def _moments(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times to the microsecond, in UTC; finer ones are cut."""
    kind = values.type
    if pa.types.is_timestamp(kind) and kind.tz is None:
        values = values.cast(pa.timestamp("us"), safe=False)
    return values.cast(pa.timestamp("us"), safe=False).cast(_MICROS)


def _age(column: str, moments: pa.ChunkedArray, at: pa.ChunkedArray) -> Sample:
    # As doubles: dates that lie far off would pass what 64 bits hold of microseconds.
    both = (each.cast(pa.int64()).cast(pa.float64(), safe=False) for each in (at, moments))
    seconds = pc.divide(pc.subtract(*both), 1e6)
    return Sample(f"{column}{AGE}", Kind.NUMERIC, seconds)


def _hour(column: str, values: pa.ChunkedArray) -> Sample:
    hours = pc.utf8_lpad(pc.hour(values).cast(pa.string()), width=2, padding="0")
    return Sample(f"{column}{HOUR}", Kind.CATEGORICAL, hours)


def _weekday(column: str, values: pa.ChunkedArray) -> Sample:
    places = pc.day_of_week(values)
    names = [pa.array(DAYS, pa.string()).take(chunk) for chunk in places.chunks]
    return Sample(f"{column}{WEEKDAY}", Kind.CATEGORICAL, pa.chunked_array(names, pa.string()))
