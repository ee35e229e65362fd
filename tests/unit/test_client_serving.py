"""The library in a serving app: it never waits, never throws, and loses nothing unsaid."""

import io
import logging
import subprocess
import sys
import tarfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import numpy as np
import pyarrow as pa
import pytest

from connectors.artifacts import BadArtifact
from connectors.client.pace import Pace
from connectors.client.problems import BadAnswer, ServerAway, ServerSaid
from connectors.client.rows import Columns
from connectors.client.serving import Leeboard
from connectors.client.testing import MemoryServer

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
QUICK = Pace(every=0.02, first_pause=0.01, longest_pause=0.02)
PATIENT = Pace(every=60.0)
DEFAULT = Columns()


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


def an_app(server: MemoryServer, pace: Pace = QUICK, columns: Columns = DEFAULT) -> Leeboard:
    """A serving app's connection to the server in memory."""
    return Leeboard(
        "http://lee", "bikes", "secret", pace=pace, columns=columns, transport=server.transport
    )


def keys(server: MemoryServer) -> list[str]:
    """The Idempotency-Key of each request."""
    return [request.headers["idempotency-key"] for request in server.requests]


def feeds(server: MemoryServer) -> list[str]:
    """What each request was for."""
    return [request.url.path.rpartition("/")[2] for request in server.requests]


