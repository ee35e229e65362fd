"""What the store costs as a model's history grows: 1, 10 and 100 million rows, 1 to 1,000 models.

Rows come 100 ms apart in commits of 10,000, one in a hundred late by up to a day; each has an id
of its own and 21 features; its label comes a day later, in another commit. Then, in processes of
their own: commits, labels of yesterday's rows, windows of 100,000 rows, and how long the store
takes to open after it was closed and after it was killed. CPU seconds beside wall time, since
the machine may be busy. `--full` also fills 10 and 100 million rows: 12 GB and the better part
of an hour.

    python benchmarks/history.py            a million rows, 1 and 100 models
    python benchmarks/history.py --full     and draws benchmarks/history.svg
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from history_plot import drawn

from controlplane.domain.schema import Column, Schema, Task
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known, Store
from detectors.finding import Kind

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
EACH = 100_000
DAY = 864_000
"""Rows of a day."""
COMMIT = 10_000
WINDOW = 100_000
FEATURES = [f"f{number}" for number in range(21)]
INSTANT = pa.timestamp("us", "UTC")
T = TypeVar("T")
BYTES_A_ROW = 110
LOG_BYTES = 36 << 20
"""Of the log that is there when the process is killed: shortly before it is folded in."""
RESULTS = Path(__file__).with_name("history.json")
PLOT = Path(__file__).with_name("history.svg")


def known_micros(numbers: np.ndarray) -> np.ndarray:
    """When rows become known, in microseconds."""
    return int(BEGIN.timestamp() * 1e6) + numbers * EACH


def rows_of(first: int, count: int) -> pa.Table:
    """Rows number `first` and on; the same whenever they are asked for."""
    draws = np.random.default_rng(first)
    numbers = np.arange(first, first + count)
    known = known_micros(numbers)
    columns = {
        "id": ids_of(numbers), "at": pa.array(event_micros(numbers), INSTANT),
        "known_at": pa.array(known, INSTANT), "version": pa.array(["v1"] * count),
        "role": pa.array(["live"] * count), "prediction": draws.normal(size=count),
    }  # fmt: skip
    features = {name: np.round(draws.normal(size=count), 2) for name in FEATURES}
    return pa.table(columns | features)


def ids_of(numbers: np.ndarray) -> pa.Array:
    """An id a row."""
    return pa.array(np.char.add("order-", numbers.astype(np.str_)))


def event_micros(numbers: np.ndarray) -> np.ndarray:
    """When rows happened: one in a hundred up to a day before it became known."""
    mixed = (numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
    late = np.where(mixed % 100 == 0, mixed * np.uint64(1_000_003) % np.uint64(86_400_000_000), 0)
    return known_micros(numbers) - late.astype(np.int64)


def labels_of(numbers: np.ndarray) -> pa.Table:
    """The labels of rows, known a day after them."""
    count = len(numbers)
    return pa.table({
        "id": ids_of(numbers), "label": (numbers % 7).astype(np.float64),
        "known_at": pa.array(known_micros(numbers) + 86_400_000_000, INSTANT),
        "at": pa.nulls(count, INSTANT),
    })  # fmt: skip


def memory() -> dict[str, float]:
    """MiB that the process has: its own, and pages of files that the system may take back."""
    found = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in {"VmRSS", "RssAnon", "RssFile", "VmHWM"}:
            found[name] = int(rest.split()[0]) / 1024
    return found


class Times:
    """Wall and CPU seconds of the pieces of a series."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def run(self, work: Callable[[], T]) -> T:
        """Do a piece."""
        cpu, wall = time.process_time(), time.perf_counter()
        found = work()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)
        return found

    def figures(self, name: str) -> dict[str, float]:
        """Milliseconds."""
        wall = np.array(self.wall) * 1e3
        return {
            f"{name} cpu": float(np.mean(self.cpu) * 1e3),
            f"{name} p50": float(np.median(wall)), f"{name} p99": float(np.quantile(wall, 0.99)),
        }  # fmt: skip


def model_name(number: int) -> str:
    """Of many."""
    return f"m{number:04d}"


