"""`POST /v1/models/{model}/rehearsals`."""

import httpx
import msgspec
import pytest

from connectors.client import wire
from tests.watched import SERVED, WEEK, a_policy, labels, log, rows, step, watch

WHERE = "/v1/models/boats/rehearsals"


@pytest.fixture
def watched(store) -> None:
    watch(store, a_policy())
    served = rows(SERVED, 14 * 24, seed=3, version="v1")
    log(store, served, labels(served))
    step(store, SERVED + 3 * WEEK)


async def test_a_card_for_one_column(client: httpx.AsyncClient, watched: None) -> None:
    asked = {"columns": ["wind"], "quiet": False, "windows": 3}
    answer = await client.post(WHERE, json=asked)
    assert answer.status_code == 200, answer.text
    card = msgspec.json.decode(answer.content, type=wire.Rehearsal)
    assert (card.model, card.version, card.windows, card.quiet) == ("boats", "v1", 3, None)
    assert {drift.column for drift in card.drifts} == {"wind"}
    [large] = [d for d in card.drifts if (d.kind, d.size) == ("shift", 1.0)]
    assert (large.unit, large.windows, large.delay) == ("standard deviations", 3, 1.0)


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"columns": ["swell"]}, 422, "swell"),
        ({"windows": 0}, 400, "windows"),
        ({"windows": 61}, 400, "windows"),
        ({"column": "wind"}, 400, "column"),
    ],
    ids=["feature", "none", "many", "field"],
)
async def test_what_cannot_be_rehearsed_is_said(
    client: httpx.AsyncClient, watched: None, asked: dict, status: int, says: str
) -> None:
    answer = await client.post(WHERE, json=asked)
    assert answer.status_code == status, answer.text
    assert says in answer.text


async def test_it_needs_the_scope_to_operate(client: httpx.AsyncClient, watched: None) -> None:
    answer = await client.post(WHERE, json={}, headers={"Authorization": "Bearer lee_read"})
    assert answer.status_code == 403


async def test_a_model_without_champion_is_a_conflict(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/models/bikes/rehearsals", json={})
    assert answer.status_code in {404, 409}
