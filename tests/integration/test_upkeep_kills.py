"""Killed at random moments while rows come, age and are erased, while the log is folded in, the
file written anew and a backup taken: what was acknowledged is there once, what was erased is not.

LEEBOARD_KILLS says how often; three times unless told.
"""

import os
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from controlplane.domain.journal import Entry, first_break
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known
from controlplane.store.restoring import manifest_of, prove
from tests.killed import begun, killed

LIVES = int(os.environ.get("LEEBOARD_KILLS", "3"))
ROWS = 5

pytestmark = pytest.mark.slow

LIFE = """
import logging, sys, threading, time
from pathlib import Path
import structlog
from controlplane.domain.errors import Conflict
from controlplane.ingest.erasing import erase
from controlplane.store import checkpoints, compacting
from controlplane.store.backup import packed
from controlplane.store.duckdb_store import open_store
from controlplane.store.keeping import Aged
from controlplane.store.restoring import unpacked
from controlplane.store.writer import Limits
from tests.stored import HOUR, NOON, SCHEMA, a_model, predictions

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
data, life = Path(sys.argv[1]), int(sys.argv[2])
checkpoints.LARGE, checkpoints.WORTHWHILE, checkpoints.RETRY_SECONDS = 20_000, 1, 0.0
compacting.LARGE = 100
store = open_store(data, limits=Limits(rest_seconds=0.01))
told = threading.Lock()

def say(*words):
    with told:
        print(*words, flush=True)

for model in ("bikes", "old"):
    a_model(store, name=model)
    store.write(lambda t, m=model: t.events.prepare(m, SCHEMA)).result()
say("ready")

def batch(model, number):
    ids = [f"{number}-{k}" for k in range(5)]
    rows = predictions(ids, [number / 1000 + k / 10**6 for k in range(5)])
    def work(t):
        t.events.append_predictions(model, rows)
        t.ledger.journal(model=model, at=NOON, kind="batch", subject=str(number), by="t", facts={})
    return work

def writes():
    for number in range(life * 100_000, (life + 1) * 100_000):
        store.write(batch("bikes", number)).result()
        say("b", number)
        store.write(batch("old", number)).result()
        say("o", number)
        if number % 2 == 1:
            say("e?", number - 1)
            erase(store, "bikes", [f"{number - 1}-{k}" for k in range(5)], at=NOON, by="t")
            say("e", number - 1)
        if number % 5 == 4:
            bound = number - 3
            say("a?", bound)
            aged = Aged(before=NOON + bound / 1000 * HOUR)
            while store.write(lambda t: t.upkeep.age("old", aged, most=3)).result():
                pass
            say("a", bound)

def tends():
    turn = 0
    while True:
        turn += 1
        try:
            if turn % 2:
                store.keeping.compact(NOON + (life * 10_000 + turn) * HOUR / 10_000)
                say("c")
            else:
                folder = data.parent / f"backup-{life}-{turn}"
                with store.keeping.copying() as held:
                    unpacked(packed(held, data, made_at=NOON, leeboard="0"), folder)
                say("k", folder.name)
        except Conflict:
            pass  # rows were deleted meanwhile
        time.sleep(0.05)

threads = [threading.Thread(target=work, daemon=True) for work in (writes, tends)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


class Heard:
    """What all lives said."""

    def __init__(self) -> None:
        self.batches: dict[str, set[int]] = defaultdict(set)
        self.erased: set[int] = set()
        self.maybe_erased: set[int] = set()
        self.aged = self.maybe_aged = -1
        self.backups: list[str] = []
        self.compactions = 0

    def line(self, line: str) -> None:
        kind, *words = line.split()
        match kind:
            case "b" | "o":
                self.batches[kind].add(int(words[0]))
            case "e":
                self.erased.add(int(words[0]))
            case "e?":
                self.maybe_erased.add(int(words[0]))
            case "a":
                self.aged = max(self.aged, int(words[0]))
            case "a?":
                self.maybe_aged = max(self.maybe_aged, int(words[0]))
            case "k":
                self.backups.append(words[0])
            case "c":
                self.compactions += 1


def lived(data: Path, life: int, chance: np.random.Generator, heard: Heard) -> None:
    """One life: killed a moment after it has done so many things, whatever that takes."""
    process = begun(LIFE, str(data), str(life))
    assert process.stdout is not None
    for _ in range(chance.integers(1, 30)):
        heard.line(process.stdout.readline())
    for line in killed(process, chance.uniform(0.0, 0.1)):
        heard.line(line)


def counted(ids: list[str]) -> dict[int, int]:
    """Batch to how many of its rows there are; none is there twice."""
    assert len(ids) == len(set(ids))
    found: dict[int, int] = defaultdict(int)
    for id in ids:  # noqa: A001 - as rows call it
        found[int(id.split("-")[0])] += 1
    return found


def checked(data: Path, heard: Heard) -> None:
    store = open_store(data)
    with store.read() as view:
        entries = view.ledger.find(Entry)
        bikes = counted(view.events.rows("bikes", [], Known())["id"].to_pylist())
        old = counted(view.events.rows("old", [], Known())["id"].to_pylist())
    store.close()
    assert first_break(entries) is None
    journal = {m: [int(e.subject) for e in entries if (e.model, e.kind) == (m, "batch")]
               for m in ("bikes", "old")}  # fmt: skip
    assert all(len(numbers) == len(set(numbers)) for numbers in journal.values())
    assert heard.batches["b"] <= set(journal["bikes"])
    assert heard.batches["o"] <= set(journal["old"])

    assert set(bikes) <= set(journal["bikes"])
    assert set(bikes.values()) <= {ROWS}, "torn"
    gone = set(journal["bikes"]) - set(bikes)
    assert heard.erased <= gone <= heard.maybe_erased
    assert all(number >= heard.aged for number in old)
    kept = [number for number in journal["old"] if number >= heard.maybe_aged]
    assert [old[number] for number in kept] == [ROWS] * len(kept)


def test_killed_at_random_moments_nothing_is_lost_torn_or_there_again(tmp_path: Path) -> None:
    chance, heard, data = np.random.default_rng(20260301), Heard(), tmp_path / "data"
    for life in range(LIVES):
        lived(data, life, chance, heard)
        checked(data, heard)
    for name in heard.backups:
        prove(tmp_path / name, manifest_of(tmp_path / name))
    assert len(heard.batches["b"]) > LIVES
    left = {path.name for path in data.iterdir()} - {"ids"}
    assert left == {"leeboard.duckdb"}
    sys.stdout.write(f"{LIVES} kills: {len(heard.batches['b']) + len(heard.batches['o'])} batches, "
                     f"{len(heard.erased)} erasures, {heard.compactions} compactions, "
                     f"{len(heard.backups)} backups\n")  # fmt: skip
