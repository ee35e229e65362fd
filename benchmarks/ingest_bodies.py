"""Predictions of 16 numbers and 5 texts as the bodies that a serving app would send."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

NUMBERS: Final = [f"f{number}" for number in range(16)]
TEXTS: Final = [f"c{number}" for number in range(5)]
LEVELS: Final = np.array(["red", "green", "blue", "yellow"])
BEGIN: Final = datetime(2024, 1, 1, tzinfo=UTC)

MODEL_FILE: Final = (
    "model: m\ntask: regression\nlabel: y\ntrainer: none\nfeatures:\n"
    + "".join(f"  {name}: numeric\n" for name in NUMBERS)
    + "".join(f"  {name}: categorical\n" for name in TEXTS)
)
TYPES: Final[Mapping[str, str]] = {
    "row": "application/json", "columns": "application/json", "ndjson": "application/x-ndjson",
    "arrow": "application/vnd.apache.arrow.stream",
}  # fmt: skip
"""A format to its content type."""


def table(first: int, rows: int) -> pa.Table:
    """Rows number `first` and on, ten milliseconds apart; the same for the same numbers."""
    draws = np.random.default_rng(first)
    at = [BEGIN + timedelta(milliseconds=10 * (first + k)) for k in range(rows)]
    return pa.table({
        "id": [f"row-{first + k}" for k in range(rows)],
        "at": pa.array(at, pa.timestamp("us", "UTC")),
        "prediction": draws.normal(size=rows).round(6),
        **{name: draws.normal(size=rows).round(6) for name in NUMBERS},
        **{name: LEVELS[draws.integers(0, len(LEVELS), rows)] for name in TEXTS},
    })  # fmt: skip


def bodies(form: str, rows: int, total: int) -> Iterator[bytes]:
    """Bodies of so many rows each, `total` rows in all."""
    write = _WRITERS[form]
    for first in range(0, total, rows):
        yield write(table(first, rows))


def _columns(rows: pa.Table) -> bytes:
    return msgspec.json.encode({"columns": _told(rows)})


def _lines(rows: pa.Table) -> bytes:
    told = _told(rows)
    return b"".join(
        msgspec.json.encode(dict(zip(told, values, strict=True))) + b"\n"
        for values in zip(*told.values(), strict=True)
    )


def _told(rows: pa.Table) -> dict[str, list[object]]:
    told: dict[str, list[object]] = rows.to_pydict()
    told["at"] = [at.isoformat() for at in told["at"]]  # type: ignore[attr-defined]
    return told


def _arrow(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue())


_WRITERS: Final[Mapping[str, Callable[[pa.Table], bytes]]] = {
    "row": lambda rows: _lines(rows).rstrip(), "columns": _columns, "ndjson": _lines,
    "arrow": _arrow,
}  # fmt: skip
