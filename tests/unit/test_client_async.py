"""The client library under an event loop, and in children: forked ones and multiprocessing's."""

import asyncio
import io
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import httpx
import msgspec
import pytest

from connectors.client.pace import Pace
from connectors.client.problems import BadAnswer, ServerAway
from connectors.client.serving_async import AsyncLeeboard
from connectors.client.testing import MemoryServer

HERE = str(Path(__file__).parents[2])
PATIENT = Pace(every=60.0, first_pause=0.01, longest_pause=0.02)


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


def an_app(server: MemoryServer) -> AsyncLeeboard:
    return AsyncLeeboard("http://lee", "bikes", "secret", pace=PATIENT, transport=server.transport)


def a_tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        member = tarfile.TarInfo("weights")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"123"))
    return file.getvalue()


async def test_rows_are_logged_without_awaiting_and_flushed_with(server: MemoryServer) -> None:
    async with an_app(server) as app:
        app.log_prediction("1", {"hour": 8}, 1.0)
        app.log_label("1", 2.0)
        assert await app.flush(20)
        assert app.stats.accepted == 2
        app.log_prediction("2", {"hour": 9}, 1.0)
    assert [row["id"] for row in server.predictions] == ["1", "2"]
    assert [row["label"] for row in server.labels] == [2.0]


async def test_the_loop_goes_on_while_a_flush_waits_for_the_server(server: MemoryServer) -> None:
    """The server answers only what the loop lets it: a loop that is held would never end."""
    let = threading.Event()

    def slow(request: httpx.Request) -> httpx.Response:
        assert let.wait(20)
        return server._answer(request)

    app = AsyncLeeboard("http://lee", "b", pace=PATIENT, transport=httpx.MockTransport(slow))
    app.log_prediction("1", {}, 1.0)
    flushing = asyncio.create_task(app.flush(20))
    await asyncio.sleep(0.02)
    assert not flushing.done()
    app.log_prediction("2", {}, 1.0)  # returns, though the server keeps the first
    let.set()
    assert await flushing
    await app.close()
    assert [row["id"] for row in server.predictions] == ["1", "2"]


async def test_waiting_for_a_champion_is_awaited_and_may_be_cancelled(server: MemoryServer) -> None:
    server.publish("v1", a_tar())
    polls = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if "if-none-match" in request.headers:
            polls.set()
            await asyncio.sleep(60)
        return server._answer(request)

    app = AsyncLeeboard("http://lee", "b", transport=httpx.MockTransport(answer))
    first = await app.champion(wait=30)
    assert first.champion is not None
    waiting = asyncio.create_task(app.champion(wait=30))
    await polls.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await app.champion() == first
    await app.close()


async def test_an_unmoved_champion_is_the_one_that_was_known(server: MemoryServer) -> None:
    server.publish("v1", a_tar())
    async with an_app(server) as app:
        first = await app.champion(wait=0.01)
        assert await app.champion(wait=0.01) == first
        server.publish("v2", b"")
        moved = await app.champion(wait=0.01)
        assert moved.champion is not None
        assert moved.champion.version == "v2"
        server.be_away()
        with pytest.raises(ServerAway):
            await app.champion()


async def test_a_version_is_fetched_checked_and_unpacked(
    server: MemoryServer, tmp_path: Path
) -> None:
    server.publish("v1", a_tar())
    server.artifacts["ab" * 32] = a_tar()
    async with an_app(server) as app:
        told = (await app.champion()).champion
        assert told is not None
        folder = await app.fetch_artifact(told.sha256, tmp_path)
        assert (folder / "weights").read_bytes() == b"123"
        asked = len(server.requests)
        assert await app.fetch_artifact(told.sha256, tmp_path) == folder
        assert len(server.requests) == asked
        assert await app.fetch_version("v1", tmp_path) == folder
        with pytest.raises(BadAnswer, match="nothing was unpacked"):
            await app.fetch_artifact("ab" * 32, tmp_path)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("logged", ["before", "after"], ids=["logged before", "not yet"])
def test_a_child_of_multiprocessing_sends_its_rows_when_it_ends(
    tmp_path: Path, method: str, logged: str
) -> None:
    program = tmp_path / "app.py"
    program.write_text(f"""
import multiprocessing, sys
sys.path.insert(0, {HERE!r})
import httpx
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard

def answer(request):
    with open("got", "ab") as file:
        file.write(request.content + b"\\n")
    return httpx.Response(200, json={{"accepted": 1}})

app = Leeboard("http://lee", "b", pace=Pace(every=60.0), transport=httpx.MockTransport(answer))

def work(number):
    app.log_prediction(f"child-{{number}}", {{}}, 1.0)

if __name__ == "__main__":
    if {logged == "before"}:
        app.log_prediction("parent", {{}}, 1.0)
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=work, args=(number,)) for number in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
""")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", program], capture_output=True, text=True, timeout=60,
        check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    got = (tmp_path / "got").read_text()
    rows = [name for name in ("child-0", "child-1", "parent") if got.count(f'["{name}"]') == 1]
    assert rows == ["child-0", "child-1", *(["parent"] if logged == "before" else [])]


@pytest.mark.parametrize("spool", [None, "spool"], ids=["memory", "spool"])
@pytest.mark.parametrize("logged", ["before", "not yet"], ids=["logged before", "not yet"])
def test_workers_that_were_forked_send_what_they_logged_when_they_end(
    tmp_path: Path, logged: str, spool: str | None
) -> None:
    script = f"""
import os, sys
sys.path.insert(0, {HERE!r})
import httpx
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard

def answer(request):
    with open("got", "ab") as file:
        file.write(request.content + b"\\n")
    return httpx.Response(200, json={{"accepted": 1}})

app = Leeboard("http://lee", "b", pace=Pace(every=60.0), spool={spool!r},
               transport=httpx.MockTransport(answer))
if {logged == "before"}:
    app.log_prediction("master", {{}}, 1.0)
    app.flush(20)
children = []
for worker in range(3):
    child = os.fork()
    if child == 0:
        for number in range(50):
            app.log_prediction(f"{{worker}}-{{number}}", {{}}, 1.0)
        sys.exit(0)
    children.append(child)
app.log_prediction("after", {{}}, 1.0)
print([os.waitpid(child, 0)[1] for child in children])
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=60,
        check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[0, 0, 0]\n", "")
    got = [msgspec.json.decode(line) for line in (tmp_path / "got").read_bytes().splitlines()]
    ids = [row for body in got for row in body["columns"]["id"]]
    workers = [f"{worker}-{number}" for worker in range(3) for number in range(50)]
    assert sorted(ids) == sorted([*workers, "after", *(["master"] if logged == "before" else [])])
    assert list(tmp_path.rglob("*.rows")) == []
