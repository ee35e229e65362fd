"""Every rule of `decide`: what it says, what it rests on, and when it says nothing."""

from datetime import timedelta

import msgspec
import pytest

from controlplane.domain.alerts import Severity
from controlplane.domain.deciding import decide
from controlplane.domain.decisions import Decision, DecisionKind, Evidence
from controlplane.domain.policy import AtMost, Label, Margin, Promote, Retrain
from controlplane.domain.states import DecisionState, GuardState, RunState, TrialState
from controlplane.domain.waiting import cooldown, held_back
from tests.builders import (
    DAY,
    NOW,
    a_condition,
    a_decision,
    a_guard,
    a_model,
    a_progress,
    a_run,
    a_situation,
    a_trial,
    a_version,
    an_alert,
    asked,
)
from tests.voyage import WORSE, a_file

RETRAIN, HOLD, TRIAL, ALERT = (
    DecisionKind.RETRAIN, DecisionKind.HOLD, DecisionKind.TRIAL, DecisionKind.ALERT,
)  # fmt: skip


def kinds(decisions: list[Decision]) -> list[tuple[str, str]]:
    return [(str(d.kind), d.subject) for d in decisions]


def retrainings(*days_ago: float) -> tuple[Decision, ...]:
    return tuple(
        a_decision(RETRAIN, model_time=NOW - days * DAY, id=f"d_{days}") for days in days_ago
    )


def test_where_nothing_is_going_on_nothing_is_decided() -> None:
    assert decide(a_situation()) == []


# Retraining


def test_a_trigger_that_holds_asks_for_a_run_and_somebody_hears() -> None:
    retrain, alert = decide(asked())
    assert (retrain.kind, retrain.subject, retrain.window) == (RETRAIN, "v1", "w5")
    assert retrain.says == "retrain: performance is worse"
    assert retrain.evidence == a_condition().evidence
    assert retrain.triggers == ("performance",)
    assert retrain.by == "policy"
    assert not retrain.dry
    assert (alert.kind, alert.condition, alert.severity) == (ALERT, "performance", Severity.WARNING)


@pytest.mark.parametrize(
    "condition",
    [a_condition(holds=False), a_condition(holds=None), a_condition(trigger=None),
     a_condition(window="w4")],
    ids=["does_not_hold", "cannot_be_told", "only_alerts", "spoke_before"],
)  # fmt: skip
def test_what_does_not_hold_or_spoke_before_asks_for_nothing(condition) -> None:
    assert RETRAIN not in {d.kind for d in decide(asked(conditions=(condition,)))}


def test_several_triggers_at_once_are_one_run_that_names_them_all() -> None:
    both = (a_condition(), a_condition("age", trigger=1, window=None))
    [retrain] = [d for d in decide(asked(conditions=both)) if d.kind is RETRAIN]
    assert retrain.triggers == ("age", "performance")
    assert len(retrain.evidence) == 2


def test_a_trigger_that_was_heard_at_this_instant_is_not_heard_again() -> None:
    assert [d.kind for d in decide(asked(retrainings=retrainings(0)))] == [ALERT]


@pytest.mark.parametrize("what", ["trainer", "champion"])
def test_without_trainer_or_champion_a_trigger_asks_for_nothing(what: str) -> None:
    gone = {"policy": a_file(trainer=None)} if what == "trainer" else {"champion": None}
    assert [d.kind for d in decide(asked(**gone))] == [ALERT]


def test_the_same_facts_give_the_same_id_and_another_instant_another() -> None:
    first, again = decide(asked())[0], decide(asked())[0]
    later = decide(asked(now=NOW + DAY))[0]
    assert first.id == again.id
    assert later.id != first.id


# Cooldown and at_most


