"""One function an action kind, keyed by the decision; each may be done twice without harm.

Every function runs inside the writer: what it changes and the decision's new state commit
together, so a decision is either performed or not.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from controlplane.domain.alerts import RUNS_FAILING, Alert, Severity
from controlplane.domain.decisions import Decision, DecisionKind
from controlplane.domain.errors import Conflict
from controlplane.domain.models import LossScale, Model
from controlplane.domain.names import digest, seed_of
from controlplane.domain.policy import Policy
from controlplane.domain.runs import Run
from controlplane.domain.states import (
    ALERT,
    DECISION,
    VERSION,
    AlertEvent,
    AlertState,
    DecisionEvent,
    DecisionState,
    RunState,
    VersionEvent,
    moved,
)
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.lifecycle.gains import greatest_of
from controlplane.lifecycle.moving import Move, promote, roll_back
from controlplane.lifecycle.observe import OPEN_RUNS
from controlplane.store.ports import Store, Transaction

_NOT_BY_ROWS: Final = (
    "days are compared, not rows: no {metric} of {champion} is known on rows that it was not trained "
    "on, by which a row's loss could be bounded"
)


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What performing a decision needs to know beside it."""

    model: Model
    policy: Policy
    trial_start: datetime | None = None
    """Event time from which a trial's rows count."""
    scale: LossScale | None = None
    guard_threshold: float = 0.0
    unproved: str | None = None
    """Why the version that is to serve must not; None where nothing speaks against it."""


def perform(store: Store, decision: Decision, means: Means) -> None:
    """Do what was decided; a contradiction with the facts is the decision's outcome."""

    def work(t: Transaction) -> None:
        current = t.ledger.get(Decision, decision.id)
        if current is None or current.state not in {DecisionState.RECORDED, DecisionState.APPROVED}:
            return
        ACTIONS[decision.kind](t, current, means)
        _done(t, current, DecisionEvent.PERFORMED, None)

    try:
        store.write(work).result()
    except Conflict as error:
        reason = str(error)
        store.write(lambda t: _done(t, decision, DecisionEvent.FAILED, reason)).result()


def _done(t: Transaction, decision: Decision, event: DecisionEvent, outcome: str | None) -> None:
    state = moved(DECISION, decision.id, decision.state, event)
    t.ledger.put(msgspec.structs.replace(decision, state=state, outcome=outcome))
    t.ledger.journal(
        model=decision.model, at=decision.model_time, kind=str(event), subject=decision.id,
        by=decision.by, facts={"kind": decision.kind, "subject": decision.subject,
                               "outcome": outcome},
    )  # fmt: skip


def _retrain(t: Transaction, decision: Decision, means: Means) -> None:
    run_id = digest("r", decision.id)
    for run in t.ledger.find(Run, model=decision.model, states=OPEN_RUNS):
        if run.id != run_id:
            message = f"run {run.id} is {run.state}; one at a time"
            raise Conflict(message)
    t.ledger.add(
        Run(
            id=run_id,
            model=decision.model,
            state=RunState.QUEUED,
            decision=decision.id,
            generation=decision.generation,
            triggers=decision.triggers,
            requested_at=decision.model_time,
            trainer=means.policy.trainer or "builtin",
            seed=seed_of(run_id),
        )
    )


def _nothing(_t: Transaction, _decision: Decision, _means: Means) -> None:
    """A held trigger: the decision itself is all there is to do."""


def _trial(t: Transaction, decision: Decision, means: Means) -> None:
    policy, model = means.policy.trial, means.model
    version = _version(t, decision)
    if model.champion is None or means.trial_start is None:
        message = "there is no champion to try it against"
        raise Conflict(message)
    champion = t.ledger.get(Version, f"{decision.model}/{model.champion}")
    greatest = greatest_of(policy.metric, champion.scale if champion else None)
    by_rows = policy.unit == "rows" and greatest is not None
    t.ledger.add(
        Trial(
            id=digest("t", decision.id),
            model=decision.model,
            decision=decision.id,
            generation=decision.generation,
            champion=model.champion,
            candidate=version.version,
            made=decision.made,
            by_hand=decision.by != "policy",
            opened_at=decision.model_time,
            start=means.trial_start,
            metric=policy.metric,
            gain=policy.gain,
            margin_share=policy.margin.share,
            margin_absolute=policy.margin.absolute,
            confidence=policy.confidence,
            stop_blocks=policy.stop_age // timedelta(days=1),
            stop_rows=policy.stop_rows,
            unit="rows" if by_rows else "days",
            greatest=greatest if by_rows else None,
            says=""
            if by_rows or policy.unit == "days"
            else _NOT_BY_ROWS.format(champion=model.champion, metric=policy.metric),
        )
    )
    state = moved(VERSION, version.id, version.state, VersionEvent.TRIAL_OPENED)
    t.ledger.put(msgspec.structs.replace(version, state=state))


