"""Which instants of model time something is due at: a wake steps through them in order."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from croniter import croniter

from controlplane.domain.grid import boundary_after
from controlplane.domain.models import Model
from controlplane.domain.policy import Policy, TriggerKind
from controlplane.domain.states import WindowState
from controlplane.domain.windows import Calendar, Window, closes

MOMENT = timedelta(microseconds=1)


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What the coming instants follow from.

    `windows` are those recorded whose labels are still open; `any_window` is whether one was ever
    recorded; `watched` whether they are cut though there may be no champion; `served_from` the
    event time of the first row that windows will hold; `full_at` when the next counted window was
    full, None while it is not.
    """

    model: Model
    calendar: Calendar
    crons: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    any_window: bool = False
    watched: bool = False
    served_from: datetime | None = None
    full_at: datetime | None = None


def crons_of(policy: Policy) -> tuple[str, ...]:
    """The schedules of a model file."""
    return tuple(t.text for t in policy.retrain.when if t.kind is TriggerKind.SCHEDULE)


def next_instant(outlook: Outlook, after: datetime | None, until: datetime) -> datetime | None:
    """The first instant in `(after, until]` at which something is due; None: nothing is.

    Before there is a champion, or before anything was settled, only `until` itself. What fell
    due earlier and was not seen (a window discovered late) is due at `until` at the latest.
    """
    if after is None or (outlook.model.champion is None and not outlook.watched):
        return until if after is None or after < until else None
    due = [moment for moment in _moments(outlook, after) if after < moment <= until]
    overdue = any(moment <= after for moment in _closings(outlook))
    return min(due, default=until if overdue and after < until else None)


def due_instants(outlook: Outlook, after: datetime | None, until: datetime) -> list[datetime]:
    """Every instant in `(after, until]` at which something is due, as far as can be told now.

    Settling one may bring about others (the next window opens), so a wake asks for the next
    instant anew after each.
    """
    found: list[datetime] = []
    while (moment := next_instant(outlook, after, until)) is not None:
        found.append(moment)
        after = moment
        outlook = _settled(outlook, moment)
    return found


def is_label_day(calendar: Calendar, instant: datetime) -> bool:
    """Whether a label day closes at this very instant."""
    return boundary_after(calendar.days, instant - calendar.delay - MOMENT) == (
        instant - calendar.delay
    )


def next_scheduled(cron: str, zone: str, after: datetime) -> datetime:
    """The first time after a moment that a cron line names, on the clocks of a time zone."""
    local = after.astimezone(ZoneInfo(zone))
    found: datetime = croniter(cron, local).get_next(datetime)
    return found.astimezone(UTC)


def is_scheduled(cron: str, zone: str, instant: datetime) -> bool:
    """Whether a cron line names this very instant."""
    return next_scheduled(cron, zone, instant - timedelta(seconds=1)) == instant


def _moments(outlook: Outlook, after: datetime) -> list[datetime]:
    calendar = outlook.calendar
    day = boundary_after(calendar.days, after - calendar.delay)
    scheduled = [next_scheduled(cron, calendar.zone, after) for cron in outlook.crons]
    announced = outlook.model.announced
    ended = [announced] if outlook.model.final and announced is not None else []
    return [*_closings(outlook), day + calendar.delay, *scheduled, *ended]


def _closings(outlook: Outlook) -> list[datetime]:
    found = [moment for window in outlook.windows for moment in _open_closes(window)]
    others = (outlook.full_at, _foreseen(outlook))
    return [*found, *(moment for moment in others if moment is not None)]


def _foreseen(outlook: Outlook) -> datetime | None:
    """When the rows of the first window close, before that window is recorded."""
    grid, start = outlook.calendar.grid, outlook.served_from
    if outlook.any_window or start is None or grid is None:
        return None
    return closes(outlook.calendar, boundary_after(grid, start))[0]


def _open_closes(window: Window) -> tuple[datetime, ...]:
    if window.state is WindowState.MATURED:
        return ()
    if window.state is WindowState.SCORED:
        return (window.labels_close,)
    return (window.rows_close, window.labels_close)


def _settled(outlook: Outlook, moment: datetime) -> Outlook:
    """The outlook once everything at a moment is done: what is due by then is due no more."""
    windows = tuple(
        w if moment < w.rows_close else msgspec.structs.replace(w, state=WindowState.SCORED)
        for w in outlook.windows
        if max(_open_closes(w), default=moment) > moment
    )
    first = _foreseen(outlook)
    return msgspec.structs.replace(
        outlook, windows=windows, full_at=None,
        any_window=outlook.any_window or (first is not None and first <= moment),
    )  # fmt: skip