@pytest.mark.parametrize(
    "state", [DecisionState.FAILED, DecisionState.REJECTED, DecisionState.PERFORMED]
)
def test_the_cooldown_counts_from_the_last_request_whatever_came_of_it(state) -> None:
    last = retrainings(6.9)[0]
    held = decide(asked(retrainings=(msgspec.structs.replace(last, state=state),)))[0]
    assert (held.kind, held.subject) == (HOLD, "cooldown:d_6.9")
    assert held.says == ("no run: cooling down until 2024-05-06 02:24 (performance is worse)")
    assert held.triggers == ("performance",)


def test_when_the_cooldown_is_over_to_the_instant_a_run_may_start() -> None:
    assert decide(asked(retrainings=retrainings(7)))[0].kind is RETRAIN


def test_by_default_the_cooldown_is_two_windows_and_at_least_a_week() -> None:
    assert cooldown(None, 5 * DAY) == 10 * DAY
    assert cooldown(None, timedelta(hours=1)) == 7 * DAY
    assert cooldown(timedelta(0), 5 * DAY) == timedelta(0)


def test_the_default_cooldown_doubles_with_every_candidate_in_a_row_that_was_turned_away() -> None:
    assert [cooldown(None, DAY, n) / DAY for n in range(6)] == [7, 14, 28, 56, 56, 56]
    assert cooldown(3 * DAY, DAY, 5) == 3 * DAY


def test_at_most_so_many_runs_in_a_period_and_the_oldest_of_them_is_named() -> None:
    policy = a_file(retrain=Retrain(when=(WORSE,), cooldown=DAY, at_most=AtMost(2, 30 * DAY)))
    held = decide(asked(policy=policy, retrainings=retrainings(3, 29, 60)))[0]
    assert (held.kind, held.subject) == (HOLD, "at_most:d_29")
    assert "2 runs in 30 days" in held.says
    free = decide(asked(policy=policy, retrainings=retrainings(3, 30, 60)))[0]
    assert free.kind is RETRAIN


# One thing at a time

BLOCKERS = {
    "run": {"open_run": a_run(state=RunState.RUNNING)},
    "candidate": {"candidate": a_version("v2"), "open_trial": a_trial()},
    "trial": {"open_trial": a_trial()},
    "guard": {"open_guard": a_guard()},
    "approval": {"awaiting": (a_decision(RETRAIN, state=DecisionState.AWAITING_APPROVAL),)},
    "stopped": {"model": a_model(retraining_stopped="three runs failed")},
    "frozen": {"model": a_model(frozen="stopped by ada")},
    "cooldown": {"retrainings": retrainings(1)},
}
SAID = {
    "run": "run r_1 is running", "candidate": "v2 waits for its trial", "trial": "v2 is on trial",
    "guard": "the promotion of v2 is guarded", "approval": "decision d_retrain waits for approval",
    "stopped": "three runs failed", "frozen": "stopped by ada",
    "cooldown": "cooling down until 2024-05-12 00:00",
}  # fmt: skip


@pytest.mark.parametrize("blocker", list(BLOCKERS))
def test_a_run_waits_while_something_is_open_and_the_hold_is_told_once(blocker: str) -> None:
    facts = BLOCKERS[blocker]
    [held] = [d for d in decide(asked(**facts)) if d.kind in {RETRAIN, HOLD}]
    assert held.kind is HOLD
    assert held.says == f"no run: {SAID[blocker]} (performance is worse)"
    assert held.subject == held_back(asked(**facts))[0]
    again = decide(asked(**facts, held=frozenset({held.subject})))
    assert [d.kind for d in again if d.kind in {RETRAIN, HOLD}] == []


# The first version


def first(**changes: object) -> list[Decision]:
    return decide(a_situation(**{"champion": None, "model": a_model(champion=None, moves=0),
                                 "labelled_rows": 50, **changes}))  # fmt: skip


def test_without_a_champion_a_first_version_is_trained_once_there_are_labelled_rows() -> None:
    [decision] = first()
    assert kinds([decision]) == [("retrain", "first:0")]
    assert decision.triggers == ("first",)
    assert decision.evidence[0].figures == {"rows": 50.0}
    assert first(labelled_rows=49) == []


