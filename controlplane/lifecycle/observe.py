"""The facts of a model at an instant, gathered into one frozen Situation."""

from datetime import datetime
from typing import Final

from controlplane.domain.alerts import Alert
from controlplane.domain.decisions import Decision, DecisionKind
from controlplane.domain.errors import NotFound
from controlplane.domain.guards import Guard
from controlplane.domain.models import Generation, Model
from controlplane.domain.policy import Policy
from controlplane.domain.runs import Run
from controlplane.domain.situation import Situation
from controlplane.domain.states import (
    AlertState,
    DecisionState,
    GuardState,
    RunState,
    TrialState,
    VersionState,
)
from controlplane.domain.trials import Trial
from controlplane.domain.versions import Version
from controlplane.lifecycle.facts import facts_at
from controlplane.store.ports import Known, LedgerReader, Snapshot

OPEN_RUNS: Final = (
    RunState.REQUESTED, RunState.AWAITING_APPROVAL, RunState.QUEUED, RunState.RUNNING,
)  # fmt: skip
UNFINISHED: Final = frozenset(
    {DecisionState.RECORDED, DecisionState.AWAITING_APPROVAL, DecisionState.APPROVED}
)
ENDED_BADLY: Final = frozenset({RunState.FAILED, RunState.TIMED_OUT, RunState.VANISHED})
RECENT: Final = 50
"""How many past runs, decisions and trials a situation looks back on."""


def file_in_force(ledger: LedgerReader, model: str) -> tuple[Model, Policy]:
    """A model and the policy of its generation; raises NotFound."""
    found = ledger.get(Model, model)
    generation = ledger.get(Generation, f"{model}/{found.generation}") if found else None
    if found is None or generation is None:
        message = f"there is no model called {model!r}; `leeboard apply FILE` makes one"
        raise NotFound(message)
    return found, generation.policy


def champion_of(ledger: LedgerReader, model: Model) -> Version | None:
    """The version that serves."""
    return ledger.get(Version, f"{model.model}/{model.champion}") if model.champion else None


def observe(view: Snapshot, model: str, now: datetime) -> Situation:
    """Everything that a decision may look at; nothing in it was learned after `now`."""
    ledger = view.ledger
    record, policy = file_in_force(ledger, model)
    champion = champion_of(ledger, record)
    facts = facts_at(view, record, policy, now)
    runs = ledger.find(Run, model=model, newest_first=True, limit=RECENT)
    trials = ledger.find(Trial, model=model, newest_first=True, limit=1)
    guards = ledger.find(Guard, model=model, newest_first=True, limit=1)
    decisions = ledger.find(Decision, model=model, newest_first=True, limit=4 * RECENT)
    candidate = _candidate(ledger, model)
    ended = tuple(run for run in runs if run.state not in OPEN_RUNS)
    return Situation(
        now=now, model=record, policy=policy, champion=champion, candidate=candidate,
        proved=candidate is not None and candidate.scale is not None,
        conditions=facts.conditions, fresh=facts.fresh,
        retrainings=tuple(d for d in decisions if d.kind is DecisionKind.RETRAIN),
        ended_runs=ended, failures_since_go=_failures(ended, decisions),
        fruitless=_fruitless(decisions),
        open_run=next((run for run in runs if run.state in OPEN_RUNS), None),
        open_trial=next((t for t in trials if t.state is TrialState.RUNNING), None),
        settled_trial=next((t for t in trials if _waits(ledger, t)), None),
        open_guard=next((g for g in guards if g.state is GuardState.WATCHING), None),
        breached_guard=next((g for g in guards if _breached(g, record)), None),
        awaiting=tuple(d for d in decisions if d.state is DecisionState.AWAITING_APPROVAL),
        unfinished=tuple(d for d in decisions if d.state in UNFINISHED),
        failed=tuple(d for d in decisions if d.state is DecisionState.FAILED and d.by == "policy"),
        held=frozenset(d.subject for d in decisions if d.kind is DecisionKind.HOLD),
        open_alerts=tuple(ledger.find(Alert, model=model, states=[AlertState.FIRING])),
        labelled_rows=0 if policy.trainer is None else _labelled(view, record, champion, now),
    )  # fmt: skip


def _candidate(ledger: LedgerReader, model: str) -> Version | None:
    """The newest version that a run made and nobody has placed yet."""
    waiting = ledger.find(Version, model=model, states=[VersionState.CANDIDATE], newest_first=True)
    return next((v for v in waiting if v.origin == "run"), None)


def _waits(ledger: LedgerReader, trial: Trial) -> bool:
    if trial.state is TrialState.RUNNING:
        return False
    version = ledger.get(Version, f"{trial.model}/{trial.candidate}")
    return version is not None and version.state is VersionState.ON_TRIAL


def _breached(guard: Guard, model: Model) -> bool:
    return guard.state is GuardState.BREACHED and guard.version == model.champion


def _failures(ended: tuple[Run, ...], decisions: list[Decision]) -> int:
    """How many of the latest runs failed one after another since an operator's last go.

    Since, in the order in which things were decided: a replay's time stands still meanwhile.
    """
    go = next((n for n, d in enumerate(decisions) if d.kind is DecisionKind.RESUME), None)
    since = None if go is None else {d.id for d in decisions[:go]}
    count = 0
    for run in ended:
        if run.state not in ENDED_BADLY or (since is not None and run.decision not in since):
            break
        count += 1
    return count


def _fruitless(decisions: list[Decision]) -> int:
    """Counted back to the last promotion; what a demonstration made up proves nothing."""
    count = 0
    for decision in decisions:
        if decision.kind in {DecisionKind.PROMOTE, DecisionKind.FIRST}:
            break
        count += decision.kind is DecisionKind.REJECT and not decision.made
    return count


def _labelled(view: Snapshot, model: Model, champion: Version | None, now: datetime) -> int:
    """Counted only where it matters: before there is a champion, of a model that is trained here."""
    if champion is not None or model.schema is None:
        return 0
    return int(view.events.labelled(model.model, [], Known(by=now)).num_rows)
