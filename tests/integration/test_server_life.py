"""How a server begins and ends: what keeps it from starting, signals, two on one folder, a kill."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import httpx
import pytest

from controlplane.api.owner import owner_token
from tests.served import LIMIT, Served, connected, everything, problem

ROWS = "/v1/models/boats/predictions"
ROW = {"id": "a", "at": "2024-03-01T06:00:00Z", "wind": 4.0}

pytestmark = pytest.mark.slow


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    latest = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < latest
        time.sleep(0.02)


def refused(data: Path, *words: str) -> str:
    """What a server says that does not start; checked to be one sentence and status 1."""
    ended = subprocess.run(
        [sys.executable, "-m", "controlplane.cli", "serve", "--data", str(data), "--port", "0",
         *words], capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.startswith("Error: ")
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr.removeprefix("Error: ").strip()


def a_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\xb0" * 20_000)


def test_a_second_server_on_one_folder_is_told_who_has_it(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as first:
        said = refused(first.data)

        path = first.data / "leeboard.duckdb"
        assert said == (
            f"{path} is in use by process {first.process.pid}; stop that server, or give this one "
            "another directory"
        )
        assert httpx.get(f"{first.address}/readyz").status_code == 200
        assert first.stop() == 0


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(tmp_path, "--port", str(port))

    assert said == (
        f"cannot listen on 127.0.0.1 port {port}: Address already in use; stop what listens there, "
        "or choose another with --port (0: any free one)"
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [("leeboard.duckdb", "leeboard.duckdb is not a Leeboard store; move it away"),
     ("token", "token does not hold a token: expected one line of 16 to 200 letters"),
     ("../data", "data: File exists")],
)  # fmt: skip
def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path, name: str, says: str) -> None:
    a_file(tmp_path / "data" / name if name != "../data" else tmp_path / "data")

    assert says in refused(tmp_path / "data")


def test_a_store_of_a_newer_leeboard_is_not_opened(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as server:
        assert server.stop() == 0
    with duckdb.connect(str(tmp_path / "data" / "leeboard.duckdb")) as store:
        store.execute("insert into schema_migrations values (999, 'later', '', now()::timestamp)")

    said = refused(tmp_path / "data")
    assert "has schema 999, this Leeboard knows" in said
    assert "start the newer Leeboard that wrote it" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [(["--host", "0.0.0.0", "--open"], "--open serves without tokens, and 0.0.0.0 can be reached"),
     (["--host", "", "--open"], "can be reached from other machines"),
     (["--host", "0.0.0.0"], "there is no token yet; `leeboard token init --data"),
     (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1 port 0: Cannot assign requested")],
)  # fmt: skip
def test_an_address_that_would_not_do_is_refused(
    tmp_path: Path, words: list[str], says: str
) -> None:
    if "192.0.2.1" in words:
        owner_token(tmp_path)
    assert says in refused(tmp_path, *words)
    assert "192.0.2.1" in words or not (tmp_path / "token").exists()


def test_its_address_can_be_found_while_it_runs_and_is_taken_away_at_its_end(
    tmp_path: Path,
) -> None:
    with Served(tmp_path / "data") as server:
        told = json.loads((server.data / "server.json").read_text())
        assert told == {"address": server.address, "pid": server.process.pid}
        assert server.stop() == 0
        assert not (server.data / "server.json").exists()
        assert "Traceback" not in server.said()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_while_models_are_woken_and_rows_come(tmp_path: Path, sign: int) -> None:
    """What was acknowledged before the end is there after it; what was not is sent again."""
    with Served(tmp_path / "data") as server:
        for name in ("boats", "dinghies", "ferries"):
            server.apply(model=name)
        acknowledged: list[str] = []
        enough = threading.Event()

        def send(sender: int) -> None:
            with server.client() as client, contextlib.suppress(httpx.TransportError):
                for number in range(100_000):
                    row = {**ROW, "id": f"{sender}-{number}"}
                    answer = client.post(ROWS, json=row)
                    if answer.status_code != 200:
                        assert problem(answer)["status"] in {503, 507}
                        return
                    acknowledged.append(str(row["id"]))
                    if len(acknowledged) > 300:
                        enough.set()

        with ThreadPoolExecutor(4) as pool:
            senders = [pool.submit(send, sender) for sender in range(4)]
            assert enough.wait(LIMIT)
            assert server.stop(sign) == 0
            for sender in senders:
                sender.result()

        assert "Traceback" not in server.said()
        server.start()
        with server.client() as client:
            columns = {"id": acknowledged, "at": [ROW["at"]] * len(acknowledged)}
            again = client.post(ROWS, json={"columns": columns}).json()
        assert (again["accepted"], again["duplicates"]) == (0, len(acknowledged))


def test_a_signal_ends_a_long_poll_at_once(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as server:
        server.apply()
        with server.client() as client, ThreadPoolExecutor(1) as pool:
            first = client.get("/v1/models/boats/champion")
            tag = {"if-none-match": first.headers["etag"]}
            waiting = pool.submit(client.get, "/v1/models/boats/champion?wait=60s", headers=tag)
            assert not waiting.done()
            assert server.stop() == 0
            with contextlib.suppress(httpx.TransportError):  # or it came too late to be taken
                assert waiting.result(LIMIT).status_code == 304


def test_a_signal_ends_it_though_a_body_never_ends(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as server:
        server.apply()
        with connected(server) as bare:
            bare.sendall(
                f"POST {ROWS} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 10\r\n"
                f"Authorization: Bearer {server.token}\r\n\r\n{{".encode()
            )
            assert server.stop() == 0
            assert not everything(bare).startswith(b"HTTP/1.1 200")
        assert "Traceback" not in server.said()


def test_left_alone_it_writes_nothing_and_folds_its_log_in(tmp_path: Path) -> None:
    """A log is folded in only when nothing was written for a while, so nothing was."""
    with Served(tmp_path / "data") as server:
        server.apply()
        with server.client() as client:
            client.post(ROWS, json=ROW)
        until(lambda: not (server.data / "leeboard.duckdb.wal").exists())


def test_a_key_is_kept_over_a_kill(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as server:
        server.apply()
        keyed = {"json": ROW, "headers": {"idempotency-key": "k"}}
        with server.client() as client:
            first = client.post(ROWS, **keyed)
        server.kill()
        server.start()
        with server.client() as client:
            again = client.post(ROWS, **keyed)
            assert again.headers["idempotent-replayed"] == "true"
            assert again.json() == first.json()
            counts = client.get("/v1/models/boats").json()["summary"]["rows"]
            assert counts == {"predictions": 1, "labels": 0, "rejected": 0}


def test_a_model_that_is_purged_while_it_is_written_to_ends_in_words(tmp_path: Path) -> None:
    """Every answer is a receipt or a problem; made anew, the model has only its own rows."""
    with Served(tmp_path / "data") as server:
        server.apply()
        over = threading.Event()
        statuses: set[int] = set()

        def send(sender: int) -> None:
            with server.client() as client:
                number = 0
                while not over.is_set():
                    number += 1
                    answer = client.post(ROWS, json={**ROW, "id": f"{sender}-{number}"})
                    statuses.add(answer.status_code)

        with ThreadPoolExecutor(3) as pool, server.client() as client:
            senders = [pool.submit(send, sender) for sender in range(3)]
            for _ in range(3):
                until(
                    lambda: (
                        client.get("/v1/models/boats").json()["summary"]["rows"]["predictions"] > 5
                    )
                )
                assert client.delete("/v1/models/boats?purge=true").status_code == 200
                server.apply()
            over.set()
            for sender in senders:
                sender.result(LIMIT)
            assert client.delete("/v1/models/boats?purge=true").status_code == 200
            server.apply()
            assert client.get("/v1/models/boats").json()["summary"]["rows"]["predictions"] == 0
        assert statuses <= {200, 404}
        assert "Traceback" not in server.said()