@pytest.mark.parametrize(
    "changes",
    [{"policy": a_file(trainer=None)}, {"open_run": a_run(state=RunState.QUEUED)},
     {"model": a_model(champion=None, retraining_stopped="three runs failed")},
     {"model": a_model(champion=None, frozen="stopped by ada")},
     {"unfinished": (a_decision(RETRAIN, "first:0"),)}],
    ids=["no_trainer", "run_open", "stopped", "frozen", "asked_for"],
)  # fmt: skip
def test_a_first_version_is_not_asked_for_in_vain_or_twice(changes) -> None:
    assert first(**changes) == []


def test_in_a_dry_run_a_first_version_is_asked_for_once() -> None:
    dry = a_file(dry_run=True)
    [decision] = first(policy=dry)
    assert decision.dry
    assert first(policy=dry, unfinished=(decision,)) == []
    assert kinds(first(unfinished=(decision,))) == [("retrain", "first:0")]


def test_the_first_version_serves_once_it_is_proved() -> None:
    candidate = a_version("v1")
    assert first(candidate=candidate) == []
    [decision] = first(candidate=candidate, proved=True)
    assert kinds([decision]) == [("first", "v1")]
    assert decision.replaces is None
    assert decision.says == "v1 is the first version: it loads and scores, so it serves"


# Trials


def test_a_fresh_version_is_tried_against_the_champion() -> None:
    [decision] = decide(a_situation(candidate=a_version("v2")))
    assert kinds([decision]) == [("trial", "v2")]
    assert decision.evidence == (
        Evidence(kind="run", id="r_v2", says="v2 was trained on 500 rows", figures={"rows": 500.0}),
    )


@pytest.mark.parametrize(
    "changes",
    [{"open_trial": a_trial()}, {"settled_trial": a_trial(state=TrialState.BETTER)},
     {"open_guard": a_guard()}, {"unfinished": (a_decision(TRIAL, "v3"),)}],
    ids=["trial", "fate", "guard", "decided"],
)  # fmt: skip
def test_a_fresh_version_waits_while_another_is_tried_or_guarded(changes) -> None:
    assert TRIAL not in {d.kind for d in decide(a_situation(candidate=a_version("v3"), **changes))}


def test_a_fresh_version_that_could_not_be_tried_is_turned_away() -> None:
    failed = a_decision(TRIAL, "v2", state=DecisionState.FAILED, outcome="it has no files")
    [decision] = decide(a_situation(candidate=a_version("v2"), failed=(failed,)))
    assert kinds([decision]) == [("reject", "v2")]
    assert decision.says == "turn v2 away: it has no files"


def ended(state: TrialState, low: float | None = 0.1, high: float | None = 0.3, **changes: object):
    trial = a_trial(state=state, says="so it ended", series=(a_progress(low, high),))
    return msgspec.structs.replace(trial, **changes)


def test_a_better_candidate_is_promoted_with_the_figures_it_rests_on() -> None:
    [decision] = decide(a_situation(settled_trial=ended(TrialState.BETTER)))
    assert kinds([decision]) == [("promote", "v2")]
    assert (decision.verdict, decision.replaces) == ("better", "v1")
    [evidence] = decision.evidence
    assert (evidence.kind, evidence.id) == ("trial", "t_1")
    assert evidence.figures == {
        "difference": pytest.approx(0.2), "low": 0.1, "high": 0.3, "rows": 336.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "state", [TrialState.NOT_BETTER, TrialState.WORSE, TrialState.INCONCLUSIVE, TrialState.ERROR]
)
def test_every_other_end_turns_the_candidate_away(state: TrialState) -> None:
    [decision] = decide(a_situation(settled_trial=ended(state)))
    assert kinds([decision]) == [("reject", "v2")]
    assert decision.verdict == str(state)
    assert decision.says == "keep v1, turn v2 away: so it ended"


NOT_WORSE = a_file(promote=Promote(when="not_worse"))


