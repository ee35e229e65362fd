"""A disk that is full: refused in words, reads go on, nothing acknowledged is lost, and it recovers."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.served import LIMIT, Served, problem
from tests.small_disks import filled, small_disk

ROWS = "/v1/models/boats/predictions"
BATCH = 4_000

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", mib=40) as folder:
        yield folder


def sent(client: httpx.Client, number: int) -> httpx.Response:
    """A batch of rows that no packing makes small."""
    columns = {
        "id": [f"{number}-{row}-{row * 2654435761 % 2**32:x}" for row in range(BATCH)],
        "at": ["2024-03-01T06:00:00Z"] * BATCH,
        "wind": [((row + number) * 0.7548776662) % 1.0 for row in range(BATCH)],
    }
    headers = {"idempotency-key": str(number)}
    return client.post(ROWS, json={"columns": columns}, headers=headers)


def until_taken(client: httpx.Client, number: int) -> None:
    """Send a batch again and again, as the client library does."""
    latest = time.monotonic() + LIMIT
    while (answer := sent(client, number)).status_code != 200:
        assert problem(answer)["status"] in {503, 507}
        assert time.monotonic() < latest, answer.text
        time.sleep(0.1)


def rows(client: httpx.Client) -> int:
    answer = client.get("/v1/models/boats")
    assert answer.status_code == 200, answer.text
    return int(answer.json()["summary"]["rows"]["predictions"])


def refuses_and_is_read(client: httpx.Client, number: int) -> None:
    """A full disk, after so many batches."""
    told = problem(sent(client, number))
    assert (told["status"], told["type"]) == (507, "urn:leeboard:problem:storage")
    assert str(told["detail"]).startswith("there is no space left for ")
    assert problem(client.get("/readyz"))["status"] == 507
    assert rows(client) == number * BATCH
    assert client.get("/v1/models/boats/columns/wind").status_code == 200
    assert client.get("/v1/audit/verify").json()["holds"]
    assert client.get("/metrics").status_code == 200


def test_a_full_disk_refuses_in_words_and_loses_nothing(disk: Path) -> None:
    served = Served(disk / "data", log=disk.parent / "log")
    with served:
        served.apply()
        (disk / "most").write_bytes(b"\0" * 30 * 2**20)
        with served.client() as client:
            number = 0
            while sent(client, number).status_code == 200:
                number += 1
            ballast = filled(disk)
            refuses_and_is_read(client, number)

            ballast.unlink()
            subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
            until_taken(client, number)
            assert client.get("/readyz").status_code == 200
            assert rows(client) == (number + 1) * BATCH
        served.kill()
        served.start()
        with served.client() as client:
            assert rows(client) == (number + 1) * BATCH
            again = sent(client, 0)
            assert again.headers["idempotent-replayed"] == "true"
        assert served.stop() == 0
    assert "Traceback" not in served.said()


def test_it_starts_on_a_full_disk_and_shows_what_it_has(disk: Path) -> None:
    with Served(disk / "data", log=disk.parent / "log") as served:
        served.apply()
        with served.client() as client:
            assert sent(client, 0).status_code == 200
        served.kill()
        ballast = filled(disk)
        served.start(ready=False)
        with served.client() as client:
            assert rows(client) == BATCH
            assert problem(client.get("/readyz"))["status"] == 507
            ballast.unlink()
            until_taken(client, 1)
            assert rows(client) == 2 * BATCH
        assert served.stop() == 0


def test_a_disk_that_may_only_be_read_is_told(disk: Path) -> None:
    served = Served(disk / "data", log=disk.parent / "log")
    with served:
        assert served.stop() == 0
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(AssertionError):
            served.start()
        assert served.process.returncode == 1
    last = served.said().splitlines()[-1]
    assert last.startswith("Error: ")
    assert str(disk / "data") in last
