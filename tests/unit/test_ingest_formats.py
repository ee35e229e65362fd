"""Bytes to columns: JSON, Arrow, and their compression."""

import gzip
import uuid
import zlib
from decimal import Decimal

import msgspec
import pyarrow as pa
import pytest
import zstandard

from controlplane.domain.errors import BadInput, TooLarge, UnsupportedType
from controlplane.ingest import batch as batches
from controlplane.ingest import media
from controlplane.ingest.batch import Batch
from controlplane.ingest.coercion import classes
from controlplane.ingest.decode import decode
from controlplane.ingest.encoding import decoded
from controlplane.ingest.formats import json as json_format
from controlplane.ingest.formats.columnar import unfolded
from controlplane.ingest.ids import ids

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"


def read(body: object) -> Batch:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return decode(JSON, raw, feed="predictions")


def listed(batch: Batch) -> dict[str, list[object]]:
    return {
        name: values if isinstance(values, list) else values.to_pylist()
        for name, values in batch.columns.items()
    }


def test_columns_rows_and_a_bare_row_say_the_same() -> None:
    columns = read({"columns": {"id": ["a", "b"], "x": [1, None]}})
    rows = read({"rows": [{"id": "a", "x": 1}, {"id": "b"}]})
    assert listed(columns) == listed(rows) == {"id": ["a", "b"], "x": [1, None]}
    assert listed(read({"id": "a", "x": 1, "rows": 7})) == {"id": ["a"], "x": [1], "rows": [7]}


def test_pointers_lead_to_the_value_in_each_shape() -> None:
    assert read({"columns": {"a/b": [1, 2]}}).pointer("a/b", 1) == "/columns/a~1b/1"
    assert read({"rows": [{"x": 1}]}).pointer("x", 0) == "/rows/0/x"
    assert read({"x": 1}).pointer("x", 0) == "/x"


def test_mixed_values_are_kept_as_they_came() -> None:
    assert listed(read({"columns": {"x": [1, "a", True, None]}})) == {"x": [1, "a", True, None]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b"[1]", "the body is a list; expected"),
        (b'"x"', "the body is a text; expected"),
        (b'{"columns": {"id": "a"}}', "/columns/id is a text; expected a list"),
        (b'{"columns": {"id": ["a"], "x": [1, 2]}}', "the column 'id' has 1 values and 'x' has 2"),
    ],
)
def test_a_body_that_is_no_table_is_refused_with_what_was_expected(body: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read(body)


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_ROWS", 2)
    with pytest.raises(TooLarge, match="3 rows came; expected at most 2"):
        read({"columns": {"id": ["a", "b", "c"]}})


def stream(table: pa.Table, *, batch: int = 2) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=batch)
    return sink.getvalue().to_pybytes()


def test_an_arrow_stream_is_read_with_dictionaries_unfolded() -> None:
    table = pa.table({
        "id": pa.array(["a", "b", "a"], pa.large_string()),
        "sky": pa.array(["rain", None, "rain"]).dictionary_encode(),
        "x": pa.array([1, 2, 3], pa.int8()),
    })  # fmt: skip
    batch = decode(f"{ARROW}; charset=x", stream(table), feed="predictions")
    assert listed(batch) == {"id": ["a", "b", "a"], "sky": ["rain", None, "rain"], "x": [1, 2, 3]}
    assert batch.columns["sky"].type == pa.string()
    assert batch.pointer("x", 2) == "/x/2"


def test_categories_of_views_are_texts_as_polars_streams_them() -> None:
    def of(values: list[str]) -> pa.DictionaryArray:
        levels = pa.array(values, pa.string_view())
        return pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.uint32()), levels)

    table = pa.table({"sail": pa.chunked_array([of(["jib", "main and long"]), of(["äö", ""])])})
    wanted = ["main and long", None, "jib", "", None, "äö"]
    for some, values in ((table, wanted), (table[:0], [])):
        batch = decode(ARROW, stream(some), feed="predictions")
        assert listed(batch) == {"sail": values}
        assert batch.columns["sail"].type == pa.string()


def test_an_arrow_file_is_told_from_a_stream() -> None:
    sink = pa.BufferOutputStream()
    table = pa.table({"id": ["a"]})
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(BadInput, match="is an Arrow file"):
        decode(ARROW, sink.getvalue().to_pybytes(), feed="predictions")


