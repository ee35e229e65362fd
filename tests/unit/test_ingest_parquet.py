"""Parquet to columns, whatever it is packed with, and what it may not claim."""

from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.domain.schema import Task
from controlplane.ingest.batch import Batch, Feed
from controlplane.ingest.checking import Terms, check
from controlplane.ingest.decode import decode
from controlplane.ingest.formats import columnar, parquet, parquet_claims
from controlplane.ingest.formats.parquet_claims import pages
from controlplane.ingest.formats.thrift import Broken
from controlplane.ingest.inference import schema_of
from controlplane.policy.defaults import policy_of
from tests.stored import MODEL, NOON

KIND = "application/vnd.apache.parquet"
TABLE = pa.table({
    "id": ["a", "b", None], "at": pa.array([1, 2, 3], pa.timestamp("us", "UTC")),
    "sky": pa.array(["rain", None, "rain"]).dictionary_encode(),
    "x": pa.array(["1.50", None, "2.25"]).cast(pa.decimal128(6, 2)), "a.b": [1, 2, 3],
    "half": pa.array([1, 2, None], pa.float16()), "seen": pa.array(["q", "r", "s"], pa.string_view()),
    "list": [[1], [2], None], "a": [{"b": 1}] * 3, "raw": [b"x"] * 3, "nothing": pa.nulls(3),
})  # fmt: skip
UNUSABLE = ("list", "a", "raw")


def written(table: pa.Table, **how: object) -> bytes:
    file = BytesIO()
    pq.write_table(table, file, **how)
    return file.getvalue()


def read(body: bytes, feed: str = "predictions") -> Batch:
    return decode(KIND, body, feed=feed)


@pytest.mark.parametrize(
    "how",
    [{}, {"compression": "zstd"}, {"compression": "gzip"}, {"compression": "brotli"}, {"compression": "none"},
     {"data_page_version": "2.0"}, {"row_group_size": 1}, {"data_page_size": 1, "write_batch_size": 1},
     {"use_dictionary": False, "column_encoding": {"id": "DELTA_BYTE_ARRAY", "seen": "DELTA_LENGTH_BYTE_ARRAY"}},
     {"store_schema": False}],
    ids=lambda how: "-".join(f"{k}={v}" if isinstance(v, str | int) else k for k, v in how.items()) or "plain",
)  # fmt: skip
def test_the_same_columns_come_out_however_they_are_packed(how: dict[str, object]) -> None:
    batch = read(written(TABLE, **how))
    for name in TABLE.column_names:
        values = batch.columns[name]
        if name in UNUSABLE:
            assert repr(batch.value(name, 0)).startswith("of the kind ")
        elif how.get("store_schema", True) or name != "nothing":
            assert not isinstance(values, list)
            assert values.to_pylist() == TABLE[name].to_pylist()
    assert batch.columns["sky"].type == batch.columns["seen"].type == pa.string()
    assert batch.pointer("x", 2) == "/x/2"


def test_a_time_without_an_offset_is_refused_by_name_and_one_in_utc_is_taken() -> None:
    bare = TABLE.set_column(1, "at", pa.array([1, 2, 3], pa.timestamp("ms")))
    for table, good in ((TABLE, 2), (bare, 0)):
        batch = read(written(table))
        schema = schema_of(policy_of(MODEL, Task.REGRESSION, "late"), batch.columns)
        found = check(batch, schema, Terms(feed=Feed.PREDICTIONS, known_at=NOON))
        assert found.rows is not None
        assert found.rows.num_rows == good
        assert {"list", "a", "raw"} <= set(found.unknown)
    assert found.rejection.errors[0].pointer == "/at/0"
    assert found.rejection.errors[0].message.endswith("expected a time with an offset, such as "
                                                      "2024-03-01T06:00:00Z")  # fmt: skip


