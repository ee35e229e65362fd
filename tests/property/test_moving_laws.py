"""Laws of windows that slide and of references that move on with them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.grid import DAY, HOUR, boundary, number_at
from controlplane.domain.moving import MOST_CALIBRATING, Cast, cast, reach, runs
from controlplane.domain.policy import Reference
from controlplane.domain.references import WANTED
from controlplane.domain.windows import Calendar, is_whole, news_from, opened

FIRST = datetime(2015, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=1500)).map(FIRST.__add__)
ZONES = st.sampled_from(["UTC", "Europe/Lisbon", "America/New_York", "Asia/Kolkata"])


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    every = draw(st.sampled_from([HOUR, 6 * HOUR, DAY, 7 * DAY]))
    overlap = draw(st.integers(1, 6))
    return Calendar(
        model="boats", origin=draw(MOMENTS), zone=draw(ZONES), every=every,
        span=None if overlap == 1 else overlap * every,
    )  # fmt: skip


@st.composite
def references(draw: st.DrawFn, calendar: Calendar) -> Reference:
    length = draw(st.integers(calendar.overlap, 40)) * calendar.every
    if draw(st.booleans()):
        return Reference(kind="trailing", trailing=length)
    return Reference(kind="season", season=length, periods=draw(st.integers(1, 5)))


def a_window(calendar: Calendar, serving: datetime, number: int):
    """The number-th window from serving on."""
    until = serving + number * calendar.every
    *_, last = opened(calendar, serving_from=serving, last=None, until=until)
    return last


@given(calendars(), MOMENTS, st.integers(0, 20), st.integers(0, 20))
def test_a_window_ends_at_every_step_however_often_they_are_opened(
    calendar: Calendar, serving: datetime, first: int, more: int
) -> None:
    early = serving + first * calendar.every
    late = early + more * calendar.every
    at_once = list(opened(calendar, serving_from=serving, last=None, until=late))
    some = list(opened(calendar, serving_from=serving, last=None, until=early))
    rest = list(opened(calendar, serving_from=serving, last=some[-1], until=late))
    assert some + rest == at_once
    assert len({w.id for w in at_once}) == len(at_once)
    assert all(a.end == news_from(calendar, b) for a, b in pairwise(at_once))
    assert all(serving <= w.start <= news_from(calendar, w) < w.end for w in at_once)


@given(calendars(), MOMENTS, st.integers(0, 20))
def test_a_whole_window_holds_its_span_and_every_later_one_is_whole(
    calendar: Calendar, serving: datetime, number: int
) -> None:
    windows = list(
        opened(calendar, serving_from=serving, last=None, until=serving + number * calendar.every)
    )
    grid = calendar.grid
    for window in windows:
        steps = number_at(grid, window.end) - number_at(grid, window.start)
        assert steps <= calendar.overlap
        starts = boundary(grid, number_at(grid, window.start)) == window.start
        assert is_whole(window, calendar) == (starts and steps == calendar.overlap)
    assert all(is_whole(window, calendar) for window in windows[calendar.overlap :])


@given(st.data(), calendars(), MOMENTS, st.integers(0, 300), st.integers(0, 60))
def test_a_reference_that_moves_lies_before_its_window_and_never_holds_it(
    data: st.DataObject, calendar: Calendar, first: datetime, past: int, number: int
) -> None:
    asked = data.draw(references(calendar))
    window = a_window(calendar, first + past * calendar.every, number)
    found = cast(asked, calendar, (window.start, window.end), first)
    if found is None:
        assert number_at(calendar.grid, window.start) <= number_at(calendar.grid, first)
        return
    begin, earliest = number_at(calendar.grid, window.start), number_at(calendar.grid, first)
    _checked(found, begin, earliest)
    steps = [step for start, end in found.sample for step in range(start, end)]
    if asked.kind == "trailing":
        span = reach(asked, calendar.grid)
        assert steps == list(range(max(begin - span, earliest), begin))
    elif is_whole(window, calendar):
        season = asked.season // calendar.every
        assert all((begin - start) % season == 0 for start, _ in found.sample)
        assert len(found.sample) <= asked.periods


def _checked(found: Cast, begin: int, earliest: int) -> None:
    """No step of its window, none before the first row, no row twice among what calibrates."""
    for start, end in [*found.sample, *(rank.steps for rank in found.ranks), *runs(found)]:
        assert earliest <= start < end <= begin
    assert all(a.steps[1] <= b.steps[0] for a, b in pairwise(found.ranks))
    assert len(found.ranks) <= MOST_CALIBRATING
    outside = [rank for rank in found.ranks if not rank.inside]
    assert len(outside) <= max(WANTED, MOST_CALIBRATING)
    inside = [rank.steps for rank in found.ranks if rank.inside]
    assert all(any(a <= start and end <= b for a, b in found.sample) for start, end in inside)
    assert earliest <= found.frozen_on[0] < found.frozen_on[1] <= begin


@given(st.data(), calendars(), MOMENTS, st.integers(1, 200))
def test_bins_are_frozen_anew_seldom(
    data: st.DataObject, calendar: Calendar, first: datetime, past: int
) -> None:
    asked = Reference(kind="trailing", trailing=data.draw(st.integers(calendar.overlap, 64)) * calendar.every)  # fmt: skip
    grid = calendar.grid
    numbers = range(past, past + 128)
    times = [boundary(grid, number_at(grid, first) + n + 1) for n in numbers]
    frozen = [cast(asked, calendar, (t, t + calendar.length), first).frozen_on for t in times]
    assert frozen == sorted(frozen)
    pace = 1 << (min(past, reach(asked, grid)).bit_length() - 1)
    assert len(set(frozen)) <= 128 // pace + 2
