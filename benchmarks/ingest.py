"""Rows a second through a real server, durably, against DuckDB's own appends in the same run.

Both append the same Arrow batches of 25 columns, a transaction a batch, to a file on this disk;
the server over HTTP on the loopback address, by one client that waits for each answer. The limit
is what DuckDB alone does; the ratio is what counts.
"""

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from connectors.client.bulk import send_table
from connectors.client.http import Connection

FEATURES = [f"f{number}" for number in range(21)]
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def batches(rows: int, total: int) -> list[pa.Table]:
    """Predictions with 21 numbers as features."""
    draws = np.random.default_rng(rows)
    found = []
    for first in range(0, total, rows):
        at = [BEGIN + timedelta(milliseconds=first + k) for k in range(rows)]
        columns = {name: draws.normal(size=rows) for name in FEATURES}
        found.append(pa.table({
            "id": [str(first + k) for k in range(rows)],
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "prediction": draws.normal(size=rows), **columns,
        }))  # fmt: skip
    return found


def served(folder: Path, tables: list[pa.Table]) -> float:
    """Seconds until the server has answered for every batch."""
    command = [
        sys.executable,
        "-m",
        "controlplane.cli",
        "serve",
        "--data",
        str(folder),
        "--port",
        "0",
        "--open",
        "--log-level",
        "warning",
    ]
    with subprocess.Popen(command) as server:  # noqa: S603 - our own program
        try:
            place = folder / "server.json"
            while not place.is_file():
                time.sleep(0.05)
            address = json.loads(place.read_text())["address"]
            features = "\n".join(f"  {name}: numeric" for name in FEATURES)
            text = f"model: m\ntask: regression\nlabel: y\ntrainer: none\nfeatures:\n{features}\n"
            with Connection(address, None) as connection:
                connection.apply("m", text)
                began = time.perf_counter()
                for table in tables:
                    send_table(connection, "m", "predictions", table)
                return time.perf_counter() - began
        finally:
            server.terminate()


def bare(folder: Path, tables: list[pa.Table]) -> float:
    """Seconds that DuckDB takes for the same batches by itself."""
    with duckdb.connect(folder / "bare.duckdb") as connection:
        connection.execute("set wal_autocheckpoint = '4GB'")
        connection.register("_batch", tables[0])
        connection.execute("create table rows as select * from _batch limit 0")
        began = time.perf_counter()
        for table in tables:
            connection.register("_batch", table)
            connection.execute("insert into rows select * from _batch")
        return time.perf_counter() - began


def main() -> int:
    """Print a row a batch size."""
    print("batch      leeboard rows/s   duckdb rows/s   leeboard / duckdb")
    for rows, total in ((100, 10_000), (1_000, 100_000), (10_000, 500_000)):
        tables = batches(rows, total)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            own, limit = served(folder / "data", tables), bare(folder, tables)
        print(f"{rows:>6,}  {total / own:>15,.0f}  {total / limit:>14,.0f}   {limit / own:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
