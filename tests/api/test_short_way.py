"""Small requests for rows take a shorter way than their route, several at once: with the same answers."""

import asyncio
import contextlib
import json
from typing import Any

import httpx
import pyarrow as pa
import pytest

from controlplane.api import gatherer
from controlplane.api.app import create_app
from controlplane.api.auth import Guardian
from controlplane.api.parts import Parts
from controlplane.domain.models import Generation, Model
from controlplane.ingest import receive_many
from controlplane.settings import Settings
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known, Store
from tests.api.conftest import TOKENS, Stopped, put
from tests.fakes_actions import FakeActions

ROWS = "/v1/models/bikes/predictions"
LABELS = "/v1/models/bikes/labels"
ROW = {"id": "a", "at": "2024-03-01T00:00:00Z", "temp": 1.5, "season": "1", "prediction": 3.0}
JSON = {"content-type": "application/json"}


def arrow(**columns: list[object]) -> bytes:
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


REQUESTS: list[tuple[str, bytes, dict[str, str]]] = [
    (ROWS, json.dumps(ROW).encode(), JSON),
    (ROWS, json.dumps(ROW).encode(), JSON),
    (ROWS, json.dumps(ROW | {"at": "2024-03-02T00:00:00Z"}).encode(), JSON),
    (ROWS, json.dumps(ROW | {"id": 7, "wind": 3, "gust": None}).encode(), JSON),
    (ROWS, json.dumps(ROW | {"id": "b", "temp": "warm"}).encode(), JSON),
    (ROWS, json.dumps({"rows": [ROW | {"id": "c"}, ROW | {"id": None}, 3]}).encode(), JSON),
    (ROWS, json.dumps({"columns": {k: [v] for k, v in (ROW | {"id": "d"}).items()}}).encode(), JSON),
    (ROWS, json.dumps({"columns": {"id": ["x"], "at": []}}).encode(), JSON),
    (ROWS, json.dumps({"columns": 3, "id": "e", "at": ROW["at"]}).encode(), JSON),
    (ROWS, json.dumps(ROW | {"id": "f"}).encode() + b"\n" + b"{}\n",
     {"content-type": "application/x-ndjson"}),
    (ROWS, arrow(id=["g", "h"], at=["2024-03-01T01:00:00Z"] * 2, temp=[1, 2]),
     {"content-type": "application/vnd.apache.arrow.stream"}),
    (ROWS, b"id,at\ni,2024-03-01T01:00:00Z\n", {"content-type": "text/csv"}),
    (ROWS, b"{", JSON), (ROWS, b"[]", JSON), (ROWS, b"\xff", JSON), (ROWS, b"[" * 100_000, JSON),
    (ROWS, b"", JSON), (ROWS, b"{}", {"content-type": "application/x-what"}), (ROWS, b"{}", {}),
    (ROWS, b"{}", {"content-type": "application/json; a*" + "9" * 5_000 + "=b"}),
    (ROWS, json.dumps(ROW | {"id": "k"}).encode(), JSON | {"idempotency-key": "1"}),
    (ROWS, json.dumps(ROW | {"id": "k"}).encode(), JSON | {"idempotency-key": "1"}),
    (ROWS, json.dumps(ROW | {"id": "l"}).encode(), JSON | {"idempotency-key": "1"}),
    (ROWS, json.dumps(ROW | {"id": ""}).encode(), JSON | {"idempotency-key": "2"}),
    (ROWS, json.dumps(ROW | {"id": ""}).encode(), JSON | {"idempotency-key": "2"}),
    (ROWS, json.dumps(ROW).encode(), JSON | {"idempotency-key": "x" * 256}),
    (ROWS, json.dumps(ROW | {"id": "m"}).encode(), JSON | {"authorization": "Bearer lee_read"}),
    (ROWS, json.dumps(ROW | {"id": "m"}).encode(), JSON | {"authorization": "Bearer lee_ingest"}),
    (ROWS, json.dumps(ROW | {"id": "n", "known_at": ROW["at"]}).encode(),
     JSON | {"authorization": "Bearer lee_ingest"}),
    (ROWS, json.dumps(ROW | {"id": "o", "known_at": ROW["at"]}).encode(), JSON),
    (ROWS, json.dumps(ROW | {"id": "p", "known_at": "9999-01-01T00:00:00Z"}).encode(), JSON),
    ("/v1/models/none/predictions", json.dumps(ROW).encode(), JSON),
    ("/v1/models/bikes%20/predictions", json.dumps(ROW).encode(), JSON),
    (LABELS, b'{"id": "a", "label": 3}', JSON), (LABELS, b'{"id": "a", "label": 3}', JSON),
    (LABELS, b'{"id": "a", "label": 4}', JSON), (LABELS, b'{"id": "never", "label": 4}', JSON),
    (LABELS, b'{"id": "a", "label": "many"}', JSON), (LABELS, b'{"id": "a"}', JSON),
]  # fmt: skip


async def answered(client: httpx.AsyncClient, query: str) -> list[tuple[int, Any, str | None]]:
    """What became of every request, one after the other."""
    found = []
    for path, body, headers in REQUESTS:
        answer = await client.post(path + query, content=body, headers=headers)
        said = answer.json()
        said.pop("instance", None)
        found.append((answer.status_code, said, answer.headers.get("idempotent-replayed")))
    return found


