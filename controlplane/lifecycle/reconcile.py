"""One wake of the loop at one instant: note → observe → decide → record → perform.

Start reading here. The instant is settled when nothing is left to note, decide or perform.
Every step may be broken off and done again: facts are noted once, a decision's id is a hash
of what it is about, and an action commits together with its decision's new state.
"""

from datetime import datetime, timedelta

import msgspec

from controlplane.clock import Clock
from controlplane.domain.budget import families_of, guard_threshold
from controlplane.domain.deciding import decide
from controlplane.domain.decisions import Decision, DecisionKind
from controlplane.domain.errors import Refused
from controlplane.domain.grid import DAY, boundary_after
from controlplane.domain.guards import Guard
from controlplane.domain.models import LossScale, Timing
from controlplane.domain.policy import Policy
from controlplane.domain.runs import Run
from controlplane.domain.schema import Schema
from controlplane.domain.states import (
    DECISION,
    DecisionEvent,
    DecisionState,
    GuardState,
    TrialState,
    moved,
)
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.domain.windows import Calendar, calendar_of, labels_closed_to
from controlplane.lifecycle import guarding, noting, trying
from controlplane.lifecycle.observe import OPEN_RUNS, champion_of, file_in_force, observe
from controlplane.lifecycle.perform import Means, perform, target_of
from controlplane.lifecycle.quiet import resolve_quiet
from controlplane.lifecycle.workshop import Workshop
from controlplane.store.ports import Known, Snapshot, Store, Transaction

PACE_SPAN = timedelta(days=28)
MOMENT = timedelta(microseconds=1)
LOUD = (DecisionKind.ALERT, DecisionKind.HOLD, DecisionKind.STOP)
"""Kinds that are performed also where actions are switched off: nothing outside changes."""


class Reconciler(msgspec.Struct, frozen=True, kw_only=True):
    """What a wake needs: where facts lie, where work is done, what time it is outside."""

    store: Store
    workshop: Workshop
    clock: Clock


def reconcile(parts: Reconciler, model: str, now: datetime) -> bool:
    """Settle a model at an instant; false while a process outside still has to end.

    A replay decides nothing until then: what it decides must not depend on how long that took.
    """
    while True:
        _perform_all(parts, model, now)
        settled = _note(parts, model, now)
        with parts.store.read() as view:
            if not settled and file_in_force(view.ledger, model)[0].timing is Timing.REPLAY:
                return False
            situation = observe(view, model, now)
        recorded = _record(parts, decide(situation), situation.policy)
        resolve_quiet(parts.store, situation)
        if not recorded:
            return settled and not _outstanding(parts, model)


def _note(parts: Reconciler, model: str, now: datetime) -> bool:
    """Take up what ended outside; true when nothing is under way."""
    with parts.store.read() as view:
        record, policy = file_in_force(view.ledger, model)
        runs = view.ledger.find(Run, model=model, states=OPEN_RUNS)
        trials = view.ledger.find(Trial, model=model, states=[TrialState.RUNNING])
        guards = view.ledger.find(Guard, model=model, states=[GuardState.WATCHING])
        champion = champion_of(view.ledger, record)
        versions = {v.version: v for v in view.ledger.find(Version, model=model)}
    if record.schema is None:
        return True
    calendar = calendar_of(record, policy)
    schema: Schema = record.schema
    bench = noting.Bench(
        model=record, policy=policy, schema=schema, calendar=calendar, champion=champion, now=now
    )
    done = [noting.advance_run(parts.store, parts.workshop, run, bench) for run in runs]
    for trial in trials:
        sides = _sides(versions, trial.champion, trial.candidate, schema, calendar)
        done.append(trying.advance(parts.store, parts.workshop, trial, sides, now))
    for guard in guards:
        if guard.previous is not None:
            sides = _sides(versions, guard.previous, guard.version, schema, calendar)
            done.append(guarding.advance(parts.store, parts.workshop, guard, sides, now))
    return all(done)


def _sides(
    versions: dict[str, Version], champion: str, candidate: str, schema: Schema, calendar: Calendar
) -> trying.Sides:
    return trying.Sides(
        champion=versions[champion], candidate=versions[candidate], schema=schema,
        calendar=calendar,
    )  # fmt: skip


def _record(parts: Reconciler, decisions: list[Decision], policy: Policy) -> bool:
    """Store decisions with their evidence; true where one of them is new."""

    def work(t: Transaction) -> bool:
        news = [record_one(t, d, policy, parts.clock.now()) for d in decisions]
        return any(news)

    return parts.store.write(work).result() if decisions else False


