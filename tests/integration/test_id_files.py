"""Indexes of ids in files: written and merged beside commits, killed, damaged, made anew."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
from structlog.testing import capture_logs

from controlplane.domain.journal import Entry
from controlplane.store import id_index, id_keeping, id_work
from controlplane.store.catalog import LABELS, PREDICTIONS
from controlplane.store.duckdb_store import open_store
from controlplane.store.id_index import IdIndex, to_merge
from controlplane.store.keeping import Aged
from controlplane.store.ports import Known, Received, Store
from controlplane.store.writer import Limits
from tests.killed import begun, killed
from tests.stored import HOUR, MODEL, NOON, SCHEMA, labels, predictions

LIVES = 4
SMALL = "id_keeping.LARGE = id_work.LARGE = 40; id_work.WORTHWHILE = 10; id_index.FAN = 2"

COMMITS = f"""
import sys
from pathlib import Path
from controlplane.store import id_index, id_keeping, id_work
from controlplane.store.duckdb_store import open_store
from tests.integration.test_id_files import a_batch, told_of
from tests.stored import MODEL, NOON, SCHEMA
{SMALL}
store = open_store(Path(sys.argv[1]))
first, before = int(sys.argv[2]), [int(n) for n in sys.argv[3:]]
store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()

def work(number):
    def inside(t):
        accepted = t.events.append_predictions(MODEL, a_batch(number)).accepted
        assert accepted == 5, (number, accepted)
        for about in (number - 2, number + 1):  # the one is there, the other is not yet
            t.events.append_labels(MODEL, told_of(about, number))
        t.ledger.journal(model=MODEL, at=NOON, kind="batch", subject=str(number), by="t", facts={{}})
        return number
    return inside

for number in before:
    again = store.write(lambda t, n=number: t.events.append_predictions(MODEL, a_batch(n))).result()
    assert (again.accepted, again.duplicates) == (0, 5), (number, again)
print("ready", flush=True)
waiting = []
for number in range(first, first + 100_000):
    waiting.append(store.write(work(number)))
    if len(waiting) == 4:
        print(waiting.pop(0).result(), flush=True)
"""


def a_batch(number: int):
    """Five rows, at moments of their own."""
    return predictions(
        [f"{number}-{k}" for k in range(5)], [number / 4 + k / 100 for k in range(5)]
    )


def told_of(number: int, by: int):
    """Labels of a batch: one that waits is corrected when its rows are there."""
    ids = [f"{number}-{k}" for k in range(3)]
    return labels(ids, [float(by)] * 3, [by / 4 + 1] * 3)


@pytest.mark.slow
def test_killed_while_files_are_written_no_row_comes_twice_and_no_label_is_lost(
    tmp_path: Path,
) -> None:
    chance = np.random.default_rng(3)
    acknowledged: list[int] = []
    for life in range(LIVES):
        again = map(str, acknowledged[-6:] + acknowledged[:6])
        process = begun(COMMITS, str(tmp_path), str(life * 100_000 + 10), *again)
        acknowledged += map(int, killed(process, chance.uniform(0.05, 0.8)))
    assert list((tmp_path / "ids").rglob("*.run"))
    store = open_store(tmp_path)
    with store.read() as view:
        batches = [int(entry.subject) for entry in view.ledger.find(Entry)]
        ids = view.events.rows(MODEL, [], Known())["id"].to_pylist()
        joined = view.events.labelled(MODEL, [], Known())
        counts = view.events.counts(MODEL)
    store.close()
    assert set(acknowledged) <= set(batches)
    assert sorted(ids) == sorted(f"{number}-{k}" for number in batches for k in range(5))
    there = set(batches)
    last = {n: max(b for b in (n - 1, n + 2) if b in there) for n in batches
            if {n - 1, n + 2} & there}  # fmt: skip
    expected = {f"{n}-{k}": float(by) for n, by in last.items() for k in range(3)}
    assert dict(zip(joined["id"].to_pylist(), joined["label"].to_pylist(), strict=True)) == expected
    assert counts.labels == 6 * len(batches)


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forty rows make a file, two files are merged."""
    for module, name, rows in (
        (id_keeping, "LARGE", 40), (id_work, "LARGE", 40), (id_work, "WORTHWHILE", 10),
        (id_index, "FAN", 2),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, rows)
    return


def an_open_store(folder: Path) -> Store:
    store = open_store(folder, limits=Limits(rest_seconds=0.02))
    store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    return store


