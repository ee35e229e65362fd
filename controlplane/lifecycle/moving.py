"""The champion's moves: compare-and-set, with everything that changes together in one place."""

from datetime import datetime, timedelta

import msgspec

from controlplane.domain.alerts import RUNS_FAILING, Alert
from controlplane.domain.errors import Conflict
from controlplane.domain.guards import Guard
from controlplane.domain.models import LossScale, Model, Timing
from controlplane.domain.names import digest
from controlplane.domain.policy import Policy
from controlplane.domain.references import Reference
from controlplane.domain.reigns import Reign
from controlplane.domain.states import (
    ALERT,
    GUARD,
    VERSION,
    AlertEvent,
    AlertState,
    GuardEvent,
    GuardState,
    VersionEvent,
    moved,
)
from controlplane.domain.versions import Version
from controlplane.store.ports import LedgerWriter, Transaction


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A champion's move as decided: refused where `expected` is not champion any more."""

    decision: str
    generation: int
    model: str
    expected: str | None
    target: str
    at: datetime
    reason: str
    scale: LossScale | None = None
    guard_threshold: float = 0.0


def promote(t: Transaction, move: Move, policy: Policy) -> None:
    """Forward: the target serves, the champion retires, the guard begins."""
    model, target = _checked(t.ledger, move)
    first = move.expected is None
    if move.expected is not None:
        _step_down(t.ledger, model, VersionEvent.SUCCEEDED, move.at)
    promoted = msgspec.structs.replace(
        target, state=moved(VERSION, target.id, target.state, VersionEvent.PROMOTED),
        served=True, promoted_at=move.at, ended_at=None, scale=move.scale or target.scale,
    )  # fmt: skip
    t.ledger.put(promoted)
    _crown(t.ledger, model, move, first=first)
    _add_reference(t.ledger, promoted, move.at)
    if not first and promoted.scale is not None:
        t.ledger.put(_guard(move, promoted, policy))
    _resolve_alerts(t.ledger, move, f"{move.target} was promoted")


def roll_back(t: Transaction, move: Move) -> None:
    """Backwards: the version before serves again, with the reference that was its own."""
    model, target = _checked(t.ledger, move)
    _step_down(t.ledger, model, VersionEvent.ROLLED_BACK, move.at)
    event = VersionEvent.RESTORED
    t.ledger.put(msgspec.structs.replace(
        target, state=moved(VERSION, target.id, target.state, event), ended_at=None
    ))  # fmt: skip
    _crown(t.ledger, model, move, first=False)
    for guard in t.ledger.find(Guard, model=move.model, states=[GuardState.WATCHING]):
        state = moved(GUARD, guard.id, guard.state, GuardEvent.CUT_SHORT)
        t.ledger.put(msgspec.structs.replace(guard, state=state, ended_at=move.at))
    _resolve_alerts(t.ledger, move, f"rolled back to {move.target}")


def _checked(ledger: LedgerWriter, move: Move) -> tuple[Model, Version]:
    model = ledger.get(Model, move.model)
    target = ledger.get(Version, f"{move.model}/{move.target}")
    if model is None or target is None:
        message = f"{move.model} has no version {move.target}"
        raise Conflict(message)
    if model.champion != move.expected:
        message = f"the champion is {model.champion}, not {move.expected} as when this was decided"
        raise Conflict(message)
    if model.champion == move.target:
        message = f"{move.target} is champion already; nothing would change"
        raise Conflict(message)
    return model, target


def _step_down(ledger: LedgerWriter, model: Model, event: VersionEvent, at: datetime) -> None:
    old = ledger.get(Version, f"{model.model}/{model.champion}")
    reign = ledger.get(Reign, f"{model.model}/{model.moves}")
    assert old is not None
    assert reign is not None
    state = moved(VERSION, old.id, old.state, event)
    ledger.put(msgspec.structs.replace(old, state=state, ended_at=at))
    ledger.put(msgspec.structs.replace(reign, until=at))


def _crown(ledger: LedgerWriter, model: Model, move: Move, *, first: bool) -> None:
    number = model.moves + 1
    ledger.put(
        Reign(
            id=f"{model.model}/{number}",
            model=model.model,
            version=move.target,
            move=number,
            since=move.at,
            decision=move.decision,
        )
    )
    crowned = msgspec.structs.replace(model, champion=move.target, moves=number)
    if first and model.timing is Timing.REPLAY:
        crowned = msgspec.structs.replace(crowned, origin=move.at, serving_from=move.at)
    ledger.put(crowned)


def _add_reference(ledger: LedgerWriter, version: Version, at: datetime) -> None:
    if version.trained_from is None or version.trained_to is None:
        return
    ledger.add(
        Reference(
            id=version.id,
            model=version.model,
            version=version.version,
            start=version.trained_from,
            end=version.trained_to,
            known_at=at,
            rows=version.rows_trained,
            made_at=at,
        )
    )


def _guard(move: Move, version: Version, policy: Policy) -> Guard:
    scale = version.scale
    assert scale is not None
    start = move.at
    return Guard(
        id=digest("g", move.decision), model=move.model, decision=move.decision,
        generation=move.generation, version=version.version, previous=move.expected, started_at=move.at,
        start=start, until=start + max(policy.guard.period, timedelta(days=1)),
        metric=policy.trial.metric, margin=policy.guard.margin.of(scale.reference_loss), loss_cap=max(scale.loss_cap, 1e-12),
        threshold=move.guard_threshold,
    )  # fmt: skip


def _resolve_alerts(ledger: LedgerWriter, move: Move, why: str) -> None:
    """Alerts of the reference that was in force before end with the reason."""
    for alert in ledger.find(Alert, model=move.model, states=[AlertState.FIRING]):
        if alert.condition == RUNS_FAILING:
            continue
        state = moved(ALERT, alert.id, alert.state, AlertEvent.RESOLVED)
        ledger.put(msgspec.structs.replace(
            alert, state=state, resolved_at=move.at, resolved_because=why
        ))  # fmt: skip
