"""What the store promises of requests and responses that wait for each other."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from controlplane.domain.errors import Conflict
from controlplane.store import halves as halves_module
from controlplane.store.beside import Half, HalvesWaiting, Side
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from tests.stored import HOUR, MODEL, NOON, a_model


@pytest.fixture(params=[":memory:", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(None if request.param == ":memory:" else tmp_path)
    a_model(opened)
    yield opened
    opened.close()


def half(event: str, side: Side = Side.REQUEST, *, hours: float = 0, content: bytes = b"x") -> Half:
    return Half(
        event=event, side=side, id=event, known_at=NOON + hours * HOUR, envelope="{}",
        content=content,
    )  # fmt: skip


def met(store: Store, one: Half, model: str = MODEL) -> Half | None:
    return store.write(lambda t: t.events.halves.meet(model, one)).result()


def is_known(store: Store, one: Half) -> bool:
    return store.write(lambda t: t.events.halves.is_known(MODEL, one)).result()


def waiting(store: Store, model: str = MODEL) -> HalvesWaiting:
    with store.read() as view:
        return view.events.halves.waiting(model)


@pytest.mark.parametrize("side", [Side.REQUEST, Side.RESPONSE])
def test_the_second_half_is_given_the_first_and_neither_waits(store: Store, side: Side) -> None:
    other = Side.RESPONSE if side is Side.REQUEST else Side.REQUEST
    first = half("e", side, content=b"\0 any bytes \xff")
    assert met(store, first) is None
    assert waiting(store) == HalvesWaiting(waiting=1, oldest=NOON)
    assert is_known(store, first)
    assert not is_known(store, half("e", other))
    assert met(store, half("e", other, hours=5)) == first
    assert waiting(store) == HalvesWaiting()
    assert is_known(store, first)
    assert is_known(store, half("e", other))


def test_halves_of_another_model_or_event_are_not_met(store: Store) -> None:
    met(store, half("e"))
    assert met(store, half("e", Side.RESPONSE), "other") is None
    assert met(store, half("f", Side.RESPONSE)) is None
    assert (waiting(store).waiting, waiting(store, "other").waiting) == (2, 1)


def test_all_in_one_transaction(store: Store) -> None:
    def work(t):
        first = t.events.halves.meet(MODEL, half("e", content=b"1"))
        t.events.halves.meet(MODEL, half("f", content=b"2"))
        return first, t.events.halves.meet(MODEL, half("e", Side.RESPONSE))

    first, second = store.write(work).result()
    assert first is None
    assert second.content == b"1"
    assert waiting(store).waiting == 1


def test_a_transaction_that_is_undone_takes_its_meeting_back(store: Store) -> None:
    met(store, half("e", content=b"1"))

    def work(t):
        assert t.events.halves.meet(MODEL, half("e", Side.RESPONSE)).content == b"1"
        raise Conflict("no")

    with pytest.raises(Conflict, match="no"):
        store.write(work).result()
    assert waiting(store).waiting == 1
    assert not is_known(store, half("e", Side.RESPONSE))
    assert met(store, half("e", Side.RESPONSE)).content == b"1"


def test_a_restart_remembers_who_waits_and_who_has_met(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    a_model(store)
    met(store, half("e", content=b"1"))
    met(store, half("f"))
    met(store, half("f", Side.RESPONSE))
    store.close()
    store = open_store(tmp_path)
    assert is_known(store, half("f"))
    assert is_known(store, half("f", Side.RESPONSE))
    assert waiting(store) == HalvesWaiting(waiting=1, oldest=NOON)
    assert met(store, half("e", Side.RESPONSE)).content == b"1"
    store.close()


def test_what_is_not_held_in_memory_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves_module, "MOST_HELD", 10)
    for n in range(5):
        met(store, half(f"e{n}", content=bytes([n]) * 8))
    for n in range(5):
        assert met(store, half(f"e{n}", Side.RESPONSE)).content == bytes([n]) * 8
    assert waiting(store).waiting == 0


def test_the_oldest_are_given_up_where_too_many_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves_module, "MOST_WAITING", 20)
    for n in range(21):
        met(store, half(f"e{n}", hours=n))
    assert waiting(store) == HalvesWaiting(waiting=19, oldest=NOON + 2 * HOUR, forgotten=2)
    assert met(store, half("e0", Side.RESPONSE)) is None
    assert met(store, half("e2", Side.RESPONSE)) is not None


def test_only_the_newest_meetings_are_remembered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves_module, "MOST_JOINED", 10)
    for n in range(11):
        met(store, half(f"e{n}"))
        met(store, half(f"e{n}", Side.RESPONSE))
    assert not is_known(store, half("e0"))
    assert is_known(store, half("e10"))
    assert waiting(store) == HalvesWaiting()


def test_what_waits_too_long_is_given_up_and_counted(store: Store) -> None:
    for n in range(3):
        met(store, half(f"e{n}", hours=n))
    met(store, half("f", hours=0))
    met(store, half("f", Side.RESPONSE, hours=0))
    gone = store.write(lambda t: t.events.halves.forget(NOON + 2 * HOUR)).result()
    assert gone == 2
    assert waiting(store) == HalvesWaiting(waiting=1, oldest=NOON + 2 * HOUR, forgotten=2)
    assert not is_known(store, half("e0"))
    assert not is_known(store, half("f"))
    assert met(store, half("e2", Side.RESPONSE)) is not None


@pytest.mark.parametrize("first", [True, False])
def test_an_event_that_is_closed_waits_for_nothing(store: Store, *, first: bool) -> None:
    if not first:
        met(store, half("e"))
    store.write(lambda t: t.events.halves.close(MODEL, half("e", Side.RESPONSE))).result()
    assert waiting(store) == HalvesWaiting()
    assert is_known(store, half("e"))


def test_an_erased_id_takes_its_half_with_it(store: Store) -> None:
    met(store, half("e", content=b"secret"))
    met(store, half("f"))
    at = NOON + timedelta(days=1)
    erased = store.write(lambda t: t.upkeep.erase(MODEL, ["e"], at=at, by="tests")).result()
    assert dict(erased.rows) == {"halves": 1}
    assert waiting(store).waiting == 1


def test_a_model_that_is_dropped_takes_its_halves_with_it(store: Store) -> None:
    met(store, half("e"))
    store.write(lambda t: t.events.halves.forget(NOON + HOUR)).result()
    met(store, half("f"))
    store.write(lambda t: t.events.drop(MODEL)).result()
    assert waiting(store) == HalvesWaiting()
    assert met(store, half("f", Side.RESPONSE)) is None
