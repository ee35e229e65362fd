"""What Prometheus is told: names with their units, no ids, what became of rows and requests."""

import re
from datetime import timedelta

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed

from controlplane.store.figures import Tally
from tests.api.conftest import TOKEN
from tests.fakes_actions import T0

ROW = {"id": "row-4711", "at": "2024-02-29T23:00:00Z", "temp": 3.25, "season": "Winter-secret"}
UNITS = ("_seconds", "_bytes", "_total", "_info", "_entries")
COUNTED = {"leeboard_rows_stored", "leeboard_halves", "leeboard_alerts_firing", "leeboard_running"}
"""Gauges of things that are counted, which have no unit."""


async def figures(client: httpx.AsyncClient, **headers: str) -> dict[tuple[str, ...], float]:
    """Samples by name and labels in their order."""
    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return {
        (sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
        for family in parsed(answer.text)
        for sample in family.samples
    }


async def test_every_metric_has_its_unit_in_its_name_and_no_id_in_a_label(client, bikes) -> None:
    await client.post("/v1/models/bikes/predictions", json=ROW)
    await client.get("/v1/windows/w_1")
    await client.get("/v1/nowhere/at-all")
    answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"

    names = set(re.findall(r"^# TYPE (\S+) ", answer.text, re.MULTILINE))
    ours = {name for name in names if not name.startswith("process_")}
    ours = {name for name in ours if not name.endswith("_created")}  # the library's own
    assert all(name.startswith("leeboard_") for name in ours)
    assert {name for name in ours if not name.endswith(UNITS)} == COUNTED
    assert "process_resident_memory_bytes" in names or not names - ours
    for unwanted in ("w_1", "row-4711", "nowhere", "Winter", TOKEN):
        assert unwanted not in answer.text
    labels = set(re.findall(r'[{,](\w+)="', answer.text))
    assert labels <= {
        "method", "route", "status", "model", "feed", "outcome", "le", "severity", "what",
        "version", "python", "duckdb",
    }  # fmt: skip


async def test_requests_and_rows_are_counted_by_what_became_of_them(client, bikes) -> None:
    path = "/v1/models/bikes/predictions"
    rows = {"rows": [ROW, {**ROW, "id": "b"}, {"id": "c", "at": "never"}]}
    await client.post(path, json=rows, headers={"idempotency-key": "k"})
    await client.post(path, json=rows, headers={"idempotency-key": "k"})
    await client.post(path, json=ROW)
    await client.post(f"{path}?strict=true", json={"rows": [{"id": "d", "at": "never"}]})
    await client.post(path, json={"id": "d", "at": "never"})
    await client.post("/v1/models/bikes/labels", json={"id": "b", "label": 2.0})
    await client.request("BREW", "/v1/models")

    found = await figures(client)

    def received(feed: str, outcome: str) -> float | None:
        labels = (f"feed={feed}", "model=bikes", f"outcome={outcome}")
        return found.get(("leeboard_rows_received_total", *labels))

    assert received("predictions", "accepted") == 2
    assert received("predictions", "duplicate") == 1
    assert received("predictions", "rejected") == 3
    assert received("labels", "accepted") == 1
    route = "route=/v1/models/{model}/predictions"
    requests = "leeboard_http_requests_total"
    assert found[requests, "method=POST", route, "status=200"] == 3
    assert found[requests, "method=POST", route, "status=422"] == 2
    assert sum(value for key, value in found.items() if key[:2] == (requests, "method=other")) == 1
    assert found["leeboard_rows_stored", "feed=predictions", "model=bikes"] == 2
    assert found["leeboard_watermark_lag_seconds", "model=bikes"] == pytest.approx(
        timedelta(hours=1).total_seconds(), abs=timedelta(days=2).total_seconds()
    )


async def test_the_stores_own_figures_are_told(client, bikes, store) -> None:
    before = await figures(client)
    store.write(lambda t: t.ledger.journal(
        model="bikes", at=T0, kind="x", subject="", by="owner", facts={}
    )).result()  # fmt: skip
    after = await figures(client)

    commits = ("leeboard_store_commit_duration_seconds_count",)
    assert after[commits] == before[commits] + 1
    assert after["leeboard_store_commit_duration_seconds_bucket", "le=+Inf"] == after[commits]
    assert after[("leeboard_store_queue_entries",)] == 0
    assert after[("leeboard_store_queue_bytes",)] == 0
    assert after[("leeboard_store_wal_bytes",)] == 0  # of a store in memory
    assert ("leeboard_store_checkpoint_duration_seconds_count",) in after
    assert ("leeboard_wake_duration_seconds_count",) in after
    [build] = [key for key in after if key[0] == "leeboard_build_info"]
    assert [label.split("=")[0] for label in build[1:]] == ["duckdb", "python", "version"]


async def test_openmetrics_is_told_to_those_who_ask_for_it(client, bikes) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    answer = await client.get("/metrics", headers={"accept": accept})

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    assert "leeboard_build" in {family.name for family in openmetrics(answer.text)}


def test_a_tally_counts_each_duration_in_the_first_bound_that_holds_it() -> None:
    tally = Tally((0.1, 1.0))
    for seconds in (0.1, 0.11, 1.0, 50.0):
        tally.observe(seconds)

    read = tally.read()

    assert (read.counts, read.count, read.total) == ((1, 3), 4, pytest.approx(51.21))
