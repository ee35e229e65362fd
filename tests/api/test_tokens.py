"""Tokens that are given out: made once, scoped, bound to models, revoked, noted when used."""

import re
from datetime import timedelta

import httpx
import msgspec
import pytest

from controlplane.api.app import ROUTES, App, create_app
from controlplane.api.auth import OWNER, Guardian, scope_of
from controlplane.api.belonging import CUT
from controlplane.api.keyring import Keyring
from controlplane.api.parts import Parts
from controlplane.domain.journal import Entry
from controlplane.domain.tokens import Scope, Token, token_hash
from controlplane.settings import Settings
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from tests.api.conftest import TOKEN
from tests.cli.story import tell
from tests.fakes import FixedClock
from tests.fakes_actions import T0, FakeActions

STORY = {
    "model": "bikes", "version": "v3", "window": "w_1", "run": "r_1", "trial": "t_2",
    "decision": "d_yes3", "alert": "a_1", "delivery": "msg_1", "metric": "mae", "column": "temp",
    "sha256": "3" * 64, "token": "ci", "id": "row-1",
}  # fmt: skip
"""What a path's parameters are in the story; all of it belongs to the model bikes."""


ASIDE = ("/v1/tokens", "/v1/stream")
"""Routes of those who may everything; one that never ends, which `test_stream.py` tries."""


