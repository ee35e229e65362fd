"""What stands beside the server: DuckDB alone, a plain loop, and servers that store nothing."""

import os
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb
import msgspec
import pyarrow as pa
import uvicorn
from litestar import Litestar, Request, post

from controlplane.cli.__main__ import main as leeboard
from controlplane.store.events_appending import DuckDBEventsWriter
from controlplane.store.ports import Received

AT_ONCE: Final = 10_000
"""Rows of a transaction of the plain loop."""


def appended(
    folder: Path, tables: Iterable[pa.Table], *, threads: int | None = None
) -> tuple[float, float]:
    """Seconds of wall clock and of CPU that DuckDB takes, a transaction a table, durable; its log
    is not folded in. `threads` None: as many as it takes by itself."""
    config: dict[str, str] = {"wal_autocheckpoint": "4GB"}
    if threads is not None:
        config["threads"] = str(threads)
    with duckdb.connect(folder / "bare.duckdb", config=config) as connection:
        began, used = time.perf_counter(), _cpu()
        is_made = False
        for rows in tables:
            connection.register("incoming rows", rows)
            if not is_made:
                connection.execute('create table kept as select * from "incoming rows" limit 0')
                is_made = True
            connection.execute('insert into kept select * from "incoming rows"')
            connection.unregister("incoming rows")
        return time.perf_counter() - began, _cpu() - used


def looped(folder: Path, bodies: Iterable[bytes]) -> tuple[float, float]:
    """The same of a plain loop that decodes JSON columns, makes Arrow tables and appends them."""
    return appended(folder, _joined(bodies))


def _joined(bodies: Iterable[bytes]) -> Iterable[pa.Table]:
    waiting: list[pa.Table] = []
    for body in bodies:
        columns = msgspec.json.decode(body)["columns"]
        columns["at"] = [datetime.fromisoformat(at) for at in columns["at"]]
        waiting.append(pa.table(columns))
        if sum(rows.num_rows for rows in waiting) >= AT_ONCE:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def forgetful(words: list[str]) -> None:
    """Our server, but for the rows of predictions: they are checked, answered and forgotten."""

    def forget(_: DuckDBEventsWriter, __: str, rows: pa.Table, **___: object) -> Received:
        return Received(accepted=rows.num_rows)

    DuckDBEventsWriter.append_predictions = forget  # type: ignore[method-assign]
    leeboard(words)


def plain(port: int) -> None:
    """Litestar under uvicorn, which decodes a JSON body and counts its rows."""

    @post("/v1/models/m/predictions", status_code=200)
    async def count(request: Request) -> dict[str, int]:  # type: ignore[type-arg]
        told = msgspec.json.decode(await request.body())
        return {"accepted": len(told["columns"]["id"]) if "columns" in told else 1}

    uvicorn.run(
        Litestar([count]), host="127.0.0.1", port=port, loop="uvloop", http="httptools",
        access_log=False, log_level="error",
    )  # fmt: skip


def _cpu() -> float:
    times = os.times()
    return times.user + times.system
