"""An Idempotency-Key on whatever writes: done once, answered alike, whoever comes in between."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from controlplane.api.app import ROUTES, create_app
from controlplane.api.auth import OWNER, Guardian, Scope, Who, scope_of
from controlplane.api.keyring import Keyring
from controlplane.api.parts import Parts
from controlplane.domain.errors import Conflict, Overloaded
from controlplane.domain.journal import Entry
from controlplane.domain.keyed import KeyedWrite
from controlplane.domain.tokens import Token
from controlplane.settings import Settings
from controlplane.store.claims import forget_writes
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from tests.api.conftest import TOKEN
from tests.api.test_tokens import filled
from tests.cli.story import tell
from tests.fakes import FixedClock
from tests.fakes_actions import T0, FakeActions

BODIES = {
    "promote": {"reason": "tested"}, "rollback": {"reason": "worse"}, "runs": {"reason": "now"},
    "trials": {"version": "v5"}, "time": {"known_at": "2024-03-01T00:00:00Z"},
    "tokens": {"name": "ci", "scopes": ["read"]}, "recalibrate": {"windows": ["w_1"]},
    "acknowledge": {"note": "a holiday"}, "versions": b"a tar", "rehearsals": {"windows": 1},
    "erasures": {"ids": ["row-1"]},
}  # fmt: skip
ASIDE = {"rehearse_model", "recalibrate_model"}
"""A route that is asked by POST and stores nothing; one whose answer the story has not."""


class Writing(FakeActions):
    """A lifecycle that writes a line of the journal for what it is asked to do; `ready` is set
    when it was asked, and it goes on when `go` is."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.ready, self.go = threading.Event(), threading.Event()
        self.go.set()

    def _ask(self, *asked: object) -> None:
        super()._ask(*asked)
        if asked[0] != "conditions":
            self.ready.set()
            self.go.wait(20)
            self.store.write(lambda t: t.ledger.journal(
                model="bikes", at=T0, kind=str(asked[0]), subject="", by="owner", facts={}
            )).result()  # fmt: skip


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(T0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "data")
    tell(opened)
    yield opened
    opened.close()


@pytest.fixture
def actions(store: Store) -> Writing:
    return Writing(store)


@asynccontextmanager
async def serving(
    store: Store, actions: FakeActions, clock: FixedClock, folder: Path
) -> AsyncIterator[httpx.AsyncClient]:
    keyring = Keyring(store, clock)
    parts = Parts(store=store, clock=clock, settings=Settings(data=folder), actions=actions)
    operator = Who("operator", frozenset(Scope))
    guardian = Guardian({TOKEN: OWNER, "lee_operator": operator}, keyring)
    app = create_app(parts, guardian=guardian, keyring=keyring)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost",
        headers={"authorization": f"Bearer {TOKEN}"},
    ) as client:  # fmt: skip
        yield client