def stored(store: Store) -> tuple[list[Any], int]:
    """The rows of the model, and how many labels there are."""
    with store.read() as view:
        rows = view.events.rows("bikes", ["temp", "season"], Known())
        return rows.drop_columns(["known_at"]).to_pylist(), view.events.counts("bikes").labels


async def test_both_ways_give_the_same_answers_and_store_the_same(
    client: httpx.AsyncClient, bikes: Model, store: Store, settings: Settings
) -> None:
    with contextlib.closing(open_store(None)) as other:
        put(other, bikes, *found(store, Generation))
        parts = Parts(store=other, clock=Stopped(), settings=settings, actions=FakeActions(other))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(parts, guardian=Guardian(TOKENS))),
            base_url="http://127.0.0.1:8321", headers=client.headers,
        ) as through:  # fmt: skip
            short, route = await answered(client, ""), await answered(through, "?strict=false")
        for request, one, another in zip(REQUESTS, short, route, strict=True):
            assert one == another, request
        assert stored(store) == stored(other)
    assert {status for status, _, _ in short} == {200, 400, 401, 403, 404, 409, 415, 422} - {401}


def found(store: Store, kind: type[Generation]) -> list[Generation]:
    with store.read() as view:
        return view.ledger.find(kind)


async def test_many_at_once_share_a_transaction_and_each_has_its_own_answer(
    client: httpx.AsyncClient, bikes: object, store: Store
) -> None:
    commits = 0

    def count(_: frozenset[str]) -> None:
        nonlocal commits
        commits += 1

    store.subscribe(count)
    bodies: list[dict[str, Any]] = [ROW | {"id": f"r{k}"} for k in range(120)]
    bodies[3]["temp"] = "warm"
    bodies[5]["wind"] = 2
    bodies[7]["id"] = "r6"
    bodies[9] |= {"id": "r8", "at": "2024-02-29T23:00:00Z"}
    answers = await asyncio.gather(*(client.post(ROWS, json=body) for body in bodies))

    said = [answer.json() for answer in answers]
    assert answers[3].status_code == 422
    assert said[3]["errors"][0]["pointer"] == "/temp"
    assert said[5]["unknown_columns"] == {"wind": 1}
    assert sorted((said[6]["duplicates"], said[7]["duplicates"])) == [0, 1]
    assert sorted((said[8]["reused_ids"], said[9]["reused_ids"])) == [0, 1]
    others = [said[k] for k in range(120) if k not in {3, 5, 6, 7, 8, 9}]
    assert {(s["accepted"], s["duplicates"], s["rejected"]) for s in others} == {(1, 0, 0)}
    assert len(stored(store)[0]) == 118
    assert commits < 60


async def test_tables_of_a_megabyte_are_stored_together_and_larger_bodies_alone(
    client: httpx.AsyncClient, bikes: object, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: list[int] = []

    def noted(store: Store, arrivals: Any, answer: Any, *, done: Any) -> None:
        together.append(len(arrivals))
        receive_many.receive_many(store, arrivals, answer, done=done)

    def body(name: str, letters: int) -> bytes:
        return arrow(
            id=[f"{name}{k}" for k in range(300)], at=[ROW["at"]] * 300,
            season=["x" * letters] * 300,
        )  # fmt: skip

    monkeypatch.setattr(gatherer, "receive_many", noted)
    tables = [body(name, 4_000) for name in "abcdef"]
    assert all(2**20 < len(table) < 2**21 for table in tables)
    table = {"content-type": "application/vnd.apache.arrow.stream"}
    answers = await asyncio.gather(
        *(client.post(ROWS, content=content, headers=table) for content in tables),
        client.post(ROWS, content=body("g", 20_000), headers=table),
        client.post(ROWS, json=ROW | {"id": "h", "season": "x" * 2**20}),
    )
    assert [answer.json()["accepted"] for answer in answers] == [300] * 7 + [1]
    assert sum(together) == 6
    assert len(together) < 6


async def test_a_key_that_comes_twice_at_once_is_stored_once(
    client: httpx.AsyncClient, bikes: object, store: Store
) -> None:
    key = {"idempotency-key": "k"}
    answers = await asyncio.gather(
        *(client.post(ROWS, json=ROW, headers=key) for _ in range(20)),
        client.post(ROWS, json=ROW | {"id": "other"}, headers=key),
    )

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([200] * 20 + [409], [200] + [409] * 20)
    replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
    assert replayed.count("true") == (19 if statuses.count(200) == 20 else 0)
    assert len(stored(store)[0]) == 1


async def test_a_key_with_another_query_is_another_request(
    client: httpx.AsyncClient, bikes: object
) -> None:
    key = {"idempotency-key": "k"}
    first = await client.post(ROWS + "?version=v1", json=ROW, headers=key)
    again = await client.post(ROWS + "?version=v1", json=ROW, headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    for query in ("?version=v2", ""):
        other = await client.post(ROWS + query, json=ROW, headers=key)
        assert other.status_code == 409
        assert "another body or query" in other.json()["detail"]


async def test_what_breaks_for_all_is_tried_for_each(
    client: httpx.AsyncClient, bikes: object, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("not today")

    monkeypatch.setattr(receive_many, "_appended", broken)
    answers = await asyncio.gather(
        *(client.post(ROWS, json=ROW | {"id": f"r{k}"}) for k in range(5))
    )

    assert [answer.status_code for answer in answers] == [200] * 5
    assert len(stored(store)[0]) == 5
