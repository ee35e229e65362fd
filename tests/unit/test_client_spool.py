"""The spool of the client library: what is on disk is sent once, by whichever process is there."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from connectors.client.pace import Pace
from connectors.client.rows import Parcel
from connectors.client.serving import Leeboard
from connectors.client.spool import Spool, SpoolFull, TornSegment
from connectors.client.testing import MemoryServer

PATIENT = Pace(every=60.0, first_pause=0.01, longest_pause=0.02)
HERE = str(Path(__file__).parents[2])


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


def an_app(
    server: MemoryServer, spool: Path, pace: Pace = PATIENT, model: str = "bikes"
) -> Leeboard:
    """A process's client with a spool."""
    return Leeboard("http://lee", model, pace=pace, spool=spool, transport=server.transport)


def segments(spool: Path) -> list[Path]:
    """The files in which rows wait."""
    return sorted(spool.rglob("*.rows"))


def a_parcel(rows: int = 2, body: bytes = b"{}", key: str = "k") -> Parcel:
    return Parcel(feed="labels", key=key, rows=rows, body=body)


def a_spool(folder: Path, most_bytes: int = 10_000) -> Spool:
    return Spool(folder, "http://lee", "bikes", most_bytes)


def left_behind(server: MemoryServer, spool: Path, rows: int = 3) -> None:
    """A process that logs predictions and labels while the server is away, and ends."""
    server.be_away(10_000)
    app = an_app(server, spool)
    for number in range(rows):
        app.log_label(str(number), 1.0)
        app.log_prediction(str(number), {"x": number}, 1.0)
    app.close(timeout=30)
    assert (app.stats.spooled, app.stats.waiting, app.stats.dropped) == (2 * rows, 0, {})
    server._failures.clear()


def test_what_one_process_could_not_send_the_next_one_does(
    server: MemoryServer, tmp_path: Path
) -> None:
    left_behind(server, tmp_path)
    asked = len(server.requests)

    with an_app(server, tmp_path) as app:
        app.log_prediction("new", {}, 1.0)
        assert app.flush(20)
    assert [row["id"] for row in server.predictions] == ["0", "1", "2", "new"]
    assert [row["id"] for row in server.labels] == ["0", "1", "2"]
    feeds = [request.url.path.rpartition("/")[2] for request in server.requests[asked:]]
    assert feeds == ["predictions", "labels", "predictions"]
    stats = app.stats
    assert (stats.logged, stats.taken_up, stats.accepted, stats.spooled) == (1, 6, 7, 0)
    assert list(tmp_path.rglob("*")) == [next(tmp_path.iterdir())]  # of the model, and empty


def test_rows_whose_answer_was_lost_go_again_as_they_were_under_their_key(
    server: MemoryServer, tmp_path: Path
) -> None:
    server.lose_answers()
    server.be_away(10_000)
    first = an_app(server, tmp_path)
    first.log_prediction("1", {"x": float("nan")}, 1.0)
    assert not first.flush(0.3)
    first.close(timeout=30)
    server._failures.clear()

    with an_app(server, tmp_path) as second:
        assert second.flush(20)
    assert len(server.predictions) == 1
    assert len({r.headers["idempotency-key"] for r in server.requests}) == 1
    assert len({r.content for r in server.requests}) == 1
    assert second.stats.taken_up == second.stats.accepted == 1


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_a_process_that_is_killed_leaves_what_it_had_spooled(
    server: MemoryServer, tmp_path: Path, sign: signal.Signals
) -> None:
    script = f"""
import sys, time
sys.path.insert(0, {HERE!r})
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard
app = Leeboard("http://127.0.0.1:9", "bikes", pace=Pace(every=0.01), spool={str(tmp_path)!r})
for number in range(1000):
    app.log_prediction(str(number), {{}}, 1.0)
while app.stats.spooled < 1000:
    time.sleep(0.01)
print("ready", flush=True)
time.sleep(60)
"""
    words = [sys.executable, "-W", "ignore", "-c", script]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        held = Leeboard(
            "http://127.0.0.1:9", "bikes", pace=PATIENT, spool=tmp_path, transport=server.transport
        )
        assert held.flush(20)  # another worker: what is the first one's stays the first one's
        assert server.predictions == []
        held.close()
        process.send_signal(sign)
        process.wait(20)

    with Leeboard(
        "http://127.0.0.1:9", "bikes", pace=PATIENT, spool=tmp_path, transport=server.transport
    ) as app:
        assert app.flush(20)
    assert [row["id"] for row in server.predictions] == [str(number) for number in range(1000)]
    assert segments(tmp_path) == []


