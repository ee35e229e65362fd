"""What operators say of alerts beside what was allowed."""

from datetime import UTC, datetime, timedelta

import pytest
from scipy import stats

from controlplane.domain.alerts import AlarmVerdict, Alert, Severity
from controlplane.domain.budget import Family, Line, budget_of, lines_of, shares_of
from controlplane.domain.budget_audit import audit, kept
from controlplane.domain.policy import FalseAlarms

SINCE = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = timedelta(days=1)
ALLOWED = FalseAlarms(count=1.0, period=30 * DAYS)
TRUE, FALSE = AlarmVerdict.TRUE_ALARM, AlarmVerdict.FALSE_ALARM


def alerts(*verdicts, condition="drift"):
    return [
        Alert(id=f"a{n}", model="m", fingerprint="f", condition=condition, severity=Severity.INFO,
              summary="s", fired_at=SINCE + n * DAYS, verdict=verdict)
        for n, verdict in enumerate(verdicts)
    ]  # fmt: skip


def test_the_rate_has_jeffreys_posterior_of_a_poisson_count() -> None:
    found = audit(alerts(FALSE, FALSE, TRUE, None), ALLOWED, SINCE, SINCE + 90 * DAYS)
    law = stats.gamma(2.5, scale=1 / 3)
    assert (found.periods, found.rate) == (3.0, pytest.approx(law.mean()))
    assert (found.low, found.high) == (pytest.approx(law.ppf(0.1)), pytest.approx(law.ppf(0.9)))
    assert (found.true_alarms, found.false_alarms, found.unjudged) == (1, 2, 1)
    assert not found.is_broken


def test_in_a_period_that_has_only_begun_a_first_false_alarm_breaks_nothing() -> None:
    day = SINCE + DAYS
    assert not audit(alerts(FALSE), ALLOWED, SINCE, day).is_broken
    assert audit(alerts(*[FALSE] * 4), ALLOWED, SINCE, SINCE + 4 * DAYS).is_broken


def test_alerts_before_the_thresholds_and_those_of_the_budget_itself_do_not_count() -> None:
    before = audit(alerts(*[FALSE] * 9), ALLOWED, SINCE + 8 * DAYS, SINCE + 30 * DAYS)
    assert (before.alerts, before.false_alarms) == (1, 1)
    own = alerts(*[FALSE] * 9, condition="budget")
    assert audit(own, ALLOWED, SINCE, SINCE + 30 * DAYS).alerts == 0


def test_nothing_is_said_while_nobody_judged_and_a_quiet_window_ends_the_alarm() -> None:
    silent = audit(alerts(None, None), ALLOWED, SINCE, SINCE + 30 * DAYS)
    assert kept(silent, "w_1", ALLOWED.period) == kept(None, None, ALLOWED.period) == []
    fine = audit(alerts(TRUE), ALLOWED, SINCE, SINCE + 30 * DAYS)
    [condition] = kept(fine, "w_1", ALLOWED.period)
    assert (condition.name, condition.holds, condition.window) == ("budget", False, "w_1")


def test_a_measured_detector_stands_in_the_ledger_for_what_it_costs() -> None:
    budget = budget_of(ALLOWED, DAYS, [Family.PERFORMANCE, Family.QUALITY])
    measured = Line(
        family=Family.PERFORMANCE, detector="adwin", share=0.1, alarms=0.05, is_measured=True
    )
    lines = lines_of(budget, [measured])
    assert measured in lines
    designed = {line.family: line.alarms for line in lines if not line.is_measured}
    share = shares_of([Family.PERFORMANCE, Family.QUALITY])
    assert designed["performance"] == pytest.approx(share["performance"] * 0.5 - 0.05)
    assert sum(line.alarms for line in lines) == pytest.approx(0.5)
    much = Line(family=Family.QUALITY, detector="adwin", share=0.1, alarms=9.0, is_measured=True)
    [left] = [
        x for x in lines_of(budget, [much]) if x.family is Family.QUALITY and not x.is_measured
    ]
    assert left.alarms == 0.0
