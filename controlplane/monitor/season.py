"""The seasons that a window may belong to: its hour, its weekday, its hour on a working day."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from controlplane.domain.grid import DAY, boundary, number_at
from controlplane.domain.names import seed_of
from controlplane.domain.windows import Calendar, Window
from controlplane.monitor.scope import Scope

HOUR: Final = "hour of day"
WEEKEND: Final = "hour of day, working days and weekends"
WEEKDAY: Final = "day of week"
_SATURDAY: Final = 5
_HOURS: Final = 24


def seasons_of(calendar: Calendar, start: datetime) -> dict[str, int]:
    """The group of each season that a window beginning at `start` is of, in the model's time zone.

    None for windows of more than a day, or of so many rows.
    """
    every = calendar.length
    if calendar.rows is not None or every is None or every > DAY:
        return {}
    local = start.astimezone(ZoneInfo(calendar.zone))
    found = {WEEKDAY: local.weekday()}
    if every <= timedelta(hours=12):
        hour = local.hour
        found = {HOUR: hour, WEEKEND: hour + _HOURS * (local.weekday() >= _SATURDAY), **found}
    return found


def groupings_of(calendar: Calendar, firsts: Sequence[datetime]) -> dict[str, tuple[int, ...]]:
    """The groups of calibration windows, by season; of each window by where its first row lies."""
    grid = calendar.grid
    if grid is None or not firsts:
        return {}
    found = [seasons_of(calendar, boundary(grid, number_at(grid, first))) for first in firsts]
    return {name: tuple(one[name] for one in found) for name in found[0]}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What judging a window needs to know of it beside its rows: its seasons, and a seed."""

    seasons: dict[str, int]
    seed: int


def place_of(scope: Scope, window: Window) -> Place:
    """The seasons of a window, and the seed that belongs to it."""
    return Place(seasons=seasons_of(scope.calendar, window.start), seed=seed_of(window.id))
