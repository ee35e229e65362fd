"""Nothing that is written again and again keeps a checkpoint waiting for a read that lasts."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import controlplane.store
from controlplane.domain.errors import StorageError
from controlplane.store import checkpoints
from controlplane.store.checkpoints import Checkpoints
from controlplane.store.database import Database
from controlplane.store.duckdb_store import open_store
from controlplane.store.keeping import Aged
from controlplane.store.ports import Known, Store
from controlplane.store.session import Session
from controlplane.store.writer import Limits
from tests.stored import HOUR, MODEL, NOON, SCHEMA, a_model, labels, predictions

STORE = Path(controlplane.store.__file__).parent
WAITS = re.compile(
    r"\b(update\s+\S+\s+set|on\s+conflict|insert\s+or\s+replace|merge\s+into)\b", re.IGNORECASE
)
LIMIT = 10.0


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(checkpoints, "WORTHWHILE", 1)
    monkeypatch.setattr(checkpoints, "RETRY_SECONDS", 0.01)
    opened = open_store(tmp_path, limits=Limits(rest_seconds=0.02))
    a_model(opened)
    opened.write(lambda t: (
        t.events.prepare(MODEL, SCHEMA),
        t.ledger.journal(model=MODEL, at=NOON, kind="made", subject="", by="t", facts={}),
    )).result()  # fmt: skip
    until(lambda: opened.keeping.space().log == 0)
    yield opened
    opened.close()


def until(holds) -> bool:
    latest = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < latest, "it never came about"
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("path", sorted(STORE.rglob("*.py")), ids=lambda path: path.name)
def test_no_statement_updates_in_place(path: Path) -> None:
    assert WAITS.findall(path.read_text(encoding="utf-8")) == []


WORK = {
    "predictions": lambda t, n: t.events.append_predictions(MODEL, predictions([f"p{n}"], [n])),
    "a duplicate": lambda t, n: t.events.append_predictions(MODEL, predictions(["p"], [0])),
    "an id that comes again": lambda t, n: t.events.append_predictions(MODEL, predictions(["p"], [n])),
    "labels": lambda t, n: t.events.append_labels(MODEL, labels([f"p{n}"], [1.0], [n])),
    "scored": lambda t, n: t.events.append_scored(
        MODEL, "v", predictions([f"p{n}"], [n]).select(["id", "at", "prediction"])),
    "rejected": lambda t, n: t.events.append_rejected(MODEL, "labels", NOON, [("no", "{}")]),
    "a record": lambda t, n: t.ledger.put(t.ledger.find(type(a_record(t)))[0]),
    "the journal": lambda t, n: t.ledger.journal(
        model=MODEL, at=NOON, kind="x", subject=str(n), by="t", facts={}),
    "an erasure": lambda t, n: t.upkeep.erase(MODEL, [f"p{n - 1}"], at=NOON, by="t"),
    "ageing": lambda t, n: t.upkeep.age(MODEL, Aged(before=NOON + (n - 1) * HOUR), most=5),
    "rejected rows that age": lambda t, n: t.upkeep.age_rejected(MODEL, before=NOON, keep=1),
}  # fmt: skip


def a_record(t):
    from controlplane.domain.models import Model  # noqa: PLC0415 - named here alone

    return t.ledger.get(Model, MODEL)


@pytest.mark.parametrize("kind", WORK)
def test_a_checkpoint_passes_a_read_that_lasts(store: Store, kind: str) -> None:
    store.write(
        lambda t: t.events.append_predictions(MODEL, predictions(["p", "q"], [0, 1]))
    ).result()
    store.write(lambda t: WORK[kind](t, 5)).result()  # what it makes but once is there
    until(lambda: store.keeping.space().log == 0)
    with store.read() as view:
        before = view.events.rows(MODEL, [], Known()).num_rows
        store.write(lambda t: (
            WORK[kind](t, 7),
            t.events.append_predictions(MODEL, predictions([f"x{kind}"], [50])),
        )).result()  # fmt: skip
        until(lambda: store.keeping.space().log == 0)
        assert view.events.rows(MODEL, [], Known()).num_rows == before


def test_a_log_that_grew_too_large_ends_the_reads_that_stand_in_the_way(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making a table is what has to wait for them."""
    monkeypatch.setattr(checkpoints, "LARGEST", 1)
    monkeypatch.setattr(checkpoints, "LARGE", 1)
    begun, ended = threading.Event(), []

    def reads() -> None:
        with store.read() as view:
            begun.set()
            try:
                while True:
                    view.events.rows(MODEL, [], Known())
            except StorageError as error:
                ended.append(str(error))

    reader = threading.Thread(target=reads, daemon=True)
    reader.start()
    begun.wait()
    store.write(lambda t: t.events.prepare("another", SCHEMA)).result()
    reader.join(LIMIT)
    assert len(ended) == 1
    log = tmp_path / "leeboard.duckdb.wal"
    until(lambda: not log.exists() or log.stat().st_size == 0)
    monkeypatch.undo()
    with store.read() as view:
        assert view.events.rows(MODEL, [], Known()).num_rows == 0


