"""Conditions: what holds, what does not, and what cannot be told."""

from datetime import timedelta

import msgspec
import pytest

from controlplane.domain.conditions import Condition, Facts, conditions_of
from controlplane.domain.models import LossScale
from controlplane.domain.performing import HIGHER_IS_BETTER
from controlplane.domain.policy import Performance, Policy, Retrain, Trial, Trigger, TriggerKind
from controlplane.domain.windows import Realised
from detectors.finding import Basis, Finding, Interval, Verdict
from detectors.metrics.catalogue import METRICS
from tests.watched import DAY, DRIFTED, SERVED, WEEK, WORSE, a_policy, a_score, a_version


def asking(*triggers: Trigger, **changes: object) -> Policy:
    return a_policy(retrain=Retrain(when=triggers), **changes)


def a_figure(low: float, high: float, *, metric: str = "mae", version: str = "v1") -> Realised:
    middle = (low + high) / 2
    return Realised(
        version=version, metric=metric, value=middle, interval=Interval(low, high), rows=168,
        loss=middle,
    )  # fmt: skip


def facts(*scores: object, **changes: object) -> Facts:
    found = Facts(now=SERVED + 5 * WEEK, champion=a_version(), scores=scores)
    return msgspec.structs.replace(found, **changes)


def of(name: str, policy: Policy, found: Facts) -> Condition:
    [condition] = [c for c in conditions_of(policy, found) if c.name == name]
    return condition


def drifting(number: int, failed: int, *, judged: int = 4, unjudged: int = 0, **changes: object):
    return a_score(
        number, columns_failed=failed, columns_judged=judged, columns_unjudged=unjudged, **changes
    )


def broken(detector: str, column: str = "wind") -> Finding:
    return Finding(
        column=column, detector=detector, statistic=0.5, effect=0.25, rows=168,
        verdict=Verdict.FAILED, basis=Basis.HARD,
    )  # fmt: skip


def test_a_short_windows_performance_is_that_of_the_week_up_to_its_end() -> None:
    day = {"end": SERVED + DAY, "realised": (a_figure(3.0, 4.0),)}
    calm = a_score(0, recent=(a_figure(0.9, 1.4),), **day)
    worse = a_score(0, recent=(a_figure(1.3, 1.5),), **day)
    assert of("performance", asking(WORSE), facts(calm)).holds is False
    told = of("performance", asking(WORSE), facts(worse))
    assert told.holds
    assert "on 168 rows of the week to 2024-04-02" in told.says
    assert of("performance", asking(WORSE), facts(a_score(0, **day))).holds is None


def test_before_there_is_a_champion_nothing_can_be_said() -> None:
    assert conditions_of(asking(WORSE), facts(champion=None)) == ()


def test_performance_fails_only_when_the_whole_interval_is_beyond_the_limit() -> None:
    policy = asking(WORSE)
    assert of("performance", policy, facts(a_score(0, realised=(a_figure(1.21, 1.4),)))).holds
    assert (
        of("performance", policy, facts(a_score(0, realised=(a_figure(1.19, 1.9),)))).holds is False
    )


def test_performance_says_its_figures_and_cites_its_score() -> None:
    condition = of("performance", asking(WORSE), facts(a_score(0, realised=(a_figure(1.3, 1.5),))))
    assert condition.says == ("mae 1.4 [1.3, 1.5] on 168 rows; v1's reference loss 1, allowed 1.2")
    assert condition.window == "w0"
    assert condition.trigger == 0
    [evidence] = condition.evidence
    assert (evidence.kind, evidence.id) == ("score", "w0/1")
    assert evidence.figures == {
        "value": 1.4, "low": 1.3, "high": 1.5, "rows": 168.0, "reference_loss": 1.0,
        "limit": pytest.approx(1.2),
    }  # fmt: skip


def test_performance_waits_for_a_window_whose_labels_are_closed() -> None:
    early = a_score(0, revision=0, realised=(a_figure(5.0, 6.0),))
    assert of("performance", asking(WORSE), facts(early)).holds is None


def test_a_later_revision_does_not_speak_again() -> None:
    first = a_score(0, revision=1, realised=(a_figure(0.9, 1.1),))
    again = a_score(0, revision=2, realised=(a_figure(5.0, 6.0),))
    assert of("performance", asking(WORSE), facts(first, again)).holds is False