@pytest.mark.parametrize(
    ("state", "low", "kind"),
    [(TrialState.BETTER, 0.1, "promote"), (TrialState.NOT_BETTER, -0.049, "promote"),
     (TrialState.INCONCLUSIVE, -0.049, "promote"), (TrialState.INCONCLUSIVE, -0.05, "reject"),
     (TrialState.INCONCLUSIVE, None, "reject"), (TrialState.WORSE, -0.01, "reject"),
     (TrialState.ERROR, -0.01, "reject")],
)  # fmt: skip
def test_not_worse_promotes_when_the_lower_bound_passes_minus_the_margin(state, low, kind) -> None:
    trial = ended(state, low, None if low is None else 0.2)
    assert kinds(decide(a_situation(policy=NOT_WORSE, settled_trial=trial))) == [(kind, "v2")]


def test_not_worse_goes_by_the_margin_that_the_trial_was_opened_with() -> None:
    trial = ended(TrialState.INCONCLUSIVE, -0.08, 0.2, margin_share=0.1)
    policy = msgspec.structs.replace(
        NOT_WORSE, trial=msgspec.structs.replace(NOT_WORSE.trial, margin=Margin(share=0.01))
    )
    assert kinds(decide(a_situation(policy=policy, settled_trial=trial))) == [("promote", "v2")]


def test_a_trial_by_hand_promotes_only_what_is_better() -> None:
    better = ended(TrialState.BETTER, by_hand=True)
    equal = ended(TrialState.INCONCLUSIVE, -0.01, 0.2, by_hand=True)
    assert kinds(decide(a_situation(policy=NOT_WORSE, settled_trial=better))) == [("promote", "v2")]
    assert kinds(decide(a_situation(policy=NOT_WORSE, settled_trial=equal))) == [("reject", "v2")]


def test_a_fate_is_decided_once_while_it_waits_for_approval_or_a_thaw() -> None:
    trial = ended(TrialState.BETTER)
    [decision] = decide(a_situation(settled_trial=trial))
    for state in (DecisionState.AWAITING_APPROVAL, DecisionState.RECORDED, DecisionState.APPROVED):
        waits = msgspec.structs.replace(decision, state=state)
        later = a_situation(settled_trial=trial, unfinished=(waits,), now=NOW + DAY)
        assert decide(later) == []


def test_a_candidate_that_beat_a_version_that_left_is_turned_away() -> None:
    trial = ended(TrialState.BETTER, champion="v0")
    [decision] = decide(a_situation(settled_trial=trial))
    assert kinds([decision]) == [("reject", "v2")]
    assert "v0, which it was tried against, is not champion any more" in decision.says


def test_a_winner_that_could_not_be_promoted_is_turned_away_and_says_why() -> None:
    trial = ended(TrialState.BETTER)
    [promote] = decide(a_situation(settled_trial=trial))
    failed = msgspec.structs.replace(promote, state=DecisionState.FAILED, outcome="not proved")
    [decision] = decide(a_situation(settled_trial=trial, failed=(failed,), now=NOW + DAY))
    assert kinds([decision]) == [("reject", "v2")]
    assert decision.says == "keep v1, turn v2 away: not proved"


def test_while_a_guard_watches_no_second_promotion_is_decided() -> None:
    assert decide(a_situation(settled_trial=ended(TrialState.BETTER), open_guard=a_guard())) == []


def test_selective_labels_are_named_as_the_reason_why_somebody_has_to_approve() -> None:
    policy = a_file(label=Label(column="knots", selective=True))
    [decision] = decide(a_situation(policy=policy, settled_trial=ended(TrialState.BETTER)))
    assert decision.says.endswith(
        "so it ended; an operator has to approve it, since labels that exist only where the "
        "model said yes reward agreeing with it"
    )


# Guards


def breached(**changes: object) -> dict[str, object]:
    guard = a_guard(state=GuardState.BREACHED, rows=100, mean_difference=0.25,
                    levels=(1000.0, 2000.0, 3000.0, 4000.0), **changes)  # fmt: skip
    return {"breached_guard": guard, "champion": a_version("v2"), "model": a_model(champion="v2")}


