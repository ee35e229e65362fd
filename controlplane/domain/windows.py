"""Event time cut into windows: which there are, when each closes, what was found in it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from controlplane.domain.estimates import Estimated
from controlplane.domain.grid import (
    DAY,
    Grid,
    boundary,
    boundary_after,
    live_origin,
    number_at,
    steps_before,
)
from controlplane.domain.lengths import default_lateness, default_rows
from controlplane.domain.models import Model, Timing
from controlplane.domain.names import digest
from controlplane.domain.policy import Policy
from controlplane.domain.records import Record
from controlplane.domain.states import WindowState
from detectors.finding import Finding, Interval, Verdict


class Window(Record, frozen=True, kw_only=True):
    """A half-open span of event time, `[start, end)`.

    `rows_close` and `labels_close` are the instants of model time at which revisions 0 and 1
    are due. `first_row` and `last_row` bound a counted window in the order of `known_at`.
    """

    TABLE: ClassVar[str] = "windows"

    number: int
    start: datetime
    end: datetime
    rows_close: datetime
    labels_close: datetime
    state: WindowState = WindowState.OPEN
    revision: int = -1
    """The latest that was scored; -1 before the first."""
    scored_at: datetime | None = None
    """Model time of the latest revision."""
    rows_first: int | None = None
    rows_last: int | None = None

    @property
    @override
    def filed_at(self) -> datetime:
        """Windows are listed by event time."""
        return self.start


class Realised(msgspec.Struct, frozen=True, kw_only=True):
    """Performance over labelled live rows: a version's or all (`*`), or a segment's of them."""

    version: str
    metric: str
    value: float | None
    interval: Interval | None
    rows: int
    loss: float | None = None
    """The mean of the task's loss on the same rows: what trials and triggers compare."""
    segment: str | None = None


FEWEST_DAYS: Final = timedelta(days=5)
"""A window from this length on has days enough for its figures' intervals to rest on them."""
WEEK: Final = timedelta(days=7)
MOMENT: Final = timedelta(microseconds=1)


class Score(Record, frozen=True, kw_only=True):
    """One revision of what was found in a window; `id` is `{window}/{revision}`.

    Revision 0 holds inputs (performance as far as labels are known), revision 1 all as of when
    the labels closed; later ones what came after. `scored_at` is model time.
    """

    TABLE: ClassVar[str] = "scores"

    window: str
    revision: int
    start: datetime
    end: datetime
    scored_at: datetime
    generation: int
    champion: str | None
    """The champion in force at the end of the window."""
    reference: str | None
    verdict: Verdict
    rows: int
    labels: int
    late: int = 0
    findings: tuple[Finding, ...] = ()
    realised: tuple[Realised, ...] = ()
    recent: tuple[Realised, ...] = ()
    """The champion's figures over the week up to the end of a window too short to tell its days."""
    by_segment: tuple[Realised, ...] = ()
    estimated: tuple[Estimated, ...] = ()
    """What was expected before labels were in, of each version and of all live rows (`*`)."""
    columns_failed: int = 0
    columns_judged: int = 0
    columns_unjudged: int = 0
    stream_alarm: bool | None = None
    """Whether the stream of errors of the champion's epoch alarmed in it; None: not looked at."""
    notes: tuple[str, ...] = ()

    @property
    @override
    def filed_at(self) -> datetime:
        """Scores are listed by the event time of their window."""
        return self.start

    @property
    @override
    def filed_state(self) -> str:
        """Scores are found by their revision."""
        return str(self.revision)


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """How a model's event time is cut into windows and label days.

    `every` is None until the file or the data have decided it; `rows` makes windows counted, and
    then `every` only says how long so many rows take. With `span`, a multiple of `every`, windows
    slide: one ends every `every` and reaches back `span`. `delay` is how long labels may take.
    """

    model: str
    origin: datetime
    zone: str = "UTC"
    every: timedelta | None = None
    span: timedelta | None = None
    rows: int | None = None
    lateness: timedelta = timedelta(0)
    delay: timedelta = DAY

    @property
    def length(self) -> timedelta | None:
        """How long a whole window is; None while undecided."""
        return self.span or self.every

    @property
    def overlap(self) -> int:
        """How many windows hold a row: 1, unless windows slide."""
        return 1 if self.span is None or self.every is None else self.span // self.every

    @property
    def apart(self) -> Grid | None:
        """The grid of whole windows that do not overlap: what calibrates is cut by it."""
        if (grid := self.grid) is None or self.overlap == 1:
            return grid
        return Grid(origin=grid.origin, step=grid.step * self.overlap, zone=grid.zone)

    @property
    def days(self) -> Grid:
        """The grid of label days."""
        return Grid(origin=self.origin, step=DAY, zone=self.zone)

    @property
    def grid(self) -> Grid | None:
        """The grid of the windows' ends; None for counted windows and while undecided."""
        if self.every is None or self.rows is not None:
            return None
        return Grid(origin=self.origin, step=self.every, zone=self.zone)


