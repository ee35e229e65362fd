"""What logging costs the app that serves: a call in its thread, and its throughput.

First the calls: `log_prediction` with 17 features, beside a bare `list.append` of the same and a
line of JSON in a file by `logging`, in CPU microseconds of the calling thread: each a run of a few
thousand calls, in turn with the others, and single calls for the 99th percentile. The server is a
process of its own; then it is away, and rows go to a spool.

Then the throughput: the serving app of `examples/`, each variant in a process of its own that asks
it request after request as a server would (ASGI), with a model that costs nothing (a constant; eighty
trees take ten milliseconds): with nothing logged, as it is (`log_prediction` and a spool), and behind
the middleware instead, in turns; requests a second, and CPU microseconds a request, all threads and
what is sent at the end included, and those of the library's own thread among them.
"""

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from connectors.client.http import Connection
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard
from connectors.trainers.model import Facts, Model, save

FEATURES = {f"f{number}": number / 7 for number in range(17)}
CALLS = 4_000
TURNS = 7
REQUESTS = 150
ROUNDS = 45
FILE = "model: m\ntask: regression\nlabel: y\ntrainer: none\nfeatures:\n" + "".join(
    f"  {name}: numeric\n" for name in FEATURES
)

APP = """
import asyncio
import json
import os
import sys
import threading
import time
from pathlib import Path
from connectors.client import wire
from connectors.client.middleware import LeeboardMiddleware
from connectors.client.serving import Leeboard
from connectors.trainers.model import load
from examples.serving_app.app import Serving, Told, serving_app

class Quiet:
    def log_prediction(self, *_, **__): pass

how, folder = os.environ["HOW"], Path(os.environ["FOLDER"])
features = json.loads(os.environ["FEATURES"])
leeboard = Leeboard(os.environ["SERVER"], "m", spool=folder / "spool")
serving = Serving(leeboard if how == "log_prediction" else Quiet(), folder)
champion = wire.Champion(champion=wire.ArtifactRef(version="v1", sha256=""))
serving.told = Told(champion, {"v1": load(folder / "model")})
app = serving_app(serving)
if how == "middleware":
    app = LeeboardMiddleware(app, leeboard, id="id", features="features", version="version")

async def ask(number):
    body = json.dumps({"id": f"{how}-{number}", "features": features}).encode()
    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}
    async def send(message):
        assert message.get("status", 200) == 200
    scope = {
        "type": "http", "method": "POST", "path": "/predict", "raw_path": b"/predict", "root_path": "",
        "query_string": b"", "scheme": "http", "http_version": "1.1", "server": ("lee", 80),
        "client": ("me", 1), "asgi": {"version": "3.0"}, "state": {},
        "headers": [(b"host", b"lee"), (b"content-type", b"application/json"),
                    (b"content-length", str(len(body)).encode())],
    }
    await app(scope, receive, send)

def behind():
    clocks = [time.pthread_getcpuclockid(thread.ident) for thread in threading.enumerate()
              if thread.name == "leeboard"]
    return sum(map(time.clock_gettime, clocks))

async def main():
    done, before = 0, None
    for line in sys.stdin:
        began = time.perf_counter()
        for number in range(done, done + int(line)):
            await ask(number)
        done += int(line)
        print(time.perf_counter() - began, flush=True)
        if before is None:
            leeboard.flush(30)
            before = time.process_time(), behind()
    leeboard.flush(30)
    print(time.process_time() - before[0], behind() - before[1], flush=True)
    assert leeboard.stats.accepted == (0 if how == "nothing" else done), leeboard.stats

asyncio.run(main())
"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A Leeboard server with the model; its address."""
    command = [sys.executable, "-m", "controlplane.cli", "serve", "--data", str(folder), "--port",
               "0", "--open", "--log-level", "warning"]  # fmt: skip
    with subprocess.Popen(command) as server:  # noqa: S603 - our own program
        try:
            place = folder / "server.json"
            while not place.is_file():
                time.sleep(0.05)
            address = json.loads(place.read_text())["address"]
            with Connection(address) as connection:
                connection.apply("m", FILE)
            yield address
        finally:
            server.terminate()


def lines_to(path: Path) -> Callable[[int], None]:
    """Logging a row as a line of JSON in a file."""
    log = logging.getLogger("benchmark")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(logging.FileHandler(path))

    def write(number: int) -> None:
        row = {"id": str(number), "features": FEATURES, "prediction": 1.0}
        log.info("%s", json.dumps(row))

    return write