class Counting:
    """A store that counts what is written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.writes = 0
        self.read, self.subscribe = store.read, store.subscribe

    def write(self, work, *, size=0, quiet=False):
        self.writes += 1
        return self._store.write(work, size=size, quiet=quiet)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(T0)


@pytest.fixture
def store(store: Store) -> Store:
    tell(store)
    return store


@pytest.fixture
def keyring(store: Store, clock: FixedClock) -> Keyring:
    return Keyring(store, clock)


@pytest.fixture
def app(
    store: Store, actions: FakeActions, settings: Settings, *, clock: FixedClock, keyring: Keyring
) -> App:
    parts = Parts(store=store, clock=clock, settings=settings, actions=actions)
    return create_app(parts, guardian=Guardian({TOKEN: OWNER}, keyring), keyring=keyring)


async def made(client: httpx.AsyncClient, **asked: object) -> dict[str, str]:
    """The header of a new token."""
    answer = await client.post("/v1/tokens", json={"name": "ci", "scopes": ["read"], **asked})
    assert answer.status_code == 201, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}


async def test_a_tokens_text_is_told_once_and_stored_nowhere(client, store, keyring) -> None:
    answer = await client.post(
        "/v1/tokens", json={"name": "ci", "scopes": ["read", "ingest"], "lifetime": "90d"}
    )
    text = answer.json()["token"]

    assert text.startswith("lee_")
    assert answer.json() == {
        "name": "ci", "scopes": ["ingest", "read"], "models": None, "state": "active",
        "made_at": "2024-03-01T00:00:00Z", "made_by": "owner", "expires_at": "2024-05-30T00:00:00Z",
        "revoked_at": None, "revoked_by": None, "used_on": None, "token": text,
    }  # fmt: skip
    listed = (await client.get("/v1/tokens")).text
    assert '"ci"' in listed
    with store.read() as view:
        records = [*view.ledger.find(Token), *view.ledger.find(Entry)]
    everything = listed.encode() + msgspec.json.encode(records) + repr(vars(keyring)).encode()
    assert text.encode() not in everything
    assert token_hash(text).encode() in everything
    assert token_hash(text) not in listed


@pytest.mark.parametrize("scope", [Scope.INGEST, Scope.READ, Scope.OPERATE])
async def test_only_those_who_may_everything_make_list_and_revoke_tokens(client, scope) -> None:
    header = await made(client, scopes=[scope])

    for method, path in (
        ("GET", "/v1/tokens"),
        ("POST", "/v1/tokens"),
        ("DELETE", "/v1/tokens/ci"),
    ):
        answer = await client.request(method, path, headers=header)
        assert answer.status_code == 403
        assert "'admin'" in answer.json()["detail"]
        assert f"it has: {scope}" in answer.json()["detail"]
    assert (await client.get("/v1/models", headers=header)).status_code in {200, 403}


async def test_a_revoked_token_opens_nothing_at_once_and_the_journal_says_who_did_it(
    client, store
) -> None:
    header = await made(client)
    assert (await client.get("/v1/models", headers=header)).status_code == 200
    boss = await made(client, name="boss", scopes=["admin"])

    revoked = await client.delete("/v1/tokens/ci", headers=boss)
    again = await client.delete("/v1/tokens/ci")

    assert revoked.json()["state"] == "revoked"
    assert again.json() == revoked.json()
    refused = await client.get("/v1/models", headers=header)
    assert refused.status_code == 401
    assert "revoked" in refused.json()["detail"]
    with store.read() as view:
        told = [(e.kind, e.subject, e.by) for e in view.ledger.find(Entry) if e.model == ""]
    assert told == [
        ("token_created", "ci", "owner"), ("token_created", "boss", "owner"),
        ("token_revoked", "ci", "boss"),
    ]  # fmt: skip


async def test_a_token_ends_by_the_servers_clock(client, clock) -> None:
    header = await made(client, lifetime="1h")

    clock.advance(timedelta(minutes=59))
    assert (await client.get("/v1/models", headers=header)).status_code == 200
    clock.advance(timedelta(minutes=1))
    refused = await client.get("/v1/models", headers=header)

    assert refused.status_code == 401
    assert "ended at 2024-03-01 01:00" in refused.json()["detail"]
    assert (await client.get("/v1/tokens")).json()["items"][0]["state"] == "expired"


async def test_a_name_is_taken_while_its_token_opens_anything(client) -> None:
    old = await made(client)
    refused = await client.post("/v1/tokens", json={"name": "ci", "scopes": ["read"]})
    await client.delete("/v1/tokens/ci")
    new = await made(client)

    assert refused.status_code == 409
    assert "revoke it" in refused.json()["detail"]
    assert (await client.get("/v1/models", headers=old)).status_code == 401
    assert (await client.get("/v1/models", headers=new)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [({"name": "Ci"}, 422, "not a token's name"), ({"name": "owner"}, 422, "somebody else"),
     ({"scopes": []}, 400, "scopes"), ({"scopes": ["write"]}, 400, "scopes"),
     ({"models": []}, 422, "no model"), ({"models": ["Bikes"]}, 422, "not a model name"),
     ({"models": ["bikes"], "scopes": ["admin"]}, 422, "admin"),
     ({"lifetime": "3 months"}, 422, "90d"), ({"lifetime": "0d"}, 422, "lifetime"),
     ({"lifetime": "9000w"}, 422, "lifetime"), ({"expires": "90d"}, 400, "expires")],
)  # fmt: skip
async def test_what_is_no_token_is_said(client, asked, status, says) -> None:
    answer = await client.post("/v1/tokens", json={"name": "ci", "scopes": ["read"], **asked})

    assert answer.status_code == status, answer.text
    assert says in answer.text
    assert (await client.get("/v1/tokens")).json()["items"] == []


def filled(path: str) -> tuple[str, list[str]]:
    """A route's path with the story's names in it, and which they are."""
    names = [part[1:-1].split(":")[0] for part in path.split("/") if part[:1] == "{"]
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: STORY[found[1]], path), names


def routes_with_scope():
    """Every route that asks for a scope, with its paths' parameters filled in from the story."""
    for handler in ROUTES:
        for path in sorted(handler.paths):
            if scope_of(handler) is not None and not path.startswith(ASIDE):
                told, names = filled(path)
                yield next(iter(handler.http_methods)), told, bool(names)


