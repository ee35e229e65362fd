"""From a situation to decisions: the only place that says retrain, promote or roll back.

`decide` is asked again and again at one instant until it has nothing more to say, so each
rule looks at the facts alone and never at what another rule has just decided.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from controlplane.domain.alerts import Severity
from controlplane.domain.conditions import Condition
from controlplane.domain.decisions import Decision, DecisionKind, Evidence, decision_id
from controlplane.domain.guards import Guard
from controlplane.domain.policy import Margin
from controlplane.domain.situation import Situation
from controlplane.domain.states import TrialState
from controlplane.domain.waiting import FAILURES_ALLOWED, held_back, in_the_way

FEWEST_ROWS: Final = 50
"""Labelled rows that a first version needs."""
NO_WAY_BACK: Final = "no_way_back"
"""The alert of a breached guard that nothing could be done about."""
FATES: Final = (DecisionKind.PROMOTE, DecisionKind.REJECT)
SELECTIVE: Final = (
    "; an operator has to approve it, since labels that exist only where the model said yes "
    "reward agreeing with it"
)
ALERTING: Final = frozenset(
    {"performance", "drift", "stream", "quality", "volume", "label_feed", "schema", "budget",
     "estimate", "concept", "together"}
)  # fmt: skip
"""Conditions that somebody should hear of; schedules and ages are nobody's alarm."""

Rule = Callable[[Situation], list[Decision]]


def decide(situation: Situation) -> list[Decision]:
    """What the policy asks for, given what is known; an empty list means: nothing."""
    return [decision for rule in RULES for decision in rule(situation)]


def roll_back_after_breach(s: Situation) -> list[Decision]:
    """A breached guard takes the promotion back; where that cannot be, somebody has to come."""
    guard = s.breached_guard
    if guard is None or s.is_decided(DecisionKind.ROLL_BACK, guard.version):
        return []
    evidence = Evidence(
        kind="guard",
        id=guard.id,
        says=f"{guard.version} against {guard.previous}: level {_level(guard.levels):.0f} of "
        f"{guard.threshold:.0f} after {guard.rows} rows, {_figure(guard.mean_difference)} a row "
        f"more on their mean; allowed {guard.margin:.4g}",
        figures={"mean_difference": guard.mean_difference, "rows": float(guard.rows),
                 "level": _level(guard.levels), "threshold": guard.threshold},
    )  # fmt: skip
    failure = s.failure(DecisionKind.ROLL_BACK, guard.version, guard.id)
    if guard.previous is None or failure is not None:
        return _no_way_back(s, guard, evidence, failure or "no version served before it")
    target = Evidence(kind="target", id=guard.previous, says=f"{guard.previous} served before")
    return [
        _decision(
            s, DecisionKind.ROLL_BACK, guard.version,
            says=f"take {guard.version} back and serve {guard.previous} again",
            evidence=(evidence, target), verdict="breached", severity=Severity.CRITICAL,
            replaces=guard.version,
        )
    ]  # fmt: skip


def _no_way_back(s: Situation, guard: Guard, evidence: Evidence, why: str) -> list[Decision]:
    """A breach that nothing can be done about is told once, as loudly as there is."""
    if any(alert.condition == NO_WAY_BACK for alert in s.open_alerts):
        return []
    says = f"{guard.version} breached its guard and stays champion: {why}"
    return [
        _decision(
            s, DecisionKind.ALERT, NO_WAY_BACK, says=says, evidence=(evidence,),
            condition=NO_WAY_BACK, severity=Severity.CRITICAL,
        )
    ]  # fmt: skip


def end_trial(s: Situation) -> list[Decision]:
    """An ended trial promotes its candidate or turns it away."""
    trial = s.settled_trial
    if (
        trial is None
        or s.open_guard is not None
        or any(s.is_decided(kind, trial.candidate) for kind in FATES)
    ):
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
    champion = s.champion.version if s.champion else None
    why = trial.says
    if champion != trial.champion:
        why = f"{trial.champion}, which it was tried against, is not champion any more"
    elif (failure := s.failure(DecisionKind.PROMOTE, trial.candidate, trial.id)) is not None:
        why = failure
    elif trial.state in wins and (not trial.by_hand or trial.state is TrialState.BETTER):
        selective = SELECTIVE if s.policy.label.selective else ""
        return [
            _decision(
                s, DecisionKind.PROMOTE, trial.candidate,
                says=f"promote {trial.candidate} in place of {champion}: {trial.says}{selective}",
                evidence=(evidence,), verdict=str(trial.state), made=trial.made, replaces=champion,
            )
        ]  # fmt: skip
    return [
        _decision(
            s, DecisionKind.REJECT, trial.candidate,
            says=f"keep {champion}, turn {trial.candidate} away: {why}",
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
    kind = DecisionKind.FIRST if s.champion is None else DecisionKind.TRIAL
    waits = s.open_guard is not None if s.champion else not s.proved
    if waits or s.is_decided(kind, candidate.version):
        return []
    if (failure := s.failure(kind, candidate.version)) is not None:
        says = f"turn {candidate.version} away: {failure}"
        return [_decision(s, DecisionKind.REJECT, candidate.version, says=says,
                          evidence=(evidence,))]  # fmt: skip
    if s.champion is None:
        says = f"{candidate.version} is the first version: it loads and scores, so it serves"
        return [_decision(s, DecisionKind.FIRST, candidate.version, says=says,
                          evidence=(evidence,))]  # fmt: skip
    says = f"try {candidate.version} against {s.champion.version} on rows that neither has seen"
    return [_decision(s, DecisionKind.TRIAL, candidate.version, says=says, evidence=(evidence,))]


def train_the_first(s: Situation) -> list[Decision]:
    """A model with a trainer and no champion asks for a run once there are labelled rows."""
    if (
        s.champion is not None
        or s.policy.trainer is None
        or in_the_way(s) is not None
        or any(d.kind is DecisionKind.RETRAIN for d in s.unfinished if d.dry == s.policy.dry_run)
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
    if (held := held_back(s)) is not None:
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
    margin = Margin(share=trial.margin_share, absolute=trial.margin_absolute).of(
        trial.progress.loss_champion or 0.0
    )
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
