"""A grid over event time: where one window or day ends and the next begins."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MONDAY: Final = datetime(1970, 1, 5)  # noqa: DTZ001  # a wall-clock reading, the same in every zone


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """Boundaries every `step` from `origin`, in both directions.

    Steps of whole days are days of the calendar in `zone`: 23 to 25 hours long where its clocks
    are put forward or back. Any other step is elapsed time.
    """

    origin: datetime
    step: timedelta
    zone: str = "UTC"


def live_origin(zone: str) -> datetime:
    """Monday 1970-01-05 00:00 in a time zone, as UTC.

    >>> live_origin("Asia/Kolkata").isoformat()
    '1970-01-04T18:30:00+00:00'
    """
    return MONDAY.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def boundary(grid: Grid, number: int) -> datetime:
    """The instant, in UTC, at which step `number` of the grid begins; 0 is the origin.

    >>> g = Grid(origin=live_origin("Europe/Lisbon"), step=DAY, zone="Europe/Lisbon")
    >>> k = number_at(g, datetime(2024, 3, 31, 12, tzinfo=UTC))
    >>> (boundary(g, k + 1) - boundary(g, k)).total_seconds() / 3600
    23.0
    """
    if grid.step % DAY:
        return grid.origin + number * grid.step
    zone = ZoneInfo(grid.zone)
    local = grid.origin.astimezone(zone).replace(tzinfo=None) + number * grid.step
    return local.replace(tzinfo=zone).astimezone(UTC)


def number_at(grid: Grid, moment: datetime) -> int:
    """The number of the step that holds a moment."""
    guess = (moment - grid.origin) // grid.step
    while boundary(grid, guess + 1) <= moment:
        guess += 1
    while boundary(grid, guess) > moment:
        guess -= 1
    return guess


def boundary_after(grid: Grid, moment: datetime) -> datetime:
    """The first boundary after a moment."""
    return boundary(grid, number_at(grid, moment) + 1)


def steps_within(grid: Grid, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The whole steps inside `[start, end)`, in order; a day that a zone left out is none."""
    number = number_at(grid, start)
    if boundary(grid, number) < start:
        number += 1
    begin = boundary(grid, number)
    while (finish := boundary(grid, number + 1)) <= end:
        if begin < finish:
            yield begin, finish
        begin, number = finish, number + 1


def steps_before(grid: Grid, end: datetime, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The whole steps before `end`, the newest first, as far back as the one that holds `since`."""
    number = number_at(grid, end)
    finish = boundary(grid, number)
    while finish > since:
        number -= 1
        begin = boundary(grid, number)
        if begin < finish:
            yield begin, finish
        finish = begin
