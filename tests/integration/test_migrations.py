"""A file of an older schema is brought forward, whatever happens meanwhile; a newer one is refused."""

import os
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import pytest

from controlplane.domain.errors import StorageError
from controlplane.domain.schema import Column, Schema, Task
from controlplane.store import database
from controlplane.store.catalog import event_tables
from controlplane.store.database import FILE, Database
from controlplane.store.duckdb_store import open_store
from controlplane.store.migrate import FOLDER, migrate
from controlplane.store.ports import Known
from controlplane.store.session import quoted
from detectors.finding import Kind
from tests.killed import begun, killed

LIVES = int(os.environ.get("LEEBOARD_KILLS", "3"))
ROWS = 3_000
SCHEMA = Schema(task=Task.REGRESSION, features=(Column("wind", Kind.NUMERIC),))
NUMBERS = sorted(int(path.name[:4]) for path in FOLDER.glob("[0-9]*.sql"))


def made(folder: Path, number: int) -> None:
    """A file as a server wrote it that knew the migrations up to a number; its log not folded in."""
    old = folder.with_name(f"{folder.name}-sql")
    old.mkdir()
    for path in FOLDER.glob("[0-9]*.sql"):
        if int(path.name[:4]) <= number:
            (old / path.name).write_bytes(path.read_bytes())
    opened = Database(folder)
    with opened.session() as session:
        migrate(session, "the old file", old)
        for table, columns in event_tables("boats", SCHEMA).items():
            defined = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
            session.run(f"create table {quoted(table)} ({defined})")
        session.run(f"""
            insert into "predictions/boats" by name
            select k as seq, 'id' || k as id, make_timestamp(k * 1000000) as "at",
                   make_timestamp(k * 1000000) as known_at, 'live' as role, k / 7 as prediction
            from range({ROWS}) r(k)""")
        session.run("""
            insert into rejected_rows (seq, model, known_at, feed, reason, "text", rows)
            values (0, 'boats', '2024-03-01', 'labels', 'no id', '{"label":1}', 1)""")
        session.run("insert into reused_ids values ('boats')")
    opened.close()


def whole(folder: Path) -> None:
    """Everything of the old file is there, and the schema is today's."""
    store = open_store(folder)
    with store.read() as view:
        assert sorted(view.events.rows("boats", [], Known())["id"].to_pylist()) == sorted(
            f"id{k}" for k in range(ROWS)
        )
        [rejected] = view.upkeep.rejected_page("boats", before=None, limit=9)
        assert (rejected.text, rejected.whole) == ('{"label":1}', False)
        assert view.upkeep.erased("boats", view.events.rows("boats", [], Known())["id"]) is None
    store.close()
    with duckdb.connect(str(folder / FILE), read_only=True) as file:
        ran = file.execute("select number from schema_migrations order by 1").fetchall()
        assert [number for (number,) in ran] == NUMBERS
        assert file.execute("select count(*) from reused_ids").fetchall() == [(1,)]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_file_of_every_older_schema_is_brought_forward(tmp_path: Path, number: int) -> None:
    made(tmp_path / "data", number)
    whole(tmp_path / "data")


OPENS = """
import sys
from pathlib import Path
from controlplane.store.duckdb_store import open_store
from controlplane.store import migrate
print("ready", flush=True)
open_store(Path(sys.argv[1]))
sys.stdin.readline()
"""


@pytest.mark.slow
def test_killed_while_it_is_brought_forward_the_next_start_goes_on(tmp_path: Path) -> None:
    chance = np.random.default_rng(11)
    for life in range(LIVES):
        folder = tmp_path / f"data{life}"
        made(folder, 1)
        process = begun(OPENS, str(folder), stdin=subprocess.PIPE)
        killed(process, chance.uniform(0.0, 0.15))  # opening takes about as long
        whole(folder)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "IO Error: Trying to read a database file with version number 999, but we cannot\nmore",
            r"was written by a newer DuckDB than this one; upgrade",
        ),
        (
            "Corrupt database file: computed checksum 1 does not match",
            r"is damaged .*; restore a backup",
        ),
        (
            'IO Error: Could not set lock on file "x": Conflicting lock is held in /bin/py (PID 47).',
            r"is in use by process 47; stop that server",
        ),
    ],
    ids=["newer", "damaged", "in use"],
)
def test_what_keeps_a_file_closed_is_one_sentence(said: str, expected: str) -> None:
    sentence = database._why(Path("d") / FILE, duckdb.IOException(said))
    assert "\n" not in sentence
    with pytest.raises(StorageError, match=expected):
        raise StorageError(sentence)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    content = bytearray((tmp_path / FILE).read_bytes())
    content[100] ^= 1
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StorageError, match=r"leeboard\.duckdb is damaged .*; restore a backup"):
        open_store(tmp_path)


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    made(tmp_path / "data", 1)
    broken = tmp_path / "sql"
    broken.mkdir()
    (broken / "0001_rows_beside_the_events.sql").write_bytes(
        (FOLDER / "0001_rows_beside_the_events.sql").read_bytes()
    )
    (broken / "0002_half.sql").write_text(
        "create table half (i int); select nonsense from nowhere;"
    )
    opened = Database(tmp_path / "data")
    with opened.session() as session:
        with pytest.raises(StorageError, match="nowhere"):
            migrate(session, "the file", broken)
        session.rollback()
        tables = {row[0] for row in session.run("select table_name from duckdb_tables()")}
    opened.close()
    assert "half" not in tables
    whole(tmp_path / "data")