def test_very_many_objects_and_lists_are_refused_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_format, "MOST_NESTED", 20)
    for inside in (b"{}", b"[]", b'{"a":[]}'):
        body = b'{"rows":[' + b",".join([inside] * 30) + b"]}"
        with pytest.raises(TooLarge, match="more than 20 objects and lists"):
            decode("application/json", body, feed="predictions")


def test_what_is_no_arrow_stream_is_refused() -> None:
    for body in (b"", b"junk", stream(pa.table({"id": ["a"]}))[:-60]):
        with pytest.raises(BadInput):
            decode(ARROW, body, feed="predictions")


def test_an_unknown_content_type_names_those_that_are_known() -> None:
    with pytest.raises(UnsupportedType, match="is text/html; expected one of application/json"):
        decode("text/html", b"", feed="labels")


BODIES = {
    media.JSON: b'{"columns": {"id": ["a"], "x": [1]}}', media.JSON_LINES: b'{"id": "a", "x": 1}\n',
    media.CSV: b"id,x\na,1\n", media.TABS: b"id\tx\na\t1\n", media.ARROW: stream(pa.table({"id": ["a"], "x": [1]})),
}  # fmt: skip


@pytest.mark.parametrize("name", [*BODIES, *(n for n, kind in media.SYNONYMS.items() if kind in BODIES)])  # fmt: skip
@pytest.mark.parametrize("more", ["", "; charset=utf-8", ';CHARSET="UTF-8"; version=1;', " ;;"], ids=["bare", "charset", "more", "odd"])  # fmt: skip
def test_a_format_is_known_by_every_name_and_with_any_parameters(name: str, more: str) -> None:
    body = BODIES[media.SYNONYMS.get(name, name)]
    batch = decode(name.title() + more, body, feed="labels")
    assert listed(batch) == {"id": ["a"], "x": [1]}


def test_gzip_and_zstd_are_unpacked() -> None:
    body = b'{"id": "a"}' * 1000
    two = gzip.compress(body[:500]) + gzip.compress(body[500:])
    assert decoded("gzip", two) == body
    assert decoded("zstd", zstandard.compress(body)) == body
    assert decoded(None, body) == decoded("identity", body) == body


@pytest.mark.parametrize("encoding", ["gzip", "zstd", None])
def test_the_limit_is_on_what_comes_out(encoding: str | None) -> None:
    body = b"0" * 5_000_000
    packed = {"gzip": gzip.compress(body), "zstd": zstandard.compress(body), None: body}[encoding]
    with pytest.raises(TooLarge, match="more than 4000000 bytes"):
        decoded(encoding, packed, limit=4_000_000)
    assert decoded(encoding, packed, limit=5_000_000) == body


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_very_many_members_costs_no_more_than_its_bytes(encoding: str) -> None:
    pack = {"gzip": gzip.compress, "zstd": zstandard.compress}[encoding]
    members = pack(b"") * 300_000 + pack(b"one") + pack(b" two")  # minutes, were the rest copied
    assert decoded(encoding, members) == b"one two"


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("missing", [1, 3, 20])
def test_a_body_that_was_cut_off_is_never_taken_for_a_whole_one(
    encoding: str, missing: int
) -> None:
    lines = b"".join(b'{"id": "%d"}\n' % number for number in range(9_000))
    packed = {
        "gzip": gzip.compress(lines),
        "zstd": zstandard.ZstdCompressor(write_checksum=True).compress(lines),
    }[encoding]
    with pytest.raises(BadInput, match=f"the {encoding} body ends in the middle; send it again"):
        decoded(encoding, packed[:-missing])
    with pytest.raises(BadInput, match="ends in the middle"):
        decoded(encoding, packed + packed[:-missing])
    with pytest.raises(BadInput, match=f"is not {encoding}, as its Content-Encoding says"):
        decoded(encoding, packed + b"and something else")


def test_broken_or_unknown_encodings_are_refused() -> None:
    packed = gzip.compress(b"x" * 1000)
    for body in (b"", b"junk", zlib.compress(b"x" * 1000), packed[:-5]):
        with pytest.raises(BadInput):
            decoded("gzip", body)
    with pytest.raises(BadInput, match="the body is empty; expected zstd"):
        decoded("zstd", b"")
    with pytest.raises(BadInput, match="not zstd"):
        decoded("zstd", b"junk")
    with pytest.raises(UnsupportedType, match="is br; expected gzip, zstd or none"):
        decoded("br", b"")


