"""The first and last date of a column: every unit, every century."""

import math
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from detectors.dated import bounds


def column(values, kind):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_every_unit_gives_the_same_moments(unit, zone) -> None:
    tz = UTC if zone else None
    days = [datetime(2024, 3, 1, 7, tzinfo=tz), None, datetime(2024, 1, 1, tzinfo=tz)]

    assert bounds(column(days, pa.timestamp(unit, zone))) == (days[2], days[0])


def test_nanoseconds_are_cut_to_microseconds() -> None:
    moment = datetime(1970, 1, 1, 0, 0, 0, 1)  # noqa: DTZ001 - as a column without a zone has it

    assert bounds(column([1_999], pa.timestamp("ns"))) == (moment, moment)


@pytest.mark.parametrize(
    ("value", "kind", "days"),
    [
        (2**40, pa.timestamp("s"), 2**40 / 86_400), (2**30, pa.date32(), 2**30),
        (-(2**52), pa.timestamp("ms"), -(2**52) / 86_400_000),
        (86_400_000 * 2**24, pa.date64(), 2**24),
    ],
    ids=["seconds", "days", "before", "milliseconds"],
)  # fmt: skip
def test_years_that_no_calendar_of_python_has_come_as_text(value, kind, days) -> None:
    first, last = bounds(column([value], kind))

    assert first == last
    assert str(first).startswith(f"{math.floor(1970 + days / 365.2425)}-")


def test_dates_are_dates_and_nothing_is_nothing() -> None:
    assert bounds(column([date(2024, 1, 2), date(2024, 1, 1)], pa.date32())) == (date(2024, 1, 1), date(2024, 1, 2))  # fmt: skip
    assert bounds(column([None, None], pa.timestamp("us"))) == (None, None)


def test_times_of_a_zone_come_in_utc() -> None:
    noon = datetime(2024, 7, 1, 12, tzinfo=UTC)
    values = pa.chunked_array([pa.array([noon], pa.timestamp("us", "Europe/Berlin"))])

    assert [str(moment) for moment in bounds(values)] == ["2024-07-01 12:00:00+00:00"] * 2
