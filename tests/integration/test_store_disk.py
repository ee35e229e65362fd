"""A disk that is full while the store is looked after: refused in words, nothing acknowledged is
lost, and it goes on when there is space again."""

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.errors import LeeboardError, StorageError
from controlplane.store import checkpoints, compacting
from controlplane.store.backup import packed
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known, Store
from controlplane.store.restoring import prove, unpacked
from controlplane.store.writer import Limits
from tests.integration.test_migrations import made, whole
from tests.small_disks import filled, small_disk
from tests.stored import HOUR, MODEL, NOON, SCHEMA, a_model

LIMIT = 30.0
MIB = 2**20

pytestmark = pytest.mark.slow


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", mib=32) as folder:
        yield folder


@pytest.fixture
def store(disk: Path) -> Iterator[Store]:
    opened = open_store(disk / "data", limits=Limits(rest_seconds=0.05))
    a_model(opened)
    opened.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    yield opened
    opened.close()


class Rows:
    """Batches that no packing makes small, as far as they were acknowledged."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._chance = np.random.default_rng(5)
        self.count = 0

    def add(self, rows: int) -> None:
        numbers = np.arange(self.count, self.count + rows)
        at = pa.array(numbers * 1_000_000, pa.timestamp("us", "UTC"))
        table = pa.table({
            "id": pa.array(numbers.astype(str), pa.string()), "at": at, "known_at": at,
            "version": pa.repeat("v1", rows), "role": pa.repeat("live", rows),
            "prediction": self._chance.random(rows), "wind": self._chance.random(rows),
        })  # fmt: skip
        self._store.write(lambda t: t.events.append_predictions(MODEL, table)).result()
        self.count += rows

    def add_for_ever(self, rows: int) -> None:
        while True:
            self.add(rows)

    def all_there(self) -> bool:
        with self._store.read() as view:
            ids = view.events.rows(MODEL, [], Known())["id"].to_pylist()
        assert sorted(map(int, ids)) == list(range(self.count))
        return True


def until(holds: Callable[[], object]) -> None:
    """Try again, as whoever is refused does."""
    latest = time.monotonic() + LIMIT
    found: object = None
    while not found:
        try:
            found = holds()
        except LeeboardError as error:
            found, said = None, str(error)
            if time.monotonic() > latest:
                pytest.fail(said)
        time.sleep(0.02)


def test_a_checkpoint_on_a_full_disk_breaks_the_file_and_it_opens_anew(
    disk: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "WORTHWHILE", 100 * MIB)
    rows = Rows(store)
    for _ in range(5):
        rows.add(20_000)
    ballast = filled(disk, but=100_000)
    monkeypatch.setattr(checkpoints, "free_bytes", lambda _: 100 * MIB)  # as if there were space
    monkeypatch.setattr(checkpoints, "LARGE", 1)
    with pytest.raises(StorageError):
        rows.add_for_ever(2_000)
    monkeypatch.undo()
    ballast.unlink()
    until(lambda: store.write(lambda _: True).result())
    until(rows.all_there)
    rows.add(1)
    assert rows.all_there()


@pytest.mark.parametrize("foreseen", [True, False])
def test_compacting_on_a_full_disk_leaves_the_file_as_it_was(
    disk: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    foreseen: bool,
) -> None:
    rows = Rows(store)
    rows.add(130_000)
    store.keeping.compact(NOON)
    ballast = filled(disk, but=MIB)
    if not foreseen:
        monkeypatch.setattr(compacting, "free_bytes", lambda _: 100 * MIB)
    with pytest.raises(StorageError, match="are free" if foreseen else "."):
        store.keeping.compact(NOON + HOUR)
    until(rows.all_there)
    ballast.unlink()
    until(lambda: store.keeping.compact(NOON + 2 * HOUR))
    rows.add(1)
    assert rows.all_there()
    assert {path.name for path in (disk / "data").iterdir()} <= {
        "leeboard.duckdb", "leeboard.duckdb.wal", "ids",
    }  # fmt: skip


def test_a_migration_on_a_full_disk_is_made_up_for_later(disk: Path) -> None:
    made(disk / "data", 1)
    with duckdb.connect(str(disk / "data" / "leeboard.duckdb")) as file:
        file.execute("checkpoint")  # or the rest of the log's last page would do
    ballast = filled(disk)
    with pytest.raises(StorageError, match=r"leeboard\.duckdb.* free "):
        open_store(disk / "data")
    ballast.unlink()
    whole(disk / "data")


def test_a_backup_onto_a_full_disk_leaves_the_store_alone(disk: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "data", limits=Limits(rest_seconds=0.05))
    a_model(store)
    store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    rows = Rows(store)
    rows.add(130_000)
    ballast = filled(disk, but=MIB)
    with pytest.raises(OSError) as full, store.keeping.copying() as held:  # noqa: PT011 - its number counts
        unpacked(packed(held, tmp_path / "data", made_at=NOON, leeboard="0"), disk / "b")
    assert full.value.errno == errno.ENOSPC
    shutil.rmtree(disk / "b")
    ballast.unlink()
    rows.add(5)
    with store.keeping.copying() as held:
        manifest = unpacked(packed(held, tmp_path / "data", made_at=NOON, leeboard="0"), disk / "b")
    prove(disk / "b", manifest)
    assert rows.all_there()
    store.close()
