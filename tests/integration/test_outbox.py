"""From an alert to its receiver: told once of each change, however often it takes."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from standardwebhooks import Webhook as Verifier

from connectors.contract import DeliveryFailed, Message
from connectors.receivers.webhook import Webhook
from controlplane.domain.alerts import Alert, Delivery, Severity
from controlplane.domain.decisions import DecisionKind
from controlplane.domain.errors import Conflict, NotFound, Overloaded
from controlplane.domain.models import Generation
from controlplane.domain.policy import Route
from controlplane.domain.states import AlertState, DeliveryState
from controlplane.lifecycle.attending import Attending
from controlplane.lifecycle.workshop import Workshop
from controlplane.notify.deliver import WAITS, deliver_due, failed, next_due
from controlplane.notify.outbox import enqueue
from controlplane.notify.post import Outbox
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from tests.builders import a_decision, a_delivery, a_model, an_alert
from tests.fakes import REFUSED, FakeReceiver, FixedClock, Killed, MortalStore
from tests.unit.test_webhook_receiver import SECRET, Endpoint
from tests.voyage import DAY, SERVED, a_file

SECOND = timedelta(seconds=1)


@pytest.fixture
def store() -> Iterator[Store]:
    """A model whose alerts go to `ops` from warning on, and to `pager` when critical."""
    opened = open_store(None)
    put(opened, a_model())
    routed(opened, 1, Route(to="ops"), Route(to="pager", severity="critical"))
    yield opened
    opened.close()


def put(store: Store, *records) -> None:
    store.write(lambda t: [t.ledger.put(record) for record in records]).result()


def routed(store: Store, number: int, *routes: Route, at=SERVED) -> None:
    put(store, a_model(generation=number),
        Generation(id=f"boats/{number}", model="boats", number=number, text="", applied_at=at,
                   policy=a_file(alerts=routes), applied_by="tests"))  # fmt: skip


def deliveries(store: Store) -> list[Delivery]:
    with store.read() as view:
        return view.ledger.find(Delivery)


def queue(store: Store) -> list[tuple[str, str]]:
    return [(d.receiver, d.type) for d in deliveries(store)]


def resolved(alert: Alert, why: str = "it is well again") -> Alert:
    return msgspec.structs.replace(
        alert, state=AlertState.RESOLVED, resolved_at=SERVED + DAY, resolved_because=why
    )


# Queueing


def test_an_alert_is_queued_once_for_each_receiver_that_it_is_loud_enough_for(store: Store) -> None:
    put(store, an_alert(), an_alert("quality", severity=Severity.INFO),
        an_alert("rollback", severity=Severity.CRITICAL))  # fmt: skip
    assert enqueue(store, "boats", wall=SERVED) == 3
    assert sorted((d.receiver, d.alert) for d in deliveries(store)) == [
        ("ops", "a_performance"), ("ops", "a_rollback"), ("pager", "a_rollback"),
    ]  # fmt: skip
    assert enqueue(store, "boats", wall=SERVED + DAY) == 0


def test_the_end_is_told_to_whom_the_beginning_was_told(store: Store) -> None:
    put(store, an_alert())
    enqueue(store, "boats", wall=SERVED)
    put(store, resolved(an_alert()))
    assert enqueue(store, "boats", wall=SERVED + DAY) == 1
    assert queue(store) == [("ops", "alert.fired"), ("ops", "alert.resolved")]
    data = [json.loads(d.body)["data"] for d in deliveries(store)]
    assert [d["state"] for d in data] == ["firing", "resolved"]
    assert [d["resolved_because"] for d in data] == [None, "it is well again"]


def test_an_alert_that_came_and_went_between_two_looks_is_told_of_twice(store: Store) -> None:
    put(store, resolved(an_alert()))
    assert enqueue(store, "boats", wall=SERVED) == 2


def test_the_body_says_what_happened_in_one_shape(store: Store) -> None:
    put(store, an_alert(decision="d_1", window="w5", subject="v1"))
    enqueue(store, "boats", wall=SERVED)
    [delivery] = deliveries(store)
    assert json.loads(delivery.body) == {
        "type": "alert.fired", "timestamp": "2024-04-01T00:00:00+00:00",
        "data": {
            "alert": "a_performance", "model": "boats", "condition": "performance",
            "subject": "v1", "severity": "warning", "summary": "it got worse", "state": "firing",
            "decision": "d_1", "window": "w5", "fired_at": "2024-04-01T00:00:00Z",
            "resolved_at": None, "resolved_because": None,
        },
    }  # fmt: skip


def test_a_receiver_that_is_named_later_hears_of_what_still_fires_and_of_no_history(
    store: Store,
) -> None:
    told = [a_decision(DecisionKind.ALERT, name, id=f"d_{name}", recorded_at=SERVED)
            for name in ("performance", "drift")]  # fmt: skip
    put(store, *told, resolved(an_alert(decision="d_performance")),
        an_alert("drift", decision="d_drift"))  # fmt: skip
    routed(store, 1)
    routed(store, 2, Route(to="late"), at=SERVED + DAY)
    assert enqueue(store, "boats", wall=SERVED + DAY) == 1
    assert [(d.receiver, d.alert) for d in deliveries(store)] == [("late", "a_drift")]
    routed(store, 3, Route(to="late", severity="info"), at=SERVED + 2 * DAY)
    put(store, resolved(an_alert("drift", decision="d_drift")))
    assert enqueue(store, "boats", wall=SERVED + 2 * DAY) == 1, "it heard of the beginning"


# Sending


def test_what_is_due_is_sent_and_delivered(store: Store) -> None:
    put(store, a_delivery("m1"), a_delivery("m2", due_at=SERVED + SECOND))
    ops = FakeReceiver()
    assert deliver_due(store, {"ops": ops}, wall=SERVED) == 1
    first, second = deliveries(store)
    assert (first.state, first.attempts, first.delivered_at) == ("delivered", 1, SERVED)
    assert (second.state, second.attempts) == ("queued", 0)
    assert ops.heard == [Message(id="m1", type="alert.fired", body=b"{}")]
    assert next_due(store) == SERVED + SECOND
    assert deliver_due(store, {"ops": ops}, wall=SERVED + SECOND) == 1
    assert next_due(store) is None


def test_each_attempt_waits_longer_with_jitter_and_after_the_tenth_it_is_dead() -> None:
    delivery, waits = a_delivery(), []
    while delivery.state is DeliveryState.QUEUED:
        before = delivery
        delivery = failed(before, REFUSED, SERVED)
        waits.append((delivery.due_at - SERVED).total_seconds())
    assert (delivery.attempts, delivery.state, delivery.id) == (10, DeliveryState.DEAD, "msg_1")
    assert delivery.last_error == "the receiver answered 500"
    for wait, asked in zip(waits, WAITS, strict=False):
        assert asked <= wait <= asked * 1.2
    assert len({round(wait / asked, 6) for wait, asked in zip(waits, WAITS, strict=False)}) == 9
    again = failed(a_delivery(), REFUSED, SERVED)
    assert (again.due_at - SERVED).total_seconds() == waits[0], "the same for the same message"
    other = failed(a_delivery("msg_2"), REFUSED, SERVED)
    assert other.due_at != again.due_at


@pytest.mark.parametrize(
    ("after", "wait"),
    [(600.0, 600.0), (1.0, None), (1e30, 86_400.0), (float("inf"), 86_400.0)],
)  # fmt: skip
def test_what_a_receiver_asks_to_wait_is_heard_up_to_a_day(after: float, wait: float) -> None:
    told = failed(a_delivery(), DeliveryFailed("429", after=after), SERVED)
    seconds = (told.due_at - SERVED).total_seconds()
    assert seconds == wait if wait else 5.0 <= seconds <= 6.0


def test_a_final_refusal_is_dead_at_once_and_can_be_sent_again_by_hand(
    store: Store, tmp_path
) -> None:
    put(store, a_delivery())
    ops = FakeReceiver(DeliveryFailed("the receiver answered 410", final=True))
    assert deliver_due(store, {"ops": ops}, wall=SERVED) == 0
    [dead] = deliveries(store)
    assert (dead.state, dead.attempts, dead.last_error) == (
        "dead", 1, "the receiver answered 410",
    )  # fmt: skip
    assert deliver_due(store, {"ops": ops}, wall=SERVED + 10 * DAY) == 0
    clock = FixedClock(SERVED + 10 * DAY)
    attending = Attending(store, Workshop(tmp_path, {}), clock)
    again = attending.retry_delivery(dead.id)
    assert (again.state, again.attempts, again.due_at) == ("queued", 0, clock.now())
    assert deliver_due(store, {"ops": ops}, wall=clock.now()) == 1
    assert [message.id for message in ops.heard] == ["msg_1", "msg_1"]
    with pytest.raises(Conflict, match="msg_1 is delivered; retried is not possible from there"):
        attending.retry_delivery(dead.id)
    with pytest.raises(NotFound, match="there is no delivery msg_9"):
        attending.retry_delivery("msg_9")


@pytest.mark.parametrize(
    ("broken", "says"),
    [(FakeReceiver(REFUSED), "the receiver answered 500"),
     (FakeReceiver(ValueError("rubbish")), "the receiver broke: ValueError: rubbish"),
     (None, "no receiver is called 'gone'; leeboard.yaml names ['ops']")],
    ids=["refuses", "breaks", "is_not_named"],
)  # fmt: skip
def test_a_receiver_in_trouble_stops_nobody_else(store: Store, broken, says: str) -> None:
    put(store, a_delivery("m1", receiver="gone"), a_delivery("m2"))
    ops = FakeReceiver()
    receivers = {"ops": ops} if broken is None else {"ops": ops, "gone": broken}
    assert deliver_due(store, receivers, wall=SERVED) == 1
    assert [message.id for message in ops.heard] == ["m2"]
    first, second = deliveries(store)
    assert (first.state, first.last_error) == ("queued", says)
    assert second.state is DeliveryState.DELIVERED


class Hanging:
    """Answers only when the test lets it."""

    def __init__(self) -> None:
        self.asked, self.free = threading.Event(), threading.Event()

    def send(self, message: Message) -> None:
        self.asked.set()
        assert self.free.wait(10)
        raise DeliveryFailed("no answer: timed out")


class Listening(FakeReceiver):
    """Says when it heard something."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def send(self, message: Message) -> None:
        super().send(message)
        self.told.set()