def rows_in(request: httpx.Request) -> int:
    """How many rows a request carries."""
    return len(msgspec.json.decode(request.content)["columns"]["id"])


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the library logged."""
    return [one.getMessage() for one in caplog.records if one.name == "leeboard"]


def test_a_prediction_and_its_label_arrive_as_they_were_logged(server: MemoryServer) -> None:
    with an_app(server) as app:
        app.log_prediction(
            "1", {"hour": 8, "wet": None}, 120.5, at=NOON, version="v2", role="shadow"
        )
        app.log_label("1", 131, at=NOON)
    [row], [label] = server.predictions, server.labels
    assert row == {
        "id": "1", "at": "2024-03-01T12:00:00Z", "prediction": 120.5, "role": "shadow",
        "version": "v2", "hour": 8, "wet": None,
    }  # fmt: skip
    assert label == {"id": "1", "label": 131, "at": "2024-03-01T12:00:00Z"}
    assert server.requests[0].url == "http://lee/v1/models/bikes/predictions"
    assert server.requests[0].headers["authorization"] == "Bearer secret"
    assert server.requests[0].headers["content-type"] == "application/json"


def test_a_row_without_a_time_happened_now(server: MemoryServer) -> None:
    before = datetime.now(UTC)  # noqa: TID251
    with an_app(server) as app:
        app.log_prediction("1", {}, 1.0)
        app.log_label("1", 1.0)
    for row in (*server.predictions, *server.labels):
        assert before <= datetime.fromisoformat(row["at"]) <= datetime.now(UTC)  # noqa: TID251


def test_scores_go_into_the_columns_that_the_model_file_names(server: MemoryServer) -> None:
    columns = Columns(prediction="said", score="p", scores={"a": "p_a"})
    with an_app(server, columns=columns) as app:
        app.log_prediction("1", {}, "a", score=0.7, scores={"a": 0.7, "b": 0.3})
    [row] = server.predictions
    assert {name: row[name] for name in ("said", "p", "p_a", "score_b")} == {
        "said": "a", "p": 0.7, "p_a": 0.7, "score_b": 0.3,
    }  # fmt: skip


def test_rows_with_other_features_share_a_batch_with_nulls_between(server: MemoryServer) -> None:
    with an_app(server, PATIENT) as app:
        app.log_prediction("1", {"a": 1}, 1.0)
        app.log_prediction("2", {"b": 2}, 1.0)
    assert len(server.requests) == 1
    assert [(row["a"], row["b"]) for row in server.predictions] == [(1, None), (None, 2)]


def test_features_changed_after_the_call_were_logged_as_they_were(server: MemoryServer) -> None:
    features = {"hour": 8}
    with an_app(server) as app:
        app.log_prediction("1", features, 1.0)
        features["hour"] = 9
    assert server.predictions[0]["hour"] == 8


def test_scalars_of_numpy_and_arrow_are_numbers(server: MemoryServer) -> None:
    features = {"a": np.float32(0.5), "b": np.int64(3), "c": np.bool_(1), "d": pa.scalar("x")}
    with an_app(server) as app:
        app.log_prediction("1", {**features, "e": float("nan")}, np.float64(2.5))
    row = server.predictions[0]
    assert [row[name] for name in "abcde"] == [0.5, 3, True, "x", None]
    assert row["prediction"] == 2.5


def test_a_full_batch_is_sent_without_waiting_for_the_clock(server: MemoryServer) -> None:
    app = an_app(server, Pace(every=60.0, batch_rows=10))
    for number in range(25):
        app.log_prediction(str(number), {}, 1.0)
    until = time.monotonic() + 5
    while len(server.predictions) < 10 and time.monotonic() < until:
        time.sleep(0.005)
    assert len(server.predictions) >= 10
    app.close()
    assert [row["id"] for row in server.predictions] == [str(number) for number in range(25)]


def test_a_request_carries_no_more_rows_and_bytes_than_it_may(server: MemoryServer) -> None:
    with an_app(server, Pace(every=60.0, most_rows=10)) as app:
        for number in range(25):
            app.log_prediction(str(number), {}, 1.0)
    assert [rows_in(one) for one in server.requests] == [10, 10, 5]
    with an_app(server, Pace(every=60.0, most_bytes=300)) as app:
        for number in range(8):
            app.log_prediction(f"b{number}", {"text": "x" * 50}, 1.0)
    assert [rows_in(one) for one in server.requests[3:]] == [2, 2, 2, 2]
    assert [row["id"] for row in server.predictions[25:]] == [f"b{n}" for n in range(8)]


def test_predictions_go_before_labels(server: MemoryServer) -> None:
    with an_app(server, PATIENT) as app:
        for number in range(3):
            app.log_label(str(number), 1.0)
            app.log_prediction(str(number), {}, 1.0)
    assert feeds(server) == ["predictions", "labels"]


def test_a_retried_batch_keeps_its_key_and_the_next_one_has_another(server: MemoryServer) -> None:
    server.be_away(2)
    server.refuse(503, "busy")
    with an_app(server) as app:
        app.log_prediction("1", {}, 1.0)
        assert app.flush(5)
        app.log_prediction("2", {}, 1.0)
    assert len(server.predictions) == 2
    first = keys(server)[:4]
    assert len(set(first)) == 1
    assert len(set(keys(server))) == 2
    assert {request.content for request in server.requests[:4]} == {server.requests[0].content}
    assert app.stats.retries == 3
    assert app.stats.accepted == 2


def test_retry_after_is_heeded(server: MemoryServer) -> None:
    server.refuse(503, "busy", Retry_After="0.3")
    app = an_app(server)
    begun = time.monotonic()
    app.log_prediction("1", {}, 1.0)
    assert app.flush(5)
    assert time.monotonic() - begun >= 0.3
    app.close()


def test_labels_wait_while_their_predictions_are_retried(server: MemoryServer) -> None:
    server.be_away(3)
    with an_app(server) as app:
        app.log_label("1", 1.0)
        app.log_prediction("1", {}, 1.0)
    assert feeds(server) == ["predictions"] * 4 + ["labels"]


@pytest.mark.parametrize("status", [400, 405, 409, 413, 422])
def test_a_refused_batch_is_not_sent_again_and_its_reason_is_kept(
    server: MemoryServer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuse(status, "no such model", times=2)
    app = an_app(server)
    for name in "ab":
        app.log_prediction(name, {}, 1.0)
        assert app.flush(5)
    app.log_prediction("c", {}, 1.0)
    app.close()
    assert len(server.requests) == 3
    assert [row["id"] for row in server.predictions] == ["c"]
    stats = app.stats
    assert (stats.rejected, stats.accepted, stats.waiting) == (2, 1, 0)
    assert stats.last_error == "Refused: no such model"
    assert said(caplog) == ["leeboard: rows were rejected: Refused: no such model (1 so far)"]


@pytest.mark.parametrize("status", [301, 401, 403, 404])
def test_what_somebody_can_mend_makes_rows_wait(
    server: MemoryServer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuse(status, "not like that", times=3)
    with an_app(server) as app:
        app.log_prediction("a", {}, 1.0)
        assert app.flush(5)
    assert (app.stats.accepted, app.stats.rejected, app.stats.retries) == (1, 0, 3)
    assert said(caplog) == ["leeboard: rows wait to be sent again: Refused: not like that"]


def test_a_token_that_was_renewed_meanwhile_is_read_anew(
    server: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEEBOARD_TOKEN", "old")
    server.refuse(401, "no such token")
    pace = msgspec.structs.replace(QUICK, first_pause=0.3, longest_pause=0.3)
    with Leeboard("http://lee", "bikes", pace=pace, transport=server.transport) as app:
        app.log_prediction("a", {}, 1.0)
        while not server.requests:
            time.sleep(0.01)
        monkeypatch.setenv("LEEBOARD_TOKEN", "new")
        assert app.flush(5)
    said = [request.headers["authorization"] for request in server.requests]
    assert said == ["Bearer old", "Bearer new"]


def test_at_the_end_nobody_waits_for_what_has_to_be_mended(server: MemoryServer) -> None:
    server.refuse(401, "no such token", times=10_000)
    app = an_app(server, PATIENT)
    app.log_prediction("a", {}, 1.0)
    app.close(timeout=60)
    assert len(server.requests) == 1
    assert app.stats.dropped == {"not sent before the end": 1}


def test_a_batch_that_is_too_large_goes_in_halves_under_keys_of_its_own(
    server: MemoryServer,
) -> None:
    """A proxy that takes ten rows at most, which is away once in between."""
    sent: list[httpx.Request] = []

    def proxy(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if rows_in(request) > 10:
            return httpx.Response(413, text="too large")
        if len(sent) == 5:
            raise httpx.ConnectError("away")
        return server._answer(request)

    transport = httpx.MockTransport(proxy)
    with Leeboard("http://lee", "bikes", pace=PATIENT, transport=transport) as app:
        for number in range(33):
            app.log_prediction(str(number), {"x": number}, 1.0)
    assert [(row["id"], row["x"]) for row in server.predictions] == [(str(n), n) for n in range(33)]
    assert app.stats.accepted == 33
    by_key = {request.headers["idempotency-key"]: request.content for request in sent}
    assert all(by_key[request.headers["idempotency-key"]] == request.content for request in sent)
    assert len(by_key) == 1 + 2 + 4


def test_what_does_not_fit_is_dropped_counted_and_said_once(
    server: MemoryServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.be_away(10_000)
    app = an_app(server, Pace(every=60.0, capacity=5))
    for number in range(9):
        app.log_prediction(str(number), {}, 1.0)
    assert app.stats.dropped == {"full": 4}
    assert app.stats.waiting == 5
    app.close(timeout=0.1)
    assert app.stats.dropped == {"full": 4, "not sent before the end": 5}
    app.log_prediction("late", {}, 1.0)
    assert app.stats.dropped["closed"] == 1
    assert [line.split(": ")[1:3] for line in said(caplog)] == [
        ["rows are dropped", "full (1 so far)"],
        ["rows wait to be sent again", "no answer from http://lee"],
        ["rows are dropped", "not sent before the end (5 so far)"],
        ["rows are dropped", "closed (1 so far)"],
    ]


@pytest.mark.parametrize(
    ("id_", "features", "at", "reason"),
    [
        ("", {}, None, "the id is not a text or a whole number"),
        (7.5, {}, None, "the id is not a text or a whole number"),
        (True, {}, None, "the id is not a text or a whole number"),
        ("1", {}, datetime(2024, 1, 1), "the time has no offset"),  # noqa: DTZ001
        ("1", {"version": 3}, None, "a feature is called 'version'"),
        ("1", {"x": object()}, None, "cannot be written as JSON"),
        ("1", None, None, "TypeError"),
        ("1", {}, "noon", "the time is not a datetime"),
        ("1", {}, 1_709_294_400, "the time is not a datetime"),
        ("1", {"prediction": 3}, None, "a feature is called 'prediction'"),
        ("1", {3: 3}, None, "a feature's name is not a text"),
        ("1", {"x": "\ud800"}, None, "cannot be written as JSON"),
        ("1", {"x": np.arange(3)}, None, "cannot be written as JSON"),
    ],
    ids=[
        "no id",
        "number",
        "truth",
        "no offset",
        "reserved",
        "object",
        "no features",
        "a word",
        "seconds",
        "prediction",
        "numbered",
        "half a letter",
        "array",
    ],
)
def test_a_row_that_cannot_be_logged_is_counted_and_nothing_is_thrown(
    server: MemoryServer, id_: str, features: dict[str, object], at: datetime, reason: str
) -> None:
    with an_app(server) as app:
        app.log_prediction("good", {"x": 1}, 1.0)
        app.log_prediction(id_, features, 1.0, at=at)
        app.log_label("good", 1.0)
    assert app.stats.dropped == {reason: 1}
    assert [row["id"] for row in server.predictions] == ["good"]
    assert len(server.labels) == 1


def test_an_answer_that_cannot_be_read_is_no_acknowledgement(server: MemoryServer) -> None:
    server.refuse(200, "a proxy's page")
    server._failures[0] = type(server._failures[0])(200, text="<html>welcome</html>")
    with an_app(server) as app:
        app.log_prediction("1", {}, 1.0)
    assert len(server.predictions) == 1
    assert app.stats.retries == 1


def test_rows_that_the_server_rejects_one_by_one_are_counted(server: MemoryServer) -> None:
    answer = {
        "accepted": 1,
        "rejected": 2,
        "errors": [{"pointer": "/rows/1/hour", "message": "a word"}],
    }
    server.refuse(200, "")
    server._failures[0] = type(server._failures[0])(200, json=answer)
    with an_app(server) as app:
        app.log_prediction("1", {}, 1.0)
    assert (app.stats.accepted, app.stats.rejected) == (1, 2)
    assert app.stats.last_error == "/rows/1/hour: a word"


def test_many_threads_lose_nothing(server: MemoryServer) -> None:
    app = an_app(server, Pace(every=0.01, batch_rows=100))

    def log(name: int) -> None:
        for number in range(500):
            app.log_prediction(f"{name}-{number}", {}, 1.0)

    threads = [threading.Thread(target=log, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    app.close()
    assert app.stats.logged == app.stats.accepted == 3000
    assert len({row["id"] for row in server.predictions}) == 3000


def test_a_call_returns_while_the_server_keeps_a_request(server: MemoryServer) -> None:
    """The server answers the first request only when all calls have returned."""
    returned = threading.Event()

    def slow(request: httpx.Request) -> httpx.Response:
        assert returned.wait(20)
        return server._answer(request)

    pace = Pace(every=0.01, batch_rows=1)
    with Leeboard("http://lee", "b", pace=pace, transport=httpx.MockTransport(slow)) as app:
        for number in range(2000):
            app.log_prediction(str(number), {"x": 1}, 1.0)
            app.log_label(str(number), 1.0)
        returned.set()
        assert app.flush(20)
    assert (len(server.predictions), len(server.labels)) == (2000, 2000)


@pytest.mark.parametrize(
    ("field", "value"), [("most_rows", 0), ("capacity", -1), ("every", -0.1), ("timeout", 0)]
)
def test_a_pace_that_sends_nothing_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} is {value}; expected"):
        Pace(**{field: value})


def test_ids_that_are_numbers_are_texts(server: MemoryServer) -> None:
    named = UUID(int=3)
    with an_app(server) as app:
        for one in (7, np.int64(8), np.str_("a"), named):
            app.log_prediction(one, {}, 1.0)
    assert [row["id"] for row in server.predictions] == ["7", "8", "a", str(named)]


def test_rows_that_are_large_fill_the_memory_sooner(server: MemoryServer) -> None:
    server.be_away(10_000)
    app = an_app(server, msgspec.structs.replace(QUICK, memory_bytes=100_000, longest_pause=9.0))
    app.log_prediction("0", {"x": "y" * 1000}, 1.0)
    assert not app.flush(0.1)
    for number in range(100):
        app.log_prediction(str(number), {"x": "y" * 1000}, 1.0)
    stats = app.stats
    assert 10 <= stats.waiting <= 25
    assert stats.waiting + stats.dropped["full"] == stats.logged == 101
    app.close(timeout=0)


def test_flush_says_whether_everything_is_dealt_with(server: MemoryServer) -> None:
    app = an_app(server)
    assert app.flush(0.1)
    server.be_away(10_000)
    app.log_prediction("1", {}, 1.0)
    assert not app.flush(0.1)
    assert app.stats.waiting == 1
    server._failures.clear()
    assert app.flush(5)
    app.close()


def test_a_forked_child_sends_its_own_rows_and_the_parent_the_parents(tmp_path: Path) -> None:
    script = f"""
