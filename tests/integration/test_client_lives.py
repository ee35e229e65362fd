"""Serving apps in processes of their own, killed and cut off from a real server: every row that was
on disk arrives, and none twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from connectors.artifacts import pack
from connectors.client.http import Connection
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard
from connectors.trainers.model import Facts, Model, save
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known
from tests.served import FILE, LIMIT, Served, free_port

FEATURES = FILE + "features: {wind: numeric}\n"

pytestmark = pytest.mark.slow


def until(is_true: Callable[[], bool]) -> None:
    """Wait for something that must come true."""
    end = time.monotonic() + LIMIT
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)


def stored(data: Path) -> tuple[list[str], int]:
    """The ids of all predictions, in order, and how many labels there are."""
    store = open_store(data)
    try:
        with store.read() as view:
            ids = view.events.rows("boats", [], Known())["id"].to_pylist()
            return ids, view.events.counts("boats").labels
    finally:
        store.close()


def rows(served: Served) -> Counter[str]:
    """How many rows of each kind the server has."""
    with served.client() as client:
        return Counter(client.get("/v1/models/boats").json()["summary"]["rows"])


class App:
    """The example of a serving app."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.port = free_port()
        self._env = {
            **os.environ, "LEEBOARD_MODEL": "boats", "LEEBOARD_SERVER": served.address,
            "LEEBOARD_TOKEN": served.token, "LEEBOARD_SPOOL": str(folder / "spool"),
            "LEEBOARD_MODELS": str(folder / "models"),
        }  # fmt: skip
        self._log = folder / "app.log"

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The app, from when it has a champion; killed at the end."""
        words = [sys.executable, "-m", "uvicorn", "examples.serving_app.app:app", "--port",
                 str(self.port), "--log-level", "warning"]  # fmt: skip
        with (
            self._log.open("a") as log,
            subprocess.Popen(words, stdout=log, stderr=log, env=self._env) as app,
        ):
            try:
                until(lambda: app.poll() is not None or self.health().get("version") is not None)
                yield app
            finally:
                app.kill()

    def health(self) -> dict:
        """What it says of itself; nothing while it is not up."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health").json()
        except httpx.TransportError:
            return {}

    def serve(self, *numbers: int) -> None:
        """Predict some rows, and tell their truth."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=LIMIT) as client:
            for number in numbers:
                asked = {"id": str(number), "features": {"wind": number / 2}}
                answer = client.post("/predict", json=asked)
                assert answer.json()["prediction"] == 7.0
                assert client.post("/truth", json={"id": str(number), "label": 7.5}).is_success


def champion(served: Served, folder: Path) -> None:
    """Register a version that always says seven, and promote it."""
    save(Model(facts=Facts(task="regression", constant=(7.0,))), folder / "v")
    pack(folder / "v", folder / "v.tar")
    with Leeboard(served.address, "boats", served.token) as leeboard:
        leeboard.log_prediction("first", {"wind": 1.0}, 7.0)  # what a version is proved on
    with Connection(served.address, served.token) as connection:
        version = connection.register("boats", (folder / "v.tar").read_bytes()).version
        connection.promote("boats", version, reason="the first one")


def test_the_example_serves_through_a_death_of_the_server_and_of_its_own(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as served:
        served.apply(FEATURES.replace("trainer: none\n", ""))
        champion(served, tmp_path)
        app = App(served, tmp_path)
        with app.running():
            app.serve(*range(20))
            until(lambda: rows(served)["labels"] == 20)
            served.kill()
            app.serve(*range(20, 40))
            until(lambda: app.health()["logging"]["spooled"] == 40)
        served.start()
        with app.running() as process:
            app.serve(40)
            process.send_signal(signal.SIGTERM)
            process.wait(LIMIT)
        assert served.stop() == 0
    ids, labels = stored(tmp_path / "data")
    assert sorted(ids) == sorted(["first", *(str(number) for number in range(41))])
    assert labels == 41
    assert "Traceback" not in (tmp_path / "app.log").read_text()
    assert list((tmp_path / "spool").rglob("*.rows")) == []


WORKER = """
import sys, time
sys.path.insert(0, {here!r})
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard
name, address, token, spool = sys.argv[1:]
pace = Pace(every=0.01, batch_rows=50, first_pause=0.01, longest_pause=0.1, look_around=0.2)
app = Leeboard(address, "boats", token, pace=pace, spool=spool)
for number in range(10**6):
    app.log_prediction(f"{{name}}-{{number}}", {{"wind": number / 2}}, 1.0)
    app.log_label(f"{{name}}-{{number}}", 1.0)
    if number % 40 == 39:
        while app.stats.waiting:
            time.sleep(0.001)
        print(number, flush=True)  # so far it is on disk or with the server
"""


def harried(served: Served, spool: Path, names: list[str], *, away: bool) -> Iterator[str]:
    """Workers of one spool for a moment, then killed: the ids that were on disk or further."""
    words = [sys.executable, "-c", WORKER.format(here=str(Path(__file__).parents[2]))]
    workers = [
        subprocess.Popen(
            [*words, name, served.address, served.token, str(spool)], stdout=subprocess.PIPE
        )
        for name in names
    ]
    if away:
        served.kill()
    for name, worker in zip(names, workers, strict=True):
        assert worker.stdout is not None
        seen = [worker.stdout.readline() for _ in range(4)]
        worker.kill()
        seen += worker.stdout.read().splitlines()
        worker.wait()
        worker.stdout.close()
        yield from (f"{name}-{number}" for number in range(int(seen[-1]) + 1))
    if away:
        served.start()


def test_two_workers_of_one_spool_are_killed_again_and_again(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    with Served(tmp_path / "data") as served:
        served.apply(FEATURES)
        safe = [
            row for life in range(2)
            for row in harried(served, spool, [f"{life}a", f"{life}b"], away=life == 1)
        ]  # fmt: skip
        pace = Pace(look_around=0.0)
        with Leeboard(served.address, "boats", served.token, pace=pace, spool=spool) as last:
            assert last.flush(LIMIT)
        assert (last.stats.rejected, last.stats.set_aside, last.stats.dropped) == (0, 0, {})
        assert last.stats.taken_up > 0
        assert served.stop() == 0
        assert "Traceback" not in served.said()
    ids, labels = stored(tmp_path / "data")
    assert len(safe) >= 4 * 160
    assert {*safe} <= {*ids}
    assert len(ids) == len({*ids})
    assert len(safe) <= labels <= len(ids)  # a label may be lost with the memory, not overtake
    assert list(spool.rglob("*.rows")) == []
