"""The bounds on connections, over sockets: heads that do not end, readers that do not read, crowds."""

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from controlplane.cli.connections import LONGEST_HEAD, MOST_HEADERS, SLICE, Bounded
from controlplane.cli.hosting import most_connections
from tests.served import LIMIT, answered, everything

LARGE = b"x" * (64 * 2**20)
"""More than sockets hold, so that who sends it has to wait for who reads it."""


class Hasty(Bounded):
    """The same with little patience."""

    most = 12
    head_seconds = 0.4
    drain_seconds = 0.4


class Told:
    """An application that answers shortly, or with much, and knows how its answers ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while scope["method"] == "POST":
            message = await receive()
            if message["type"] == "http.disconnect":
                self.ended.append("left")
                return
            if not message["more_body"]:
                break
        body = LARGE if scope["path"] == "/large" else b"short"
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for start in range(0, len(body), 2**20):
            part = body[start : start + 2**20]
            more = start + 2**20 < len(body)
            await send({"type": "http.response.body", "body": part, "more_body": more})
        self.ended.append(scope["path"])


@pytest.fixture(scope="module")
def told() -> Told:
    return Told()


@pytest.fixture(scope="module")
def port(told: Told) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    config = uvicorn.Config(
        told, loop="uvloop", http=Hasty, lifespan="off", log_config=None, ws="none",
        timeout_keep_alive=5,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: server.run([listener]), daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(LIMIT)


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as bare:
        yield bare


GET = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"


def test_a_connection_that_says_nothing_is_ended(port: int) -> None:
    with connected(port) as bare:
        said = everything(bare)

    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in said
    assert b"did not come within" in said


def test_a_head_that_comes_byte_by_byte_is_ended_in_its_midst(port: int) -> None:
    with connected(port) as bare, contextlib.suppress(ConnectionError):
        said = b""
        bare.setblocking(False)
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: " + b"a" * 10_000:
            with contextlib.suppress(BlockingIOError):
                bare.send(bytes([byte]))
            time.sleep(0.02)
            with contextlib.suppress(BlockingIOError):
                said = bare.recv(10_000)
                break
        assert said.startswith(b"HTTP/1.1 408 ")


def test_the_next_head_of_a_kept_connection_has_the_same_bounds(port: int) -> None:
    with connected(port) as bare:
        bare.sendall(GET % b"")
        assert answered(bare)[2] == b"short"
        bare.sendall(b"GET / HT")
        assert everything(bare).startswith(b"HTTP/1.1 408 ")


def test_a_kept_connection_is_not_ended_by_the_time_its_first_head_took(port: int) -> None:
    with connected(port) as bare:
        bare.sendall(GET % b"")
        assert answered(bare)[2] == b"short"
        time.sleep(2 * Hasty.head_seconds)
        bare.sendall(GET % b"")
        assert answered(bare)[2] == b"short"


def test_who_does_not_read_is_cut_off_and_who_reads_slowly_is_not(port: int, told: Told) -> None:
    told.ended.clear()
    with connected(port) as bare:
        bare.sendall(GET % b"large")
        until = time.monotonic() + LIMIT
        while not told.ended:
            assert time.monotonic() < until
            time.sleep(0.05)
        with contextlib.suppress(ConnectionError):
            assert len(everything(bare)) < len(LARGE)

    with connected(port) as bare:
        bare.sendall(GET % b"large")
        read = 0
        for _ in range(6):
            read += len(bare.recv(2**20))
            time.sleep(Hasty.drain_seconds / 2)
        while read < len(LARGE):
            part = bare.recv(2**20)
            assert part
            read += len(part)


def test_who_asks_for_more_and_reads_none_of_it_is_cut_off_in_silence(
    port: int, told: Told
) -> None:
    told.ended.clear()
    with connected(port) as bare:
        bare.sendall(3 * (GET % b"large"))
        until = time.monotonic() + LIMIT
        while not told.ended:
            assert time.monotonic() < until
            time.sleep(0.05)
    assert told.ended == ["/large"]


def test_a_crowd_is_told_to_wait_and_leaves_room_when_it_goes(port: int) -> None:
    with contextlib.ExitStack() as held:
        bares = [held.enter_context(connected(port)) for _ in range(Hasty.most)]
        for bare in bares:
            bare.sendall(GET % b"")
            assert answered(bare)[0] == 200
        with connected(port) as late:
            said = everything(late)
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 1\r\n" in said
        bares[0].sendall(GET % b"")
        assert answered(bares[0])[0] == 200
    until = time.monotonic() + LIMIT
    while True:
        with connected(port) as bare:
            bare.sendall(GET % b"")
            if answered(bare)[0] == 200:
                break
        assert time.monotonic() < until


def test_what_is_no_http_is_a_problem_too(port: int) -> None:
    with connected(port) as bare:
        bare.sendall(b"\x16\x03\x01\x02\x00")
        said = everything(bare)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in said


LARGEST = b"X-A: " + b"a" * (LONGEST_HEAD - SLICE)
"""A header that just fits."""
HEADS = {
    "a long address": b"GET /" + b"a" * (2 * LONGEST_HEAD) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "300 kB at once": b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 300_000 + b"\r\n\r\n",
    "just too long": b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * (LONGEST_HEAD + SLICE) + b"\r\n\r\n",
    "a header's name": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a" * 300_000 + b": a\r\n\r\n",
    "long headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-A: aaaaaaaaaaaaaaaaaaaa\r\n" * 5_000 + b"\r\n",
    "many short ones": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a:\r\n" * (MOST_HEADERS + 1) + b"\r\n",
    "thousands": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a:b\r\n" * 60_000 + b"\r\n",
    "one that does not end": b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"a" * 300_000,
    "after a body": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-A: " + b"a" * 300_000,
    "in a chunk's head": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * 900_000,
}  # fmt: skip


def ended(told: Told, count: int) -> list[str]:
    """How answers ended, once so many have."""
    until = time.monotonic() + LIMIT
    while len(told.ended) < count:
        assert time.monotonic() < until
        time.sleep(0.02)
    return told.ended


def test_what_was_asked_before_a_head_that_is_too_long_is_answered(port: int, told: Told) -> None:
    told.ended.clear()
    with connected(port) as bare, contextlib.suppress(ConnectionError):
        bare.sendall(GET % b"" + HEADS["300 kB at once"])
        assert everything(bare).startswith(b"HTTP/1.1 200 ")
    assert ended(told, 1) == ["/"]


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_head_is_bounded_however_it_comes(port: int, told: Told, head: bytes) -> None:
    told.ended.clear()
    with connected(port) as bare:
        bare.sendall(head)
        said = everything(bare)

    assert ended(told, int(head.startswith(b"POST"))) == ["left"] * head.startswith(b"POST")
    assert said.startswith(b"HTTP/1.1 431 ")
    assert b"longer than 65536 bytes, or more than 256" in said


@pytest.mark.parametrize("size", [1, 1_000, 20_000])
def test_a_head_in_pieces_is_cut_off_before_all_of_it_came(port: int, size: int) -> None:
    sent = 0
    with connected(port) as bare:
        bare.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ")
        bare.settimeout(LIMIT)
        try:
            while sent < 4 * LONGEST_HEAD and not (size == 1 and sent > 2_000):
                bare.sendall(b"a" * size)
                sent += size
                time.sleep(0.001)
        except ConnectionError:
            return  # it lingered, and then closed
        said = everything(bare)
    assert said.startswith(b"HTTP/1.1 408 " if size == 1 else b"HTTP/1.1 431 ")


def test_a_head_that_fits_is_taken_with_a_body_of_any_size_after_it(port: int) -> None:
    post = b"POST / HTTP/1.1\r\nHost: a\r\n%s\r\nContent-Length: 1000000\r\n\r\n" % LARGEST
    chunks = b"".join(b"4\r\nabcd\r\n" for _ in range(100_000)) + b"0\r\n\r\n"
    with connected(port) as bare:
        for _ in range(2):
            bare.sendall(post + b"b" * 1_000_000)
            assert answered(bare)[2] == b"short"
        many = b"".join(b"X-%d: a\r\n" % n for n in range(MOST_HEADERS - 2))
        bare.sendall(
            b"POST / HTTP/1.1\r\nHost: a\r\n"
            + many
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + chunks
        )
        assert answered(bare)[2] == b"short"


def test_connections_leave_files_for_the_store() -> None:
    most = most_connections()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 10 <= most <= 2000
    assert most == 10 or soft == resource.RLIM_INFINITY or 2 * most + 200 <= soft