def test_a_breached_guard_takes_the_promotion_back() -> None:
    [decision] = decide(a_situation(**breached()))
    assert kinds([decision]) == [("roll_back", "v2")]
    assert (decision.verdict, decision.severity) == ("breached", Severity.CRITICAL)
    assert decision.replaces == "v2"
    guard, target = decision.evidence
    assert guard.id == "g_1"
    assert guard.figures == {
        "mean_difference": 0.25, "rows": 100.0, "level": 2500.0, "threshold": 2160.0,
    }  # fmt: skip
    assert (target.kind, target.id) == ("target", "v1")


def test_a_breach_with_no_version_before_is_a_critical_alert_and_changes_nothing() -> None:
    [decision] = decide(a_situation(**breached(previous=None)))
    assert kinds([decision]) == [("alert", "no_way_back")]
    assert (decision.condition, decision.severity) == ("no_way_back", Severity.CRITICAL)
    assert decision.says == "v2 breached its guard and stays champion: no version served before it"
    told = an_alert("no_way_back")
    assert decide(a_situation(**breached(previous=None), open_alerts=(told,))) == []


def test_a_breach_whose_way_back_is_not_proved_is_a_critical_alert() -> None:
    [back] = decide(a_situation(**breached()))
    failed = msgspec.structs.replace(back, state=DecisionState.FAILED, outcome="v1 is not proved")
    [decision] = decide(a_situation(**breached(), failed=(failed,), now=NOW + DAY))
    assert kinds([decision]) == [("alert", "no_way_back")]
    assert decision.says.endswith("stays champion: v1 is not proved")


def test_a_rollback_that_waits_is_not_decided_again() -> None:
    [back] = decide(a_situation(**breached()))
    assert decide(a_situation(**breached(), unfinished=(back,), now=NOW + DAY)) == []


# Failures


def test_three_failures_in_a_row_stop_retraining_with_an_alert_that_cites_them() -> None:
    runs = (a_run(3, RunState.TIMED_OUT, reason="took 30m"), a_run(2), a_run(1))
    [decision] = decide(a_situation(ended_runs=runs, failures_since_go=3))
    assert kinds([decision]) == [("stop", "r_3")]
    assert decision.severity is Severity.CRITICAL
    assert [e.says for e in decision.evidence] == [
        "timed_out: took 30m", "failed: exited with 1", "failed: exited with 1",
    ]  # fmt: skip
    assert decide(a_situation(ended_runs=runs, failures_since_go=2)) == []
    stopped = a_model(retraining_stopped="stopped")
    assert decide(a_situation(model=stopped, ended_runs=runs, failures_since_go=3)) == []


# Alerts


def test_a_condition_that_is_told_of_already_is_not_told_again() -> None:
    quiet = asked(open_alerts=(an_alert(),), retrainings=retrainings(0))
    assert decide(quiet) == []


def test_data_that_is_amiss_is_information_and_schedules_are_nobodys_alarm() -> None:
    conditions = (a_condition("quality", trigger=None), a_condition("schedule", window=None))
    alerts = [d for d in decide(asked(conditions=conditions)) if d.kind is ALERT]
    assert [(d.condition, d.severity) for d in alerts] == [("quality", Severity.INFO)]


def test_two_conditions_of_one_name_are_one_alert() -> None:
    both = (a_condition(holds=False), a_condition(trigger=1), a_condition(trigger=2))
    alerts = [d for d in decide(asked(conditions=both)) if d.kind is ALERT]
    assert [d.condition for d in alerts] == ["performance"]


def test_frozen_models_and_dry_runs_go_on_deciding() -> None:
    dry = decide(asked(policy=a_file(dry_run=True)))
    assert [(d.kind, d.dry) for d in dry] == [(RETRAIN, True), (ALERT, True)]
    frozen = decide(a_situation(model=a_model(frozen="stopped by ada"),
                                settled_trial=ended(TrialState.BETTER)))  # fmt: skip
    assert kinds(frozen) == [("promote", "v2")]
