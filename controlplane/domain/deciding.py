"""From a situation to decisions: the only place that says retrain, promote or roll back.

`decide` is asked again and again at one instant until it has nothing more to say, so each
rule looks at the facts alone and never at what another rule has just decided.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from controlplane.domain.alerts import Severity
from controlplane.domain.conditions import Condition
from controlplane.domain.decisions import Decision, DecisionKind, Evidence, decision_id
from controlplane.domain.situation import Situation
from controlplane.domain.states import TrialState

FEWEST_ROWS: Final = 50
"""Labelled rows that a first version needs."""
FAILURES_ALLOWED: Final = 3
ALERTING: Final = frozenset(
    {"performance", "drift", "stream", "quality", "volume", "label_feed", "schema"}
)
"""Conditions that somebody should hear of; schedules and ages are nobody's alarm."""

Rule = Callable[[Situation], list[Decision]]


def decide(situation: Situation) -> list[Decision]:
    """What the policy asks for, given what is known; an empty list means: nothing."""
    return [decision for rule in RULES for decision in rule(situation)]


def roll_back_after_breach(s: Situation) -> list[Decision]:
    """A breached guard takes the promotion back, where there is a version to go back to."""
    guard = s.breached_guard
    if guard is None or guard.previous is None or s.policy.guard.then != "rollback":
        return []
    evidence = Evidence(
        kind="guard",
        id=guard.id,
        says=f"{guard.version} lost {_figure(guard.mean_difference)} a row more than "
        f"{guard.previous} over {guard.rows} rows; allowed {guard.margin:.4g}",
        figures={"mean_difference": guard.mean_difference, "rows": float(guard.rows),
                 "level": _level(guard.levels), "threshold": guard.threshold},
    )  # fmt: skip
    target = Evidence(kind="target", id=guard.previous, says=f"{guard.previous} served before")
    return [
        _decision(
            s, DecisionKind.ROLL_BACK, guard.version,
            says=f"take {guard.version} back and serve {guard.previous} again",
            evidence=(evidence, target), verdict="breached", severity=Severity.CRITICAL,
        )
    ]  # fmt: skip


def end_trial(s: Situation) -> list[Decision]:
    """An ended trial promotes its candidate or turns it away."""
    trial = s.settled_trial
    if trial is None:
        return []
    progress = trial.progress
    evidence = Evidence(
        kind="trial", id=trial.id, says=trial.says,
        figures={
            "difference": progress.difference if progress else None,
            "low": progress.low if progress else None,
            "high": progress.high if progress else None,
            "rows": float(progress.rows) if progress else 0.0,
        },
    )  # fmt: skip
    wins = {TrialState.BETTER}
    if s.policy.promote.when == "not_worse" and _not_worse(s):
        wins = {TrialState.BETTER, TrialState.NOT_BETTER, TrialState.INCONCLUSIVE}
    by_policy = not trial.by_hand
    if trial.state in wins and (by_policy or trial.state is TrialState.BETTER):
        return [
            _decision(
                s, DecisionKind.PROMOTE, trial.candidate,
                says=f"promote {trial.candidate} in place of {trial.champion}: {trial.says}",
                evidence=(evidence,), verdict=str(trial.state), made=trial.made,
            )
        ]  # fmt: skip
    return [
        _decision(
            s, DecisionKind.REJECT, trial.candidate,
            says=f"keep {trial.champion}, turn {trial.candidate} away: {trial.says}",
            evidence=(evidence,), verdict=str(trial.state), made=trial.made,
        )
    ]  # fmt: skip


def place_candidate(s: Situation) -> list[Decision]:
    """A fresh version is tried against the champion; the very first takes the empty place."""
    candidate = s.candidate
    if candidate is None or s.open_trial is not None or s.settled_trial is not None:
        return []
    evidence = Evidence(
        kind="run", id=candidate.run or "", figures={"rows": float(candidate.rows_trained)},
        says=f"{candidate.version} was trained on {candidate.rows_trained} rows",
    )  # fmt: skip
    if s.champion is None:
        if not s.proved:
            return []
        says = f"{candidate.version} is the first version: it loads and scores, so it serves"
        return [_decision(s, DecisionKind.FIRST, candidate.version, says=says,
                          evidence=(evidence,))]  # fmt: skip
    if s.open_guard is not None:
        return []
    says = f"try {candidate.version} against {s.champion.version} on rows that neither has seen"
    return [_decision(s, DecisionKind.TRIAL, candidate.version, says=says, evidence=(evidence,))]


def train_the_first(s: Situation) -> list[Decision]:
    """A model with a trainer and no champion asks for a run once there are labelled rows."""
    if (
        s.champion is not None
        or s.policy.trainer is None
        or s.model.retraining_stopped is not None
        or s.blocker() is not None
        or s.labelled_rows < FEWEST_ROWS
    ):
        return []
    evidence = Evidence(
        kind="rows", id=s.model.model, says=f"{s.labelled_rows} labelled rows and no champion",
        figures={"rows": float(s.labelled_rows)},
    )  # fmt: skip
    return [
        _decision(
            s, DecisionKind.RETRAIN, f"first:{len(s.ended_runs)}",
            says="train a first version: there is none yet", evidence=(evidence,),
            triggers=("first",),
        )
    ]  # fmt: skip


