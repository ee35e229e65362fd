"""Arrow, Parquet and CSV from a stranger: cut, altered, claiming more than there is. The process
must outlive it."""

import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.domain.schema import Task
from controlplane.ingest.batch import Feed, as_values
from controlplane.ingest.checking import Terms, check
from controlplane.ingest.decode import decode
from controlplane.ingest.inference import schema_of
from controlplane.policy.defaults import policy_of
from tests.stored import MODEL, NOON

KIND = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
ROWS = 40
TIMES = pa.array([1_700_000_000_000_000 + row for row in range(ROWS)], pa.timestamp("us", "UTC"))
IDS = pa.array([f"i{row}" for row in range(ROWS)])
COLUMNS = {
    "number": pa.array(np.arange(ROWS) / 7), "half": pa.array(np.zeros(ROWS, np.float16)),
    "dictionary": pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode(),
    "large": pa.array(["x"] * ROWS, pa.large_string()),
    "view": pa.array([f"a text of more than twelve bytes {row}" for row in range(ROWS)], pa.string_view()),
    "decimal": pa.array([None, "1.50"] * (ROWS // 2)).cast(pa.decimal128(10, 2)),
    "list": pa.array([[1, 2]] * ROWS), "list view": pa.array([[1]] * ROWS, pa.list_view(pa.int64())),
    "struct": pa.array([{"a": 1, "b": "x"}] * ROWS), "bytes": pa.array([b"\xff"] * ROWS),
    "map": pa.array([[("k", 1)]] * ROWS, pa.map_(pa.string(), pa.int64())),
    "runs": pa.RunEndEncodedArray.from_arrays(pa.array([ROWS], pa.int32()), pa.array(["x"])),
    "union": pa.UnionArray.from_sparse(pa.array([0] * ROWS, pa.int8()), [pa.array([1] * ROWS)]),
    "uuid": pa.array([b"0123456789abcdef"] * ROWS, pa.uuid()),
    "json": pa.array(["{}"] * ROWS, pa.json_()), "nothing": pa.nulls(ROWS),
    "there": pa.array([1] * ROWS, pa.timestamp("s", "Europe/Lisbon")),
    "nowhere": pa.array([1] * ROWS, pa.timestamp("s", "Nowhere/Nothing")),
    "span": pa.array([1] * ROWS, pa.duration("ns")), "day": pa.array([1] * ROWS, pa.date32()),
}  # fmt: skip
UNUSABLE = ("list", "list view", "struct", "bytes", "map", "union", "span")
PATTERNS = (b"\xff\xff\xff\x7f", b"\xff" * 4, b"\0\0\0\x80", b"\0" * 4, b"\xff" * 7 + b"\x7f",
            b"\0\0\0\0\0\1\0\0")  # fmt: skip


def stream(table: pa.Table, compression: str | None = None) -> bytes:
    file = BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(file, table.schema, options=options) as written:
        written.write_table(table)
    return file.getvalue()


def parquet(table: pa.Table, compression: str | None = None) -> bytes:
    file = BytesIO()
    pq.write_table(table, file, compression=compression or "none")
    return file.getvalue()


def taken(body: bytes, kind: str = KIND) -> int:
    """How many rows are good after decoding and checking; what is refused has none."""
    try:
        batch = decode(kind, body, feed="predictions")
        schema = schema_of(policy_of(MODEL, Task.REGRESSION, "late"), batch.columns)
        found = check(batch, schema, Terms(feed=Feed.PREDICTIONS, known_at=NOON))
    except (BadInput, TooLarge):
        return 0
    assert found.rows is not None
    found.rows.validate(full=True)
    assert found.rows.num_rows + found.rejection.rows == batch.rows
    return int(found.rows.num_rows)


def altered(body: bytes, chance: np.random.Generator) -> bytes:
    """The stream cut, or a few of its bytes replaced by those that hurt most."""
    if chance.random() < 0.2:
        return body[: chance.integers(len(body))]
    changed = bytearray(body)
    for _ in range(chance.choice([1, 2, 4, 16])):
        place = int(chance.integers(len(changed)))
        pattern = PATTERNS[chance.integers(len(PATTERNS))]
        if chance.random() < 0.5:
            pattern = chance.bytes(1)
        changed[place : place + len(pattern)] = pattern
    return bytes(changed)


def fuzz(kind: str, seed: int) -> None:
    """Runs in a process of its own: what Arrow does to memory ends no test but that one."""
    chance = np.random.default_rng(seed)
    write, packings = (
        (parquet, (None, "zstd", "snappy")) if kind == PARQUET else (stream, (None, "zstd", "lz4"))
    )
    left_out = {"list view", "union", "runs"} if kind == PARQUET else set()
    bodies = [
        write(pa.table({"id": IDS, "at": TIMES, name: column}), packed)
        for name, column in COLUMNS.items() if name not in left_out for packed in packings
    ]  # fmt: skip
    times = 3000 if kind == PARQUET else 6000
    good = sum(taken(altered(bodies[n % len(bodies)], chance), kind) for n in range(times))
    sys.stdout.write(str(good))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "seed"), [(KIND, 0), (KIND, 1), (PARQUET, 0)], ids=["arrow-0", "arrow-1", "parquet-0"]
)
def test_no_altered_body_takes_the_process_down(kind: str, seed: int) -> None:
    module = "tests.integration.test_ingest_fuzz"
    root = str(Path(__file__).parents[2])
    ended = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", module, kind, str(seed)], capture_output=True, text=True, check=False,
        cwd=root, env={**os.environ, "PYTHONPATH": root}, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert int(ended.stdout) > ROWS * 100