import os, sys, threading
sys.path.insert(0, {str(Path.cwd())!r})
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard
from connectors.client.testing import MemoryServer
server = MemoryServer()
app = Leeboard("http://lee", "bikes", pace=Pace(every=60.0), transport=server.transport)
app.log_prediction("before", {{}}, 1.0)
app._buffer._packing.acquire()  # as if the thread were just packing
child = os.fork()
if child == 0:
    app.log_prediction("child", {{}}, 1.0)
    app.close()
    ids = [row["id"] for row in server.predictions]
    os._exit(0 if ids == ["child"] and app.stats.logged == 1 else 1)
app._buffer._packing.release()
code = os.waitpid(child, 0)[1]
app.log_prediction("after", {{}}, 1.0)
app.close()
print(code, [row["id"] for row in server.predictions])
"""
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=20,
        check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (said.stdout, said.stderr) == ("0 ['before', 'after']\n", "")


@pytest.mark.parametrize(
    "end", ["", "sys.exit(3)", "raise ValueError"], ids=["end", "exit", "error"]
)
def test_what_is_waiting_is_sent_at_exit(tmp_path: Path, end: str) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path.cwd())!r})
import httpx
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard
def answer(request):
    open("got", "ab").write(request.content)
    return httpx.Response(200, json={{"accepted": 1}})
app = Leeboard("http://lee", "bikes", pace=Pace(every=60.0), transport=httpx.MockTransport(answer))
app.log_prediction("last", {{}}, 1.0)
{end}
"""
    subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=20, check=False, cwd=tmp_path
    )
    assert msgspec.json.decode((tmp_path / "got").read_bytes())["columns"]["id"] == ["last"]


