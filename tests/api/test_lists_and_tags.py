"""What holds for every list and every read: pages, cursors, tags, kinds of bodies."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import msgspec
import pytest

from controlplane.api.app import create_app
from controlplane.api.auth import OWNER, Guardian
from controlplane.api.parts import Parts
from controlplane.domain.models import Model
from controlplane.settings import Settings
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from tests.api.conftest import TOKEN, Stopped
from tests.api.test_keys_of_writes import writes
from tests.api.test_tokens import STORY
from tests.cli.story import tell
from tests.fakes_actions import FakeActions

UNTAGGED = {"/v1/stream", "/metrics", "/healthz", "/readyz", "/v1/backup"}
"""What is no JSON, or never the same, or asked about the moment."""
NOT_THERE = {"/v1/artifacts/{sha256}", "/v1/runs/{run}/log", "/v1/windows/{window}/causes"}
"""What the story has not, or is no JSON."""


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    opened = open_store(tmp_path / "data")
    tell(opened)
    yield opened
    opened.close()


@pytest.fixture
async def client(store: Store, tmp_path) -> AsyncIterator[httpx.AsyncClient]:
    parts = Parts(
        store=store, clock=Stopped(), settings=Settings(data=tmp_path), actions=FakeActions(store)
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(parts, guardian=Guardian({TOKEN: OWNER}))),
        base_url="http://localhost", headers={"authorization": f"Bearer {TOKEN}"},
    ) as found:  # fmt: skip
        yield found


async def reads(client: httpx.AsyncClient) -> dict[str, dict[str, object]]:
    """What the document says of everything that is read, by path."""
    document = (await client.get("/schema/openapi.json")).json()
    return {path: item["get"] for path, item in document["paths"].items() if "get" in item}


async def test_every_list_has_the_same_bounds_and_cursors(client) -> None:
    lists = [
        path.format(**STORY)
        for path, operation in (await reads(client)).items()
        if {"limit", "cursor"} <= {p["name"] for p in operation.get("parameters", ())}
    ]
    assert len(lists) >= 11

    for path in lists:
        for wrong in ("limit=0", "limit=1001", "limit=-1", "limit=many", "cursor=zz", "cursor=%00"):
            answer = await client.get(f"{path}?{wrong}")
            assert answer.status_code == 400, (path, wrong, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            name = wrong.partition("=")[0]
            assert answer.json()["errors"][0]["pointer"] == f"?{name}", (path, wrong)
        most = await client.get(f"{path}?limit=1000")
        assert most.status_code == 200, path
        assert most.json().keys() >= {"items", "next"}, path
        assert most.json()["next"] is None, path


async def test_every_read_carries_a_tag_and_is_304_while_nothing_changed(client) -> None:
    tried = 0
    for path in await reads(client):
        if path in UNTAGGED | NOT_THERE:
            continue
        first = await client.get(path.format(**STORY))
        if first.status_code == 404:  # the story has none
            continue
        tried += 1
        assert first.status_code == 200, (path, first.text)
        tag = first.headers["etag"]
        again = await client.get(path.format(**STORY), headers={"if-none-match": f'"x", {tag}'})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["etag"] == tag, path
        other = await client.get(path.format(**STORY), headers={"if-none-match": 'W/"other"'})
        assert other.content == first.content, path
    assert tried >= 25


async def test_a_body_of_no_kind_is_415_whatever_is_asked(client) -> None:
    for name, method, path, _ in writes():
        strange = await client.request(
            method, path, content=b"<a/>", headers={"content-type": "text/xml"}
        )
        packed = await client.request(
            method, path, content=b"x",
            headers={"content-type": "application/json", "content-encoding": "br"},
        )  # fmt: skip
        assert (strange.status_code, packed.status_code) == (415, 415), name


@pytest.mark.parametrize("wait", ["soon", "10", "-1s", "1d", ""])
async def test_a_wait_that_is_none_is_told(client, wait) -> None:
    answer = await client.get(f"/v1/models/bikes/champion?wait={wait}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "?wait"


async def test_a_long_poll_answers_when_the_champion_moves_or_the_time_is_over(
    client, store
) -> None:
    path = "/v1/models/bikes/champion"
    tag = (await client.get(path)).headers["etag"]
    known = {"if-none-match": tag}

    assert (await client.get(f"{path}?wait=30s")).status_code == 200
    assert (await client.get(f"{path}?wait=20ms", headers=known)).status_code == 304
    waiting = asyncio.create_task(client.get(f"{path}?wait=60s", headers=known))
    await asyncio.sleep(0.05)
    with store.read() as view:
        model = view.ledger.get(Model, "bikes")
    moved = msgspec.structs.replace(model, champion="v1", moves=model.moves + 1)
    await asyncio.to_thread(store.write(lambda t: t.ledger.put(moved)).result)

    answer = await waiting
    assert answer.status_code == 200
    assert answer.json()["champion"]["version"] == "v1"
    assert answer.headers["etag"] != tag