def _promote(t: Transaction, decision: Decision, means: Means) -> None:
    promote(t, _move(decision, means, target=decision.subject), means.policy)


def _reject(t: Transaction, decision: Decision, _: Means) -> None:
    version = _version(t, decision)
    state = moved(VERSION, version.id, version.state, VersionEvent.TRIAL_LOST)
    t.ledger.put(msgspec.structs.replace(version, state=state))


def _roll_back(t: Transaction, decision: Decision, means: Means) -> None:
    """The champion that the decision names goes; the one before it returns, and somebody hears."""
    reigning = means.model.champion
    if reigning != decision.subject:
        message = f"{decision.subject} is not champion any more, {reigning} is"
        raise Conflict(message)
    target = _before(decision)
    roll_back(t, _move(decision, means, target=target))
    _raise_alert(t, decision, "rollback", f"{decision.subject} was taken back: {decision.says}")


def _alert(t: Transaction, decision: Decision, _: Means) -> None:
    _raise_alert(t, decision, decision.condition or decision.subject, decision.says)


def _stop(t: Transaction, decision: Decision, _: Means) -> None:
    model = t.ledger.get(Model, decision.model)
    assert model is not None
    t.ledger.put(msgspec.structs.replace(model, retraining_stopped=decision.says))
    _raise_alert(t, decision, RUNS_FAILING, decision.says)


def _resume(t: Transaction, decision: Decision, _: Means) -> None:
    model = t.ledger.get(Model, decision.model)
    assert model is not None
    t.ledger.put(msgspec.structs.replace(model, retraining_stopped=None))
    for alert in t.ledger.find(Alert, model=decision.model, states=[AlertState.FIRING]):
        if alert.condition == RUNS_FAILING:
            state = moved(ALERT, alert.id, alert.state, AlertEvent.RESOLVED)
            t.ledger.put(msgspec.structs.replace(
                alert, state=state, resolved_at=decision.model_time,
                resolved_because=decision.says,
            ))  # fmt: skip


def _raise_alert(t: Transaction, decision: Decision, condition: str, summary: str) -> None:
    fingerprint = digest("f", decision.model, condition)
    firing = t.ledger.find(Alert, model=decision.model, states=[AlertState.FIRING])
    if any(alert.fingerprint == fingerprint for alert in firing):
        return
    t.ledger.add(
        Alert(
            id=digest("a", fingerprint, decision.id),
            model=decision.model,
            condition=condition,
            fingerprint=fingerprint,
            subject=decision.subject,
            summary=summary,
            severity=Severity(decision.severity or Severity.WARNING),
            decision=decision.id,
            window=decision.window,
            fired_at=decision.model_time,
        )
    )


def _version(t: Transaction, decision: Decision) -> Version:
    version = t.ledger.get(Version, f"{decision.model}/{decision.subject}")
    if version is None:
        message = f"{decision.model} has no version {decision.subject}"
        raise Conflict(message)
    return version


def target_of(decision: Decision) -> str | None:
    """The version that serves once a decision is performed; None where it moves no champion."""
    if decision.kind in {DecisionKind.FIRST, DecisionKind.PROMOTE}:
        return decision.subject
    return next((e.id for e in decision.evidence if e.kind == "target"), None)


def _before(decision: Decision) -> str:
    """The version that really served before the one that is taken back."""
    if (target := target_of(decision)) is not None:
        return target
    message = f"there is no proven version to go back to from {decision.subject}"
    raise Conflict(message)


def _move(decision: Decision, means: Means, *, target: str) -> Move:
    if means.unproved is not None:
        raise Conflict(means.unproved)
    return Move(
        decision=decision.id, generation=decision.generation, model=decision.model,
        expected=decision.replaces, target=target, at=decision.model_time,
        reason=decision.says, scale=means.scale, guard_threshold=means.guard_threshold,
    )  # fmt: skip


Action = Callable[[Transaction, Decision, Means], None]

ACTIONS: Final[Mapping[DecisionKind, Action]] = {
    DecisionKind.RETRAIN: _retrain,
    DecisionKind.HOLD: _nothing,
    DecisionKind.TRIAL: _trial,
    DecisionKind.FIRST: _promote,
    DecisionKind.PROMOTE: _promote,
    DecisionKind.REJECT: _reject,
    DecisionKind.ROLL_BACK: _roll_back,
    DecisionKind.ALERT: _alert,
    DecisionKind.STOP: _stop,
    DecisionKind.RESUME: _resume,
}
