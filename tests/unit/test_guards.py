"""The watch over a promotion, row by row: the mixture, its alarm, and where it goes on."""

import numpy as np
import pytest

from controlplane.lifecycle.guarding import _borne_out, _watched, lasts
from tests.builders import DAY, a_guard
from tests.voyage import SERVED

END = SERVED + DAY


def watched(differences: np.ndarray, **changes: object):
    return _watched(a_guard(**changes), np.asarray(differences, dtype=np.float64), END)


def reckoned(differences: np.ndarray, margin: float, cap: float, threshold: float) -> int | None:
    """The detector written out one row at a time: M = (M + 1)(1 + bet (g - margin)), the mean."""
    margin = margin / cap
    levels = [0.0] * 4
    bets = [bet / (1.0 + margin) for bet in (0.1, 0.2, 0.4, 0.8)]
    for number, difference in enumerate(differences):
        scaled = min(max(difference / cap, -1.0), 1.0)
        levels = [
            (level + 1.0) * (1.0 + bet * (scaled - margin))
            for level, bet in zip(levels, bets, strict=True)
        ]
        if sum(levels) / 4 >= threshold:
            return number
    return None


def test_the_alarm_comes_at_the_row_at_which_the_mixture_reaches_the_threshold() -> None:
    differences = np.random.default_rng(11).normal(0.6, 1.0, 2_000)
    alarm = reckoned(differences, 0.05, 4.0, 2160.0)
    assert alarm == 74
    before = watched(differences[:alarm])
    assert before.state == "watching"
    assert np.mean(before.levels) < 2160.0
    after = watched(differences[: alarm + 1])
    assert after.state == "breached"
    assert np.mean(after.levels) >= 2160.0


def test_read_in_parts_it_is_the_same_as_read_at_once() -> None:
    differences = np.random.default_rng(3).normal(0.1, 1.0, 300)
    whole = watched(differences)
    guard = a_guard()
    for part in np.array_split(differences, 7):
        guard = _watched(guard, part, END)
    assert guard.levels == pytest.approx(whole.levels)
    assert (guard.rows, guard.judged_to) == (300, END)
    assert guard.mean_difference == pytest.approx(differences.mean())


def test_a_version_that_is_no_worse_than_the_margin_seldom_breaches() -> None:
    """In a third of the rows that an alarm may take on average, a third of 200 at the very most."""
    breached = 0
    for seed in range(200):
        differences = np.random.default_rng(seed).normal(0.0, 1.0, 720)
        breached += watched(differences).state == "breached"
    assert breached == 7


def test_losses_are_held_within_the_cap_so_that_no_single_row_decides() -> None:
    assert watched(np.array([1e9])).state == "watching"
    assert watched(np.array([1e9])).levels == watched(np.array([4.0])).levels
    assert watched(np.array([1e9])).mean_difference == 1e9


def test_better_rows_pull_the_levels_down_and_no_row_changes_nothing() -> None:
    worse = watched(np.full(10, 2.0))
    calmed = _watched(worse, np.full(10, -2.0), END)
    assert max(calmed.levels) < max(worse.levels)
    nothing = _watched(worse, np.array([]), END + DAY)
    assert (nothing.levels, nothing.rows) == (worse.levels, 10)
    assert nothing.judged_to == END + DAY
    assert watched(np.array([])).mean_difference is None


def test_a_margin_beyond_the_cap_is_the_cap() -> None:
    assert watched(np.full(50, 4.0), margin=100.0).state == "watching"


def test_an_alarm_waits_until_the_days_bear_it_out() -> None:
    rows = np.full(200, 2.0)
    guard = a_guard()
    first = _borne_out(guard, _watched(guard, rows, END), [0.2])
    assert (first.state, first.crossed, first.days) == ("watching", True, (0.2,))
    unsure = _borne_out(first, _watched(first, rows, END), [-0.2])
    assert (unsure.state, unsure.levels) == ("watching", first.levels)
    sure = _borne_out(first, _watched(first, rows, END), [0.25, 0.3])
    assert (sure.state, sure.days) == ("breached", (0.2, 0.25, 0.3))


def test_days_without_an_alarm_breach_nothing() -> None:
    guard = a_guard()
    calm = _borne_out(guard, _watched(guard, np.zeros(10), END), [0.9, 0.9, 0.9])
    assert (calm.state, calm.crossed) == ("watching", False)


def test_what_is_worse_by_ten_margins_needs_no_third_day() -> None:
    assert lasts((0.5,), 0.05)
    assert not lasts((0.49,), 0.05)
    assert not lasts((), 0.05)


def test_two_equal_versions_whose_days_differ_seldom_breach() -> None:
    """500 rows a day for two weeks; the day's own difference is a tenth of the loss."""
    breached = 0
    for seed in range(40):
        draws = np.random.default_rng(seed)
        guard = a_guard()
        for _ in range(14):
            day = draws.normal(0.0, 0.1) + draws.normal(0.0, 1.0, 500)
            guard = _borne_out(guard, _watched(guard, day, END), [float(day.mean())])
            if guard.state == "breached":
                breached += 1
                break
    assert breached <= 4
