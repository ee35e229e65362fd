"""Time as a model file cuts it: time zone, windows, the reference, the false-alarm budget."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from controlplane.domain.policy import FalseAlarms, Reference, Windows
from controlplane.policy.faults import Wrong, nearest
from controlplane.policy.fields import NOTHING, Reader, duration, per_period, plain, text, whole
from controlplane.policy.section import Section
from controlplane.policy.tree import Mapping, Node

SHORTEST_WINDOW: Final = timedelta(minutes=1)
FEWEST_ROWS: Final = 100
"""Rows of a counted window, below which nothing can be told of it."""
_TIME: Final = "a date or time such as 2024-01-31 or 2024-01-31T06:00Z"
_KINDS: Final = (
    "training, or a mapping such as {trailing: 28d}, {season: 7d, periods: 4} or "
    "{from: 2024-01-01, to: 2024-03-01}"
)
MOST_OVERLAP: Final = 1_000
"""How many windows may hold the same row."""
MOST_TRAILING: Final = 1_000
"""How many steps a trailing reference may hold: each is kept as counts."""


def time_zone(node: Node) -> str:
    """The name of a time zone that this machine knows."""
    expected = "the name of a time zone such as UTC or Europe/Lisbon"
    name = text(expected)(node)
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise Wrong(expected, nearest(name, available_timezones())) from None
    return name


def read_windows(top: Section) -> Windows:
    """How rows are cut into windows."""
    section = top.section("windows")
    windows = Windows(
        every=section.read("every", duration(least=SHORTEST_WINDOW), default=None),
        span=section.read("span", duration(least=SHORTEST_WINDOW), default=None),
        rows=section.read("rows", whole(_rows_expected(), low=FEWEST_ROWS), default=None),
        lateness=section.read("lateness", duration(least=NOTHING), default=None),
    )
    if section.has("rows"):
        for key in ("every", "span", "lateness"):
            if section.has(key):
                section.refuse(key, "expected none, since windows of so many rows have no length")
    elif windows.span is not None:
        _check_span(section, windows)
    section.close()
    return windows


def _check_span(section: Section, windows: Windows) -> None:
    """Windows that slide are made of whole steps, so that no row is counted twice."""
    every, span = windows.every, windows.span
    if every is None:
        if not section.has("every"):
            section.refuse("span", "expected `every` beside it: how often a new window begins")
    elif span is not None and (span % every or not every < span <= MOST_OVERLAP * every):
        told = f"expected a multiple of every, from twice as long to {MOST_OVERLAP:,} times"
        section.refuse("span", told)


def _rows_expected() -> str:
    return f"a whole number of rows, {FEWEST_ROWS} or more"


def read_reference(top: Section, zone: str, windows: Windows) -> Reference:
    """What windows are compared with."""
    node = top.node("reference")
    if node is None:
        return Reference()
    if not isinstance(node, Mapping):
        top.read("reference", _training, default="training")
        return Reference()
    section = Section.of(node, "reference", faults=top.faults)
    reference = _reference(section, zone, windows)
    section.close()
    return reference


def _training(node: Node) -> str:
    found = plain(node, _KINDS)
    if found != "training":
        raise Wrong(_KINDS, nearest(str(found), ["training"]))
    return "training"


def _reference(section: Section, zone: str, windows: Windows) -> Reference:
    start = section.read("from", moment(zone), default=None)
    end = section.read("to", moment(zone), default=None)
    trailing = section.read("trailing", duration(), default=None)
    season = section.read("season", duration(), default=None)
    periods = section.read("periods", whole("a whole number of seasons", low=1), default=1)
    named = [key for key in ("trailing", "season", "from") if section.has(key)]
    for key in named[1:]:
        section.refuse(key, f"expected one kind of reference; {named[0]} stands beside it")
    if "from" not in named[:1] and (named or section.has("periods")):
        return _moving(section, windows, (trailing, season, periods))
    if start is None or end is None:
        if not (section.has("from") and section.has("to")):
            section.faults.add(section.place, section.path, f"is incomplete; expected {_KINDS}")
    elif start >= end:
        section.refuse("to", "expected a time after `from`")
    return Reference(kind="fixed", start=start, end=end)


def _moving(
    section: Section, windows: Windows, told: tuple[timedelta | None, timedelta | None, int]
) -> Reference:
    """A reference that goes on with the windows."""
    trailing, season, periods = told
    if section.has("periods") and not section.has("season"):
        section.refuse("periods", "expected `season` beside it, such as {season: 7d, periods: 4}")
    kind, length = ("trailing", trailing) if section.has("trailing") else ("season", season)
    if windows.rows is not None:
        expected = "expected training, or {from, to}: windows of so many rows have no length"
        section.refuse(kind, expected)
    elif length is not None and windows.every is not None:
        _check_length(section, kind, length, windows)
    if kind == "trailing":
        return Reference(kind=kind, trailing=trailing)
    return Reference(kind=kind, season=season, periods=periods)


def _check_length(section: Section, kind: str, length: timedelta, windows: Windows) -> None:
    assert windows.every is not None
    whole_window = windows.span or windows.every
    if length % windows.every or length < whole_window:
        expected = f"expected a multiple of windows.every, no shorter than a window ({_days(whole_window)})"
        section.refuse(kind, expected)
    elif kind == "trailing" and length > MOST_TRAILING * windows.every:
        section.refuse(kind, f"expected at most {MOST_TRAILING:,} times windows.every")


def _days(length: timedelta) -> str:
    days = length / timedelta(days=1)
    return f"{days:g}d" if days >= 1 else f"{length / timedelta(hours=1):g}h"


def moment(zone: str) -> Reader[datetime]:
    """An instant in UTC; one without an offset is of the model's time zone."""

    def read(node: Node) -> datetime:
        found = plain(node, _TIME)
        try:
            at = datetime.fromisoformat(str(found))
            at = at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone))
            return at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Wrong(_TIME) from None

    return read


def read_false_alarms(top: Section) -> FalseAlarms:
    """The budget that all monitors of the model share."""
    default = FalseAlarms()
    reader = per_period(low=0.001, only_whole=False)
    count, period = top.read("false_alarms", reader, default=(default.count, default.period))
    return FalseAlarms(float(count), period)