def retrain(s: Situation) -> list[Decision]:
    """A trigger that holds asks for a run, or is held back and says by what."""
    if s.champion is None or s.policy.trainer is None:
        return []
    asking = [c for c in s.conditions if c.trigger is not None and c.holds and _speaks(s, c)]
    if not asking or _asked_now(s):
        return []
    names = tuple(sorted({c.name for c in asking}))
    evidence = tuple(e for c in asking for e in c.evidence)
    reasons = "; ".join(c.says for c in asking)
    if (held := _held_back(s)) is not None:
        blocker, why = held
        if blocker in s.held:
            return []
        return [
            _decision(s, DecisionKind.HOLD, blocker, says=f"no run: {why} ({reasons})",
                      evidence=evidence, triggers=names, window=asking[0].window)
        ]  # fmt: skip
    return [
        _decision(s, DecisionKind.RETRAIN, s.champion.version, says=f"retrain: {reasons}",
                  evidence=evidence, triggers=names, window=asking[0].window)
    ]  # fmt: skip


def stop_after_failures(s: Situation) -> list[Decision]:
    """Three failed runs in a row stop retraining until an operator says go."""
    if s.model.retraining_stopped is not None or s.failing_in_a_row < FAILURES_ALLOWED:
        return []
    failed = s.ended_runs[:FAILURES_ALLOWED]
    evidence = tuple(
        Evidence(kind="run", id=run.id, says=f"{run.state}: {run.reason or 'no reason given'}")
        for run in failed
    )
    says = f"stop retraining: the last {FAILURES_ALLOWED} runs failed; `leeboard runs resume`"
    return [_decision(s, DecisionKind.STOP, failed[0].id, says=says, evidence=evidence,
                      severity=Severity.CRITICAL)]  # fmt: skip


def alert(s: Situation) -> list[Decision]:
    """A condition that holds and is not told of yet becomes an alert."""
    told = {a.condition for a in s.open_alerts}
    return [
        _decision(
            s, DecisionKind.ALERT, c.name, says=c.says, evidence=c.evidence, condition=c.name,
            window=c.window, severity=_severity(c),
        )
        for c in _one_a_name(s.conditions)
        if c.name in ALERTING and c.name not in told and _speaks(s, c)
    ]  # fmt: skip


RULES: Final[tuple[Rule, ...]] = (
    roll_back_after_breach, end_trial, place_candidate, stop_after_failures, train_the_first,
    retrain, alert,
)  # fmt: skip


def _asked_now(s: Situation) -> bool:
    """What asked at this instant was heard already."""
    return bool(s.retrainings) and s.retrainings[0].model_time == s.now


def _held_back(s: Situation) -> tuple[str, str] | None:
    """Why no run may start now, as (what blocks, a sentence)."""
    if s.model.retraining_stopped is not None:
        return f"stopped:{s.failing_in_a_row}", s.model.retraining_stopped
    if (blocker := s.blocker()) is not None:
        return blocker
    if not s.retrainings:
        return None
    last = s.retrainings[0]
    until = last.model_time + cooldown(s.policy.retrain.cooldown, s.window)
    if s.now < until:
        return f"cooldown:{last.id}", f"cooling down until {until:%Y-%m-%d %H:%M}"
    limit = s.policy.retrain.at_most
    recent = [d for d in s.retrainings if d.model_time > s.now - limit.period]
    if len(recent) >= limit.count:
        return f"at_most:{recent[-1].id}", f"{len(recent)} runs in {limit.period.days} days"
    return None


def cooldown(asked: timedelta | None, window: timedelta) -> timedelta:
    """The time between runs: as asked, else two windows and at least a week."""
    return asked if asked is not None else max(2 * window, timedelta(days=7))


def _speaks(s: Situation, condition: Condition) -> bool:
    """A condition on a window speaks at the instant at which the window was scored."""
    return bool(condition.holds) and (condition.window is None or condition.window in s.fresh)


def _one_a_name(conditions: tuple[Condition, ...]) -> list[Condition]:
    """The holding conditions, one of each name."""
    return list({c.name: c for c in reversed(conditions) if c.holds}.values())[::-1]


def _severity(condition: Condition) -> Severity:
    return Severity.WARNING if condition.trigger is not None else Severity.INFO


def _not_worse(s: Situation) -> bool:
    trial = s.settled_trial
    if trial is None or trial.progress is None or trial.progress.low is None:
        return False
    margin = s.policy.trial.margin.of(trial.progress.loss_champion or 0.0)
    return trial.progress.low > -margin


def _level(levels: tuple[float, ...]) -> float:
    return sum(levels) / len(levels) if levels else 0.0


def _figure(value: float | None) -> str:
    return "an unknown amount" if value is None else f"{value:.4g}"


def _decision(
    s: Situation, kind: DecisionKind, subject: str, *, says: str, **facts: object
) -> Decision:
    now: datetime = s.now
    number = s.model.generation
    decision = Decision(
        id=decision_id(s.model.model, number, kind, subject, now), model=s.model.model, kind=kind,
        subject=subject, generation=number, model_time=now, says=says, dry=s.policy.dry_run,
    )  # fmt: skip
    return msgspec.structs.replace(decision, **facts)