def test_files_without_rows_or_columns_are_taken_and_two_of_one_name_are_not() -> None:
    assert read(written(TABLE.slice(0, 0)), "labels").rows == 0
    assert read(written(pa.table({})), "labels").rows == 0
    assert read(written(pa.table({"list": [[1], [2]]})), "labels").rows == 2
    twice = pa.table([TABLE["id"], TABLE["id"]], names=["id", "id"])
    with pytest.raises(BadInput, match="two columns of one name"):
        read(written(twice))


@pytest.mark.parametrize("body", [b"", b"PAR1", b"junk" * 100, b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_what_is_no_parquet_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput, match="not a Parquet file that can be read"):
        read(body)


ROWS = 100_000
ZEROS = np.zeros(ROWS)
BOMBS = {
    "columns": (pa.table({f"c{number}": ZEROS for number in range(12)}), {}),
    "nothing, often": (pa.table({f"c{n}": pa.nulls(ROWS, pa.float64()) for n in range(12)}), {}),
    "pages": (
        pa.table({f"c{n}": [b"\0" * 3_000_000] for n in range(3)}),
        {"compression": "zstd", "use_dictionary": False},
    ),
    "one text": (
        pa.table({"c": pa.DictionaryArray.from_arrays(ZEROS.astype(np.int8), ["x" * 10_000])}),
        {},
    ),
    "shared beginnings": (
        pa.table({"c": ["x" * 30_000] * 1000}),
        {"use_dictionary": False, "column_encoding": {"c": "DELTA_BYTE_ARRAY"}},
    ),
    "rows": (pa.table({"c": np.zeros(1_000_001, np.int8)}), {}),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_file_that_unfolds_to_more_than_it_may_is_refused(
    bomb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "MOST_BYTES", 8_000_000)
    table, how = BOMBS[bomb]
    body = written(table, **how)
    assert len(body) < 400_000
    with pytest.raises(TooLarge, match="unfolds to more than"):
        read(body)


def test_a_file_of_very_many_row_groups_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MOST_PAGES", 30)
    monkeypatch.setattr(parquet_claims, "MOST_PAGES", 30)
    with pytest.raises(TooLarge, match="more than 30 parts of columns"):
        read(written(TABLE, row_group_size=1))
    with pytest.raises(TooLarge, match="more than 30 pages"):
        read(written(pa.table({"x": np.arange(100)}), data_page_size=1, write_batch_size=1))


def test_a_file_that_is_mostly_footer_is_refused() -> None:
    table = TABLE.replace_schema_metadata({"notes": "x" * 6_500_000})
    with pytest.raises(TooLarge, match="the file's footer has"):
        read(written(table))


def test_pages_are_walked_over_to_the_end_and_no_further() -> None:
    body = memoryview(
        written(
            pa.table({"x": np.arange(1_000_000) / 3}), data_page_size=10_000, use_dictionary=False
        )
    )
    column = pq.ParquetFile(pa.BufferReader(body)).metadata.row_group(0).column(0)
    start, end = column.data_page_offset, column.data_page_offset + column.total_compressed_size
    found = list(pages(body, start, end))
    assert len(found) > 100
    # the footer counts the headers of pages too
    assert 8_000_000 < sum(page.size for page in found) < column.total_uncompressed_size
    with pytest.raises(Broken, match="beyond what holds it"):
        list(pages(body, start, end - 1))
    with pytest.raises(Broken, match="of 10"):
        list(pages(body[:10], start, end))


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b"\x00", "missing or below 0"),
        (b"\x25\x02\x15\x01\x00", "missing or below 0"),
        (b"\x1c" * 40, "nested too deep"),
        (b"\x1b\x00", "a value of kind 11"),
        (b"\x19\xfc\xff\x7f", "beyond what holds it"),
        (b"\x15" + b"\xff" * 12, "a number without end"),
        (b"\x18\xff\xff\x03", "beyond what holds it"),
    ],
)  # fmt: skip
def test_a_broken_header_of_a_page_is_refused(header: bytes, says: str) -> None:
    with pytest.raises(Broken, match=says):
        list(parquet_claims.pages(memoryview(header), 0, len(header)))