def calendar_of(model: Model, policy: Policy) -> Calendar:
    """The calendar that a model file gives a model, with what was decided from the data.

    A replay is aligned to where serving begins; a live model to Monday 1970-01-05 00:00 in its
    time zone. Rows without times are counted, and a day is 24 of them.
    """
    asked = policy.windows
    rows = asked.rows if asked.rows or model.timed else default_rows()
    every = asked.every
    if every is None and model.every_seconds is not None:
        every = timedelta(seconds=model.every_seconds)
    lateness = asked.lateness
    if lateness is None:
        lateness = timedelta(0) if rows or every is None else default_lateness(every)
    aligned = model.origin if model.timing is Timing.REPLAY else None
    return Calendar(
        model=model.model, origin=aligned or live_origin(policy.time_zone),
        zone=policy.time_zone if model.timed else "UTC", every=every,
        span=None if rows else asked.span, rows=rows, lateness=lateness, delay=policy.label.delay,
    )  # fmt: skip


def closes(
    calendar: Calendar, end: datetime, first_known: datetime | None = None
) -> tuple[datetime, datetime]:
    """When a window's rows and its labels close; `first_known` is when its first row was known.

    A window that is discovered late, all of its rows known only after its end, is given the same
    time from its discovery on. Labels never close before rows.
    """
    known = end if first_known is None else max(end, first_known)
    rows_close = known + calendar.lateness
    return rows_close, max(known + calendar.delay, rows_close)


def opened(
    calendar: Calendar, *, serving_from: datetime, last: Window | None, until: datetime
) -> Iterator[Window]:
    """The windows after `last` whose last step has begun by `until`, without a gap between steps.

    The first begins where serving does, a part of a step where that lies inside one; so does the
    first after a change of the windows' length. Windows that slide reach back no further than
    serving, so the first ones are parts too. Nothing for counted windows.
    """
    if (grid := calendar.grid) is None:
        return
    begin, number = (serving_from, 1) if last is None else (last.end, last.number + 1)
    while begin <= until:
        end = boundary_after(grid, begin)
        start = begin
        if calendar.overlap > 1:
            start = max(serving_from, boundary(grid, number_at(grid, end) - calendar.overlap))
        rows_close, labels_close = closes(calendar, end)
        yield Window(
            id=digest("w", calendar.model, start.isoformat(), end.isoformat()),
            model=calendar.model, number=number, start=start, end=end, rows_close=rows_close,
            labels_close=labels_close,
        )  # fmt: skip
        begin, number = end, number + 1


def news_from(calendar: Calendar, window: Window) -> datetime:
    """From when on a window holds rows that the one before it did not: its start, unless windows
    slide."""
    if (grid := calendar.grid) is None or calendar.overlap == 1:
        return window.start
    return max(window.start, boundary(grid, number_at(grid, window.end - MOMENT)))


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """So many served rows in the order in which they were known; `first` counts from 0."""

    first: int
    rows: int
    least_at: datetime
    greatest_at: datetime
    known_at: datetime
    """When the last of them was known."""


def counted(calendar: Calendar, number: int, found: Counted) -> Window:
    """The window that those rows make: closed when the last is known, never counted again."""
    end = found.greatest_at + timedelta(microseconds=1)
    labels_close = max(found.greatest_at + calendar.delay, found.known_at)
    return Window(
        id=digest("w", calendar.model, found.least_at.isoformat(), end.isoformat(), found.first),
        model=calendar.model, number=number, start=found.least_at, end=end,
        rows_close=found.known_at, labels_close=labels_close, rows_first=found.first,
        rows_last=found.first + found.rows,
    )  # fmt: skip


def closed_by(window: Window, announced: datetime) -> Window:
    """A window at the end of a replay: whatever is still open closes when the end is announced."""
    return msgspec.structs.replace(
        window, rows_close=min(window.rows_close, announced),
        labels_close=min(window.labels_close, announced),
    )  # fmt: skip


def is_whole(window: Window, calendar: Calendar) -> bool:
    """Whether a window is as long as windows are, so that its count of rows can be compared."""
    if calendar.rows is not None:
        return window.rows_first is not None and window.rows_last is not None and (
            window.rows_last - window.rows_first == calendar.rows
        )  # fmt: skip
    grid = calendar.grid
    if grid is None or window.rows_close < window.end:
        return False
    whole = boundary(grid, number_at(grid, window.start)) == window.start
    if calendar.overlap == 1:
        return whole
    return whole and number_at(grid, window.end) - number_at(grid, window.start) == calendar.overlap


def label_days(
    calendar: Calendar, after: datetime, by: datetime
) -> list[tuple[datetime, datetime]]:
    """The label days that end after `after` and are closed at `by`, in order, as `[start, end)`.

    A day is closed when the label delay has passed since its end.
    """
    return list(steps_before(calendar.days, by - calendar.delay, after))[::-1]


def labels_closed_to(calendar: Calendar, by: datetime) -> datetime:
    """The end of the newest label day that is closed at `by`, however long labels take."""
    return boundary(calendar.days, number_at(calendar.days, by - calendar.delay))
