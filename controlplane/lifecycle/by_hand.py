"""What people and other systems ask of the lifecycle: each becomes a decision or a fact.

Nothing here moves a champion by itself: a request is recorded as a decision of the operator who
made it, and the next wake performs it by the same code that performs the policy's own.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from controlplane.clock import Clock
from controlplane.domain.decisions import Decision, DecisionKind, Evidence, decision_id
from controlplane.domain.errors import Conflict, NotFound, Refused
from controlplane.domain.guards import Guard
from controlplane.domain.models import Model, Timing
from controlplane.domain.policy import Policy
from controlplane.domain.reigns import Reign
from controlplane.domain.runs import Run
from controlplane.domain.states import (
    DECISION,
    VERSION,
    DecisionEvent,
    DecisionState,
    GuardState,
    VersionEvent,
    VersionState,
    moved,
)
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.lifecycle.observe import OPEN_RUNS, file_in_force
from controlplane.lifecycle.reconcile import record_one
from controlplane.store.ports import LedgerReader, Store, Transaction

BY_HAND: Final = frozenset({DecisionKind.PROMOTE, DecisionKind.ROLL_BACK})


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A request, on its way to become a decision."""

    record: Model
    policy: Policy
    kind: DecisionKind
    subject: str
    says: str
    by: str
    made: bool = False
    triggers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


class ByHand:
    """An operator's requests. `settle` is called with the model after each that decides; `prove`
    with a model and a version before that is to serve: it raises Refused where it cannot."""

    def __init__(
        self, store: Store, clock: Clock, settle: Callable[[str], None],
        prove: Callable[[str, str], None],
    ) -> None:  # fmt: skip
        self._store = store
        self._clock = clock
        self._settle = settle
        self._prove = prove

    def promote(self, model: str, version: str, *, reason: str, by: str) -> Decision:
        """Make a version champion; refused while a guard, a trial or an approval is open."""

        def work(t: Transaction) -> Decision:
            record, policy = file_in_force(t.ledger, model)
            target = _version(t, model, version)
            if record.champion == version:
                message = f"{version} is champion already; nothing would change"
                raise Refused(message)
            _refuse_while_tried(t, model)
            if record.champion is not None and not _was_compared(t, target):
                message = (
                    f"{version} was never compared with {record.champion}, so no guard could watch "
                    f"it; put it on trial first: `leeboard trials start {model} {version}`"
                )
                raise Refused(message)
            place = f"in place of {record.champion}" if record.champion else "as the first to serve"
            says = f"promote {version} {place} by hand: {reason}"
            return self._decided(t, Ask(
                record=record, policy=policy, kind=DecisionKind.PROMOTE, subject=version,
                says=says, by=by, made=target.made,
            ))  # fmt: skip

        self._prove(model, version)
        return self._performed(model, self._store.write(work).result())

    def rollback(self, model: str, *, reason: str, by: str) -> Decision:
        """Go back to the version that served before the champion."""

        def work(t: Transaction) -> Decision:
            record, policy = file_in_force(t.ledger, model)
            target = _served_before(t.ledger, record)
            says = f"take {record.champion} back and serve {target} again by hand: {reason}"
            evidence = Evidence(kind="target", id=target, says=f"{target} served before")
            return self._decided(t, Ask(
                record=record, policy=policy, kind=DecisionKind.ROLL_BACK,
                subject=record.champion or "", says=says, by=by, evidence=(evidence,),
            ))  # fmt: skip

        with self._store.read() as view:
            target = _served_before(view.ledger, file_in_force(view.ledger, model)[0])
        self._prove(model, target)
        return self._performed(model, self._store.write(work).result())

    def open_trial(self, model: str, version: str, *, by: str, made: bool) -> Trial:
        """Put a version on trial; one trial, run or guard at a time."""

        def work(t: Transaction) -> Decision:
            record, policy = file_in_force(t.ledger, model)
            target = _version(t, model, version)
            if target.state in {VersionState.CHAMPION, VersionState.ON_TRIAL}:
                message = f"{version} is {target.state}; a trial needs a version that is neither"
                raise Refused(message)
            _refuse_while_training(t, model)
            _refuse_while_tried(t, model)
            says = f"try {version} against {record.champion} by hand"
            return self._decided(t, Ask(
                record=record, policy=policy, kind=DecisionKind.TRIAL, subject=version, says=says,
                by=by, made=made or target.made,
            ))  # fmt: skip

        decision = self._store.write(work).result()
        self._performed(model, decision)
        with self._store.read() as view:
            trials = view.ledger.find(Trial, model=model, newest_first=True, limit=5)
        return next(trial for trial in trials if trial.decision == decision.id)

    def start_run(self, model: str, *, by: str, reason: str) -> Run:
        """Ask for a training run now; one trial, run or guard at a time."""

        def work(t: Transaction) -> Decision:
            record, policy = file_in_force(t.ledger, model)
            if policy.trainer is None:
                message = f"{model} has no trainer; its file says `trainer: none`"
                raise Refused(message)
            _refuse_while_training(t, model)
            _refuse_while_tried(t, model)
            subject = record.champion or "first:0"
            triggers = ("by_hand",) if record.champion else ("first",)
            return self._decided(t, Ask(
                record=record, policy=policy, kind=DecisionKind.RETRAIN, subject=subject,
                says=f"train by hand: {reason}", by=by, triggers=triggers,
            ))  # fmt: skip

        decision = self._store.write(work).result()
        self._performed(model, decision)
        with self._store.read() as view:
            runs = view.ledger.find(Run, model=model, newest_first=True, limit=5)
        return next(run for run in runs if run.decision == decision.id)

    def approve(self, decision: str, *, by: str) -> Decision:
        """Let a decision that waits for approval be performed."""
        return self._answered(decision, DecisionEvent.APPROVED, by)

    def reject(self, decision: str, *, by: str) -> Decision:
        """Refuse a decision that waits for approval; a candidate is turned away with it."""
        return self._answered(decision, DecisionEvent.REJECTED, by)

    def resume(self, model: str, *, by: str) -> Model:
        """An operator's go after three failed runs."""

        def work(t: Transaction) -> Decision:
            record, policy = file_in_force(t.ledger, model)
            if record.retraining_stopped is None and record.frozen is None:
                message = f"nothing of {model} is stopped"
                raise Refused(message)
            if record.frozen is not None:
                t.ledger.put(msgspec.structs.replace(record, frozen=None))
            return self._decided(t, Ask(
                record=record, policy=policy, kind=DecisionKind.RESUME, subject=model,
                says=f"{by} says go", by=by,
            ))  # fmt: skip

        self._performed(model, self._store.write(work).result())
        with self._store.read() as view:
            return file_in_force(view.ledger, model)[0]

    def _answered(self, decision: str, event: DecisionEvent, by: str) -> Decision:
        def work(t: Transaction) -> Decision:
            found = t.ledger.get(Decision, decision)
            if found is None:
                message = f"there is no decision {decision}"
                raise NotFound(message)
            state = moved(DECISION, found.id, found.state, event)
            answered = msgspec.structs.replace(found, state=state, outcome=f"{event} by {by}")
            t.ledger.put(answered)
            if state is DecisionState.REJECTED and found.kind is DecisionKind.PROMOTE:
                version = _version(t, found.model, found.subject)
                lost = moved(VERSION, version.id, version.state, VersionEvent.TRIAL_LOST)
                t.ledger.put(msgspec.structs.replace(version, state=lost))
            t.ledger.journal(model=found.model, at=found.model_time, kind=str(event),
                             subject=decision, by=by, facts={})  # fmt: skip
            return answered

        answered = self._store.write(work).result()
        return self._performed(answered.model, answered)

    def _performed(self, model: str, decision: Decision) -> Decision:
        """The decision once the lifecycle has acted on it; a refusal by the facts is an error."""
        self._settle(model)
        with self._store.read() as view:
            after = view.ledger.get(Decision, decision.id) or decision
        if after.state is DecisionState.FAILED:
            raise Conflict(after.outcome or "it could not be done")
        return after

    def _decided(self, t: Transaction, ask: "Ask") -> Decision:
        record, policy, now = ask.record, ask.policy, model_time(ask.record, self._clock.now())
        if record.frozen is not None and ask.kind is not DecisionKind.RESUME:
            message = (
                f"all actions of {record.model} are switched off: {record.frozen}; "
                f"`leeboard runs resume {record.model}` switches them on"
            )
            raise Refused(message)
        decision = Decision(
            id=decision_id(record.model, record.generation, ask.kind, ask.subject, now),
            model=record.model, kind=ask.kind, subject=ask.subject, generation=record.generation,
            model_time=now, says=ask.says, by=ask.by, made=ask.made, triggers=ask.triggers,
            replaces=record.champion,
            evidence=(Evidence(kind="operator", id=ask.by, says=ask.says), *ask.evidence),
            verdict="by hand" if ask.kind in BY_HAND else None,
        )  # fmt: skip
        if not record_one(t, decision, policy, self._clock.now()):
            message = f"this was asked for already at this model time: decision {decision.id}"
            raise Conflict(message)
        return decision