def test_while_one_receiver_hangs_the_others_hear(store: Store) -> None:
    put(store, *(a_delivery(f"m{n}", receiver="slow") for n in range(5)), a_delivery("m9"))
    slow, ops = Hanging(), Listening()
    sending = threading.Thread(
        target=deliver_due, args=(store, {"slow": slow, "ops": ops}), kwargs={"wall": SERVED}
    )
    sending.start()
    assert slow.asked.wait(10)
    assert ops.told.wait(10), "before the slow one answered"
    slow.free.set()
    sending.join()
    states = {d.id: (str(d.state), d.attempts) for d in deliveries(store)}
    assert states["m9"] == ("delivered", 1)
    assert states["m0"] == ("queued", 1)
    assert states["m1"] == ("queued", 0), "asked once a round, not once a message"


def test_a_long_queue_for_one_receiver_hides_nobody_elses(store: Store) -> None:
    later = [a_delivery(f"m{n:03d}", receiver="away", due_at=SERVED + DAY) for n in range(300)]
    put(store, *later, a_delivery("new", at=SERVED + SECOND))
    ops = FakeReceiver()
    assert deliver_due(store, {"ops": ops}, wall=SERVED + SECOND) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delivery_that_a_kill_broke_off_is_sent_again_with_the_same_id(
    store: Store, when: str
) -> None:
    put(store, a_delivery())
    ops = FakeReceiver()
    with pytest.raises(Killed):
        deliver_due(MortalStore(store, lambda _: when), {"ops": ops}, wall=SERVED)
    deliver_due(store, {"ops": ops}, wall=SERVED)
    [delivery] = deliveries(store)
    assert delivery.state is DeliveryState.DELIVERED
    assert [m.id for m in ops.heard] == ["msg_1"] * (2 if when == "before" else 1)