def test_another_versions_losses_are_not_the_champions() -> None:
    others = a_score(0, realised=(a_figure(5, 6, version="v0"), a_figure(5, 6, version="*")))
    assert of("performance", asking(WORSE), facts(others)).holds is None


def test_without_a_reference_loss_or_an_interval_it_cannot_be_told() -> None:
    score = a_score(0, realised=(a_figure(5.0, 6.0),))
    assert (
        of("performance", asking(WORSE), facts(score, champion=a_version(scale=None))).holds is None
    )
    bare = msgspec.structs.replace(a_figure(5.0, 6.0), interval=None)
    assert of("performance", asking(WORSE), facts(a_score(0, realised=(bare,)))).holds is None


def test_a_squared_loss_is_compared_in_squares() -> None:
    policy = asking(WORSE, trial=Trial(metric="rmse"))
    champion = a_version(scale=LossScale(reference_loss=4.0, loss_cap=9.0, rows=10))
    near = facts(a_score(0, realised=(a_figure(2.1, 2.3, metric="rmse"),)), champion=champion)
    far = facts(a_score(0, realised=(a_figure(2.2, 2.3, metric="rmse"),)), champion=champion)
    assert of("performance", policy, near).holds is False
    assert of("performance", policy, far).holds is True


def test_worse_than_goes_by_the_metrics_own_direction() -> None:
    limit = Trigger(kind=TriggerKind.WORSE_THAN, amount=0.7)
    monitors = msgspec.structs.replace(
        a_policy().monitors, performance=Performance(metric="roc_auc")
    )
    policy = asking(limit, monitors=monitors)
    low = facts(a_score(0, realised=(a_figure(0.6, 0.69, metric="roc_auc"),)))
    wide = facts(a_score(0, realised=(a_figure(0.6, 0.75, metric="roc_auc"),)))
    assert of("performance", policy, low).holds is True
    assert of("performance", policy, wide).holds is False
    error = facts(a_score(0, realised=(a_figure(0.71, 0.8),)))
    assert of("performance", asking(limit), error).holds is True


def test_the_metrics_that_want_to_be_high_are_those_of_the_detectors() -> None:
    assert {
        name for name, metric in METRICS.items() if metric.direction == "up"
    } == HIGHER_IS_BETTER


def test_drift_must_hold_for_windows_one_after_another() -> None:
    policy = asking(DRIFTED)
    assert of("drift", policy, facts(drifting(0, 2), drifting(1, 2))).holds is True
    assert of("drift", policy, facts(drifting(0, 2), drifting(1, 0), drifting(2, 2))).holds is False
    assert of("drift", policy, facts(drifting(0, 2), drifting(1, 2), drifting(2, 0))).holds is False


def test_an_inconclusive_window_neither_adds_to_drift_nor_breaks_it() -> None:
    unjudged = drifting(1, 1, judged=1, unjudged=3)
    condition = of("drift", asking(DRIFTED), facts(drifting(0, 2), unjudged, drifting(2, 2)))
    assert condition.holds is True
    assert {e.id for e in condition.evidence} == {"w0/1", "w2/1"}
    assert of("drift", asking(DRIFTED), facts(unjudged, drifting(2, 2))).holds is False
    assert of("drift", asking(DRIFTED), facts(unjudged)).holds is None


def test_drift_counts_failed_columns_over_judged_ones() -> None:
    once = Trigger(kind=TriggerKind.DRIFT, amount=0.3, windows=1)
    assert of("drift", asking(once), facts(drifting(0, 3, judged=10))).holds is True
    assert of("drift", asking(once), facts(drifting(0, 2, judged=10))).holds is False
    assert of("drift", asking(once), facts(drifting(0, 3, judged=10, unjudged=10))).holds is True
    assert of("drift", asking(once), facts(drifting(0, 3, judged=10, unjudged=11))).holds is None


def test_a_window_counts_once_and_by_its_revision_1() -> None:
    both = (drifting(0, 2, revision=0), drifting(0, 2, revision=1))
    assert of("drift", asking(DRIFTED), facts(*both)).holds is False
    changed = (drifting(0, 2, revision=0), drifting(0, 0, revision=1), drifting(1, 2, revision=0))
    assert of("drift", asking(DRIFTED), facts(*changed)).holds is False


