"""How many threads DuckDB takes of the machine."""

from pathlib import Path

import duckdb

from controlplane.store.database import Database


def test_the_store_leaves_half_of_the_machine_to_whoever_decodes_and_checks(tmp_path: Path) -> None:
    with duckdb.connect(":memory:") as bare:
        [(all_of_them,)] = bare.execute("select current_setting('threads')").fetchall()
    for directory in (None, tmp_path):
        database = Database(directory)
        with database.session() as session:
            taken = session.count("select current_setting('threads')")
        database.close()
        assert taken == max(1, all_of_them // 2)