def test_runs_of_equal_values_and_uuids_are_taken_for_the_values_that_they_stand_for() -> None:
    named = [uuid.UUID(int=7), None, uuid.UUID("67e55044-10b1-426f-9247-bb680e5fe0c8")]
    table = pa.table(
        {
            "id": pa.array([one and one.bytes for one in named], pa.uuid()),
            "sail": pa.RunEndEncodedArray.from_arrays(
                [2, 3], pa.array(["jib", "main"]).dictionary_encode()
            ),
            "wind": pa.RunEndEncodedArray.from_arrays(
                pa.array([1, 2, 3], pa.int16()), [4.5, None, 2.0]
            ),
            "reefs": pa.RunEndEncodedArray.from_arrays([3], pa.array([[1]])),
        }
    )
    batch = decode(ARROW, stream(table), feed="predictions")
    assert batch.columns["id"].to_pylist() == [one and str(one) for one in named]  # type: ignore[union-attr]
    assert batch.columns["sail"].to_pylist() == ["jib", "jib", "main"]  # type: ignore[union-attr]
    assert batch.columns["wind"].to_pylist() == [4.5, None, 2.0]  # type: ignore[union-attr]
    assert isinstance(batch.columns["reefs"], list)  # of no use, as every column of lists


def test_a_run_of_a_long_text_counts_with_what_it_unfolds_to() -> None:
    long = pa.RunEndEncodedArray.from_arrays([900_000], ["x" * 1_000])
    small = stream(pa.table({"sail": long}), batch=900_000)
    assert len(small) < 3_000
    with pytest.raises(TooLarge, match="unfolds to more than"):
        decode(ARROW, small, feed="predictions")


@pytest.mark.parametrize(
    ("kind", "value", "width"),
    [
        (pa.decimal256(40, 0), Decimal(1), 32),
        (pa.decimal128(20, 0), Decimal(1), 16),
        (pa.uuid(), uuid.UUID(int=7).bytes, 36),
        (pa.json_(), "x" * 1_000, 1_000),
        (pa.string(), "x" * 1_000, 1_000),
        (pa.float64(), 1.5, 8),
    ],
    ids=str,
)
def test_values_that_stand_for_many_count_with_what_each_of_them_takes(
    kind: pa.DataType, value: object, width: int
) -> None:
    one = pa.array([value], kind)
    runs = pa.RunEndEncodedArray.from_arrays([500], one)
    named = pa.DictionaryArray.from_arrays(pa.array([0] * 500), one)
    assert (unfolded(runs), unfolded(named)) == (500 * width, 500 * width)


def test_what_follows_the_end_of_a_stream_is_not_passed_over_in_silence() -> None:
    one = stream(pa.table({"id": ["a"]}))
    with pytest.raises(BadInput, match="something follows the end of the Arrow stream"):
        decode(ARROW, one + one, feed="predictions")
    assert decode(ARROW, one + bytes(8), feed="predictions").rows == 1


def test_columns_beside_rows_are_refused_rather_than_half_of_them_dropped() -> None:
    with pytest.raises(BadInput, match="the body has both columns and rows; expected"):
        read({"columns": {"id": ["a"]}, "rows": [{"id": "b"}]})
    assert read({"columns": ["a"], "rows": "b"}).rows == 1  # a bare row with such features


def test_whole_decimals_are_ids_and_classes_as_whole_numbers_are() -> None:
    whole = pa.chunked_array([pa.array([Decimal(7), None, Decimal(10**30)], pa.decimal128(38, 0))])
    assert classes(whole).values.to_pylist() == ["7", None, str(10**30)]
    assert ids(whole).bad is None or not ids(whole).bad.any()  # type: ignore[union-attr]
    parts = pa.chunked_array([pa.array([Decimal("7.00"), Decimal("7.50")])])
    assert classes(parts).values.to_pylist() == ["7", "7.5"]
    assert ids(parts).bad.tolist() == [False, True]  # type: ignore[union-attr]
