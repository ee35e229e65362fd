"""Business metrics over HTTP: sent, seen as a series, seen with the model."""

import msgspec
import pytest

from controlplane.domain.models import Generation
from tests.api.conftest import POLICY, put
from tests.fakes_actions import T0

ROWS = [
    {"name": "revenue", "at": "2024-01-01T00:00:00Z", "value": 10},
    {"name": "revenue", "at": "2024-01-02T00:00:00Z", "value": 12},
    {"name": "revenue", "at": "2024-01-02T00:00:00Z", "value": 7, "version": "v1"},
]


@pytest.fixture
def asked_for(store, bikes):
    """The model, in whose file two KPIs stand."""
    monitors = msgspec.structs.replace(POLICY.monitors, kpis={"revenue": "up", "churn": "down"})
    policy = msgspec.structs.replace(POLICY, monitors=monitors)
    put(store, Generation(
        id="bikes/1", model="bikes", number=1, policy=policy, text="model: bikes\n",
        applied_at=T0, applied_by="owner",
    ))  # fmt: skip


async def test_a_kpi_is_a_metric_with_a_series_a_version(client, asked_for) -> None:
    answer = await client.post("/v1/models/bikes/kpis", json={"rows": ROWS})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 3)
    again = await client.post("/v1/models/bikes/kpis", json={"rows": ROWS})
    assert again.json()["duplicates"] == 3
    found = (await client.get("/v1/models/bikes/metrics/kpi:revenue")).json()
    assert (found["metric"], found["direction"]) == ("kpi:revenue", "up")
    values = {s["version"]: [p["value"] for p in s["realised"]] for s in found["series"]}
    assert values == {"*": [10, 12], "v1": [7]}
    late = await client.get(
        "/v1/models/bikes/metrics/kpi:revenue", params={"from": "2024-01-02T00:00:00Z"}
    )
    assert [len(s["realised"]) for s in late.json()["series"]] == [1, 1]


async def test_a_model_tells_its_kpis_those_without_a_value_too(client, asked_for) -> None:
    assert (await client.get("/v1/models/bikes")).json()["halves"] is None
    await client.post("/v1/models/bikes/kpis", json={"rows": ROWS})
    told = (await client.get("/v1/models/bikes")).json()["kpis"]
    assert [(k["name"], k["direction"], k["values"], k["last_value"]) for k in told] == [
        ("churn", "down", 0, None), ("revenue", "up", 3, 7),
    ]  # fmt: skip


async def test_a_kpi_that_there_is_not_is_named_with_those_there_are(client, asked_for) -> None:
    empty = (await client.get("/v1/models/bikes/metrics/kpi:churn")).json()
    assert (empty["direction"], empty["series"]) == ("down", [])
    answer = await client.get("/v1/models/bikes/metrics/kpi:revenues")
    assert answer.status_code == 404
    assert "did you mean revenue?" in answer.json()["detail"]


async def test_rows_that_are_all_rejected_are_422_with_their_places(client, asked_for) -> None:
    answer = await client.post(
        "/v1/models/bikes/kpis", json={"columns": {"name": ["a"], "at": [1], "value": ["x"]}}
    )
    assert answer.status_code == 422
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/columns/at/0", "/columns/value/0"}
