"""The outbox emptied: each delivery tried until it arrives, or an operator is asked to look."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
import numpy as np

from connectors.contract import DeliveryFailed, Message, Receiver
from controlplane.domain.alerts import Delivery
from controlplane.domain.names import seed_of
from controlplane.domain.states import DELIVERY, DeliveryEvent, DeliveryState, moved
from controlplane.store.ports import Store

WAITS: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before attempt 2, 3 …; the Standard Webhooks schedule. After the last it is dead."""
JITTER: Final = 0.2
BATCH: Final = 50


def deliver_due(store: Store, receivers: Mapping[str, Receiver], *, wall: datetime) -> int:
    """Try every delivery that is due; how many arrived."""
    with store.read() as view:
        queued = view.ledger.find(Delivery, states=[DeliveryState.QUEUED], limit=BATCH * 4)
    due = [delivery for delivery in queued if delivery.due_at <= wall][:BATCH]
    return sum([_attempt(store, receivers, delivery, wall) for delivery in due])


def next_due(store: Store) -> datetime | None:
    """When the next attempt is due; None while nothing is queued."""
    with store.read() as view:
        queued = view.ledger.find(Delivery, states=[DeliveryState.QUEUED])
    return min((delivery.due_at for delivery in queued), default=None)


def _attempt(
    store: Store, receivers: Mapping[str, Receiver], delivery: Delivery, wall: datetime
) -> bool:
    try:
        _receiver(receivers, delivery.receiver).send(
            Message(id=delivery.id, type=delivery.type, body=delivery.body.encode())
        )
    except DeliveryFailed as failure:
        after = failed(delivery, failure, wall)
        store.write(lambda t: t.ledger.put(after)).result()
        return False
    state = moved(DELIVERY, delivery.id, delivery.state, DeliveryEvent.ACCEPTED)
    arrived = msgspec.structs.replace(
        delivery, state=state, attempts=delivery.attempts + 1, delivered_at=wall, last_error=None
    )
    store.write(lambda t: t.ledger.put(arrived)).result()
    return True


def failed(delivery: Delivery, failure: DeliveryFailed, wall: datetime) -> Delivery:
    """The delivery after a failed attempt: due again later, or dead."""
    attempts = delivery.attempts + 1
    told = msgspec.structs.replace(delivery, attempts=attempts, last_error=str(failure))
    if failure.final or attempts > len(WAITS):
        state = moved(DELIVERY, delivery.id, delivery.state, DeliveryEvent.GAVE_UP)
        return msgspec.structs.replace(told, state=state)
    jitter = np.random.default_rng(seed_of(f"{delivery.id}/{attempts}")).uniform(0.0, JITTER)
    wait = max(WAITS[attempts - 1] * (1.0 + jitter), failure.after or 0.0)
    return msgspec.structs.replace(told, due_at=wall + timedelta(seconds=wait))


def _receiver(receivers: Mapping[str, Receiver], name: str) -> Receiver:
    receiver = receivers.get(name)
    if receiver is None:
        reason = f"no receiver is called {name!r}; leeboard.yaml names {sorted(receivers)}"
        raise DeliveryFailed(reason)
    return receiver
