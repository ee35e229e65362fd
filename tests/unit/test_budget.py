"""One false-alarm budget, shared out."""

from datetime import timedelta

import msgspec
import pytest

from controlplane.domain.budget import (
    SHARES,
    Family,
    budget_of,
    families_of,
    guard_threshold,
    ledger_lines,
    shares_of,
)
from controlplane.domain.policy import Drift, FalseAlarms, Monitors, Performance
from tests.watched import WEEK, a_policy

NINETY = FalseAlarms(count=1.0, period=timedelta(days=90))
BLIND = msgspec.structs.replace(
    a_policy().monitors, performance=Performance(metric="mae", estimate=False)
)
USED = families_of(BLIND)


def test_shares_add_up_to_the_whole_whatever_is_in_use() -> None:
    for used in (set(Family), USED, {Family.PERFORMANCE}, {Family.QUALITY, Family.FEATURE_DRIFT}):
        assert sum(shares_of(used).values()) == pytest.approx(1.0)
    assert sum(SHARES.values()) == pytest.approx(1.0)


def test_an_unused_familys_share_goes_to_the_others_pro_rata() -> None:
    shares = shares_of(USED)
    assert shares["feature_drift"] == pytest.approx(0.40 / 0.90)
    assert shares["feature_drift"] / shares["quality"] == pytest.approx(0.40 / 0.15)
    assert "label_free" not in shares


def test_a_windows_tail_level_is_half_its_familys_part_of_the_period() -> None:
    budget = budget_of(NINETY, WEEK, USED)
    assert budget.windows == pytest.approx(90 / 7)
    assert budget.alpha(Family.FEATURE_DRIFT) == pytest.approx(0.40 / 0.90 * 0.5 / (90 / 7))


def test_all_windows_of_all_families_stay_within_half_of_the_budget() -> None:
    budget = budget_of(NINETY, WEEK, USED)
    assert sum(budget.alphas.values()) * budget.windows == pytest.approx(0.5)


def test_windows_longer_than_the_period_do_not_make_the_level_absurd() -> None:
    budget = budget_of(FalseAlarms(count=9.0, period=WEEK), timedelta(days=91), USED)
    assert max(budget.alphas.values()) == 0.25


def test_monitors_that_are_off_are_not_in_use() -> None:
    seen = Performance(metric="mae")
    off = Monitors(drift=None, quality=None, performance=seen, stream=None)
    assert families_of(off) == {Family.PERFORMANCE, Family.LABEL_FREE}
    blind = msgspec.structs.replace(seen, estimate=False)
    assert families_of(msgspec.structs.replace(off, performance=blind)) == {Family.PERFORMANCE}
    drift = Monitors(drift=Drift(), quality=None, performance=None, stream=None)
    assert families_of(drift) == {Family.FEATURE_DRIFT, Family.PREDICTION_DRIFT, Family.PERFORMANCE}


def test_a_guard_breaches_once_in_the_rows_of_its_part_of_the_budget() -> None:
    part = 0.20 / 0.90
    assert guard_threshold(NINETY, USED, 24.0) == pytest.approx(90 * 24 / part)
    assert guard_threshold(NINETY, {Family.PERFORMANCE}, 24.0) == pytest.approx(90 * 24)
    assert guard_threshold(FalseAlarms(2.0, NINETY.period), USED, 24.0) == pytest.approx(
        45 * 24 / part
    )
    assert guard_threshold(NINETY, USED, 0.01) == 20.0


def test_the_ledger_reads_a_line_a_family() -> None:
    lines = ledger_lines(budget_of(NINETY, WEEK, USED))
    assert lines[0] == "1 false alarms per 90 days over 12.9 windows, designed for 0.5 of it"
    assert lines[1].startswith("feature_drift: 44.4 % = 0.444 false alarms per 90 days")
    assert len(lines) == 1 + len(USED)
