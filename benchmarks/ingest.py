"""Rows a second through a real server, durably, beside DuckDB and servers that store nothing.

Everything is of the same rows of 24 columns, on this disk, in one run; processes of their own send
over the loopback address. CPU seconds a million rows count: other work disturbs them least.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import ingest_bodies
import ingest_load
import ingest_peers
import msgspec
import numpy as np

HERE: Final = Path(__file__).parent
TICKS: Final = os.sysconf("SC_CLK_TCK")
PATH: Final = "/v1/models/m/predictions"
SIZES: Final = {1: 20_000, 10: 60_000, 100: 200_000, 1_000: 600_000, 10_000: 1_000_000}
"""Rows a request to the rows that are sent in all."""
BATCHES: Final = {1: 400, 10: 6_000, **{k: v for k, v in SIZES.items() if k > 10}, 100_000: 100_000}  # noqa: PLR2004 - as above
"""The same of batches that DuckDB appends by itself."""
GROUP_ROWS: Final = 20_000


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One case: rows and requests a second, milliseconds, CPU seconds of the server."""

    rows: float
    requests: float
    p50: float
    p99: float
    cpu: float
    """A million rows."""


def main() -> int:
    """Print a table a question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=0.25, help="of the full numbers of rows")
    share = parser.parse_args().share
    print(f"{'':24}rows/s  requests/s  p50 ms  p99 ms  CPU s/M rows")
    floor = {rows: _bare(rows, share) for rows in BATCHES}
    shared = _bare(10_000, share, threads=max(1, (os.cpu_count() or 1) // 2))
    loop = _loop(share)
    found: dict[tuple[str, int, int], Measured] = {}
    for form in ("columns", "ndjson", "arrow"):
        for rows, total in SIZES.items():
            shape = "row" if rows == 1 and form == "columns" else form
            found[form, rows, 16] = _case(
                f"{shape} {rows:,} x 16", shape, rows, 16, _some(total, rows, share)
            )
    rows_256 = _case("row 1 x 256", "row", 1, 256, _some(40_000, 1, share))
    forgetful = _case(
        "row 1 x 256, not stored", "row", 1, 256, _some(40_000, 1, share), kind="forgetful"
    )
    forgetful_16 = _case(
        "row 1 x 16, not stored", "row", 1, 16, _some(20_000, 1, share), kind="forgetful"
    )
    _case("row 1 x 16, Litestar", "row", 1, 16, _some(20_000, 1, share), kind="plain")
    _case(
        "columns 1,000 x 16, Litestar",
        "columns",
        1_000,
        16,
        _some(200_000, 1_000, share),
        kind="plain",
    )
    print()
    arrow, columns = found["arrow", 10_000, 16], found["columns", 1_000, 16]
    print(
        f"Arrow, 10,000 rows a request: {arrow.cpu / floor[10_000]:.2f} times DuckDB's append in batches of 10,000, {arrow.cpu / shared:.2f} with as many threads as the server lets it have"
    )
    print(f"JSON columns, 1,000 rows: {columns.cpu / loop:.2f} times a plain loop")
    print(
        f"Single rows, 256 connections: {rows_256.requests / forgetful.requests:.2f} of the same server that does not store them"
    )
    print(
        f"Single rows, 16 connections: {found['columns', 1, 16].requests / forgetful_16.requests:.2f}"
    )
    return 0


def _some(total: int, rows: int, share: float) -> int:
    return max(int(total * share) // rows, 8) * rows


def _bare(rows: int, share: float, *, threads: int | None = None) -> float:
    """CPU seconds a million rows of DuckDB alone, in batches of so many; `threads` as the server
    lets it have."""
    count = _some(BATCHES[rows], rows, share)
    tables = [ingest_bodies.table(first, rows) for first in range(0, count, rows)]
    with tempfile.TemporaryDirectory() as name:
        wall, cpu = ingest_peers.appended(Path(name), tables, threads=threads)
    name = f"DuckDB, batches of {rows:,}" + ("" if threads is None else f", threads: {threads}")
    _print(name, count / wall, count / rows / wall, None, cpu / count * 1e6)
    return cpu / count * 1e6


def _loop(share: float) -> float:
    """CPU seconds a million rows of a loop that decodes JSON and appends."""
    total = _some(SIZES[1_000], 1_000, share)
    sent = list(ingest_bodies.bodies("columns", 1_000, total))
    with tempfile.TemporaryDirectory() as name:
        wall, cpu = ingest_peers.looped(Path(name), sent)
    _print("plain loop, JSON columns", total / wall, len(sent) / wall, None, cpu / total * 1e6)
    return cpu / total * 1e6


def _case(
    name: str, form: str, rows: int, connections: int, total: int, *, kind: str = "leeboard"
) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "bodies"
        _write(place, form, rows, total)
        with _server(Path(folder) / "data", kind) as (pid, address):
            used = _cpu_of(pid)
            asked = {
                "address": address, "path": PATH, "type": ingest_bodies.TYPES[form],
                "connections": connections, "bodies": str(place), "seconds": 60.0,
            }  # fmt: skip
            told = msgspec.json.decode(
                subprocess.run(
                    [sys.executable, "-c", "import ingest_load; ingest_load.main()"], cwd=HERE,
                    input=json.dumps(asked).encode(), stdout=subprocess.PIPE, check=True,
                ).stdout,
                type=ingest_load.Told,
            )  # fmt: skip
            used = _cpu_of(pid) - used
    assert set(told.statuses) == {200}, told.statuses
    times = np.array(told.times) * 1000
    found = Measured(
        rows=told.rows / told.seconds, requests=told.answered / told.seconds,
        p50=float(np.median(times)), p99=float(np.quantile(times, 0.99)), cpu=used / told.rows * 1e6,
    )  # fmt: skip
    _print(name, found.rows, found.requests, (found.p50, found.p99), found.cpu)
    return found


def _write(place: Path, form: str, rows: int, total: int) -> None:
    """The bodies, some to a file, so that they need not all be in memory."""
    place.mkdir()
    group: list[bytes] = []
    for body in ingest_bodies.bodies(form, rows, total):
        group.append(body)
        if len(group) * rows >= GROUP_ROWS:
            (place / str(len(list(place.iterdir())))).write_bytes(msgspec.msgpack.encode(group))
            group = []
    if group:
        (place / str(len(list(place.iterdir())))).write_bytes(msgspec.msgpack.encode(group))


@contextmanager
def _server(data: Path, kind: str) -> Iterator[tuple[int, str]]:
    """A server in a process of its own, its id and address, until the block ends."""
    words = ["serve", "--data", str(data), "--port", "0", "--open", "--log-level", "warning"]
    code = {
        "leeboard": f"from controlplane.cli.__main__ import main; main({words!r})",
        "forgetful": f"import ingest_peers; ingest_peers.forgetful({words!r})",
        "plain": "import ingest_peers; ingest_peers.plain(8399)",
    }[kind]
    with subprocess.Popen(  # noqa: S603 - our own programs
        [sys.executable, "-c", code], cwd=HERE, stderr=subprocess.DEVNULL
    ) as server:
        try:
            address = _address(data, kind)
            if kind != "plain":
                httpx.put(f"{address}/v1/models/m", content=ingest_bodies.MODEL_FILE,
                          headers={"content-type": "application/yaml"}).raise_for_status()  # fmt: skip
                first = next(ingest_bodies.bodies("columns", 1, 1)).replace(b"row-0", b"first")
                httpx.post(
                    address + PATH, content=first, headers={"content-type": "application/json"}
                ).raise_for_status()
            time.sleep(0.5)
            yield server.pid, address
        finally:
            server.terminate()


def _address(data: Path, kind: str) -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if kind == "plain":
            try:
                httpx.get("http://127.0.0.1:8399/")
            except httpx.ConnectError:
                time.sleep(0.05)
                continue
            return "http://127.0.0.1:8399"
        if (data / "server.json").is_file():
            return str(json.loads((data / "server.json").read_text())["address"])
        time.sleep(0.05)
    raise TimeoutError("the server did not start")


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _print(
    name: str, rows: float, requests: float, times: tuple[float, float] | None, cpu: float
) -> None:
    shown = "     –       –" if times is None else f"{times[0]:>6.1f}  {times[1]:>6.1f}"
    print(f"{name:28}{rows:>9,.0f}  {requests:>8,.0f}  {shown}  {cpu:>9.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
