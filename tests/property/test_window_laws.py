"""Laws of windows: they partition event time, and nothing depends on how often one looks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.due import Outlook, due_instants
from controlplane.domain.grid import (
    DAY,
    HOUR,
    Grid,
    boundary,
    boundary_after,
    number_at,
    steps_before,
    steps_within,
)
from controlplane.domain.references import calibration_slices
from controlplane.domain.windows import Calendar, closes, label_days, opened
from tests.watched import a_model

ZONES = st.sampled_from(
    ["UTC", "Europe/Lisbon", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]
)
FIRST = datetime(2010, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=7300)).map(FIRST.__add__)
STEPS = st.sampled_from([HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 36 * HOUR])


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    return Grid(origin=draw(MOMENTS), step=draw(STEPS), zone=draw(ZONES))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    return Calendar(
        model="boats", origin=draw(MOMENTS), zone=draw(ZONES), every=draw(STEPS),
        lateness=draw(st.sampled_from([timedelta(0), HOUR, 3 * DAY])),
        delay=draw(st.sampled_from([HOUR, DAY, 10 * DAY])),
    )  # fmt: skip


@given(grids(), MOMENTS)
def test_every_moment_lies_in_exactly_one_step(grid: Grid, moment: datetime) -> None:
    number = number_at(grid, moment)
    assert boundary(grid, number) <= moment < boundary(grid, number + 1)
    assert boundary_after(grid, moment) == boundary(grid, number + 1)


@given(grids(), MOMENTS, st.integers(1, 40))
def test_steps_follow_one_another_without_gap_or_overlap(
    grid: Grid, start: datetime, n: int
) -> None:
    found = list(steps_within(grid, start, start + n * grid.step))
    assert all(begin < end for begin, end in found)
    assert all(a[1] == b[0] for a, b in pairwise(found))
    assert all(start <= begin and end <= start + n * grid.step for begin, end in found)
    assert len(found) >= n - 2


def test_a_day_that_a_zone_left_out_is_no_day() -> None:
    grid = Grid(origin=datetime(2011, 12, 1, 10, tzinfo=UTC), step=DAY, zone="Pacific/Apia")
    start, end = datetime(2011, 12, 28, tzinfo=UTC), datetime(2012, 1, 2, 10, tzinfo=UTC)
    forward = list(steps_within(grid, start, end))
    assert all(finish - begin == DAY for begin, finish in forward)
    assert all(a[1] == b[0] for a, b in pairwise(forward))
    assert list(steps_before(grid, end, forward[0][0]))[::-1] == forward


@given(calendars(), MOMENTS, st.integers(0, 30), st.integers(0, 30))
def test_windows_partition_event_time_however_often_they_are_opened(
    calendar: Calendar, start: datetime, first: int, more: int
) -> None:
    early = start + first * calendar.every
    late = early + more * calendar.every
    at_once = list(opened(calendar, serving_from=start, last=None, until=late))
    some = list(opened(calendar, serving_from=start, last=None, until=early))
    rest = list(opened(calendar, serving_from=start, last=some[-1], until=late))
    assert some + rest == at_once
    assert at_once[0].start == start
    assert all(a.end == b.start and b.number == a.number + 1 for a, b in pairwise(at_once))
    assert at_once[-1].start <= late < at_once[-1].end


@given(calendars(), MOMENTS, st.timedeltas(timedelta(0), 90 * DAY))
def test_labels_close_after_rows_and_rows_after_the_end(
    calendar: Calendar, end: datetime, later: timedelta
) -> None:
    rows_close, labels_close = closes(calendar, end, end + later)
    assert end + later <= rows_close <= labels_close
    assert closes(calendar, end, end - later) == closes(calendar, end)


@given(calendars(), MOMENTS, st.integers(0, 20), st.integers(0, 20))
def test_label_days_asked_for_in_pieces_are_the_same(
    calendar: Calendar, start: datetime, first: int, more: int
) -> None:
    middle = start + timedelta(hours=17 * first)
    end = middle + timedelta(hours=17 * more)
    whole = label_days(calendar, start, end)
    closed = label_days(calendar, start, middle)
    assert whole[: len(closed)] == closed
    reached = closed[-1][1] if closed else start
    assert closed + label_days(calendar, reached, end) == whole
    assert all(finish + calendar.delay <= end for _, finish in whole)


@given(calendars(), MOMENTS, st.lists(st.integers(0, 24 * 30), max_size=6))
def test_due_instants_do_not_depend_on_how_often_one_asks(
    calendar: Calendar, start: datetime, cuts: list[int]
) -> None:
    windows = tuple(opened(calendar, serving_from=start, last=None, until=start))
    outlook = Outlook(
        model=a_model(),
        calendar=calendar,
        windows=windows,
        any_window=True,
        crons=("15 */7 * * *",),
    )
    first_close = min(window.rows_close for window in windows)
    until = max(start, min(start + 5 * DAY, first_close - HOUR))
    marks = sorted({start, *(min(start + c * HOUR, until) for c in cuts), until})
    pieces = [moment for a, b in pairwise(marks) for moment in due_instants(outlook, a, b)]
    assert pieces == due_instants(outlook, start, until)


@given(st.integers(0, 90), st.integers(0, 90), st.integers(1, 20))
def test_counted_calibration_windows_never_mix_the_sample_with_what_was_before(
    before: int, inside: int, rows: int
) -> None:
    mask = [False] * before + [True] * inside
    found = calibration_slices(mask, rows)
    assert all(last - first == rows and first >= 0 for first, last in found)
    assert all(len(set(mask[first:last])) == 1 for first, last in found)
    assert all(a[1] <= b[0] for a, b in pairwise(found))
    assert sum(mask[first] for first, _ in found) == inside // rows
