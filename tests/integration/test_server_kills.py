"""A server killed again and again under load: what it acknowledged is there once, and nothing else.

LEEBOARD_KILLS says how often; six times unless told.
"""

import contextlib
import json
import os
import threading
from io import BytesIO
from pathlib import Path

import httpx
import msgspec
import numpy as np
import pyarrow as pa
import pytest

from connectors.client.pace import Pace
from connectors.client.serving import Leeboard
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known
from tests.served import LIMIT, Served

KILLS = int(os.environ.get("LEEBOARD_KILLS", "6"))
ROWS = 7
FILE = """\
model: boats
task: regression
label: {column: knots, delay: 1d}
trainer: none
features: {wind: numeric, sail: categorical}
"""
QUICK = Pace(batch_rows=40, every=0.02, first_pause=0.02, longest_pause=0.1)

pytestmark = pytest.mark.slow


class Sent(msgspec.Struct):
    """A request that was acknowledged, and its first answer."""

    path: str
    body: bytes
    headers: dict[str, str]
    answer: object


class Sender(threading.Thread):
    """Sends batch after batch, each as often as it takes, under one key."""

    def __init__(self, served: Served, name: str, kind: str) -> None:
        super().__init__(name=name)
        self.sent: list[Sent] = []
        self._kind = kind
        self._served = served
        self._over = threading.Event()
        self.failure: Exception | None = None

    def finish(self) -> None:
        """Acknowledge what is under way and end."""
        self._over.set()

    def run(self) -> None:
        try:
            with self._served.client() as client:
                while not self._over.is_set():
                    self._send(client, len(self.sent))
        except (httpx.HTTPError, AssertionError) as error:  # the test looks at it
            self.failure = error

    def _send(self, client: httpx.Client, number: int) -> None:
        ids = [f"{self.name}-{number}-{row}" for row in range(ROWS)]
        columns = {"id": ids, "at": [f"2024-03-01T06:00:{row:02}Z" for row in range(ROWS)]}
        feed = "labels" if self._kind == "labels" else "predictions"
        more = {"label": [1.0] * ROWS} if feed == "labels" else {"wind": [0.5] * ROWS}
        body, kind = json.dumps({"columns": columns | more}).encode(), "application/json"
        if self._kind == "arrow":
            body, kind = _arrow(columns | more), "application/vnd.apache.arrow.stream"
        sent = Sent(
            f"/v1/models/boats/{feed}", body,
            {"content-type": kind, "idempotency-key": f"{self.name}-{number}"}, None,
        )  # fmt: skip
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = client.post(sent.path, content=sent.body, headers=sent.headers)
                if answer.status_code == 200:
                    sent.answer = answer.json()
                    self.sent.append(sent)
                    return
                assert answer.status_code in {503, 507}, answer.text
            self._over.wait(0.05)


def _arrow(columns: dict[str, list[object]]) -> bytes:
    file = BytesIO()
    table = pa.table(columns)
    with pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    return file.getvalue()


class App(threading.Thread):
    """A serving app that logs predictions and their labels through the client library."""

    def __init__(self, served: Served) -> None:
        super().__init__(name="app")
        self.leeboard = Leeboard(served.address, "boats", served.token, pace=QUICK)
        self.logged = 0
        self._over = threading.Event()

    def finish(self) -> None:
        """Log no more."""
        self._over.set()

    def run(self) -> None:
        while not self._over.wait(0.002):
            self.leeboard.log_prediction(f"app-{self.logged}", {"wind": 0.5, "sail": "jib"}, 1.0)
            self.leeboard.log_label(f"app-{self.logged}", 1.0)
            self.logged += 1


def harried(served: Served, senders: list[Sender], app: App) -> None:
    """Load from all sides while the server is killed, until everything sent is acknowledged."""
    chance = np.random.default_rng(20240301)
    threads = (*senders, app)
    for thread in threads:
        thread.start()
    for _ in range(KILLS):
        threading.Event().wait(chance.uniform(0.02, 0.4))  # a moment by chance
        served.kill()
        served.start()
    for thread in threads:
        thread.finish()
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    assert [sender.failure for sender in senders] == [None] * len(senders)
    assert app.leeboard.flush(LIMIT)
    app.leeboard.close()


def replay(served: Served, batches: list[Sent]) -> None:
    """Some forty of the batches, sent again under their keys."""
    with served.client() as client:
        for sent in batches[:: max(1, len(batches) // 40)]:
            again = client.post(sent.path, content=sent.body, headers=sent.headers)
            assert again.headers["idempotent-replayed"] == "true"
            assert again.json() == sent.answer


def stored(data: Path) -> tuple[list[str], int]:
    """The ids of all predictions, and how many labels there are."""
    store = open_store(data)
    try:
        with store.read() as view:
            found = view.events.rows("boats", [], Known())["id"].to_pylist()
            return found, view.events.counts("boats").labels
    finally:
        store.close()


def test_killed_under_load_everything_acknowledged_is_there_once(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as served:
        served.apply(FILE)
        kinds = {"j0": "json", "j1": "json", "a0": "arrow", "l0": "labels"}
        senders = [Sender(served, name, kind) for name, kind in kinds.items()]
        app = App(served)
        harried(served, senders, app)
        batches = [sent for sender in senders for sent in sender.sent]
        replay(served, batches)
        assert served.stop() == 0
        assert "Traceback" not in served.said()

    stats = app.leeboard.stats
    assert all(sent.answer["accepted"] == ROWS for sent in batches)
    assert (stats.logged, stats.accepted) == (2 * app.logged, 2 * app.logged)
    assert (stats.waiting, stats.rejected, stats.dropped) == (0, 0, {})
    found, labels = stored(tmp_path / "data")
    there = {f"{s.name}-{n}-{row}" for s in senders[:3]
             for n in range(len(s.sent)) for row in range(ROWS)}  # fmt: skip
    there |= {f"app-{number}" for number in range(app.logged)}
    assert len(found) == len(set(found))
    assert set(found) == there
    assert labels == app.logged + ROWS * len(senders[3].sent)


def test_what_does_not_fit_while_the_server_is_away_is_dropped_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Served(tmp_path / "data") as served:
        served.apply(FILE)
        served.kill()
        pace = msgspec.structs.replace(QUICK, capacity=30)
        leeboard = Leeboard(served.address, "boats", served.token, pace=pace)
        for number in range(100):
            leeboard.log_prediction(str(number), {"wind": 0.5}, 1.0)
        before = leeboard.stats
        assert not leeboard.flush(0.05)
        served.start()
        assert leeboard.flush(LIMIT)
        after = leeboard.stats
        leeboard.close()

        with served.client() as client:
            rows = client.get("/v1/models/boats").json()["summary"]["rows"]
    kept = before.logged - before.dropped["full"]
    assert before.dropped.keys() == {"full"}
    assert before.logged == 100
    assert kept <= 30 + QUICK.batch_rows  # one batch may be under way
    assert (after.accepted, after.dropped) == (kept, before.dropped)
    assert rows["predictions"] == kept
    said = [r.message for r in caplog.records if "rows are dropped: full" in r.message]
    assert said[0] == "leeboard: rows are dropped: full (1 so far)"
    assert len(said) <= 2  # and once more, for tens of them
