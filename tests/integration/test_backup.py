"""Backups of a running server: whole, proved, restored; and what is no backup is told."""

import io
import json
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from controlplane.cli.__main__ import main
from controlplane.domain.errors import Conflict, StorageError
from controlplane.domain.journal import Entry, first_break
from controlplane.store import checkpoints, copying
from controlplane.store.backup import MANIFEST, packed
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known, Store
from controlplane.store.restoring import prove, restore, unpacked
from controlplane.store.writer import Limits
from tests.served import Served
from tests.stored import HOUR, MODEL, NOON, SCHEMA, a_model

ARTIFACT = "ab" * 32


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "data", limits=Limits(rest_seconds=0.05))
    a_model(opened)
    opened.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    (tmp_path / "data" / "artifacts").mkdir()
    (tmp_path / "data" / "artifacts" / f"{ARTIFACT}.tar").write_bytes(b"weights" * 1000)
    (tmp_path / "data" / "artifacts" / "incoming-x.tar").write_bytes(b"half of it")
    yield opened
    opened.close()


def added(store: Store, first: int, count: int) -> None:
    numbers = np.arange(first, first + count)
    at = pa.array(numbers * 1_000_000, pa.timestamp("us", "UTC"))
    rows = pa.table({
        "id": pa.array(numbers.astype(str), pa.string()), "at": at, "known_at": at,
        "version": pa.repeat("v1", count), "role": pa.repeat("live", count),
        "prediction": numbers / 7,
    })  # fmt: skip
    store.write(lambda t: (
        t.events.append_predictions(MODEL, rows),
        t.ledger.journal(model=MODEL, at=NOON, kind="batch", subject=str(first), by="t", facts={}),
    )).result()  # fmt: skip


def backed_up(store: Store, data: Path) -> Iterator[bytes]:
    with store.keeping.copying() as held:
        yield from packed(held, data, made_at=NOON, leeboard="0")


def ids_in(folder: Path) -> list[str]:
    store = open_store(folder)
    try:
        with store.read() as view:
            assert first_break(view.ledger.find(Entry)) is None
            return view.events.rows(MODEL, [], Known())["id"].to_pylist()
    finally:
        store.close()


@pytest.mark.parametrize("size", [5, 130_000])
def test_a_backup_is_the_store_between_two_commits(store: Store, tmp_path: Path, size: int) -> None:
    """Also where so many rows are committed that they go past the log into the file itself."""
    added(store, 0, size)
    parts = backed_up(store, tmp_path / "data")
    first = next(parts)
    added(store, size, size)  # after the moment that is copied
    manifest = unpacked(iter([first, *parts]), tmp_path / "b")
    prove(tmp_path / "b", manifest)
    restore(tmp_path / "b", tmp_path / "new", at=NOON + HOUR, by="ada")

    assert manifest.rows[f"predictions/{MODEL}"] == size
    assert sorted(map(int, ids_in(tmp_path / "new"))) == list(range(size))
    kept = sorted(str(p.relative_to(tmp_path / "new")) for p in (tmp_path / "new").rglob("*"))
    assert kept == ["artifacts", f"artifacts/{ARTIFACT}.tar", "leeboard.duckdb"]
    with store.read() as view:
        assert view.events.counts(MODEL).predictions == 2 * size


def test_the_journal_says_that_it_was_restored(store: Store, tmp_path: Path) -> None:
    added(store, 0, 3)
    unpacked(backed_up(store, tmp_path / "data"), tmp_path / "b")
    restore(tmp_path / "b", tmp_path / "new", at=NOON + HOUR, by="ada")
    again = open_store(tmp_path / "new")
    with again.read() as view:
        last = view.ledger.find(Entry)[-1]
    again.close()
    assert (last.kind, last.subject, last.by, last.at) == ("restored", "store", "ada", NOON + HOUR)
    assert json.loads(last.text)["made_at"] == "2024-03-01T12:00:00+00:00"


def test_no_checkpoint_runs_while_the_file_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "WORTHWHILE", 1)
    added(store, 0, 10)
    parts = backed_up(store, tmp_path / "data")
    head = [next(parts), next(parts)]
    for number in range(5):
        added(store, 100 + number, 1)
        threading.Event().wait(0.06)  # at rest, when a checkpoint would be due
    assert store.keeping.space().log > 0
    manifest = unpacked(iter([*head, *parts]), tmp_path / "b")
    prove(tmp_path / "b", manifest)
    while store.keeping.space().log:
        threading.Event().wait(0.02)


def test_a_log_that_grows_too_large_ends_the_backup(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "PART", 1000)
    added(store, 0, 10)
    parts = backed_up(store, tmp_path / "data")
    head = [next(parts), next(parts)]
    monkeypatch.setattr(checkpoints, "LARGE", 1)
    monkeypatch.setattr(checkpoints, "LARGEST", 1)
    added(store, 10, 10)
    store.write(lambda _: None).result()
    while store.keeping.space().log:
        threading.Event().wait(0.02)
    with pytest.raises(StorageError, match="while the backup was read"):
        unpacked(iter([*head, *parts]), tmp_path / "b")
    added(store, 20, 1)


