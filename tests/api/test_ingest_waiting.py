"""Where too much waits: told to come back, and nothing of it stored."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import msgspec
import pytest

from controlplane.api import intake
from controlplane.api.app import create_app
from controlplane.api.auth import OWNER, Guardian
from controlplane.api.parts import Parts
from controlplane.ingest import unfolding
from controlplane.settings import Settings
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from controlplane.store.writer import Limits
from tests.api.conftest import TOKEN, Stopped
from tests.fakes_actions import FakeActions

ROW = {"id": "a", "at": "2024-03-01T00:00:00Z", "temp": 1.0, "season": "1"}
ROWS = "/v1/models/bikes/predictions"


@pytest.fixture
def store() -> Iterator[Store]:
    """A store whose queue holds two pieces of work."""
    opened = open_store(None, limits=Limits(entries=2))
    yield opened
    opened.close()


def predictions(store: Store) -> int:
    with store.read() as view:
        return view.events.counts("bikes").predictions


async def test_a_full_queue_is_503_and_nothing_of_the_request_is_stored(
    client: httpx.AsyncClient, bikes: object, store: Store
) -> None:
    begun, go = threading.Event(), threading.Event()
    store.write(lambda _: (begun.set(), go.wait(10)))
    assert await asyncio.to_thread(begun.wait, 10)
    waiting = [store.write(lambda _: None) for _ in range(2)]
    answer = await client.post(ROWS, json=ROW, headers={"idempotency-key": "k"})
    ready = await client.get("/readyz")
    go.set()
    for future in waiting:
        future.result(10)

    for refused in (answer, ready):
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:leeboard:problem:overloaded"
        assert refused.headers["retry-after"] == "1"
    assert predictions(store) == 0
    again = await client.post(ROWS, json=ROW, headers={"idempotency-key": "k"})
    assert (again.status_code, again.json()["accepted"]) == (200, 1)
    assert "idempotent-replayed" not in again.headers


async def test_a_body_that_stops_coming_is_given_up(
    client: httpx.AsyncClient, bikes: object, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "PATIENCE", 0.05)

    async def stalled() -> AsyncIterator[bytes]:
        yield b'{"id": '
        await asyncio.sleep(60)

    answer = await client.post(
        ROWS, content=stalled(), headers={"content-type": "application/json"}
    )

    assert answer.status_code == 408
    assert answer.json()["detail"] == (
        "no more of the body came within 0.05 seconds, or not all of it within 600; nothing was "
        "stored"
    )
    assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("PUT", "/v1/models/bikes"), ("POST", ROWS)])
async def test_a_body_that_comes_drop_by_drop_is_given_up_in_the_end(
    client: httpx.AsyncClient,
    bikes: object,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
) -> None:
    monkeypatch.setattr(intake, "LONGEST", 0.3)

    async def dripping() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    answer = await client.request(
        method, path, content=dripping(), headers={"content-type": "application/json"}
    )

    assert answer.status_code == 408
    assert answer.json()["detail"].endswith("not all of it within 0.3; nothing was stored")


async def test_what_is_read_at_once_is_bounded_but_one_body_is_always_taken(
    client: httpx.AsyncClient, bikes: object, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_HELD", 10)
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"id": "slow", "at": '
        begun.set()
        await go.wait()
        yield b'"2024-03-01T00:00:00Z"}'

    headers = {"content-type": "application/json"}
    first = asyncio.create_task(client.post(ROWS, content=slow(), headers=headers))
    await begun.wait()
    refused = await client.post(ROWS, json=ROW)
    go.set()

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (await first).json()["accepted"] == 1
    assert (await client.post(ROWS, json=ROW)).json()["accepted"] == 1
    assert predictions(store) == 2


async def test_a_body_that_unfolds_to_more_than_the_setting_is_413(
    client: httpx.AsyncClient, bikes: object, store: Store, settings: Settings
) -> None:
    rows = b'{"id":"a","at":"2024-03-01T00:00:00Z","temp":1}\n' * 22_000
    assert len(rows) > 2**20
    packed = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
    least = msgspec.structs.replace(settings, unfolded_mib=1)
    parts = Parts(store=store, clock=Stopped(), settings=least, actions=FakeActions(store))
    app = create_app(parts, guardian=Guardian({TOKEN: OWNER}))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8321",
        headers={"authorization": f"Bearer {TOKEN}"},
    ) as small:  # fmt: skip
        refused = await small.post(ROWS, content=gzip.compress(rows), headers=packed)
    assert refused.status_code == 413
    assert "send it in several requests" in refused.json()["detail"]
    assert predictions(store) == 0
    assert (await client.post(ROWS, content=gzip.compress(rows), headers=packed)).status_code == 200


async def test_a_large_body_that_gets_no_turn_is_503_and_nothing_of_it_is_stored(
    client: httpx.AsyncClient, bikes: object, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfolding, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(unfolding, "LARGE", 100)
    rows = b'{"id":"a","at":"2024-03-01T00:00:00Z","temp":1}\n' * 10
    lines = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
    with unfolding.bounded():
        unfolding.unfolds_to(101)
        refused = await client.post(ROWS, content=gzip.compress(rows), headers=lines)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert predictions(store) == 0
    assert (await client.post(ROWS, content=gzip.compress(rows), headers=lines)).status_code == 200