def test_what_was_sent_while_its_model_was_purged_does_not_come_back(store: Store) -> None:
    put(store, a_delivery())

    class Purging(FakeReceiver):
        def send(self, message: Message) -> None:
            store.write(lambda t: t.ledger.remove(Delivery, model="boats")).result()

    deliver_due(store, {"ops": Purging()}, wall=SERVED)
    assert deliveries(store) == []


# The outbox


def test_the_outbox_looks_at_the_models_that_changed_and_sends(store: Store) -> None:
    ops = FakeReceiver()
    outbox = Outbox(store, {"ops": ops}, FixedClock(SERVED))
    put(store, an_alert())
    outbox.empty()
    assert ops.heard == []
    outbox.changed(frozenset({"boats", "gulls"}))
    outbox.empty()
    assert [message.type for message in ops.heard] == ["alert.fired"]


def test_what_could_not_be_queued_is_queued_the_next_time(store: Store) -> None:
    put(store, an_alert())
    dying = MortalStore(store, lambda n: "overloaded" if n == 1 else None)
    ops = FakeReceiver()
    outbox = Outbox(dying, {"ops": ops}, FixedClock(SERVED))
    outbox.changed(frozenset({"boats"}))
    with pytest.raises(Overloaded):
        outbox.empty()
    outbox.empty()
    assert len(ops.heard) == 1


def test_retried_over_http_a_message_keeps_its_id_and_its_signature_holds(store: Store) -> None:
    endpoint = Endpoint()
    endpoint.answers = [(500, {}), (307, {"Location": "/elsewhere"}), (204, {})]
    webhook = Webhook(endpoint.url, SECRET, timeout=5.0)
    put(store, an_alert())
    enqueue(store, "boats", wall=SERVED)
    clock = FixedClock(SERVED)
    for _ in range(3):
        deliver_due(store, {"ops": webhook}, wall=clock.now())
        clock.advance(DAY)
    webhook.close()
    endpoint.stop()
    [delivery] = deliveries(store)
    assert (delivery.state, delivery.attempts, delivery.last_error) == ("delivered", 3, None)
    assert [headers["webhook-id"] for headers, _ in endpoint.heard] == [delivery.id] * 3
    for headers, body in endpoint.heard:
        assert Verifier(SECRET).verify(body, headers)["data"]["alert"] == "a_performance"