def make_models(store: Store, models: int) -> None:
    """The tables of models."""
    schema = Schema(
        task=Task.REGRESSION, features=tuple(Column(name, Kind.NUMERIC) for name in FEATURES)
    )
    for number in range(models):
        store.write(lambda t, n=number: t.events.prepare(model_name(n), schema)).result()


def append(store: Store, model: str, rows: pa.Table) -> None:
    """A commit of rows."""
    received = store.write(lambda t: t.events.append_predictions(model, rows)).result()
    assert received.accepted == rows.num_rows, received


def tell(store: Store, model: str, told: pa.Table) -> None:
    """A commit of labels."""
    received = store.write(lambda t: t.events.append_labels(model, told)).result()
    assert received.accepted == told.num_rows, received


def fill(folder: Path, rows: int, models: int) -> dict[str, float]:
    """Rows to begin with, spread over the models; a day later their labels."""
    store = open_store(folder)
    make_models(store, models)
    each = rows // models
    commit = min(each, 5 * COMMIT)
    for number in range(models):
        model = model_name(number)
        for first in range(0, each, commit):
            append(store, model, rows_of(first, commit))
            told = first - DAY
            if told >= 0:
                tell(store, model, labels_of(np.arange(told, told + commit)))
    store.close()
    return {}


def opened(folder: Path, rows: int, models: int) -> dict[str, float]:
    """Until the store answers a question, and until it has taken a row."""
    began = time.perf_counter()
    store = open_store(folder)
    with store.read() as view:
        counts = view.events.counts(model_name(0))
    opened_after = time.perf_counter() - began
    assert counts.predictions >= rows // models
    row = rows_of(10**9 + os.getpid(), 1)
    append(store, model_name(0), row)
    taken_after = time.perf_counter() - began
    memory_then = memory()
    store.close()
    return {"open": opened_after, "first commit": taken_after, **memory_then}