def sent(store: Store, number: int) -> Received:
    return store.write(lambda t: t.events.append_predictions(MODEL, a_batch(number))).result()


def told(store: Store, number: int) -> Received:
    return store.write(lambda t: t.events.append_labels(MODEL, told_of(number, number))).result()


def index_of(store: Store, table: str) -> IdIndex:
    found = store._published.indexes.ready(table)
    assert found is not None
    return found


def until(happened: Callable[[], object]) -> None:
    for _ in range(500):
        if happened():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen within ten seconds")


def in_files(store: Store, table: str) -> bool:
    index = index_of(store, table)
    is_quiet = index.rows_fresh < 10 and not index.held.leaving
    return is_quiet and index.is_agreed and not to_merge(index.held.runs)


def test_fresh_rows_go_into_files_and_files_into_one(tmp_path: Path, small_files: None) -> None:
    store = an_open_store(tmp_path)
    for number in range(60):
        sent(store, number)
        told(store, number)
    until(lambda: in_files(store, PREDICTIONS + MODEL) and in_files(store, LABELS + MODEL))
    runs = [index_of(store, table + MODEL).held.runs for table in (PREDICTIONS, LABELS)]
    assert sum(run.rows for run in runs[0]) >= 290
    assert all(len(some) <= 4 for some in runs)
    assert {path.name for path in (tmp_path / "ids").rglob("*.run")} == {
        run.path.name for some in runs for run in some
    }
    assert all(sent(store, number).duplicates == 5 for number in range(60))
    assert all(told(store, number).duplicates == 3 for number in range(60))
    store.close()
    again = an_open_store(tmp_path)
    assert sent(again, 7).duplicates == 5
    index = index_of(again, PREDICTIONS + MODEL)
    assert index.covered >= 290
    assert index.rows_fresh < 10
    again.close()


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 8)


def altered(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)
        file.seek(5000)
        file.write(bytes([byte[0] ^ 1]))


def garbled(path: Path) -> None:
    path.with_name("runs.json").write_text("{")


@pytest.mark.parametrize("damage", [cut_short, altered, garbled, Path.unlink])
def test_an_index_whose_files_are_damaged_is_made_anew(
    tmp_path: Path, small_files: None, damage: Callable[[Path], object]
) -> None:
    store = an_open_store(tmp_path)
    for number in range(30):
        sent(store, number)
    until(lambda: in_files(store, PREDICTIONS + MODEL))
    store.close()
    damage(min((tmp_path / "ids").rglob("*.run")))
    with capture_logs() as said:
        store = an_open_store(tmp_path)
        sent(store, 30)
        until(lambda: any(entry["event"] == "ids_are_indexed_anew" for entry in said))
        assert all(sent(store, number).duplicates == 5 for number in range(31))
        until(lambda: in_files(store, PREDICTIONS + MODEL))
    store.close()
    assert [entry["table"] for entry in said if entry["event"] == "ids_are_indexed_anew"] == [
        PREDICTIONS + MODEL
    ]


def test_files_of_another_history_are_not_believed(tmp_path: Path, small_files: None) -> None:
    """The database is put back to an earlier day, while the files know rows of today."""
    store = an_open_store(tmp_path)
    for number in range(10):
        sent(store, number)
    until(lambda: in_files(store, PREDICTIONS + MODEL))
    store.close()
    earlier = (tmp_path / "leeboard.duckdb").read_bytes()
    store = an_open_store(tmp_path)
    for number in range(10, 40):
        sent(store, number)
    until(lambda: in_files(store, PREDICTIONS + MODEL))
    store.close()
    (tmp_path / "leeboard.duckdb").write_bytes(earlier)
    store = an_open_store(tmp_path)
    assert all(sent(store, number).duplicates == 5 for number in range(10))
    assert all(sent(store, number).accepted == 5 for number in range(10, 40))
    assert all(sent(store, number).duplicates == 5 for number in range(40))
    store.close()


def test_what_is_too_old_to_be_kept_leaves_the_files_too(tmp_path: Path, small_files: None) -> None:
    store = an_open_store(tmp_path)
    for number in range(40):
        sent(store, number)
    until(lambda: in_files(store, PREDICTIONS + MODEL))
    aged = Aged(before=NOON + 9 * HOUR)
    assert store.write(lambda t: t.upkeep.age(MODEL, aged, most=1000)).result() == 180
    for number in range(40, 110):
        sent(store, number)
    until(lambda: in_files(store, PREDICTIONS + MODEL))
    kept = sum(run.rows for run in index_of(store, PREDICTIONS + MODEL).held.runs)
    assert 350 <= kept < 550
    assert all(sent(store, number).duplicates == 5 for number in range(36, 110))
    assert sent(store, 0).accepted == 5
    store.close()