async def test_no_route_lets_a_token_of_other_models_at_a_model(client) -> None:
    scopes = ["ingest", "read", "operate"]
    stranger = await made(client, name="stranger", scopes=scopes, models=["boats"])
    friend = await made(client, name="friend", scopes=scopes, models=["bikes"])
    routes = list(routes_with_scope())
    assert len(routes) > 40

    for method, path, is_named in routes:
        answer = await client.request(method, path, headers=stranger)
        if not is_named and path not in CUT:
            assert answer.status_code == 403, path
            told = answer.json()["detail"]
            assert "is about all models" in told or "lacks the scope 'admin'" in told, path
        elif is_named:
            assert answer.status_code == 403, path
            assert "stranger is for boats, not for the model 'bikes'" in answer.json()["detail"]
            allowed = await client.request(method, path, headers=friend)
            assert allowed.status_code != 403, (path, allowed.text)
        else:
            assert answer.status_code == 200, path
            assert "bikes" not in answer.text, path


def of(item: dict[str, object]) -> object:
    """The model of a list's item."""
    return item.get("model", item.get("name"))


async def test_lists_hold_what_the_token_is_for_through_all_their_pages(client) -> None:
    bikes = await made(client, name="bikes", models=["bikes"])
    boats = await made(client, name="boats", models=["boats"])

    for path in ("/v1/models", "/v1/decisions", "/v1/alerts", "/v1/deliveries", "/v1/audit"):
        everything = (await client.get(path)).json()["items"]
        wanted = [item for item in everything if path == "/v1/deliveries" or of(item) == "bikes"]
        found, cursor = [], ""
        while cursor is not None:
            page = (await client.get(f"{path}?limit=1{cursor}", headers=bikes)).json()
            found += page["items"]
            cursor = page["next"] and f"&cursor={page['next']}"
        assert wanted
        assert found == wanted, path
        other = (await client.get(path, headers=boats)).json()["items"]
        assert all(of(item) == "boats" for item in other), path
        if path not in {"/v1/models", "/v1/deliveries"}:
            named = await client.get(f"{path}?model=bikes", headers=boats)
            assert named.status_code in {400, 403}, named.text


async def test_a_token_of_some_models_may_make_them_and_no_others(client) -> None:
    header = await made(client, scopes=["operate"], models=["boats", "trains"])

    mine = await client.put("/v1/models/trains", content="model: trains", headers=header)
    other = await client.put("/v1/models/cars", content="model: cars", headers=header)

    assert mine.status_code == 201
    assert other.status_code == 403
    assert "ci is for boats, trains, not for the model 'cars'" in other.json()["detail"]


async def test_the_last_day_of_use_is_noted_by_one_write_a_day(clock, tmp_path) -> None:
    real = open_store(None)
    store = Counting(real)
    keyring = Keyring(store, clock)
    parts = Parts(
        store=store, clock=clock, settings=Settings(data=tmp_path), actions=FakeActions(store)
    )
    app = create_app(parts, guardian=Guardian({TOKEN: OWNER}, keyring), keyring=keyring)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost",
        headers={"authorization": f"Bearer {TOKEN}"},
    ) as client:  # fmt: skip
        header = await made(client)
        before = store.writes
        for _ in range(20):
            assert (await client.get("/v1/models", headers=header)).status_code == 200
        assert store.writes == before
        keyring.note_uses()
        keyring.note_uses()
        assert store.writes == before + 1
        await client.get("/v1/models", headers=header)
        keyring.note_uses()
        assert store.writes == before + 1
        assert (await client.get("/v1/tokens/ci")).json()["used_on"] == "2024-03-01"
        clock.advance(timedelta(days=1))
        await client.get("/v1/models", headers=header)
        keyring.note_uses()
        assert (await client.get("/v1/tokens/ci")).json()["used_on"] == "2024-03-02"
        assert store.writes == before + 2
    real.close()


async def test_tokens_are_known_to_the_next_start(client, store, clock) -> None:
    header = await made(client, models=["bikes"])

    who = Guardian({}, Keyring(store, clock)).who(header["authorization"])

    assert (who.name, who.scopes, who.models) == ("ci", {"read"}, {"bikes"})