def test_what_is_no_whole_backup_is_told(store: Store, tmp_path: Path) -> None:
    added(store, 0, 10)
    whole = b"".join(backed_up(store, tmp_path / "data"))
    for cut in (600, len(whole) // 2, len(whole) - 2048):
        with pytest.raises(StorageError, match=r"breaks off|cut off"):
            unpacked(iter([whole[:cut]]), tmp_path / f"cut{cut}")
    changed = bytearray(whole)
    changed[5_000] ^= 1
    with pytest.raises(StorageError, match=r"leeboard\.duckdb is not what the manifest says"):
        unpacked(iter([bytes(changed)]), tmp_path / "changed")
    with pytest.raises(StorageError, match="breaks off"):
        unpacked(iter([b"something else" * 100]), tmp_path / "else")
    evil = io.BytesIO()
    with tarfile.open(fileobj=evil, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../../etc/passwd"))
    with pytest.raises(StorageError, match="is in no backup"):
        unpacked(iter([evil.getvalue()]), tmp_path / "evil")


def test_a_restore_refuses_a_full_folder_and_leaves_nothing_of_a_bad_backup(
    store: Store, tmp_path: Path
) -> None:
    added(store, 0, 10)
    manifest = unpacked(backed_up(store, tmp_path / "data"), tmp_path / "b")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(Conflict, match="is not empty"):
        restore(tmp_path / "b", tmp_path / "full", at=NOON, by="ada")
    told = msgspec.structs.replace(manifest, rows={**manifest.rows, "journal": 7})
    (tmp_path / "b" / MANIFEST).write_bytes(msgspec.json.encode(told))
    with pytest.raises(StorageError, match=r"journal has 1 rows in .* and had 7 when it was made"):
        restore(tmp_path / "b", tmp_path / "new", at=NOON, by="ada")
    (tmp_path / "b" / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    (tmp_path / "b" / "artifacts" / f"{ARTIFACT}.tar").write_bytes(b"other weights")
    with pytest.raises(StorageError, match=r"artifacts/abab.* is not what the manifest says"):
        restore(tmp_path / "b", tmp_path / "new", at=NOON, by="ada")
    (tmp_path / "b" / "artifacts" / f"{ARTIFACT}.tar").unlink()
    with pytest.raises(StorageError, match="is missing from the backup"):
        restore(tmp_path / "b", tmp_path / "new", at=NOON, by="ada")
    with pytest.raises(StorageError, match=r"has no manifest\.json"):
        restore(tmp_path / "full", tmp_path / "new", at=NOON, by="ada")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b", "data", "full"]


# Through a real server.


def lee(served: Served, *words: object) -> Result:
    environ = {"LEEBOARD_SERVER": served.address, "LEEBOARD_TOKEN": served.token, "USER": "ada"}
    return CliRunner().invoke(main, [str(word) for word in words], env=environ)


def sent(served: Served, first: int, count: int) -> None:
    columns = {
        "id": [f"r{k}" for k in range(first, first + count)],
        "at": ["2024-03-01T06:00:00Z"] * count,
        "wind": np.random.default_rng(first).random(count).tolist(),
    }
    with served.client() as client:
        answer = client.post("/v1/models/boats/predictions", json={"columns": columns})
        assert answer.status_code == 200, answer.text


def rows(served: Served) -> int:
    with served.client() as client:
        return int(client.get("/v1/models/boats").json()["summary"]["rows"]["predictions"])


class Load(threading.Thread):
    """Ten rows after another, until it is over."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self._served, self._over = served, threading.Event()

    def run(self) -> None:
        number = 0
        while not self._over.is_set():
            sent(self._served, 1_000 + 10 * number, 10)
            number += 1

    def finish(self) -> None:
        """End."""
        self._over.set()
        self.join()


@pytest.mark.slow
def test_a_backup_of_a_server_under_load_is_served_again(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as served:
        served.apply()
        sent(served, 0, 50)
        load = Load(served)
        load.start()
        taken = lee(served, "backup", tmp_path / "b", "--json")
        load.finish()
        assert taken.exit_code == 0, taken.output
        assert "is there already" in lee(served, "backup", tmp_path / "b").stderr
        assert served.stop() == 0
    assert "Traceback" not in served.said()

    restored = lee(served, "restore", tmp_path / "b", "--data", tmp_path / "new")
    assert restored.exit_code == 0, restored.output
    assert lee(served, "restore", tmp_path / "b", "--data", tmp_path / "new").exit_code == 1
    with Served(tmp_path / "new") as anew:
        held = rows(anew)
        assert held >= 50
        assert (held - 50) % 10 == 0
        assert lee(anew, "audit", "verify").exit_code == 0
        sent(anew, 0, 50)
        assert rows(anew) == held
        assert anew.stop() == 0


@pytest.mark.slow
def test_ids_are_erased_and_the_file_compacted_by_command(tmp_path: Path) -> None:
    with Served(tmp_path / "data") as served:
        served.apply()
        sent(served, 0, 50)
        erased = lee(served, "erase", "boats", "--id", "r1", "--id", "none/of them", "--yes")
        assert erased.stdout == (
            "erased 1 ids of boats: 1 predictions; 1 had no rows, and are refused from now on\n"
        )
        with served.client() as client:
            again = client.delete("/v1/models/boats/predictions/none%2Fof%20them").json()
        assert (again["repeated"], again["ids"]) == (1, 0)
        once_more = lee(served, "erase", "boats", "--id", "r1", "--yes").stdout
        assert "1 had been erased before" in once_more
        assert "2 ids were erased since" in lee(served, "space").stdout
        compacted = lee(served, "compact", "--yes")
        assert compacted.exit_code == 0, compacted.output
        assert "erased" not in lee(served, "space").stdout
        assert rows(served) == 49
        assert lee(served, "audit", "verify").exit_code == 0
        assert served.stop() == 0
    assert "Traceback" not in served.said()
