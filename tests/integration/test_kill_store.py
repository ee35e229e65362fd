"""A store in a process of its own: killed at any moment, out of space, and opened twice.

LEEBOARD_KILLS says how often; four times unless told.
"""

import os
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import pytest

from controlplane.domain.errors import StorageError
from controlplane.domain.journal import Entry, first_break
from controlplane.store.duckdb_store import open_store
from controlplane.store.migrate import FOLDER
from controlplane.store.ports import Known
from tests.killed import begun, child, killed
from tests.stored import MODEL

LIVES = int(os.environ.get("LEEBOARD_KILLS", "4"))

COMMITS = """
import sys, os
from pathlib import Path
from controlplane.store.duckdb_store import open_store
from tests.stored import HOUR, MODEL, NOON, SCHEMA, predictions
store = open_store(Path(sys.argv[1]))
first = int(sys.argv[2])
store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()

def work(number):
    def inside(t):
        ids = [f"{number}-{k}" for k in range(5)]
        t.events.append_predictions(MODEL, predictions(ids, [number + k / 10 for k in range(5)]))
        t.ledger.journal(model=MODEL, at=NOON, kind="batch", subject=str(number), by="t", facts={})
        return number
    return inside

print("ready", flush=True)
waiting = []
for number in range(first, first + 100_000):
    waiting.append(store.write(work(number)))
    if len(waiting) == 4:
        print(waiting.pop(0).result(), flush=True)
"""


@pytest.mark.slow
def test_killed_at_random_moments_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    chance = np.random.default_rng(7)
    acknowledged: list[int] = []
    for life in range(LIVES):
        process = begun(COMMITS, str(tmp_path), str(life * 100_000))
        acknowledged += map(int, killed(process, chance.uniform(0.05, 0.7)))
    store = open_store(tmp_path)
    with store.read() as view:
        entries = view.ledger.find(Entry)
        ids = view.events.rows(MODEL, [], Known())["id"].to_pylist()
    store.close()
    batches = [int(entry.subject) for entry in entries]
    assert len(acknowledged) > LIVES
    assert set(acknowledged) <= set(batches)
    assert len(batches) == len(set(batches))
    assert sorted(ids) == sorted(f"{number}-{k}" for number in batches for k in range(5))
    assert first_break(entries) is None


HOLDS = """
import sys
from pathlib import Path
from controlplane.store.duckdb_store import open_store
store = open_store(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
store.close()
"""


def test_a_second_server_on_one_file_is_told_who_holds_it(tmp_path: Path) -> None:
    holder = begun(HOLDS, str(tmp_path), stdin=subprocess.PIPE)
    with pytest.raises(StorageError) as refused:
        open_store(tmp_path)
    holder.communicate("\n")
    assert str(refused.value) == (
        f"{tmp_path}/leeboard.duckdb is in use by process {holder.pid}; stop that server, or give "
        "this one another directory"
    )
    assert holder.returncode == 0
    open_store(tmp_path).close()


FILLS = """
import resource, signal, sys
from pathlib import Path
from controlplane.domain.errors import StorageError
from controlplane.store.duckdb_store import open_store
from tests.stored import MODEL, NOON, SCHEMA, predictions
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = open_store(Path(sys.argv[1]))
store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)

def batch(number):
    ids = [f"{number}-{k}" for k in range(2_000)]
    rows = predictions(ids, [number + k / 3600 for k in range(2_000)])
    return store.write(lambda t: t.events.append_predictions(MODEL, rows)).result()

resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, unlimited[1]))
stored, refused = 0, []
for number in range(60):
    try:
        batch(number)
        stored += 1
    except StorageError as error:
        refused.append(str(error))
with store.read() as view:
    assert view.events.counts(MODEL).predictions == stored * 2_000, "readable while full"
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
batch(1000)
store.close()
print(stored, len(refused))
print(refused[0])
"""


@pytest.mark.slow
def test_without_space_it_says_so_and_goes_on_when_there_is_some(tmp_path: Path) -> None:
    output, _ = child(FILLS, str(tmp_path)).communicate(timeout=60)
    figures, reason = output.splitlines()
    stored, refused = map(int, figures.split())
    assert stored > 0
    assert refused > 0
    assert stored + refused == 60
    assert "no space left" in reason
    assert "leeboard.duckdb" in reason
    store = open_store(tmp_path)
    with store.read() as view:
        assert view.events.counts(MODEL).predictions == (stored + 1) * 2_000
    store.close()


BREAKS = """
import io, resource, signal, sys, threading, time
from pathlib import Path
import structlog
from controlplane.store import checkpoints
from controlplane.domain.errors import StorageError
from controlplane.store.duckdb_store import open_store
from tests.stored import MODEL, NOON, SCHEMA, predictions
from controlplane.store.writer import Limits
said = io.StringIO()
structlog.configure(logger_factory=structlog.PrintLoggerFactory(said))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
checkpoints.LARGE = checkpoints.WORTHWHILE = 2**30
store = open_store(Path(sys.argv[1]), limits=Limits(rest_seconds=0.1))
store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
ids = [f"{k}" for k in range(50_000)]
store.write(lambda t: t.events.append_predictions(MODEL, predictions(ids, [k / 3600 for k in range(50_000)]))).result()
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, unlimited[1]))
over = threading.Event()

def look():
    while not over.is_set():
        try:
            with store.read() as view:
                assert view.events.counts(MODEL).predictions == 50_000
        except StorageError:
            pass

readers = [threading.Thread(target=look) for _ in range(4)]
for reader in readers:
    reader.start()
checkpoints.LARGE = 1
while "opens_anew" not in said.getvalue():
    time.sleep(0.05)
checkpoints.LARGE = 2**30
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
store.write(lambda _: None).result()  # what readiness asks for: it comes back when the file is open
over.set()
for reader in readers:
    reader.join()
assert "readers hold it still" not in said.getvalue(), said.getvalue()
store.write(lambda t: t.events.append_predictions(MODEL, predictions(["new"], [1]))).result()
with store.read() as view:
    print(view.events.counts(MODEL).predictions)
store.close()
"""


@pytest.mark.slow
def test_after_duckdb_gave_the_file_up_it_is_opened_anew(tmp_path: Path) -> None:
    output, _ = child(BREAKS, str(tmp_path)).communicate(timeout=60)
    assert output.splitlines() == ["50001"]


def test_a_file_of_a_newer_schema_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with duckdb.connect(str(tmp_path / "leeboard.duckdb")) as file:
        file.execute("insert into schema_migrations values (99, 'future', '', null)")
    with pytest.raises(
        StorageError, match=r"has schema 99, this Leeboard knows \d+; start the newer"
    ):
        open_store(tmp_path)
    with duckdb.connect(str(tmp_path / "leeboard.duckdb")) as file:
        [[ran]] = file.execute("select count(*) from schema_migrations").fetchall()
    assert ran == len(list(FOLDER.glob("*.sql"))) + 1


def test_a_file_that_is_no_store_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "leeboard.duckdb").write_bytes(b"something else entirely" * 500)
    with pytest.raises(StorageError, match=r"leeboard\.duckdb is not a Leeboard store; move it"):
        open_store(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="does not open"):
        open_store(tmp_path / "file")
