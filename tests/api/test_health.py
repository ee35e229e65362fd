"""Alive and ready: each is broken in turn, and says so, and mends."""

import shutil
import threading
from typing import NamedTuple

import pytest

from controlplane.api import operations
from controlplane.domain.errors import StorageError


class Usage(NamedTuple):
    """As `shutil.disk_usage` tells it."""

    total: int
    used: int
    free: int


async def statuses(client) -> tuple[int, int]:
    return (await client.get("/healthz")).status_code, (await client.get("/readyz")).status_code


async def test_all_is_well_where_nothing_is_broken(client) -> None:
    assert await statuses(client) == (200, 200)


async def test_a_writer_that_does_not_answer_is_told_and_the_server_lives(
    client, store, monkeypatch
) -> None:
    monkeypatch.setattr(operations, "PATIENCE", 0.1)
    go = threading.Event()
    stuck = store.write(lambda _: go.wait(60))

    assert await statuses(client) == (200, 503)
    refused = await client.get("/readyz")
    assert refused.headers["retry-after"] == "1"
    assert "the writer did not answer" in refused.json()["detail"]

    go.set()
    stuck.result(60)
    assert await statuses(client) == (200, 200)


async def test_a_disk_without_space_is_told(client, monkeypatch) -> None:
    monkeypatch.setattr(operations.shutil, "disk_usage", lambda _: Usage(2**30, 2**30, 5))

    assert await statuses(client) == (200, 507)
    assert "5 bytes are free" in (await client.get("/readyz")).json()["detail"]

    monkeypatch.setattr(operations.shutil, "disk_usage", shutil.disk_usage)
    assert await statuses(client) == (200, 507)


async def test_a_folder_that_is_gone_is_told(client, settings) -> None:
    settings.data.rmdir()

    assert await statuses(client) == (200, 507)


async def test_a_broken_store_is_told_until_it_opens_again(client, store, monkeypatch) -> None:
    def held() -> None:
        raise StorageError("readers hold it still")

    store._committer._broken = True
    monkeypatch.setattr(store._database, "reopen", held)
    assert await statuses(client) == (200, 507)
    assert "readers hold it still" in (await client.get("/readyz")).json()["detail"]

    monkeypatch.undo()
    store._committer._broken = False
    assert await statuses(client) == (200, 200)


async def test_a_closed_store_is_not_ready(client, store) -> None:
    store.close()

    assert await statuses(client) == (200, 503)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_health_is_only_read(client, method) -> None:
    assert (await client.request(method, "/readyz")).status_code == 405