def test_a_label_whose_prediction_is_gone_goes_to_the_next_with_its_id(tmp_path: Path) -> None:
    store = an_open_store(tmp_path)
    store.write(lambda t: t.events.append_predictions(MODEL, predictions(["a"], [0]))).result()
    store.write(lambda t: t.events.append_labels(MODEL, labels(["a"], [7.0], [50]))).result()
    store.write(lambda t: t.upkeep.age(MODEL, Aged(before=NOON + 5 * HOUR), most=9)).result()
    again = predictions(["a"], [10])
    found = store.write(lambda t: t.events.append_predictions(MODEL, again)).result()
    assert found == Received(accepted=1)
    with store.read() as view:
        assert view.events.labelled(MODEL, [], Known())["label"].to_pylist() == [7.0]
        assert view.events.counts(MODEL).labels == 1
    store.close()


def test_an_id_came_before_where_its_latest_row_is_gone_and_an_earlier_one_is_not(
    tmp_path: Path,
) -> None:
    store = an_open_store(tmp_path)
    rows = predictions(["a", "a", "b"], [1, 3, 3])
    store.write(lambda t: t.events.append_predictions(MODEL, rows)).result()
    aged = Aged(before=NOON + 5 * HOUR, kept=((NOON, NOON + 2 * HOUR),))
    assert store.write(lambda t: t.upkeep.age(MODEL, aged, most=9)).result() == 2
    later = predictions(["a", "b"], [10, 10])
    found = store.write(lambda t: t.events.append_predictions(MODEL, later)).result()
    assert found == Received(accepted=2, reused_ids=1)
    store.close()


def test_without_space_for_files_rows_stay_in_memory(
    tmp_path: Path, small_files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(id_work, "free_bytes", lambda _: 0)
    monkeypatch.setattr(id_work, "RETRY_SECONDS", 0.05)
    store = an_open_store(tmp_path)
    with capture_logs() as said:
        for number in range(20):
            sent(store, number)
        until(lambda: any(entry["event"] == "ids_stay_in_memory" for entry in said))
    assert all(sent(store, number).duplicates == 5 for number in range(20))
    monkeypatch.setattr(id_work, "free_bytes", lambda _: 2**40)
    until(lambda: in_files(store, PREDICTIONS + MODEL))
    assert all(sent(store, number).duplicates == 5 for number in range(20))
    store.close()


def test_a_dropped_models_files_go_with_it(tmp_path: Path, small_files: None) -> None:
    store = an_open_store(tmp_path)
    for number in range(10):
        sent(store, number)
    until(lambda: in_files(store, PREDICTIONS + MODEL))
    store.write(lambda t: t.events.drop(MODEL)).result()
    assert not list((tmp_path / "ids").rglob("*"))
    store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    assert sent(store, 3).accepted == 5
    store.close()


def test_labels_of_an_earlier_file_are_placed_at_the_start(tmp_path: Path) -> None:
    """As a file without the times of predictions beside labels, and without indexes."""
    store = an_open_store(tmp_path)
    for number in range(8):
        told(store, number + 2)
        sent(store, number)
    sent(store, 20)
    store.write(lambda t: t.events.append_predictions(
        MODEL, predictions(["3-1", "3-2"], [400, 500]))).result()  # fmt: skip
    told(store, 20)
    with store.read() as view:
        before = view.events.labelled(MODEL, [], Known())
    store.close()
    with duckdb.connect(str(tmp_path / "leeboard.duckdb")) as file:
        file.execute(f'alter table "{LABELS}{MODEL}" drop column place')
        for table in ("id_indexes", "unplaced_labels"):
            file.execute(f"drop table {table}")
        file.execute("delete from schema_migrations where number = 5")
    with capture_logs() as said:
        store = an_open_store(tmp_path)
    with store.read() as view:
        assert view.events.labelled(MODEL, [], Known()).equals(before)
        assert view.events.counts(MODEL).labels == 27
    sent(store, 9)
    with store.read() as view:
        assert view.events.labelled(MODEL, [], Known()).num_rows == before.num_rows + 3
    store.close()
    assert [entry["model"] for entry in said if entry["event"] == "labels_are_placed"] == [MODEL]
