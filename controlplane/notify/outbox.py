"""From alerts to deliveries: who is to hear of what, each told once of each change."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from controlplane.domain.alerts import Alert, Delivery, Severity
from controlplane.domain.decisions import Decision
from controlplane.domain.models import Generation, Model
from controlplane.domain.names import digest
from controlplane.domain.policy import Route
from controlplane.domain.states import AlertState
from controlplane.store.ports import LedgerReader, Store, Transaction

FIRED: Final = "alert.fired"
LOUDNESS: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
LOOK_BACK: Final = 200
"""Alerts of a model that are looked at again, newest first; older ones were told of."""


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one alert that one receiver is to hear of."""

    alert: Alert
    route: Route
    type: str


Stage = Callable[[Sequence[Telling], frozenset[str]], Sequence[Telling]]
"""From tellings to tellings, given the ids of the deliveries that there are."""


def loud_enough(tellings: Sequence[Telling], _: frozenset[str]) -> Sequence[Telling]:
    """Only what is at least as severe as the route asks for."""
    return [
        t for t in tellings if LOUDNESS[t.alert.severity] >= LOUDNESS[Severity(t.route.severity)]
    ]


def not_told_yet(tellings: Sequence[Telling], told: frozenset[str]) -> Sequence[Telling]:
    """Only what has no delivery yet; the delivery's id is made of what it tells."""
    return [t for t in tellings if delivery_id(t) not in told]


def heard_of(tellings: Sequence[Telling], told: frozenset[str]) -> Sequence[Telling]:
    """An end is told only to whom the beginning was told."""
    began = told | {delivery_id(t) for t in tellings if t.type == FIRED}
    return [t for t in tellings if t.type == FIRED or _beginning(t) in began]


PIPELINE: Final[tuple[Stage, ...]] = (loud_enough, not_told_yet, heard_of)


def enqueue(store: Store, model: str, *, wall: datetime) -> int:
    """Queue a delivery for every change of an alert that somebody is to hear of; how many."""
    with store.read() as view:
        tellings: Sequence[Telling] = list(_changes(view.ledger, model))
        told = frozenset(d.id for d in view.ledger.find(Delivery, model=model)) if tellings else ()
    for stage in PIPELINE:
        tellings = stage(tellings, frozenset(told))
    if not tellings:
        return 0

    def work(t: Transaction) -> int:
        return sum([t.ledger.add(_delivery(telling, wall)) for telling in tellings])

    return store.write(work).result()


def delivery_id(telling: Telling) -> str:
    """The same for every attempt to tell the same receiver the same thing."""
    return digest("msg", telling.alert.id, telling.type, telling.route.to)


def _beginning(telling: Telling) -> str:
    return delivery_id(msgspec.structs.replace(telling, type=FIRED))


def _changes(ledger: LedgerReader, model: str) -> Iterable[Telling]:
    record = ledger.get(Model, model)
    generation = ledger.get(Generation, f"{model}/{record.generation}") if record else None
    routes = generation.policy.alerts if generation else ()
    if not routes:
        return
    asked = _asked_since(ledger.find(Generation, model=model), routes)
    for alert in ledger.find(Alert, model=model, newest_first=True, limit=LOOK_BACK):
        decision = ledger.get(Decision, alert.decision) if alert.decision else None
        for route in routes:
            if alert.state is not AlertState.RESOLVED or _is_after(decision, asked[route.to]):
                yield Telling(alert=alert, route=route, type=FIRED)
            if alert.state is AlertState.RESOLVED:
                yield Telling(alert=alert, route=route, type="alert.resolved")


def _asked_since(generations: Sequence[Generation], routes: Sequence[Route]) -> dict[str, datetime]:
    """Since when, by the wall clock, each receiver has stood in the model's file without a break."""
    since: dict[str, datetime] = {}
    for generation in generations:
        named = {route.to for route in generation.policy.alerts}
        since = {to: since.get(to, generation.applied_at) for to in named}
    return {route.to: since[route.to] for route in routes}


def _is_after(decision: Decision | None, asked: datetime) -> bool:
    """What was over before anybody asked to hear of it is history, not an alarm."""
    return decision is None or decision.recorded_at is None or decision.recorded_at >= asked


def _delivery(telling: Telling, wall: datetime) -> Delivery:
    alert = telling.alert
    resolved = telling.type == "alert.resolved"
    body = {
        "type": telling.type,
        "timestamp": wall.isoformat(),
        "data": {
            "alert": alert.id, "model": alert.model, "condition": alert.condition,
            "subject": alert.subject, "severity": alert.severity, "summary": alert.summary,
            "state": AlertState.RESOLVED if resolved else AlertState.FIRING,
            "decision": alert.decision, "window": alert.window, "fired_at": alert.fired_at,
            "resolved_at": alert.resolved_at if resolved else None,
            "resolved_because": alert.resolved_because if resolved else None,
        },
    }  # fmt: skip
    return Delivery(
        id=delivery_id(telling), model=alert.model, receiver=telling.route.to, alert=alert.id,
        type=telling.type, body=msgspec.json.encode(body).decode(), queued_at=wall, due_at=wall,
    )  # fmt: skip
