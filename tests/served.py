"""A real server in a process of its own: started, killed, started again, and asked over sockets."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx

UNENCRYPTED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For http:// alone: it trusts nobody, and spares each client the reading of whom it might."""
LIMIT = 120.0
"""Seconds within which a server must be up or down; nothing measures them."""

FILE = """\
model: boats
task: regression
label: {column: knots, delay: 1d}
trainer: none
"""
"""A model file that needs no trainer."""


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Served:
    """`leeboard serve` over a data folder, on one port through all its lives."""

    def __init__(
        self, data: Path, *words: str, env: Mapping[str, str] | None = None, log: Path | None = None,
        tls: Path | None = None,
    ) -> None:  # fmt: skip
        """`tls` are the certificates that vouch for its own, where it has one."""
        self.data = data
        self.port = free_port()
        self.address = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.verify = UNENCRYPTED if tls is None else ssl.create_default_context(cafile=tls)
        self._words = words
        self._env = {**os.environ, "XDG_DATA_HOME": str(data.parent), **(env or {})}
        self.process: subprocess.Popen[str] | None = None
        self.log = log or data.parent / f"{data.name}.log"

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it however it stands."""
        self.kill()

    def start(self, *, ready: bool = True) -> None:
        """Start it, and wait until it is ready; or only alive."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "controlplane.cli", "serve", "--data", str(self.data),
                 "--port", str(self.port), *self._words],
                stdout=log, stderr=log, env=self._env, text=True,
            )  # fmt: skip
        until = time.monotonic() + LIMIT
        with httpx.Client(base_url=self.address, timeout=LIMIT, verify=self.verify) as client:
            while not _answers(client, "/readyz" if ready else "/healthz"):
                assert self.process.poll() is None, self.said()
                assert time.monotonic() < until, self.said()
                time.sleep(0.02)

    def kill(self) -> None:
        """As `kill -9`."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """Ask it to end; its exit status."""
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(LIMIT)

    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text()

    @property
    def token(self) -> str:
        """Its owner's token."""
        return (self.data / "token").read_text().strip()

    def client(self, **options: object) -> httpx.Client:
        """A client with the owner's token."""
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.Client(
            base_url=self.address, headers=headers, timeout=LIMIT, verify=self.verify, **options
        )  # fmt: skip

    def apply(self, text: str = FILE, model: str = "boats") -> None:
        """Apply a model file."""
        with self.client() as client:
            answer = client.put(f"/v1/models/{model}", content=text.replace("boats", model))
            assert answer.status_code in {200, 201}, answer.text


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def connected(served: Served) -> Iterator[socket.socket]:
    """A bare connection, for what no client would send."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=LIMIT) as bare:
        yield bare


def everything(bare: socket.socket) -> bytes:
    """What the server sends until it closes the connection."""
    parts = []
    while part := bare.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def answered(bare: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One answer off a connection that stays open: status, headers, body."""
    reader = bare.makefile("rb")
    status = int(reader.readline().split()[1])
    headers = {}
    while (line := reader.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return status, headers, reader.read(int(headers.get("content-length", 0)))


def problem(answer: httpx.Response) -> dict[str, object]:
    """The problem document of an answer, checked to be one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = json.loads(answer.content)
    assert told["type"].startswith("urn:leeboard:problem:")
    assert told["title"]
    assert told["detail"]
    assert told["status"] == answer.status_code
    return told