def test_an_app_that_is_away_from_its_server_ends_in_time() -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path.cwd())!r})
from connectors.client.serving import Leeboard
app = Leeboard("http://127.0.0.1:9", "bikes")
app.log_prediction("lost", {{}}, 1.0)
app.close(timeout=0.2)
print(app.stats.dropped)
"""
    begun = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False
    )
    assert said.stdout == "{'not sent before the end': 1}\n"
    assert time.monotonic() - begun < 5


def a_tar(name: str, content: bytes) -> bytes:
    """A tar with one file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def test_the_champion_is_fetched_checked_and_unpacked_once(
    server: MemoryServer, tmp_path: Path
) -> None:
    server.publish("v1", a_tar("weights", b"123"))
    with an_app(server) as app:
        told = app.champion()
        assert told.champion is not None
        assert (told.champion.version, told.generation) == ("v1", 1)
        folder = app.fetch_artifact(told.champion.sha256, tmp_path / "models")
        assert (folder / "weights").read_bytes() == b"123"
        asked = len(server.requests)
        assert app.fetch_artifact(told.champion.sha256, tmp_path / "models") == folder
        assert len(server.requests) == asked
    assert [path.name for path in (tmp_path / "models").iterdir()] == [told.champion.sha256]


def test_an_artifact_with_another_hash_is_refused(server: MemoryServer, tmp_path: Path) -> None:
    server.artifacts["ab" * 32] = a_tar("weights", b"evil")
    with an_app(server) as app, pytest.raises(BadAnswer, match="nothing was unpacked"):
        app.fetch_artifact("ab" * 32, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_an_artifact_that_would_leave_its_folder_is_refused(
    server: MemoryServer, tmp_path: Path
) -> None:
    server.publish("v1", a_tar("../outside", b"evil"))
    [sha256] = server.artifacts
    with an_app(server) as app, pytest.raises(BadArtifact, match="outside its folder"):
        app.fetch_artifact(sha256, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_waiting_for_the_champion_asks_for_what_changed_since(server: MemoryServer) -> None:
    server.publish("v1", b"")
    with an_app(server) as app:
        first = app.champion(wait=0.05)
        assert app.champion(wait=0.05) == first
        server.publish("v2", b"1")
        assert app.champion(wait=0.05).generation == 2
    tags = [request.headers.get("if-none-match") for request in server.requests]
    assert tags[0] is None
    assert tags[1] is not None
    assert {request.url.params["wait"] for request in server.requests} == {"0.05s"}


def test_reading_the_champion_raises_what_it_meets(server: MemoryServer) -> None:
    server.be_away()
    server.refuse(403, "the token lacks the scope read")
    with an_app(server) as app:
        with pytest.raises(ServerAway, match="no answer from http://lee"):
            app.champion()
        with pytest.raises(ServerSaid, match="lacks the scope read"):
            app.champion()


def test_the_log_says_nothing_where_all_is_well(
    server: MemoryServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), an_app(server) as app:
        app.log_prediction("1", {}, 1.0)
        assert app.flush(5)
        app.champion()
    assert len(server.requests) == 2
    [theirs] = caplog.records  # of the app's own thread; the other one's are not of interest
    assert "/champion" in theirs.getMessage()
