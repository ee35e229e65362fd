"""Requests by many connections, each waiting for its answer: a process of its own, told in JSON.

Reads `{"address", "path", "type", "connections", "seconds", "bodies": folder}` from its standard input and prints
what became of it. The bodies are files that are sent in turn, each once, so that no row comes twice.
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent, and how."""

    address: str
    path: str
    type: str
    connections: int
    bodies: str
    """A folder of packed lists of bodies, in files called 0, 1, …"""
    seconds: float


class Told(msgspec.Struct, kw_only=True):
    """What became of it; times in seconds."""

    answered: int = 0
    rows: int = 0
    statuses: dict[int, int] = {}
    times: list[float] = []
    seconds: float = 0.0
    cpu: float = 0.0


class Connection(asyncio.Protocol):
    """Sends a request, waits for its answer, sends the next."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self._load.note(int(head[9:12]), rest[:length], time.perf_counter() - self._began)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """The server closed it, or we did."""
        self._load.ended()

    def _next(self) -> None:
        request = self._load.request()
        if request is None:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(request)


class Load:
    """The requests that are left, and what was answered."""

    def __init__(self, asked: Asked) -> None:
        host = urlsplit(asked.address).netloc
        head = f"POST {asked.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {asked.type}\r\n"
        self._head = head.encode()
        self._bodies = iter(sorted(Path(asked.bodies).iterdir(), key=lambda path: int(path.name)))
        self._waiting: list[bytes] = []
        self._until = time.perf_counter() + asked.seconds
        self._open = asked.connections
        self.told = Told()
        self.done = asyncio.Event()

    def request(self) -> bytes | None:
        """The next request; None when there is none, or the time is over."""
        if time.perf_counter() > self._until:
            return None
        if not self._waiting:
            path = next(self._bodies, None)
            if path is None:
                return None
            self._waiting = msgspec.msgpack.decode(path.read_bytes(), type=list[bytes])[::-1]
        body = self._waiting.pop()
        return b"%sContent-Length: %d\r\n\r\n%s" % (self._head, len(body), body)

    def note(self, status: int, body: bytes, seconds: float) -> None:
        """An answer came."""
        told = self.told
        told.answered += 1
        told.statuses[status] = told.statuses.get(status, 0) + 1
        told.times.append(seconds)
        if status == 200:  # noqa: PLR2004 - OK
            told.rows += json.loads(body)["accepted"]

    def ended(self) -> None:
        """A connection has ended."""
        self._open -= 1
        if not self._open:
            self.done.set()


async def load(asked: Asked) -> Told:
    """Send everything."""
    address = urlsplit(asked.address)
    work = Load(asked)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    for _ in range(asked.connections):
        await loop.create_connection(lambda: Connection(work), address.hostname, address.port)
    await work.done.wait()
    work.told.seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    work.told.cpu = used.ru_utime + used.ru_stime
    return work.told


def main() -> None:
    """Do what standard input asks for, and say what became of it."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    print(msgspec.json.encode(uvloop.run(load(asked))).decode())
