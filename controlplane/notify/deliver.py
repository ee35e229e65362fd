"""The outbox emptied: each delivery tried until it arrives, or an operator is asked to look."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

import msgspec
import numpy as np

from connectors.contract import DeliveryFailed, Message, Receiver
from controlplane.domain.alerts import Delivery
from controlplane.domain.names import seed_of
from controlplane.domain.states import DELIVERY, DeliveryEvent, DeliveryState, moved
from controlplane.store.ports import Store, Transaction

WAITS: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before attempt 2, 3 …; the Standard Webhooks schedule. After the last it is dead."""
JITTER: Final = 0.2
BATCH: Final = 50
"""So many messages one receiver is sent at a time."""


def deliver_due(store: Store, receivers: Mapping[str, Receiver], *, wall: datetime) -> int:
    """Try every delivery that is due; how many arrived.

    Each receiver is served in a thread of its own, the oldest message first and no further than
    to the first that does not arrive: one that hangs or is away delays nobody else.
    """
    with store.read() as view:
        queued = view.ledger.find(Delivery, states=[DeliveryState.QUEUED])
    due: defaultdict[str, list[Delivery]] = defaultdict(list)
    for delivery in queued:
        if delivery.due_at <= wall and len(due[delivery.receiver]) < BATCH:
            due[delivery.receiver].append(delivery)
    if not due:
        return 0
    with ThreadPoolExecutor(len(due), thread_name_prefix="leeboard-delivery") as threads:
        served = [threads.submit(_serve, store, receivers, each, wall) for each in due.values()]
    return sum(future.result() for future in served)


def next_due(store: Store) -> datetime | None:
    """When the next attempt is due; None while nothing is queued."""
    with store.read() as view:
        queued = view.ledger.find(Delivery, states=[DeliveryState.QUEUED])
    return min((delivery.due_at for delivery in queued), default=None)


def _serve(
    store: Store, receivers: Mapping[str, Receiver], deliveries: Sequence[Delivery], wall: datetime
) -> int:
    arrived = 0
    for delivery in deliveries:
        if _attempt(store, receivers, delivery, wall):
            arrived += 1
        else:
            break
    return arrived


def _attempt(
    store: Store, receivers: Mapping[str, Receiver], delivery: Delivery, wall: datetime
) -> bool:
    try:
        _send(receivers, delivery)
    except DeliveryFailed as failure:
        after = failed(delivery, failure, wall)
        store.write(lambda t: _keep(t, after)).result()
        return False
    state = moved(DELIVERY, delivery.id, delivery.state, DeliveryEvent.ACCEPTED)
    arrived = msgspec.structs.replace(
        delivery, state=state, attempts=delivery.attempts + 1, delivered_at=wall, last_error=None
    )
    store.write(lambda t: _keep(t, arrived)).result()
    return True


def _keep(t: Transaction, delivery: Delivery) -> None:
    """Store what came of an attempt, unless the model was purged while it was made."""
    if t.ledger.get(Delivery, delivery.id) is not None:
        t.ledger.put(delivery)


def failed(delivery: Delivery, failure: DeliveryFailed, wall: datetime) -> Delivery:
    """The delivery after a failed attempt: due again later, or dead."""
    attempts = delivery.attempts + 1
    told = msgspec.structs.replace(delivery, attempts=attempts, last_error=str(failure))
    if failure.final or attempts > len(WAITS):
        state = moved(DELIVERY, delivery.id, delivery.state, DeliveryEvent.GAVE_UP)
        return msgspec.structs.replace(told, state=state)
    jitter = np.random.default_rng(seed_of(f"{delivery.id}/{attempts}")).uniform(0.0, JITTER)
    wait = max(WAITS[attempts - 1] * (1.0 + jitter), min(failure.after or 0.0, WAITS[-1]))
    return msgspec.structs.replace(told, due_at=wall + timedelta(seconds=wait))


def _send(receivers: Mapping[str, Receiver], delivery: Delivery) -> None:
    """Send a delivery; whatever a receiver raises is a delivery that failed, and only this one."""
    receiver = _receiver(receivers, delivery.receiver)
    message = Message(id=delivery.id, type=delivery.type, body=delivery.body.encode())
    try:
        receiver.send(message)
    except DeliveryFailed:
        raise
    except Exception as error:
        reason = f"the receiver broke: {type(error).__name__}: {error}"
        raise DeliveryFailed(reason) from error


def _receiver(receivers: Mapping[str, Receiver], name: str) -> Receiver:
    receiver = receivers.get(name)
    if receiver is None:
        reason = f"no receiver is called {name!r}; leeboard.yaml names {sorted(receivers)}"
        raise DeliveryFailed(reason)
    return receiver