def taking(store: Store, each: int, models: int) -> dict[str, float]:
    """Commits of rows, and of the labels of rows that came a day before the last."""
    chance = np.random.default_rng(1)
    commits, told = Times(), Times()
    for number in range(min(60, max(20, 200 // models))):
        for chosen in chance.choice(models, min(models, 10), replace=False):
            rows = rows_of(each + number * COMMIT, COMMIT)
            commits.run(partial(append, store, model_name(int(chosen)), rows))
    for number in range(20):
        low = max(each - DAY + number * COMMIT, 0)
        labels = labels_of(np.sort(chance.permutation(np.arange(low, low + COMMIT))))
        told.run(partial(tell, store, model_name(number % models), labels))
    return commits.figures("commit") | told.figures("labels")


def asking(store: Store, each: int) -> dict[str, float]:
    """Windows near the beginning, in the middle and near the end of a model's history."""
    windows, joined, numbered, news, counts = Times(), Times(), Times(), Times(), Times()
    name = model_name(0)
    for share in (0.1, 0.5, 0.9) * 3:
        first = int(share * each)
        start = BEGIN + timedelta(microseconds=first * EACH)
        end = start + timedelta(microseconds=WINDOW * EACH)
        known = Known(start=start, end=end)
        with store.read() as view:
            events = view.events
            windows.run(partial(events.rows, name, FEATURES, known))
            joined.run(partial(events.labelled, name, [], known))
            numbered.run(partial(events.row_numbers, name, first, first + 1000))
            news.run(partial(events.new_labels, name, start, end))
            counts.run(partial(events.counts, name))
    return {
        **windows.figures("window"), **joined.figures("joined"), **numbered.figures("numbered"),
        **news.figures("news"), **counts.figures("counts"),
    }  # fmt: skip


def measured(folder: Path, rows: int, models: int) -> dict[str, float]:
    """What it costs; then the process kills itself, shortly before the log would be folded in."""
    store = open_store(folder)
    each = rows // models
    found = taking(store, each, models) | asking(store, each) | memory()
    database = folder / "leeboard.duckdb"
    log = folder / "leeboard.duckdb.wal"
    found["file MiB"] = database.stat().st_size / 2**20
    found["ids MiB"] = sum(p.stat().st_size for p in (folder / "ids").rglob("*.run")) / 2**20
    first = each + 10**7
    while not log.exists() or log.stat().st_size < LOG_BYTES:
        append(store, model_name(0), rows_of(first, COMMIT))
        first += COMMIT
    found["log MiB"] = log.stat().st_size / 2**20
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
    return found


STEPS = {"fill": fill, "open": opened, "measure": measured}


def apart(step: str, folder: Path, rows: int, models: int) -> dict[str, float]:
    """A step in a process of its own."""
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder),
               "--rows", str(rows), "--models", str(models)]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    lines = done.stdout.splitlines()
    if not lines:
        message = f"{step} at {rows} rows of {models} models ended with {done.returncode}"
        raise SystemExit(message)
    return json.loads(lines[-1])


def case(rows: int, models: int, scratch: Path) -> dict[str, float]:
    """One line of the table."""
    free = shutil.disk_usage(scratch).free
    if free < 2 * rows * BYTES_A_ROW:
        print(f"{rows:,} rows want {2 * rows * BYTES_A_ROW >> 30} GiB, {free >> 30} are free")
        return {}
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        apart("fill", folder, rows, models)
        clean = apart("open", folder, rows, models)
        found = apart("measure", folder, rows, models)
        killed = apart("open", folder, rows, models)
    return {
        "rows": rows, "models": models, "open": clean["open"],
        "first commit": clean["first commit"],
        "open after kill": killed["open"], **found,
    }  # fmt: skip


COLUMNS: dict[str, Callable[[dict[str, float]], str]] = {
    "rows": lambda f: f"{f['rows']:,}",
    "models": lambda f: f"{f['models']:,}",
    "commit of 10,000 rows, CPU ms (p50 / p99)": lambda f: _cell(
        f, "commit", f"{f['commit p99']:.0f}"
    ),
    "10,000 labels of yesterday": lambda f: _cell(f, "labels", f"{f['labels p99']:.0f}"),
    "window of 100,000 rows": lambda f: _of_window(f, "window"),
    "its labels": lambda f: _of_window(f, "joined"),
    "rows by number": lambda f: _cell(f, "numbered"),
    "new labels of 3 h": lambda f: _of_window(f, "news"),
    "counts": lambda f: _cell(f, "counts"),
    "open, s": lambda f: f"{f['open']:.2f}",
    "first row, s": lambda f: f"{f['first commit']:.2f}",
    "open after a kill, s (log, MiB)": lambda f: f"{f['open after kill']:.2f} ({f['log MiB']:.0f})",
    "memory, MiB: own / with files": lambda f: f"{f['RssAnon']:.0f} / {f['VmHWM']:.0f}",
    "database / ids, MiB": lambda f: f"{f['file MiB']:,.0f} / {f['ids MiB']:,.0f}",
}


def _cell(found: dict[str, float], name: str, worst: str = "") -> str:
    more = f" / {worst}" if worst else ""
    return f"{found[f'{name} cpu']:.0f} ({found[f'{name} p50']:.0f}{more})"


def _of_window(found: dict[str, float], name: str) -> str:
    """Only where a model has as many rows."""
    return _cell(found, name) if found["rows"] >= 2 * WINDOW * found["models"] else ""


def table(found: list[dict[str, float]]) -> str:
    """As the page of results has it: a question a line, a size a column."""
    lines = [
        f"| {name} | " + " | ".join(cell(one) for one in found) + " |"
        for name, cell in COLUMNS.items()
    ]
    return "\n".join([lines[0], "|" + " --- |" * (len(found) + 1), *lines[1:]])


def main() -> int:
    """Print the table; with `--full` keep it and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="10 and 100 million rows too")
    parser.add_argument("--most", type=int, default=10**8, help="no more rows than these")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--models", type=int, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.step:
        print(json.dumps(STEPS[told.step](told.folder, told.rows, told.models)))
        return 0
    cases = [(10**6, 1), (10**6, 100)]
    if told.full:
        cases = [(10**6, 1), (10**7, 1), (10**8, 1), (10**7, 100), (10**7, 1000)]
    found = []
    for rows, models in cases:
        if rows <= told.most and (line := case(rows, models, told.scratch)):
            found.append(line)
            print(table(found), flush=True)
    if told.full:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        PLOT.write_text(drawn(found))
    return 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
