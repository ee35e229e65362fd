"""The store under load for as long as one likes: how long commits take, and what grows meanwhile.

A thread commits rows of 25 columns at a steady pace, another reads a window of them and a third
counts them all, as a server does; every second it is looked how long the commits took (p50, p99,
the longest), how large the log and the file are, and how much memory the process holds. The log
must stay bounded, memory must not grow with the rows, and over all the time p99 of a commit has to
stay below five times its median.

    python benchmarks/soak.py                    20 seconds
    python benchmarks/soak.py --seconds 600 --json soak.json
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from controlplane.domain.schema import Column, Schema, Task
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known, Store
from detectors.finding import Kind

MODEL: Final = "soak"
FEATURES: Final = [f"f{number}" for number in range(19)]
BEGIN: Final = datetime(2024, 1, 1, tzinfo=UTC)
MOST_RATIO: Final = 5.0
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Load:
    """What the threads do and note, until `over`."""

    def __init__(self, store: Store, rows: int, pause: float) -> None:
        self.over = threading.Event()
        self.seconds: list[float] = []
        self.reads = 0
        self._store, self._rows, self._pause = store, rows, pause
        self._draws = np.random.default_rng(3)

    def batch(self, number: int) -> pa.Table:
        """The rows of one commit, a millisecond apart."""
        first = number * self._rows
        times = np.arange(first, first + self._rows) * 1_000
        at = pa.array(int(BEGIN.timestamp()) * 1_000_000 + times, pa.timestamp("us", "UTC"))
        return pa.table({
            "id": pa.array(np.arange(first, first + self._rows).astype(str), pa.string()),
            "at": at, "known_at": at, "version": pa.repeat("v1", self._rows),
            "role": pa.repeat("live", self._rows), "prediction": self._draws.random(self._rows),
            **{name: self._draws.random(self._rows) for name in FEATURES},
        })  # fmt: skip

    def commits(self) -> None:
        """Commit after commit, each a pause after the one before."""
        number = 0
        while not self.over.is_set():
            rows = self.batch(number)
            began = time.perf_counter()
            self._store.write(
                lambda t, rows=rows: t.events.append_predictions(MODEL, rows)
            ).result()
            self.seconds.append(time.perf_counter() - began)
            number += 1
            self.over.wait(self._pause)

    def windows(self) -> None:
        """The newest ten seconds of rows, with all features."""
        while not self.over.wait(0.5):
            end = BEGIN + timedelta(milliseconds=len(self.seconds) * self._rows)
            with self._store.read() as view:
                view.events.rows(MODEL, FEATURES, Known(start=end - timedelta(seconds=10)))
            self.reads += 1

    def counts(self) -> None:
        """How many rows there are."""
        while not self.over.wait(1.0):
            with self._store.read() as view:
                view.events.counts(MODEL)
            self.reads += 1


def milliseconds(seconds: list[float]) -> dict[str, float]:
    """p50, p99 and the longest of some commits."""
    if not seconds:
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    p50, p99, longest = np.quantile(seconds, [0.5, 0.99, 1.0]) * 1000
    return {"p50": round(p50, 2), "p99": round(p99, 2), "max": round(longest, 2)}


def resident() -> int:
    """Bytes of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def soaked(seconds: float, load: Load, store: Store) -> list[dict[str, float]]:
    """A look a second at all of it."""
    threads = [threading.Thread(target=work) for work in (load.commits, load.windows, load.counts)]
    for thread in threads:
        thread.start()
    looks: list[dict[str, float]] = []
    began, seen = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        time.sleep(1.0)
        fresh, seen = load.seconds[seen:], len(load.seconds)
        space = store.keeping.space()
        looks.append({
            "second": round(time.monotonic() - began, 1), "commits": len(fresh),
            **milliseconds(fresh), "log": space.log, "file": space.file, "memory": resident(),
        })  # fmt: skip
    load.over.set()
    for thread in threads:
        thread.join()
    return looks


def main() -> None:
    """Run it, print what came out, and fail where a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rows", type=int, default=1_000, help="rows of a commit")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two commits")
    parser.add_argument("--json", type=Path, help="where every look goes")
    asked = parser.parse_args()
    features = tuple(Column(name, Kind.NUMERIC) for name in FEATURES)
    with tempfile.TemporaryDirectory() as place:
        store = open_store(Path(place))
        store.write(
            lambda t: t.events.prepare(MODEL, Schema(task=Task.REGRESSION, features=features))
        ).result()
        load = Load(store, asked.rows, asked.pause)
        looks = soaked(asked.seconds, load, store)
        store.close()
    whole = milliseconds(load.seconds)
    ratio = whole["p99"] / whole["p50"]
    middle = looks[len(looks) // 2 :]
    print(f"{len(load.seconds)} commits of {asked.rows} rows, {load.reads} reads beside them")
    print(f"a commit: p50 {whole['p50']} ms, p99 {whole['p99']} ms ({ratio:.1f} times), "
          f"longest {whole['max']} ms")  # fmt: skip
    print(f"log at most {max(look['log'] for look in looks) / 2**20:.0f} MiB, file "
          f"{looks[-1]['file'] / 2**20:.0f} MiB")  # fmt: skip
    print(f"memory {looks[0]['memory'] / 2**20:.0f} MiB after a second, "
          f"{middle[0]['memory'] / 2**20:.0f} half way, {looks[-1]['memory'] / 2**20:.0f} at the end")  # fmt: skip
    if asked.json:
        asked.json.write_text(json.dumps({"whole": whole, "looks": looks}))
    if ratio >= MOST_RATIO:
        sys.exit(f"p99 is {ratio:.1f} times the median; expected less than {MOST_RATIO:g}")


if __name__ == "__main__":
    main()