@pytest.fixture
async def client(store, actions, clock, tmp_path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(store, actions, clock, tmp_path) as found:
        yield found


def writes():
    """Every route that writes, rows aside: its name, its method, a path and a body that will do."""
    for handler in ROUTES:
        method = next(iter(handler.http_methods))
        own = scope_of(handler) is Scope.INGEST or handler.handler_name in ASIDE
        if method == "GET" or own:
            continue
        for path in sorted(handler.paths):
            yield handler.handler_name, method, filled(path)[0], BODIES.get(path.rsplit("/", 1)[-1])


async def ask(client, method, path, body, key="k-1", **headers) -> httpx.Response:
    sent = {"content": body} if isinstance(body, bytes) else {"json": body} if body else {}
    if method == "PUT":
        sent = {"content": b"model: bikes"}
    kind = {"content-type": "application/x-tar"} if isinstance(body, bytes) else {}
    return await client.request(
        method, path, headers={"idempotency-key": key, **kind, **headers}, **sent
    )


def journalled(store: Store) -> int:
    with store.read() as view:
        return view.ledger.count(Entry)


async def test_every_write_is_done_once_a_key_and_answered_alike(client, actions, store) -> None:
    """The tokens' own routes write by themselves, the others through the lifecycle."""
    found = list(writes())
    assert len(found) > 15
    for name, method, path, body in found:
        first = await ask(client, method, path, body, key=name)
        assert first.status_code < 300, (name, first.text)
        assert "idempotent-replayed" not in first.headers, name
        before, asked = journalled(store), len(actions.asked)

        again = await ask(client, method, path, body, key=name)

        assert again.status_code == first.status_code, name
        assert again.headers.get("idempotent-replayed") == "true", name
        if name == "create_token":
            assert again.json() == {**first.json(), "token": None}
        else:
            assert again.content == first.content, name
            assert again.headers["content-type"] == first.headers["content-type"], name
        assert (journalled(store), len(actions.asked)) == (before, asked), name


async def test_the_same_key_with_another_body_or_query_is_a_conflict(client, actions) -> None:
    path = "/v1/models/bikes/versions/v5/promote"
    await ask(client, "POST", path, {"reason": "tested"})

    other = await ask(client, "POST", path, {"reason": "again"})
    dry = await ask(client, "PUT", "/v1/models/bikes", None, key="k-2")
    wet = await ask(client, "PUT", "/v1/models/bikes?dry_run=true", None, key="k-2")

    assert (other.status_code, dry.status_code, wet.status_code) == (409, 200, 409)
    assert other.json()["type"] == "urn:leeboard:problem:conflict"
    assert "Idempotency-Key came before" in other.json()["detail"]
    assert [call[0] for call in actions.asked] == ["promote", "apply"]


async def test_a_key_is_its_senders_and_its_paths(client, actions) -> None:
    for version in ("v5", "v2"):
        path = f"/v1/models/bikes/versions/{version}/promote"
        for token in (TOKEN, "lee_operator"):
            answer = await ask(
                client, "POST", path, {"reason": "x"}, authorization=f"Bearer {token}"
            )
            assert "idempotent-replayed" not in answer.headers
    assert len(actions.asked) == 4


async def test_a_key_does_not_open_what_its_sender_may_not_any_more(client) -> None:
    made = await client.post("/v1/tokens", json={"name": "ci", "scopes": ["operate"]})
    header = {"authorization": f"Bearer {made.json()['token']}"}
    path = "/v1/models/bikes/rollback"
    assert (await ask(client, "POST", path, {"reason": "x"}, **header)).status_code == 200

    await client.delete("/v1/tokens/ci")

    assert (await ask(client, "POST", path, {"reason": "x"}, **header)).status_code == 401


async def test_two_at_once_are_done_once(client, actions) -> None:
    actions.go.clear()
    first = asyncio.create_task(ask(client, "POST", "/v1/models/bikes/rollback", {"reason": "x"}))
    await asyncio.to_thread(actions.ready.wait, 20)
    others = [
        asyncio.create_task(ask(client, "POST", "/v1/models/bikes/rollback", {"reason": "x"}))
        for _ in range(5)
    ]
    await asyncio.sleep(0.05)
    actions.go.set()

    answers = [await first, *[await other for other in others]]

    assert len({answer.content for answer in answers}) == 1
    assert [a.headers.get("idempotent-replayed") for a in answers] == [None, *["true"] * 5]
    assert len(actions.asked) == 1


async def test_a_refusal_is_answered_again_and_want_of_room_is_not(client, actions) -> None:
    path = "/v1/models/bikes/rollback"
    actions.refusal = Conflict("a trial is open")
    refused = await ask(client, "POST", path, {"reason": "x"}, key="refused")
    actions.refusal = Overloaded("10000 writes wait")
    full = await ask(client, "POST", path, {"reason": "x"}, key="full")
    actions.refusal = None

    again = await ask(client, "POST", path, {"reason": "x"}, key="refused")
    taken = await ask(client, "POST", path, {"reason": "x"}, key="full")

    assert (refused.status_code, again.status_code) == (409, 409)
    assert again.content == refused.content
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["idempotent-replayed"] == "true"
    assert (full.status_code, taken.status_code) == (503, 200)


async def test_a_key_outlives_a_restart(client, actions, clock, store, tmp_path) -> None:
    path = "/v1/models/bikes/versions/v5/promote"
    first = await ask(client, "POST", path, {"reason": "tested"})

    async with serving(store, actions, clock, tmp_path) as restarted:
        again = await ask(restarted, "POST", path, {"reason": "tested"})

    assert again.content == first.content
    assert len(actions.asked) == 1


async def test_what_was_done_and_not_told_is_told_and_not_done_again(
    client, store, clock, tmp_path
) -> None:
    """A server that ends between the commit and the answer leaves the key without an answer."""
    keyring = Keyring(store, clock)
    made = await ask(client, "POST", "/v1/tokens", {"name": "ci", "scopes": ["read"]}, key="made")
    gone = await ask(client, "DELETE", "/v1/tokens/ci", None, key="gone")
    with store.read() as view:
        kept = view.ledger.find(KeyedWrite)
        before = view.ledger.find(Token), view.ledger.count(Entry)
    assert [(one.kind, one.made) for one in kept] == [("tokens", "ci"), ("tokens", "ci")]
    for one in kept:
        untold = msgspec.structs.replace(one, answer=None)
        store.write(lambda t, untold=untold: t.ledger.put(untold)).result()

    async with serving(store, FakeActions(store), clock, tmp_path) as restarted:
        repeated = await ask(restarted, "DELETE", "/v1/tokens/ci", None, key="gone")
        made_again = await ask(
            restarted, "POST", "/v1/tokens", {"name": "ci", "scopes": ["read"]}, key="made"
        )

    assert repeated.content == gone.content
    assert made_again.json() == {**made.json(), **gone.json(), "token": None}
    with store.read() as view:
        assert (view.ledger.find(Token), view.ledger.count(Entry)) == before
    assert [token.id for token in keyring] == []


async def test_keys_are_remembered_for_seven_days(client, actions, clock, store) -> None:
    path = "/v1/models/bikes/rollback"
    await ask(client, "POST", path, {"reason": "x"})
    clock.advance(timedelta(days=6, hours=23))
    assert forget_writes(store, clock.now()) == 0
    assert "idempotent-replayed" in (await ask(client, "POST", path, {"reason": "x"})).headers
    clock.advance(timedelta(hours=1))

    anew = await ask(client, "POST", path, {"reason": "y"})

    assert anew.status_code == 200
    assert len(actions.asked) == 2
    clock.advance(timedelta(days=8))
    assert forget_writes(store, clock.now()) == 1


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_that_cannot_be_kept_is_refused(client, actions, key) -> None:
    answer = await ask(client, "POST", "/v1/models/bikes/rollback", {"reason": "x"}, key=key)

    assert answer.status_code == 400
    assert "expected 1 to 255" in answer.json()["detail"]
    assert actions.asked == []


async def test_a_secret_is_in_no_kept_answer(client, store) -> None:
    made = await ask(client, "POST", "/v1/tokens", {"name": "ci", "scopes": ["read"]})

    with store.read() as view:
        kept = msgspec.json.encode(view.ledger.find(KeyedWrite))
    assert made.json()["token"].startswith("lee_")
    assert made.json()["token"].encode() not in kept