def model_time(model: Model, wall: datetime) -> datetime:
    """A replay's settled time, else the clock's."""
    if model.timing is Timing.REPLAY:
        return model.stepped or model.announced or model.created_at
    return wall


def _version(t: Transaction, model: str, version: str) -> Version:
    found = t.ledger.get(Version, f"{model}/{version}")
    if found is None:
        known = ", ".join(v.version for v in t.ledger.find(Version, model=model)) or "none"
        message = f"{model} has no version {version!r}; there are: {known}"
        raise NotFound(message)
    return found


def _refuse_while_training(t: Transaction, model: str) -> None:
    for run in t.ledger.find(Run, model=model, states=OPEN_RUNS):
        message = f"run {run.id} is {run.state}; one at a time"
        raise Conflict(message)


def _refuse_while_tried(t: Transaction, model: str) -> None:
    """While a version is on trial, waits for its fate or is guarded, or an approval is open."""
    waiting = [DecisionState.AWAITING_APPROVAL]
    for decision in t.ledger.find(Decision, model=model, states=waiting):
        message = f"decision {decision.id} waits for approval: {decision.says}"
        raise Conflict(message)
    for version in t.ledger.find(Version, model=model, states=[VersionState.ON_TRIAL]):
        message = f"{version.version} of {model} is on trial; one at a time"
        raise Conflict(message)
    for guard in t.ledger.find(Guard, model=model, states=[GuardState.WATCHING]):
        message = f"the promotion of {guard.version} is guarded until {guard.until:%Y-%m-%d %H:%M}"
        raise Conflict(message)


def _was_compared(t: Transaction, version: Version) -> bool:
    """It served before, or a trial compared it with a champion, row by row."""
    trials = t.ledger.find(Trial, model=version.model)
    return version.served or any(
        trial.candidate == version.version and trial.blocks for trial in trials
    )


def _served_before(ledger: LedgerReader, model: Model) -> str:
    """The version whose reign came before the champion's, if it can come back."""
    reigns = ledger.find(Reign, model=model.model)
    for reign in reversed(reigns[:-1]):
        version = ledger.get(Version, f"{model.model}/{reign.version}")
        if version is not None and version.state is VersionState.RETIRED:
            return version.version
    message = f"no version of {model.model} served before {model.champion or 'now'}"
    raise Refused(message)
