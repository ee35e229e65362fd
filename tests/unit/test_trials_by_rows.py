"""A trial that compares rows: what a week of them proves, and when days are compared instead."""

import math
from datetime import timedelta

import numpy as np
import pytest

from connectors.client import wire
from controlplane.domain.models import LossScale
from controlplane.domain.states import TrialEvent
from controlplane.domain.trials import FULL_WEEK, Trial, judge
from controlplane.lifecycle.gains import greatest_of, grown
from controlplane.lifecycle.paired import Paired, micros
from detectors.grid_mixture import lower_bound, upper_bound
from tests.builders import DAY, SERVED, a_trial
from tui.screens.trial import facts_of

ROWS = 400


def rows_of(days, generator, *, gain=0.02, apart=0.2, wander=0.0):
    """Wrong answers of both versions on so many days, each a little another by `wander`."""
    first, second = [], []
    for _ in range(days):
        better = (apart + gain + wander * generator.normal()) / 2.0
        kind = generator.choice(3, ROWS, p=[better, apart - better, 1.0 - apart])
        both_wrong = generator.random(ROWS) < 0.3
        first.append(np.where(kind == 0, 1.0, np.where(kind == 1, 0.0, both_wrong)))
        second.append(np.where(kind == 1, 1.0, np.where(kind == 0, 0.0, both_wrong)))
    at = micros(SERVED) + np.arange(days * ROWS) * (86_400_000_000 // ROWS)
    return Paired(at=at, first=np.concatenate(first), second=np.concatenate(second))


def spans(days, since=0):
    return [(SERVED + n * DAY, SERVED + (n + 1) * DAY) for n in range(since, days)]


def by_rows(**changes: object) -> Trial:
    return a_trial(**{"unit": "rows", "greatest": 1.0, "metric": "error", **changes})


def test_a_week_of_rows_proves_a_gain_that_two_weeks_of_days_would() -> None:
    rows = rows_of(8, np.random.default_rng(3), gain=0.06)
    week, longer = (grown(by_rows(), rows, spans(n)) for n in (FULL_WEEK - 1, FULL_WEEK))
    assert (week.progress.low, week.progress.high) == (None, None)
    assert judge(week, 6) is None
    found = longer.progress
    assert (found.unit, found.blocks, found.rows) == ("rows", 7, 7 * ROWS)
    gains = (rows.first - rows.second)[: 7 * ROWS]
    assert found.difference == pytest.approx(gains.mean())
    assert found.low == pytest.approx(lower_bound(gains, alpha=0.05), abs=5e-4)
    assert found.high == pytest.approx(upper_bound(gains, alpha=0.05), abs=5e-4)
    assert found.low <= lower_bound(gains, alpha=0.05)
    event, says = judge(longer, 7)
    assert event is TrialEvent.PROVED_BETTER
    assert says.startswith("v2 is better: gain 0.0")
    assert says.endswith(f"over {7 * ROWS} rows of 7 days")


def test_days_that_come_apart_or_together_give_the_same_trial() -> None:
    rows = rows_of(10, np.random.default_rng(5))
    whole = grown(by_rows(), rows, spans(10))
    parts = by_rows()
    for n in range(10):
        parts = grown(parts, rows, spans(n + 1, since=n))
    assert parts.blocks == whole.blocks
    assert parts.risen == pytest.approx(whole.risen, abs=1e-9)
    assert parts.progress.low == pytest.approx(whole.progress.low)


def test_where_days_differ_by_more_than_their_rows_they_are_compared() -> None:
    rows = rows_of(20, np.random.default_rng(7), gain=0.03, wander=0.08)
    ten, twenty = (grown(by_rows(), rows, spans(n)).progress for n in (10, 20))
    assert ten.design_effect > 2.0
    assert (ten.unit, ten.low, ten.high) == ("days", None, None)
    assert twenty.unit == "days"
    days = grown(a_trial(metric="error"), rows, spans(20)).progress
    assert (twenty.low, twenty.high, twenty.difference) == (days.low, days.high, days.difference)
    trial = grown(by_rows(stop_blocks=20), rows, spans(20))
    event, says = judge(trial, 20)
    assert event is TrialEvent.STOPPED
    assert says.startswith("20 days decided nothing about v2; days differ ")
    assert says.endswith("times as much as their rows explain, so days were compared and not rows")


def test_days_that_resemble_each_other_are_compared_even_where_their_rows_explain_them() -> None:
    generator = np.random.default_rng(11)
    slow = 0.012 * np.sin(np.arange(16) / 2.5)
    rows = Paired(
        at=micros(SERVED) + np.arange(16 * ROWS) * (86_400_000_000 // ROWS),
        first=np.full(16 * ROWS, 0.5),
        second=0.5 - np.repeat(slow, ROWS) - np.tile([0.2, -0.2], 8 * ROWS)
        + generator.normal(0.0, 1e-4, 16 * ROWS),
    )  # fmt: skip
    found = grown(by_rows(metric="mae"), rows, spans(16))
    assert found.progress.design_effect < 2.0
    assert found.progress.unit == "days"
    assert found.progress.worth < 16
    _, says = judge(found, 28)
    assert says.endswith(f"the days resemble each other and count as {found.progress.worth}")


def test_losses_are_held_within_the_greatest_on_both_sides() -> None:
    rows = rows_of(7, np.random.default_rng(14))
    far = Paired(at=rows.at, first=rows.first * 4.0, second=rows.second * 4.0)
    held = grown(by_rows(greatest=2.0, metric="mae"), far, spans(7)).progress
    plain = grown(by_rows(), rows, spans(7)).progress
    assert held.loss_champion == pytest.approx(2.0 * rows.first.mean())
    for name in ("low", "high", "difference"):
        assert getattr(held, name) == pytest.approx(2.0 * getattr(plain, name))


def test_a_day_of_one_row_and_one_of_none_are_taken() -> None:
    at = micros(SERVED + timedelta(hours=1)) + np.arange(9) * 86_400_000_000
    keep = at != at[4]
    rows = Paired(at=at[keep], first=np.ones(8), second=np.zeros(8))
    found = grown(by_rows(), rows, spans(9))
    assert [block.rows for block in found.blocks] == [1] * 8
    assert found.progress.unit == "rows"
    assert found.progress.low is not None


def test_equal_versions_are_told_better_no_more_often_than_agreed() -> None:
    """At the edge, looked at on each of 16 days: independent rows, and days that differ."""
    generator, trials = np.random.default_rng(17), 25
    for wander in (0.0, 0.03):
        wrong = 0
        for _ in range(trials):
            found = grown(by_rows(), rows_of(16, generator, gain=0.0, wander=wander), spans(16))
            wrong += any((p.low or -1.0) > 0.0 for p in found.series)
        assert wrong / trials <= 0.05 + 2.0 * math.sqrt(0.05 * 0.95 / trials)


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ([], "0 labelled rows, compared one by one"),
        (["days", "rows"], "0 labelled rows, compared one by one"),
        (["rows", "days"], "0 labelled rows, compared by the means of their days"),
    ],
    ids=["none", "rows", "days"],
)
def test_the_dashboard_says_what_is_compared(series, expected) -> None:
    points = [wire.Progress(at=SERVED, unit=unit) for unit in series]
    trial = wire.Trial(
        id="t", model="m", opened_at=SERVED, start=SERVED, unit="rows", series=points
    )
    [rows] = [value for sheet in facts_of(trial) for name, value in sheet.lines if name == "rows"]
    assert rows == expected


@pytest.mark.parametrize(
    ("metric", "scale", "greatest"),
    [
        ("error", None, 1.0),
        ("brier", None, 1.0),
        ("log_loss", None, -math.log(1e-6)),
        ("mae", None, None),
        ("mae", LossScale(reference_loss=1.0, loss_cap=4.0, rows=96), 4.0),
        ("mae", LossScale(reference_loss=1.0, loss_cap=4.0, rows=96, metric="mae"), 4.0),
        ("mae", LossScale(reference_loss=1.0, loss_cap=4.0, rows=96, metric="rmse"), None),
        ("mae", LossScale(reference_loss=0.0, loss_cap=1.0, rows=0), None),
    ],
    ids=["error", "brier", "log_loss", "none", "before", "own", "another", "empty"],
)
def test_a_loss_is_bounded_by_itself_or_by_the_champions_cap(metric, scale, greatest) -> None:
    assert greatest_of(metric, scale) == (None if greatest is None else pytest.approx(greatest))