def measured(calls: dict[str, Callable[[int], None]]) -> dict[str, tuple[float, float, float]]:
    """Microseconds of the calling thread's CPU a call, the median of the turns; and of single
    calls on the wall clock the median and the 99th percentile, less what looking costs."""
    means: dict[str, list[float]] = {name: [] for name in calls}
    single: dict[str, list[int]] = {name: [] for name in calls}
    for _ in range(TURNS):
        for name, call in calls.items():
            began = time.thread_time_ns()
            for number in range(CALLS):
                call(number)
            means[name].append((time.thread_time_ns() - began) / CALLS / 1e3)
            for number in range(CALLS // 4):
                begin = time.perf_counter_ns()
                call(number)
                single[name].append(time.perf_counter_ns() - begin)
            time.sleep(0.2)  # what waits is sent meanwhile, as between the requests of an app
    empty = statistics.median(single["nothing"])
    return {
        name: (statistics.median(means[name]), *(
            (float(np.percentile(single[name], q)) - empty) / 1e3 for q in (50, 99)
        ))
        for name in calls
    }  # fmt: skip


def calls(folder: Path) -> None:
    """Print what a call costs."""
    kept: list[object] = []

    def nothing(_: int) -> None:
        return

    def append(number: int) -> None:
        kept.append((str(number), FEATURES, 1.0))

    pace = Pace(capacity=10**7)
    with (
        served(folder / "data") as address,
        Leeboard(address, "m", pace=pace) as leeboard,
        Leeboard("http://127.0.0.1:9", "m", pace=pace, spool=folder / "spool") as away,
    ):
        found = measured({
            "nothing": nothing,
            "list.append": append,
            "log_prediction": lambda n: leeboard.log_prediction(str(n), FEATURES, 1.0),
            "the same, server away, to a spool": lambda n: away.log_prediction(str(n), FEATURES, 1.0),
            "a line of JSON by logging": lines_to(folder / "lines"),
        })  # fmt: skip
        leeboard.flush(60)
        dropped = {**leeboard.stats.dropped, **away.stats.dropped}
    print(f"{'µs a call':<36}{'CPU':>8}{'median':>9}{'p99':>9}")
    for name, (cpu, median, most) in found.items():
        print(f"{name:<36}{cpu:>8.2f}{median:>9.2f}{most:>9.2f}")
    print(f"rows dropped: {dropped or 'none'}\n")


class App:
    """The serving app in a process of its own."""

    def __init__(self, how: str, address: str, folder: Path) -> None:
        env = {**os.environ, "HOW": how, "SERVER": address, "FOLDER": str(folder),
               "FEATURES": json.dumps(FEATURES), "PYTHONPATH": str(Path.cwd())}  # fmt: skip
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", APP], env=env, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        self.rates: list[float] = []

    def run(self, requests: int) -> None:
        """Let it serve so many requests."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{requests}\n")
        self._process.stdin.flush()
        self.rates.append(requests / float(self._process.stdout.readline()))

    def end(self) -> tuple[float, float]:
        """End it; its CPU microseconds a request since the first run, and those of the library's
        own thread."""
        whole, behind = self._process.communicate()[0].split()
        return float(whole) / ROUNDS / REQUESTS * 1e6, float(behind) / ROUNDS / REQUESTS * 1e6


def throughput(folder: Path) -> None:
    """Print what logging costs an app."""
    save(Model(facts=Facts(task="regression", constant=(7.0,))), folder / "model")
    with served(folder / "data") as address:
        apps = {
            how: App(how, address, folder) for how in ("nothing", "log_prediction", "middleware")
        }
        for turn in range(ROUNDS + 1):
            for app in apps.values():
                app.run(REQUESTS if turn else 300)
        cpu = {how: app.end() for how, app in apps.items()}
    bare = apps["nothing"]
    print(
        f"{'an app that logs':<18}{'requests/s':>11}{'of bare':>9}{'CPU µs a request':>18}{'in its thread':>15}"
    )
    for how, app in apps.items():
        rate = statistics.median(a / b for a, b in zip(app.rates[1:], bare.rates[1:], strict=True))
        print(f"{how:<18}{statistics.median(app.rates[1:]):>11,.0f}{rate:>9.3f}{cpu[how][0]:>18.0f}"
              f"{cpu[how][1]:>15.1f}")  # fmt: skip


def main() -> int:
    """Print both tables."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        calls(Path(name))
    with tempfile.TemporaryDirectory() as name:
        throughput(Path(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