def test_without_space_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(tmp_path)
    with database.session() as session:
        session.run("create table t as select range as i from range(1000)")
        checkpoint = Checkpoints(database.wal)
        checkpoint.tables_changed()
        assert checkpoint.due(idle=True)
        free = 2 * checkpoint.log_size + checkpoints.SPARE
        monkeypatch.setattr(checkpoints, "free_bytes", lambda _: free - 1)
        assert not checkpoint.run(session)
        assert not checkpoint.due(idle=True)  # for a moment
        monkeypatch.setattr(checkpoints, "free_bytes", lambda _: free)
        assert checkpoint.run(session)
        assert checkpoint.log_size == 0
    database.close()


def test_one_is_due_by_size_or_at_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 100)
    monkeypatch.setattr(checkpoints, "WORTHWHILE", 50)
    monkeypatch.setattr(checkpoints, "LARGE", 200)
    checkpoint = Checkpoints(log)
    assert (checkpoint.due(idle=False), checkpoint.due(idle=True)) == (False, True)
    log.write_bytes(b"x" * 200)
    assert checkpoint.due(idle=False)
    log.write_bytes(b"x" * 10)
    assert not checkpoint.due(idle=True)


class Slow:
    """A session whose checkpoints take their time."""

    def __init__(self, log: Path, seconds: float) -> None:
        self._log, self._seconds = log, seconds

    def run(self, _: str) -> None:
        time.sleep(self._seconds)
        self._log.write_bytes(b"")


def test_a_machine_that_is_slow_folds_in_smaller_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LARGE": 1000, "LEAST": 200, "WORTHWHILE": 1, "BEARABLE": 0.01}.items():
        monkeypatch.setattr(checkpoints, name, value)
    log = tmp_path / "log"
    checkpoint = Checkpoints(log)
    log.write_bytes(b"x" * 1000)
    assert checkpoint.run(Slow(log, 0.03))  # at most 333 within what is bearable
    log.write_bytes(b"x" * 400)
    assert checkpoint.due(idle=False)
    assert checkpoint.run(Slow(log, 0.1))  # 40, which is too little
    log.write_bytes(b"x" * 199)
    assert not checkpoint.due(idle=False)
    log.write_bytes(b"x" * 200)
    assert checkpoint.due(idle=False)


def test_none_runs_while_they_are_held(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with database.session() as session:
        session.run("create table t as select 1 as i")
        checkpoint = Checkpoints(database.wal)
        assert checkpoint.try_hold()
        assert not checkpoint.try_hold()
        assert not checkpoint.run(session)
        checkpoint.let_go()
        assert checkpoint.run(session)
    database.close()
    assert isinstance(session, Session)