def test_windows_of_the_version_before_do_not_count_for_the_new_champion() -> None:
    new = a_version("v2")
    old = (drifting(0, 4), drifting(1, 4), drifting(2, 4, champion="v2"))
    assert of("drift", asking(DRIFTED), facts(*old, champion=new)).holds is None
    own = [drifting(k, 4, champion="v2", reference="boats/v2") for k in (3, 4)]
    assert of("drift", asking(DRIFTED), facts(*old, *own, champion=new)).holds is True


def test_a_stream_alarm_of_the_newest_window_holds() -> None:
    stream = Trigger(kind=TriggerKind.STREAM)
    quiet, loud = a_score(0, stream_alarm=False), a_score(1, stream_alarm=True)
    assert of("stream", asking(stream), facts(quiet, loud)).window == "w1"
    assert of("stream", asking(stream), facts(quiet, loud)).holds is True
    assert of("stream", asking(stream), facts(loud, a_score(2, stream_alarm=False))).holds is False
    assert of("stream", asking(stream), facts(a_score(0))).holds is None


def test_a_schedule_holds_at_its_instants_only() -> None:
    monday = Trigger(kind=TriggerKind.SCHEDULE, text="0 3 * * 1")
    at = SERVED + WEEK + timedelta(hours=3)
    assert of("schedule", asking(monday), facts(now=at)).holds is True
    assert of("schedule", asking(monday), facts(now=at + timedelta(minutes=1))).holds is False


def test_new_labels_age_and_messages() -> None:
    labels = Trigger(kind=TriggerKind.NEW_LABELS, amount=100)
    assert of("new_labels", asking(labels), facts(new_labels=100)).holds is True
    assert (
        of("new_labels", asking(labels), facts(new_labels=99)).says
        == "99 new labels of the 100 asked for"
    )
    assert of("new_labels", asking(labels), facts()).holds is None
    age = Trigger(kind=TriggerKind.AGE, age=60 * DAY)
    assert of("age", asking(age), facts(now=SERVED + 60 * DAY)).holds is True
    assert of("age", asking(age), facts(now=SERVED + 59 * DAY)).holds is False
    message = Trigger(kind=TriggerKind.MESSAGE, text="rebuilt")
    assert of("message", asking(message), facts(messages=("rebuilt",))).holds is True
    assert of("message", asking(message), facts(messages=("other",))).holds is False


def test_a_condition_knows_its_place_among_the_triggers() -> None:
    found = conditions_of(asking(DRIFTED, WORSE), facts(a_score(0)))
    assert [(c.name, c.trigger) for c in found][:2] == [("drift", 0), ("performance", 1)]


def test_performance_alerts_where_no_trigger_looks_at_it() -> None:
    condition = of(
        "performance", asking(DRIFTED), facts(a_score(0, realised=(a_figure(1.3, 1.5),)))
    )
    assert (condition.holds, condition.trigger) == (True, None)


@pytest.mark.parametrize(
    ("name", "detector", "words"),
    [
        ("quality", "missing", "wind is missing in 25% of the rows"),
        ("quality", "range", "50% of the values of wind lie far outside the reference's range"),
        ("quality", "unseen", "25% of the rows hold a level of wind that the reference has not"),
        ("volume", "volume", "168 rows came, 25% more than usual"),
        ("schema", "schema", "wind is absent, or has values and never had any before"),
        ("label_feed", "label_feed", "labels came for 25% of the rows more than usual"),
    ],
)
def test_what_is_wrong_with_the_data_only_alerts(name: str, detector: str, words: str) -> None:
    condition = of(name, asking(WORSE), facts(a_score(0, findings=(broken(detector),))))
    assert (condition.holds, condition.trigger, condition.window) == (True, None, "w0")
    assert condition.says == f"in the window from 2024-04-01 00:00: {words}"
    assert of(name, asking(WORSE), facts(a_score(0))).holds is (False if name == "schema" else None)


def test_only_a_window_with_closed_labels_tells_of_the_label_feed() -> None:
    matured = a_score(0, findings=(broken("label_feed"),))
    fresh = a_score(1, revision=0)
    found = facts(matured, fresh)
    assert of("label_feed", asking(WORSE), found).holds is True
    assert of("quality", asking(WORSE), found).window == "w1"
