"""CSV to columns: as pandas and polars write it, and as nobody should."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.errors import BadInput, TooLarge, UnsupportedType
from controlplane.domain.schema import Task
from controlplane.ingest.batch import Batch, Feed
from controlplane.ingest.checking import Checked, Terms, check
from controlplane.ingest.decode import decode
from controlplane.ingest.formats import csv_records
from controlplane.ingest.inference import schema_of
from controlplane.policy.defaults import policy_of
from detectors.finding import Kind
from tests.stored import MODEL, NOON

GOLDEN = Path(__file__).parents[1] / "golden" / "ingest"
AT = "2024-03-01T06:00:00Z"
KINDS = {
    "wind": Kind.NUMERIC, "crew": Kind.NUMERIC, "sail": Kind.CATEGORICAL, "note": Kind.CATEGORICAL,
    "harbour": Kind.CATEGORICAL, "raced": Kind.BOOLEAN,
}  # fmt: skip


def read(body: bytes, kind: str = "text/csv") -> Batch:
    return decode(kind, body, feed="predictions")


def listed(batch: Batch) -> dict[str, list[object]]:
    return {
        name: values if isinstance(values, list) else values.to_pylist()
        for name, values in batch.columns.items()
    }


def checked(batch: Batch) -> Checked:
    schema = schema_of(policy_of(MODEL, Task.REGRESSION, "late"), batch.columns)
    return check(batch, schema, Terms(feed=Feed.PREDICTIONS, known_at=NOON))


@pytest.mark.parametrize(
    "file",
    ["pandas.csv", "pandas_index_crlf_bom.csv", "pandas_quoted.csv", "polars.csv",
     "pandas.parquet", "polars.parquet"],
)  # fmt: skip
def test_the_same_rows_come_out_however_pandas_and_polars_wrote_them(file: str) -> None:
    kind = "text/csv" if file.endswith(".csv") else "application/vnd.apache.parquet"
    batch = read((GOLDEN / file).read_bytes(), kind)
    found = checked(batch)
    kinds = {c.name: c.kind for c in found.schema.features}
    assert found.rejection.rows == 0
    assert found.rows is not None
    rows = found.rows.to_pylist()
    assert [row["id"] for row in rows] == ["r1", "r2", "r3", "r4"]
    assert rows[2]["at"] == datetime(2024, 3, 1, 8, 0, 0, 250_000, tzinfo=UTC)
    assert [row["prediction"] for row in rows] == [2.1, 4.9, 0.3, 6.0]
    assert {name: kinds[name] for name in KINDS} == KINDS
    assert [row["wind"] for row in rows] == [4.25, None, 1e-7, 12]
    assert [row["crew"] for row in rows] == [2, 3, None, 1]
    assert [row["sail"] or None for row in rows] == ["jib", "main, reefed", 'the "big" one', None]
    assert [row["harbour"] for row in rows] == ["007", "010", "123", "001"]
    assert [row["raced"] for row in rows] == [True, False, True, False]
    assert [row["note"] or None for row in rows][::3] == ["two\nlines", "é"]


def test_what_is_empty_is_missing_and_what_is_quoted_and_empty_is_a_text() -> None:
    batch = read(b'id,sky,sea\na,,""\nb,"NA",NA\nc,x,y\n')
    assert listed(batch) == {
        "id": ["a", "b", "c"], "sky": [None, "NA", "x"], "sea": ["", None, "y"],
    }  # fmt: skip


def test_texts_are_typed_as_json_would_have_them() -> None:
    body = b"id,n,f,zip,big,yes,mixed,hex\n01,1,1.5,007,12345678901234567890,True,1,0x1F\n2,-2,,10,1,FALSE,x,1\n"
    columns = listed(read(body))
    assert columns == {
        "id": ["01", "2"], "n": [1, -2], "f": [1.5, None], "zip": ["007", "10"],
        "big": ["12345678901234567890", "1"], "yes": [True, False], "mixed": ["1", "x"],
        "hex": ["0x1F", "1"],
    }  # fmt: skip


def test_rows_of_another_length_are_rejected_by_their_line_and_the_others_stored() -> None:
    body = f'id,at,x\r\na,{AT},"1"\r\n\r\nb,{AT}\r\n"c\r\nc",{AT},3\r\nd,{AT},4,5\r\ne,{AT},6'
    found = checked(read(body.encode()))
    assert found.rows is not None
    assert found.rows["id"].to_pylist() == ["a", "c\r\nc", "e"]
    assert found.rows["x"].to_pylist() == [1, 3, 6]
    assert [(e.line, e.row, e.message) for e in found.rejection.errors] == [
        (4, 1, "line 4 has 2 fields; expected 3, as the header"),
        (7, 3, "line 7 has 4 fields; expected 3, as the header"),
    ]
    assert found.rejection.kept[0][1] == f"b,{AT}"


def test_bytes_that_are_not_utf8_cost_their_row_alone() -> None:
    body = f"id,at,x\na,{AT},\xff\nb,{AT},é\nc,{AT},\xff,\xfe\n".encode("latin-1")
    found = checked(read(body.replace(b"\xe9", "é".encode())))
    assert found.rows is not None
    assert found.rows["x"].to_pylist() == ["é"]
    assert [e.message for e in found.rejection.errors] == [
        "line 2 has bytes in the column x that are not UTF-8",
        "line 4 has 4 fields; expected 3, as the header",
    ]


def test_a_word_in_a_column_of_numbers_is_named_with_its_line() -> None:
    batch = read(f"id,at,prediction\na,{AT},1\nb,{AT},many\n".encode())
    found = checked(batch)
    [error] = found.rejection.errors
    assert (error.pointer, error.row, error.line) == ("/prediction", 1, 3)
    assert error.message == "prediction is 'many'; expected a number"


def test_a_last_row_whose_quotes_stay_open_is_rejected_since_it_may_hold_others() -> None:
    found = checked(read(f'id,at,x\na,{AT},1\nb,{AT},"2\nc,{AT},3\n'.encode()))
    assert found.rows is not None
    assert found.rows["id"].to_pylist() == ["a"]
    assert found.rejection.errors[0].message == "line 3 opens a quote that is not closed"


def test_a_quote_within_a_word_is_a_quote_and_lines_are_not_guessed_then() -> None:
    batch = read(f'id,at,x\na,{AT},5" pipe\nb,{AT},3\n'.encode())
    assert listed(batch)["x"] == ['5" pipe', "3"]
    assert batch.line(0) is None
    assert batch.pointer("x", 1) == "/x/1"
    assert checked(batch).rejection.rows == 0


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (b"", BadInput, "not CSV with a line of column names: "),
        (b"\n\r\n", BadInput, "not CSV with a line of column names"),
        (b"id,x,id\n1,2,3\n", BadInput, "the header has the column 'id' twice"),
        (b"x," * 3000 + b"id\n", TooLarge, "more than 2000 columns"),
    ],
)  # fmt: skip
def test_a_body_without_a_usable_header_is_refused(
    body: bytes, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        read(body)


def test_a_header_alone_has_no_rows() -> None:
    assert read(b"id,at,x").rows == read(b"id,at,x\r\n").rows == 0


@pytest.mark.parametrize(
    "kind",
    ["text/csv; header=present", "Text/CSV;charset=UTF-8", "application/csv", 'text/csv; charset="utf8"; header=present',
     "text/csv;;"],
)  # fmt: skip
def test_other_names_and_parameters_of_csv(kind: str) -> None:
    assert listed(read("id,sky\n1,é\n".encode(), kind)) == {"id": ["1"], "sky": ["é"]}


def test_other_charsets_and_tabs() -> None:
    told = {"id": ["1"], "sky": ["é"]}
    for charset in ("iso-8859-1", "windows-1252", "utf-16"):
        assert listed(read("id,sky\n1,é\n".encode(charset), f"text/csv; charset={charset}")) == told
    assert listed(read("id\tsky\n1\té\n".encode(), "text/tab-separated-values")) == told
    with pytest.raises(BadInput, match="is not utf-16, as its content type says"):
        read(b"\xff\xfei", "text/csv; charset=utf-16")


@pytest.mark.parametrize("charset", ["rot13", "zip", "no-such", ""])
def test_a_charset_that_is_none_is_refused(charset: str) -> None:
    with pytest.raises(UnsupportedType, match=r"the charset is .*; expected utf-8"):
        read(b"id\n1\n", f"text/csv; charset={charset}")


def test_a_body_without_names_says_so_and_is_refused() -> None:
    with pytest.raises(UnsupportedType, match="no line of column names"):
        read(b"1,2\n", "text/csv; header=absent")


@given(
    st.lists(st.sampled_from([b"a", b",", b'"', b"\n", b"\r\n", b'"a\n"']), max_size=14),
    st.sampled_from([1, 2, 3, 7, 2**20]),
)
def test_records_begin_where_quotes_are_even_whatever_the_step(
    parts: list[bytes], step: int
) -> None:
    body = b"".join(parts)
    lines: list[int] = []
    record, begun, line, odd = b"", 1, 1, False
    for sign in (body[i : i + 1] for i in range(len(body))):
        odd ^= sign == b'"'
        line += sign == b"\n"
        if sign == b"\n" and not odd:
            lines += [begun] if record.removesuffix(b"\r") else []
            record, begun = b"", line
        else:
            record += sign
    lines += [begun] if record.removesuffix(b"\r") else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "_STEP", step)
        assert csv_records.record_lines(body).tolist() == lines


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), min_size=3, max_size=3),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_what_is_quoted_comes_back_as_it_was(rows: list[list[str]]) -> None:
    quoted = [",".join('"' + value.replace('"', '""') + '"' for value in row) for row in rows]
    batch = read("\n".join(["id,x,role", *quoted]).encode())
    columns = listed(batch)
    assert [list(row) for row in zip(columns["id"], columns["role"], strict=True)] == [
        [row[0], row[2]] for row in rows
    ]
    assert not batch.unreadable
    assert batch.lines is None or np.all(np.diff(batch.lines) > 0)


@pytest.mark.parametrize(
    ("kind", "text", "between"),
    [
        ("text/csv", "id;at;prediction\n1;2024-01-01T00:00:00Z;1,5\n", "commas"),
        ("text/csv", "id\tat\n1\t2\n", "commas"),
        ("text/tab-separated-values", "id,at\n1,2\n", "tabs"),
    ],
)
def test_another_sign_between_values_is_told_at_once(kind: str, text: str, between: str) -> None:
    with pytest.raises(
        BadInput, match=f"the header is one name, 'id.*; expected {between} between"
    ):
        decode(kind, text.encode(), feed="predictions")