def record_one(t: Transaction, decision: Decision, policy: Policy, wall: datetime) -> bool:
    """Store one decision and its line in the journal; false where it is stored already."""
    stamped = msgspec.structs.replace(decision, recorded_at=wall)
    if decision.by == "policy" and _needs_approval(decision, policy):
        state = moved(DECISION, decision.id, decision.state, DecisionEvent.APPROVAL_ASKED)
        stamped = msgspec.structs.replace(stamped, state=state)
    if not t.ledger.add(stamped):
        return False
    facts = {
        "kind": decision.kind, "subject": decision.subject, "says": decision.says,
        "evidence": [msgspec.to_builtins(e) for e in decision.evidence],
    }  # fmt: skip
    t.ledger.journal(model=decision.model, at=decision.model_time, kind="decided",
                     subject=decision.id, by=decision.by, facts=facts)  # fmt: skip
    return True


def _needs_approval(decision: Decision, policy: Policy) -> bool:
    """Labels that exist only where the old model said yes reward agreeing with it."""
    if decision.kind is DecisionKind.RETRAIN:
        return policy.retrain.approval and decision.triggers != ("first",)
    if decision.kind is DecisionKind.PROMOTE:
        return policy.promote.approval or policy.label.selective
    return False


def _outstanding(parts: Reconciler, model: str) -> list[Decision]:
    with parts.store.read() as view:
        record, _ = file_in_force(view.ledger, model)
        waiting = view.ledger.find(
            Decision, model=model, states=[DecisionState.RECORDED, DecisionState.APPROVED]
        )
    return [d for d in waiting if d.kind in LOUD or not (d.dry or record.frozen)]


def _perform_all(parts: Reconciler, model: str, now: datetime) -> None:
    for decision in _outstanding(parts, model):
        perform(parts.store, decision, _means(parts, decision, now))


def _means(parts: Reconciler, decision: Decision, now: datetime) -> Means:
    """What the action needs to know beside the decision, read at its own model time."""
    with parts.store.read() as view:
        record, policy = file_in_force(view.ledger, decision.model)
        champion = champion_of(view.ledger, record)
        subject = view.ledger.get(Version, f"{decision.model}/{decision.subject}")
        target = view.ledger.get(Version, f"{decision.model}/{target_of(decision)}")
        trials = view.ledger.find(Trial, model=decision.model, newest_first=True, limit=20)
        pace = _rows_a_day(view, decision.model, decision.model_time)
    calendar = calendar_of(record, policy)
    start = None
    if decision.kind is DecisionKind.TRIAL and subject is not None:
        start = _trial_start(calendar, champion, subject, decision.model_time, policy)
    scale: LossScale | None = None
    if decision.kind is DecisionKind.PROMOTE and subject is not None and record.schema is not None:
        last = next((t for t in trials if t.candidate == subject.version and t.blocks), None)
        if last is not None and champion is not None:
            sides = trying.Sides(
                champion=champion, candidate=subject, schema=record.schema, calendar=calendar
            )
            scale = trying.scale_of(parts.store, last, sides, now)
    return Means(
        model=record, policy=policy, trial_start=start, scale=scale, unproved=_unproved(parts, target),
        guard_threshold=guard_threshold(
            policy.false_alarms, families_of(policy.monitors), pace
        ),
    )  # fmt: skip


def _unproved(parts: Reconciler, target: Version | None) -> str | None:
    """Why a version must not serve: its files are not there, or not the ones it is kept by."""
    if target is None:
        return None
    try:
        parts.workshop.unpacked(target.sha256)
    except Refused as error:
        return f"{target.version} is not proved: {error}"
    return None


def _rows_a_day(view: Snapshot, model: str, now: datetime) -> float:
    """Live rows a day over the last four weeks, as far as they were known."""
    known = Known(start=now - PACE_SPAN, end=now, by=now)
    at = view.events.rows(model, [], known).column("at")
    if len(at) == 0:
        return 1.0
    days: float = (now - at[0].as_py()) / DAY
    return len(at) / max(days, 1.0)


def _trial_start(
    calendar: Calendar, champion: Version | None, candidate: Version, now: datetime, policy: Policy
) -> datetime:
    """The first whole day after both versions' training; where a version does not say what it
    was trained on, only what came after it was registered is new to it."""
    held_out = labels_closed_to(calendar, now) - policy.trial.hold_out
    ends = [held_out, candidate.trained_to or candidate.made_at]
    if champion is not None and champion.trained_to is not None:
        ends.append(champion.trained_to)
    latest = max(ends)
    return boundary_after(calendar.days, latest - MOMENT)