@pytest.mark.parametrize("seed", range(4))
def test_csv_that_was_altered_is_refused_or_its_rows_are(seed: int) -> None:
    chance = np.random.default_rng(seed)
    lines = [
        f'i{row},2024-01-01T00:00:00Z,{row / 7},"a ""word"", and\nmore",' for row in range(ROWS)
    ]
    body = "\r\n".join(["id,at,wind,sky,sea", *lines]).encode()
    assert taken(body, "text/csv") == ROWS
    for _ in range(100):
        assert 0 <= taken(altered(body, chance), "text/csv") <= ROWS


def test_a_stream_cut_at_any_byte_is_refused_or_whole() -> None:
    body = stream(pa.table({"id": IDS, "at": TIMES, "wind": COLUMNS["number"]}))
    taken_at = {cut: taken(body[:cut]) for cut in range(len(body))}
    assert set(taken_at.values()) <= {0, ROWS}
    assert taken(body) == ROWS


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_any_kind_is_data_or_unusable_by_name(name: str) -> None:
    batch = decode(
        KIND, stream(pa.table({"id": IDS, "at": TIMES, name: COLUMNS[name]})), feed="predictions"
    )
    schema = schema_of(policy_of(MODEL, Task.REGRESSION, "late"), batch.columns)
    found = check(batch, schema, Terms(feed=Feed.PREDICTIONS, known_at=NOON))

    assert found.rows is not None
    if name in UNUSABLE:
        assert schema.features == ()
        assert found.unknown == {name: ROWS}
        assert found.rows.num_rows == ROWS
        assert repr(batch.value(name, 0)).startswith("of the kind ")
    else:
        assert [column.name for column in schema.features] == [name]


def test_a_stream_that_claims_more_than_it_may_is_refused_before_it_is_unfolded() -> None:
    """A few hundred KB that would be 3 GB: four columns of zeros, packed."""
    zeros = pa.array(np.zeros(12_000_000))
    table = pa.table({f"c{number}": zeros for number in range(6)})
    body = stream(table, "zstd")
    assert len(body) < 2**20
    with pytest.raises(TooLarge, match="unfolds to more than"):
        decode(KIND, body, feed="predictions")


@pytest.mark.parametrize("kind", ["dictionary", "view"])
def test_one_text_that_stands_for_many_is_counted_as_often_as_it_stands(kind: str) -> None:
    text, rows = "x" * 10_000, 100_000
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([text]))
    if kind == "view":
        views = np.tile(np.array([10_000, 0x78787878, 0, 0], np.int32), rows)
        buffers = [None, pa.py_buffer(views.tobytes()), pa.py_buffer(text.encode())]
        column = pa.Array.from_buffers(pa.string_view(), rows, buffers)
    body = stream(pa.table({"words": column}))
    assert len(body) < 4 * 2**20
    with pytest.raises(TooLarge, match="unfolds to more than"):
        decode(KIND, body, feed="predictions")


def test_streams_without_rows_or_columns_are_taken_and_two_of_one_name_are_not() -> None:
    assert decode(KIND, stream(pa.table({"id": IDS[:0]})), feed="labels").rows == 0
    assert decode(KIND, stream(pa.table({})), feed="labels").rows == 0
    twice = pa.table([IDS, IDS], names=["id", "id"])
    with pytest.raises(BadInput, match="two columns of one name"):
        decode(KIND, stream(twice), feed="labels")


def test_values_of_no_kind_are_rejected_by_what_they_are() -> None:
    batch = decode(KIND, stream(pa.table({"id": IDS, "at": COLUMNS["list"]})), feed="predictions")
    schema = schema_of(policy_of(MODEL, Task.REGRESSION, "late"), {"wind": as_values([1.0])})
    found = check(batch, schema, Terms(feed=Feed.PREDICTIONS, known_at=NOON))
    assert found.rejection.rows == ROWS
    assert found.rejection.errors[0].message.startswith("at is of the kind list<")


if __name__ == "__main__":
    fuzz(sys.argv[1], int(sys.argv[2]))