def test_a_worker_that_goes_on_takes_up_what_a_dead_one_left(
    server: MemoryServer, tmp_path: Path
) -> None:
    with an_app(server, tmp_path, msgspec.structs.replace(PATIENT, look_around=0.0)) as app:
        app.log_prediction("alive", {}, 1.0)
        assert app.flush(20)
        left_behind(server, tmp_path)
        assert app.flush(20)
    assert [row["id"] for row in server.predictions] == ["alive", "0", "1", "2"]


def test_spoiled_files_are_set_aside_and_said_and_the_others_are_sent(
    server: MemoryServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.be_away(10_000)
    app = an_app(server, tmp_path, msgspec.structs.replace(PATIENT, most_rows=1))
    for number in range(6):
        app.log_prediction(str(number), {}, 1.0)
    app.close(timeout=30)
    server._failures.clear()
    torn, flipped, empty, other, odd, _ = segments(tmp_path)
    torn.write_bytes(torn.read_bytes()[:-1])
    flipped.write_bytes(flipped.read_bytes().replace(b'"role":["live"]', b'"role":["lives"]'))
    empty.write_bytes(b"")
    other.write_bytes(other.read_bytes().replace(b'"form":1', b'"form":2'))
    odd.write_bytes(os.urandom(500))
    caplog.clear()

    with an_app(server, tmp_path) as second:
        assert second.flush(20)
    assert [row["id"] for row in server.predictions] == ["5"]
    stats = second.stats
    assert (stats.taken_up, stats.accepted, stats.set_aside) == (6, 1, 5)
    assert stats.dropped == {"unreadable in the spool": 5}
    [place] = tmp_path.iterdir()
    assert len(list((place / "set-aside").iterdir())) == 5
    [line] = [r.getMessage() for r in caplog.records if "set aside" in r.getMessage()]
    assert line.endswith("is not what was written")


def test_a_spool_that_is_full_leaves_rows_in_memory_and_what_fits_nowhere_is_counted(
    server: MemoryServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.be_away(10_000)
    pace = msgspec.structs.replace(PATIENT, spool_bytes=2_000, capacity=50, most_rows=10)
    app = an_app(server, tmp_path, pace)
    for number in range(200):
        app.log_prediction(str(number), {"x": "y" * 20}, 1.0)
        if number % 10 == 9:
            app.flush(0.02)
    stats = app.stats
    assert 0 < stats.spooled < 40
    assert stats.spooled + stats.waiting + stats.dropped["full"] == stats.logged == 200
    assert sum(path.stat().st_size for path in segments(tmp_path)) <= 2_000
    [line] = [r.getMessage() for r in caplog.records if "spool" in r.getMessage()]
    full = f"the spool {next(tmp_path.iterdir())} holds 2,000 bytes, its limit"
    assert line == f"leeboard: the spool cannot be written, rows wait in memory: {full}"
    server._failures.clear()
    assert app.flush(20)
    app.close()
    there = [int(row["id"]) for row in server.predictions]
    assert there == list(range(len(there)))  # complete up to a moment
    assert len(there) == 200 - stats.dropped["full"] == app.stats.accepted


def test_a_disk_that_takes_no_more_is_no_hindrance(tmp_path: Path) -> None:
    """No file of this process may be longer than a hundred bytes."""
    script = f"""
import resource, sys
sys.path.insert(0, {HERE!r})
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard
from connectors.client.testing import MemoryServer
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
server = MemoryServer()
server.be_away(1)
app = Leeboard("http://lee", "b", pace=Pace(first_pause=0.01), transport=server.transport,
               spool={str(tmp_path)!r})
for number in range(1000):
    app.log_prediction(str(number), {{}}, 1.0)
assert app.flush(20)
print(app.stats.accepted, app.stats.dropped, len(server.predictions))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout == "1000 {} 1000\n"
    assert done.stderr.count("rows wait in memory: [Errno 27] File too large") == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_spool_that_cannot_be_made_is_no_hindrance(server: MemoryServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with an_app(server, tmp_path / "file") as app:
        app.log_prediction("1", {}, 1.0)
        assert app.flush(20)
    assert len(server.predictions) == 1
    assert app.stats.last_error is not None
    assert app.stats.last_error.startswith(
        "the spool cannot be written, rows wait in memory: [Errno"
    )


def test_a_token_that_is_not_valid_costs_no_rows_with_a_spool(
    server: MemoryServer, tmp_path: Path
) -> None:
    server.refuse(401, "no such token", times=10_000)
    app = an_app(server, tmp_path)
    app.log_prediction("1", {}, 1.0)
    app.close(timeout=60)
    assert (app.stats.spooled, app.stats.dropped) == (1, {})
    server._failures.clear()
    with an_app(server, tmp_path) as other:
        assert other.flush(20)
    assert len(server.predictions) == 1


def test_models_and_servers_share_a_folder_and_nothing_else(
    server: MemoryServer, tmp_path: Path
) -> None:
    left_behind(server, tmp_path)
    with an_app(server, tmp_path, model="boats") as boats:
        assert boats.flush(20)
    elsewhere = Leeboard(
        "http://e", "bikes", pace=PATIENT, spool=tmp_path, transport=server.transport
    )
    with elsewhere:
        assert elsewhere.flush(20)
    assert server.predictions == []
    assert len(segments(tmp_path)) == 2


def test_a_forked_child_has_a_part_of_the_spool_of_its_own(tmp_path: Path) -> None:
    script = f"""
import os, sys
sys.path.insert(0, {HERE!r})
from pathlib import Path
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard
from connectors.client.spool import Spool
from connectors.client.testing import MemoryServer
server = MemoryServer()
server.be_away(10_000)
pace = Pace(every=0.01)
def client():
    return Leeboard("http://lee", "b", pace=pace, transport=server.transport, spool={str(tmp_path)!r})
app = client()
app.log_prediction("parent", {{}}, 1.0)
while not app.stats.spooled: pass
child = os.fork()
if child == 0:
    app.log_prediction("child", {{}}, 1.0)
    while not app.stats.spooled: pass
    os._exit(0 if app.stats.spooled == 1 else 1)
code = os.waitpid(child, 0)[1]
free = Spool(Path({str(tmp_path)!r}), "http://lee", "b", 10_000).take_up()
print(code, [segment.rows for segment in free], app.stats.spooled, flush=True)
os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert done.stdout == "0 [1] 1\n", done.stderr  # the child's is free, the parent's is not
    assert len(segments(tmp_path)) == 2


def test_what_is_written_is_read_and_only_its_owner_may(tmp_path: Path) -> None:
    spool = a_spool(tmp_path)
    parcel = a_parcel(body=b'{"columns": {}}\n\n\x00')
    segment = spool.put(parcel)
    assert spool.read(segment) == parcel
    assert segment.path.stat().st_mode & 0o777 == 0o600
    assert {p.stat().st_mode & 0o777 for p in tmp_path.rglob("*") if p.is_dir()} == {0o700}
    with pytest.raises(SpoolFull):
        spool.put(a_parcel(body=b"x" * 10_000))
    for spoiled in (b"{}\n", b'{"form":"\xff"}\n', b"[]\n", b"\n"):
        segment.path.write_bytes(spoiled)
        with pytest.raises(TornSegment, match="does not begin with its description"):
            spool.read(segment)
    spool.close()


def test_the_limit_is_of_all_processes_together(tmp_path: Path) -> None:
    one, other = a_spool(tmp_path, 3_000), a_spool(tmp_path, 3_000)
    one.put(a_parcel(body=b"x" * 2_000))
    with pytest.raises(SpoolFull):
        other.put(a_parcel(body=b"x" * 2_000))
    other.put(a_parcel(body=b"x" * 500))
    one.close()
    assert [segment.rows for segment in other.take_up()] == [2]
    with pytest.raises(SpoolFull):
        other.put(a_parcel(body=b"x" * 500))
    other.close()


def test_what_was_not_finished_is_no_segment_and_goes_with_its_folder(tmp_path: Path) -> None:
    one = a_spool(tmp_path)
    segment = one.put(a_parcel())
    segment.path.with_name("000000000002-labels-2.unfinished").write_bytes(b"{")
    one.close()
    other = a_spool(tmp_path)
    assert len(other.take_up()) == 1
    other.remove(segment)
    assert not segment.path.parent.exists()
    assert other.take_up() == []
    other.close()


def test_a_folder_that_is_just_being_removed_is_not_taken(tmp_path: Path) -> None:
    one, other = a_spool(tmp_path), a_spool(tmp_path)
    segment = one.put(a_parcel())
    before = other._folders()
    one.remove(segment)
    one.close()
    assert not other._take(before[0])
    assert other._locks == {}


def test_in_the_spool_nothing_is_said_where_all_is_well(
    server: MemoryServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="leeboard"), an_app(server, tmp_path) as app:
        app.log_prediction("1", {}, 1.0)
    assert [record for record in caplog.records if record.name == "leeboard"] == []
    assert app.stats.accepted == 1
