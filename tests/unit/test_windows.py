"""How event time is cut, and when each piece is due."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec

from controlplane.domain.due import (
    Outlook,
    due_instants,
    is_label_day,
    is_scheduled,
    next_instant,
    next_scheduled,
)
from controlplane.domain.grid import DAY, Grid, boundary, live_origin, number_at, steps_within
from controlplane.domain.lengths import default_every, default_lateness, default_rows
from controlplane.domain.models import Timing
from controlplane.domain.policy import Windows
from controlplane.domain.states import WindowState
from controlplane.domain.windows import (
    Calendar,
    Counted,
    calendar_of,
    closed_by,
    closes,
    counted,
    is_whole,
    label_days,
    labels_closed_to,
    opened,
)
from controlplane.lifecycle.noting import Bench, training_span
from controlplane.lifecycle.reconcile import _trial_start
from tests.watched import HOUR, SCHEMA, SERVED, WEEK, a_model, a_policy, a_version

LISBON = "Europe/Lisbon"


def a_calendar(**changes: object) -> Calendar:
    calendar = Calendar(model="boats", origin=SERVED, every=WEEK, lateness=6 * HOUR, delay=DAY)
    return msgspec.structs.replace(calendar, **changes)


def weeks(calendar: Calendar, until: datetime) -> list:
    return list(opened(calendar, serving_from=SERVED, last=None, until=until))


def test_a_day_of_lisbon_has_23_hours_in_march_and_25_in_october() -> None:
    grid = Grid(origin=live_origin(LISBON), step=DAY, zone=LISBON)

    def hours(day: datetime) -> float:
        number = number_at(grid, day)
        return (boundary(grid, number + 1) - boundary(grid, number)) / HOUR

    assert hours(datetime(2024, 3, 31, 12, tzinfo=UTC)) == 23
    assert hours(datetime(2024, 10, 27, 12, tzinfo=UTC)) == 25
    assert hours(datetime(2024, 6, 1, 12, tzinfo=UTC)) == 24


def test_live_weeks_begin_on_monday_at_midnight_where_the_model_is() -> None:
    policy = a_policy(time_zone="America/New_York")
    calendar = calendar_of(a_model(timing=Timing.LIVE), policy)
    start = boundary(calendar.grid, number_at(calendar.grid, datetime(2024, 7, 4, tzinfo=UTC)))
    assert start == datetime(2024, 7, 1, 4, tzinfo=UTC)


def test_a_replay_is_aligned_to_where_serving_begins() -> None:
    origin = SERVED + timedelta(days=2, hours=5)
    calendar = calendar_of(a_model(origin=origin), a_policy())
    assert boundary(calendar.grid, 1) == origin + WEEK
    assert label_days(calendar, origin, origin + 2 * DAY) == [(origin, origin + DAY)]


def test_windows_shorter_than_a_day_are_elapsed_time() -> None:
    grid = Grid(origin=live_origin(LISBON), step=6 * HOUR, zone=LISBON)
    within = list(
        steps_within(grid, datetime(2024, 3, 30, tzinfo=UTC), datetime(2024, 4, 2, tzinfo=UTC))
    )
    assert {end - start for start, end in within} == {6 * HOUR}


def test_the_first_window_of_a_live_model_is_what_is_left_of_its_week() -> None:
    calendar = a_calendar(origin=live_origin("UTC"))
    begin = SERVED + timedelta(days=3)
    first, second = list(opened(calendar, serving_from=begin, last=None, until=SERVED + 8 * DAY))
    assert (first.start, first.end, first.number) == (begin, SERVED + WEEK, 1)
    assert (second.start, second.end, second.number) == (SERVED + WEEK, SERVED + 2 * WEEK, 2)
    assert not is_whole(first, calendar)
    assert is_whole(second, calendar)


def test_a_changed_length_starts_at_the_next_boundary() -> None:
    last = weeks(a_calendar(), SERVED)[-1]
    daily = a_calendar(every=DAY)
    after = list(opened(daily, serving_from=SERVED, last=last, until=last.end + DAY))
    assert [(w.start, w.end) for w in after] == [
        (last.end, last.end + DAY), (last.end + DAY, last.end + 2 * DAY),
    ]  # fmt: skip


def test_rows_close_after_the_lateness_and_labels_after_their_delay() -> None:
    window = weeks(a_calendar(), SERVED)[0]
    assert window.rows_close == window.end + 6 * HOUR
    assert window.labels_close == window.end + DAY


def test_labels_never_close_before_rows() -> None:
    assert closes(a_calendar(delay=HOUR), SERVED) == (SERVED + 6 * HOUR, SERVED + 6 * HOUR)


def test_a_window_discovered_late_closes_so_long_after_its_discovery() -> None:
    found = SERVED + 30 * DAY
    assert closes(a_calendar(), SERVED, found) == (found + 6 * HOUR, found + DAY)
    assert closes(a_calendar(), SERVED, SERVED - DAY) == (SERVED + 6 * HOUR, SERVED + DAY)


def test_a_counted_window_closes_with_its_last_row() -> None:
    found = Counted(
        first=200,
        rows=100,
        least_at=SERVED,
        greatest_at=SERVED + 5 * HOUR,
        known_at=SERVED + 2 * DAY,
    )
    window = counted(a_calendar(rows=100), 3, found)
    assert (window.rows_first, window.rows_last) == (200, 300)
    assert window.rows_close == SERVED + 2 * DAY
    assert window.labels_close == SERVED + 2 * DAY
    soon = counted(
        a_calendar(rows=100), 3, msgspec.structs.replace(found, known_at=SERVED + 6 * HOUR)
    )
    assert soon.labels_close == SERVED + 5 * HOUR + DAY


def test_the_names_of_windows_follow_from_what_they_are() -> None:
    ids = [window.id for window in weeks(a_calendar(), SERVED + 30 * DAY)]
    assert ids == [window.id for window in weeks(a_calendar(), SERVED + 30 * DAY)]
    assert len(set(ids)) == len(ids) == 5
    other = weeks(a_calendar(model="ships"), SERVED)[0]
    assert other.id not in ids


def test_the_shortest_length_with_a_hundred_rows_is_taken() -> None:
    assert default_every(dict.fromkeys(range(1000), 120)) == HOUR
    assert default_every(dict.fromkeys(range(24 * 30), 10)) == DAY
    assert default_every(dict.fromkeys(range(24 * 60), 1)) == 7 * DAY
    assert default_every(dict.fromkeys(range(0, 24 * 200, 12), 1)) == 91 * DAY
    assert default_every(dict.fromkeys(range(0, 24 * 400, 24 * 7), 1)) == 91 * DAY


def test_a_few_hours_of_rows_do_not_decide_a_length() -> None:
    assert default_every({}) is None
    assert default_every(dict.fromkeys(range(12), 1000)) is None
    assert default_every(dict.fromkeys(range(30), 5)) == DAY


def test_defaults_for_lateness_and_for_rows_without_times() -> None:
    assert default_lateness(10 * HOUR) == HOUR
    assert default_rows() == 168
    untimed = calendar_of(a_model(timed=False, origin=SERVED), a_policy(windows=Windows()))
    assert (untimed.rows, untimed.lateness, untimed.zone, untimed.grid) == (
        168,
        timedelta(0),
        "UTC",
        None,
    )
    assert calendar_of(a_model(), a_policy()).lateness == WEEK / 10


def test_label_days_are_closed_when_the_delay_has_passed() -> None:
    calendar = a_calendar(delay=2 * DAY)
    days = label_days(calendar, SERVED, SERVED + 5 * DAY)
    assert days == [(SERVED + k * DAY, SERVED + (k + 1) * DAY) for k in range(3)]
    assert label_days(calendar, SERVED, SERVED + 5 * DAY - HOUR) == days[:2]
    assert label_days(calendar, SERVED + DAY, SERVED + 5 * DAY) == days[1:]
    assert is_label_day(calendar, SERVED + 5 * DAY)
    assert not is_label_day(calendar, SERVED + 5 * DAY + HOUR)


def test_what_is_held_out_begins_before_the_newest_closed_label_day_however_long_labels_take() -> (
    None
):
    now = SERVED + 200 * DAY + HOUR
    for delay in (1, 20, 45, 90):
        calendar = a_calendar(delay=delay * DAY)
        closed = SERVED + (200 - delay) * DAY
        assert labels_closed_to(calendar, now) == closed
        policy = a_policy()
        candidate = a_version("v2", trained_to=closed - policy.trial.hold_out)
        start = _trial_start(calendar, a_version(), candidate, now, policy)
        assert start == closed - policy.trial.hold_out
        bench = Bench(
            model=a_model(), policy=policy, schema=SCHEMA, calendar=calendar, champion=a_version(),
            now=now,
        )  # fmt: skip
        assert training_span(bench, now)[1] == closed - policy.trial.hold_out


def an_outlook(**changes: object) -> Outlook:
    outlook = Outlook(model=a_model(), calendar=a_calendar(), served_from=SERVED)
    return msgspec.structs.replace(outlook, **changes)


def test_without_a_champion_only_the_target_is_due() -> None:
    outlook = an_outlook(model=a_model(champion=None))
    assert due_instants(outlook, SERVED, SERVED + 30 * DAY) == [SERVED + 30 * DAY]
    assert next_instant(outlook, SERVED + DAY, SERVED + DAY) is None


def test_closes_label_days_and_schedules_are_due_in_order() -> None:
    [window] = weeks(a_calendar(), SERVED)
    outlook = an_outlook(windows=(window,), any_window=True, crons=("0 3 * * 1",))
    due = due_instants(outlook, SERVED + 6 * DAY, SERVED + 9 * DAY)
    assert due == [
        SERVED + 7 * DAY, SERVED + 7 * DAY + 3 * HOUR, SERVED + 7 * DAY + 6 * HOUR,
        SERVED + 8 * DAY, SERVED + 9 * DAY,
    ]  # fmt: skip


def test_asking_in_pieces_gives_the_same_instants() -> None:
    [window] = weeks(a_calendar(), SERVED)
    outlook = an_outlook(windows=(window,), any_window=True, crons=("30 */5 * * *",))
    whole = due_instants(outlook, SERVED, SERVED + 6 * DAY)
    pieces = [
        moment
        for a, b in pairwise(SERVED + k * 7 * HOUR for k in range(21))
        for moment in due_instants(outlook, a, b)
    ]
    assert pieces == [moment for moment in whole if moment <= SERVED + 140 * HOUR]


def test_a_close_that_passed_unseen_is_due_at_the_target() -> None:
    [window] = weeks(a_calendar(), SERVED)
    scored = msgspec.structs.replace(window, state=WindowState.SCORED)
    after = window.labels_close + HOUR
    assert (
        next_instant(an_outlook(windows=(scored,), any_window=True), after, after + HOUR)
        == after + HOUR
    )
    matured = msgspec.structs.replace(window, state=WindowState.MATURED)
    assert (
        next_instant(an_outlook(windows=(matured,), any_window=True), after, after + HOUR) is None
    )


def test_before_the_first_window_is_recorded_its_close_is_foreseen() -> None:
    outlook = an_outlook()
    assert (
        next_instant(outlook, SERVED + 6 * DAY + 23 * HOUR, SERVED + 30 * DAY) == SERVED + 7 * DAY
    )
    assert SERVED + 7 * DAY + 6 * HOUR in due_instants(outlook, SERVED, SERVED + 30 * DAY)


def test_a_full_counted_window_is_due_when_its_last_row_is_known() -> None:
    outlook = an_outlook(calendar=a_calendar(rows=100), full_at=SERVED + 5 * HOUR)
    assert next_instant(outlook, SERVED, SERVED + DAY) == SERVED + 5 * HOUR


def test_the_end_of_a_replay_is_due_and_closes_what_is_open() -> None:
    announced = SERVED + 2 * DAY + HOUR
    outlook = an_outlook(model=a_model(announced=announced, final=True), any_window=True)
    assert due_instants(outlook, SERVED + 2 * DAY, announced) == [announced]
    window = closed_by(weeks(a_calendar(), SERVED)[0], announced)
    assert (window.rows_close, window.labels_close) == (announced, announced)
    assert not is_whole(window, a_calendar())


def test_schedules_go_by_the_clocks_of_the_time_zone() -> None:
    friday = datetime(2024, 3, 29, tzinfo=UTC)
    assert next_scheduled("0 3 * * *", LISBON, friday) == datetime(2024, 3, 29, 3, tzinfo=UTC)
    sunday = datetime(2024, 3, 31, 1, 30, tzinfo=UTC)
    assert next_scheduled("0 3 * * *", LISBON, sunday) == datetime(2024, 3, 31, 2, tzinfo=UTC)
    assert is_scheduled("0 3 * * *", LISBON, datetime(2024, 3, 31, 2, tzinfo=UTC))
    assert not is_scheduled("0 3 * * *", LISBON, datetime(2024, 3, 31, 3, tzinfo=UTC))
