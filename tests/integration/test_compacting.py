"""The file written anew: what was erased is not in it, what is there stays, whoever reads or writes."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.errors import Conflict, StorageError
from controlplane.domain.journal import Entry, first_break
from controlplane.ingest.erasing import erase
from controlplane.store import compacting, keeping_duckdb
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known, Store
from controlplane.store.writer import Limits
from tests.stored import HOUR, MODEL, NOON, SCHEMA, a_model, labels, predictions

SECRET = "person-7f3a9c51e2d8"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path, limits=Limits(rest_seconds=0.05))
    a_model(opened)
    opened.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    yield opened
    opened.close()


def many(prefix: str, count: int) -> pa.Table:
    """Rows that no packing makes small."""
    chance = np.random.default_rng(count)
    ids = [f"{prefix}{k}" for k in range(count)]
    return predictions(ids, [k / 3600 for k in range(count)], wind=pa.array(chance.random(count)),
                       prediction=pa.array(chance.random(count)))  # fmt: skip


def stored(store: Store, rows: pa.Table) -> None:
    store.write(lambda t: t.events.append_predictions(MODEL, rows)).result()


def found_in(folder: Path, text: str) -> list[str]:
    return [p.name for p in folder.iterdir() if p.is_file() and text.encode() in p.read_bytes()]


def test_erased_bytes_are_in_no_file_once_it_is_written_anew(store: Store, tmp_path: Path) -> None:
    stored(store, predictions([SECRET, "b"], [0, 1], sky=pa.array([f"of {SECRET}", "clear"])))
    store.write(lambda t: (
        t.events.append_labels(MODEL, labels([SECRET], [1.0], [2])),
        t.events.append_rejected(MODEL, "labels", NOON, [("no", f'{{"id":"{SECRET}"}}')]),
    )).result()  # fmt: skip
    assert found_in(tmp_path, SECRET) == ["leeboard.duckdb.wal"]
    store.keeping.compact(NOON)
    assert found_in(tmp_path, SECRET) == ["leeboard.duckdb"]

    erase(store, MODEL, [SECRET], at=NOON + HOUR, by="ada")
    assert store.keeping.space().erasures_waiting == 1
    assert found_in(tmp_path, SECRET) == ["leeboard.duckdb"]
    store.keeping.compact(NOON + 2 * HOUR)

    assert found_in(tmp_path, SECRET) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["leeboard.duckdb"]
    space = store.keeping.space()
    assert (space.erasures_waiting, space.compacted_at) == (0, NOON + 2 * HOUR)
    with store.read() as view:
        assert view.events.rows(MODEL, [], Known())["id"].to_pylist() == ["b"]
        assert first_break(view.ledger.find(Entry)) is None


def test_space_comes_back(store: Store) -> None:
    stored(store, many("r", 150_000))
    store.keeping.compact(NOON)
    store.write(lambda t: t.events.drop(MODEL)).result()
    store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    stored(store, many("s", 1_000))
    before, after = store.keeping.compact(NOON + HOUR)
    space = store.keeping.space()
    assert after < before / 2
    assert (space.file, space.free, space.log) == (after, 0, 0)
    assert space.used < after


class Busy:
    """Writers and readers at work while a block lasts; what they saw amiss is in `failures`."""

    def __init__(self, store: Store, rows: int) -> None:
        self.written = 0
        self.failures: list[object] = []
        self._store, self._rows = store, rows
        self._over = threading.Event()
        work = (self._writes, self._reads, self._reads)
        self._threads = [threading.Thread(target=self._looped, args=(each,)) for each in work]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _looped(self, work: Callable[[], None]) -> None:
        try:
            while not self._over.is_set():
                work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.failures.append(error)

    def _writes(self) -> None:
        number = self.written
        self._store.write(lambda t: (
            t.events.append_predictions(MODEL, predictions([f"w{number}"], [number])),
            t.ledger.journal(model=MODEL, at=NOON, kind="batch", subject=str(number), by="t",
                             facts={}),
        )).result()  # fmt: skip
        self.written += 1

    def _reads(self) -> None:
        with self._store.read() as view:
            rows = view.events.counts(MODEL).predictions
            batches = view.ledger.count(Entry)
        if rows != self._rows + batches:
            self.failures.append((rows, batches))


def test_writing_and_reading_go_on_meanwhile(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "LARGE", 1_000)
    stored(store, many("r", 5_000))
    with Busy(store, 5_000) as busy:
        for number in range(3):
            store.keeping.compact(NOON + timedelta(minutes=number))
    assert busy.failures == []
    assert busy.written
    with store.read() as view:
        ids = view.events.rows(MODEL, [], Known())["id"].to_pylist()
        entries = view.ledger.find(Entry)
    assert len(ids) == len(set(ids)) == 5_000 + busy.written
    assert [entry.subject for entry in entries] == [str(number) for number in range(busy.written)]
    assert first_break(entries) is None


def test_a_read_that_lasts_is_waited_for_and_not_broken_off(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping_duckdb, "PATIENCE", 0.01)
    monkeypatch.setattr(keeping_duckdb, "ATTEMPTS", 2)
    monkeypatch.setattr(keeping_duckdb, "PAUSE", 0.01)
    stored(store, many("r", 100))
    with store.read() as view:
        with pytest.raises(Conflict, match="reads kept the file for too long"):
            store.keeping.compact(NOON)
        assert view.events.counts(MODEL).predictions == 100
    store.keeping.compact(NOON)
    with store.read() as view:
        assert view.events.counts(MODEL).predictions == 100


def test_rows_deleted_meanwhile_leave_the_file_as_it_was(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compacting, "LARGE", 10)
    stored(store, many("r", 100))
    begin = compacting.Compaction.begin

    def disturbed(self: compacting.Compaction, session: object) -> None:
        begin(self, session)
        erase(store, MODEL, ["r5"], at=NOON, by="ada")

    monkeypatch.setattr(compacting.Compaction, "begin", disturbed)
    with pytest.raises(Conflict, match=r"rows of predictions/bikes were deleted meanwhile"):
        store.keeping.compact(NOON)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir() if "fresh" in path.name] == []
    stored(store, predictions(["more"], [200]))
    store.keeping.compact(NOON)
    with store.read() as view:
        assert view.events.counts(MODEL).predictions == 100


def test_a_file_that_somebody_holds_open_is_put_back(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(store, predictions(["a"], [0]))
    monkeypatch.setattr(compacting, "_LATEST", "select '2000-01-01'::timestamp")
    with pytest.raises(StorageError, match="was held open while it was written anew"):
        store.keeping.compact(NOON)
    monkeypatch.undo()
    stored(store, predictions(["b"], [1]))
    assert [path.name for path in tmp_path.iterdir() if "fresh" in path.name] == []
    store.keeping.compact(NOON)
    with store.read() as view:
        assert view.events.rows(MODEL, [], Known())["id"].to_pylist() == ["a", "b"]


def test_a_disk_without_links_keeps_the_file_it_has(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(store, predictions(["a"], [0]))

    def refused(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    with pytest.raises(StorageError, match=r"could not take the place of .*: Operation not"):
        store.keeping.compact(NOON)
    stored(store, predictions(["b"], [1]))
    assert [path.name for path in tmp_path.iterdir() if "fresh" in path.name] == []
    with store.read() as view:
        assert view.events.rows(MODEL, [], Known())["id"].to_pylist() == ["a", "b"]


def test_without_space_it_is_not_begun(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "free_bytes", lambda _: 1000)
    with pytest.raises(StorageError, match=r"anew takes \d+ bytes beside it, 1000 are free"):
        store.keeping.compact(NOON)


def test_one_at_a_time(store: Store) -> None:
    with store.keeping.copying():
        with pytest.raises(Conflict, match="under way"):
            store.keeping.compact(NOON)
        with pytest.raises(Conflict, match="under way"), store.keeping.copying():
            pass


def test_a_store_in_memory_has_no_file() -> None:
    store = open_store(None)
    with pytest.raises(StorageError, match="in memory"):
        store.keeping.compact(NOON)
    assert store.keeping.space().file == 0
    store.close()
