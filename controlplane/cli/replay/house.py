"""A server of the replay's own: started on a free port, started again when it dies, ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from controlplane.cli.replay.unbroken import unbroken
from controlplane.domain.errors import Refused

STARTS: Final = 20
"""Starts after which a server that dies again and again is given up."""
PATIENCE: Final = 60.0
"""Seconds that a server may take to come up, and to end."""


class House:
    """Runs `leeboard serve` over a folder and keeps it up, on the same port, until `close`."""

    def __init__(self, data: Path, config: Path, secrets: dict[str, str]) -> None:
        self._secrets = secrets
        self._data = data
        self._config = config
        self._port = 0
        self._starts = 0
        self._is_closing = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        try:
            with unbroken():
                self._process = self._spawn()
            self.address = self._wait_for_address(self._process)
        except BaseException:  # stopped before anybody could close it
            self.close()
            raise
        self._port = int(self.address.rsplit(":", 1)[1])
        self._watch = threading.Thread(target=self._keep_up, daemon=True, name="house")
        self._watch.start()

    @property
    def restarts(self) -> int:
        """How often it had to be started again."""
        return self._starts - 1

    def close(self) -> None:
        """End the server and everything that it began."""
        self._is_closing.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        self._starts += 1
        command = [
            sys.executable, "-m", "controlplane.cli", "serve", "--data", str(self._data),
            "--port", str(self._port), "--open", "--log-level", "warning",
            "--config", str(self._config),
        ]  # fmt: skip
        with (self._data / "server.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # our own program
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **self._secrets},
            )  # fmt: skip

    def _wait_for_address(self, process: "subprocess.Popen[bytes]") -> str:
        place = self._data / "server.json"
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if process.poll() is not None:
                break
            with contextlib.suppress(OSError, ValueError):
                told = json.loads(place.read_text())
                if told["pid"] == process.pid:
                    return str(told["address"])
            time.sleep(0.02)
        tail = (self._data / "server.log").read_text(errors="replace")[-2000:]
        message = f"the server did not come up; its log ends:\n{tail}"
        raise Refused(message)

    def _keep_up(self) -> None:
        while self._process is not None and not self._is_closing.is_set():
            self._process.wait()
            if self._is_closing.is_set() or self._starts >= STARTS:
                return
            self._process = self._spawn()
