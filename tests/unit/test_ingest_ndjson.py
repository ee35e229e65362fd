"""JSON lines: a row a line, and what is wrong with one line costs that row alone."""

import msgspec
import pytest

from controlplane.domain.errors import BadInput, TooLarge
from controlplane.domain.schema import Task
from controlplane.ingest.batch import Batch, Feed
from controlplane.ingest.checking import Checked, Terms, check
from controlplane.ingest.decode import decode
from controlplane.ingest.formats import json as json_format
from controlplane.ingest.inference import schema_of
from controlplane.policy.defaults import policy_of
from tests.stored import MODEL, NOON

KIND = "application/x-ndjson; charset=utf-8"


def read(body: bytes) -> Batch:
    return decode(KIND, body, feed="predictions")


def checked(body: bytes) -> Checked:
    batch = read(body)
    schema = schema_of(policy_of(MODEL, Task.REGRESSION, "late"), batch.columns)
    return check(batch, schema, Terms(feed=Feed.PREDICTIONS, known_at=NOON))


def line(row: int, **more: object) -> bytes:
    return msgspec.json.encode({"id": f"i{row}", "at": "2024-01-01T00:00:00Z", **more})


def listed(batch: Batch) -> dict[str, list[object]]:
    return {
        name: values if isinstance(values, list) else values.to_pylist()
        for name, values in batch.columns.items()
    }


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"a","x":1}\n{"id":"b"}',
        b'{"id":"a","x":1}\n{"id":"b"}\n',
        b'{"id":"a","x":1}\r\n{"id":"b"}\r\n',
        b'\xef\xbb\xbf{"id":"a","x":1}\n{"id":"b"}\n',
        b'\n\n{"id":"a","x":1}\n\r\n{"id":"b"}\n\n',
        b'  {"id":"a","x":1}\t\n   \n{"id":"b"} ',
    ],
)  # fmt: skip
def test_rows_are_the_same_however_lines_end(body: bytes) -> None:
    batch = read(body)
    assert listed(batch) == {"id": ["a", "b"], "x": [1, None]}
    assert not batch.unreadable


def test_a_value_is_found_by_its_line_whatever_is_blank() -> None:
    batch = read(b'\n{"id":"a"}\n\n\r\n{"id":"b"}\n')
    assert [batch.line(row) for row in range(2)] == [2, 5]
    assert batch.pointer("x/y", 1) == "/x~1y"


def test_mixed_names_and_kinds_are_kept_as_they_came() -> None:
    batch = read(b'{"id":"a","x":1}\n{"id":"b","x":"two","y":true}\n')
    assert listed(batch) == {"id": ["a", "b"], "x": [1, "two"], "y": [None, True]}


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (b'{"id": "b", "at":', "is not JSON: Input data was truncated; expected a row"),
        (b'{"id": NaN, }', "is not JSON: Expecting property name"),
        (b'{"b\\ud800": NaN}', "is not JSON: "),
        (b'{"id": "\xff"}', "is not JSON: "),
        (b'{"a": ' + b"[" * 50_000, "is nested too deep"),
        (b'["b"]', "is a list; expected a row as an object"),
        (b"7", "is a number; expected a row"),
        (b'{"id": "b"}{"id": "c"}', "is not JSON: "),
    ],
)  # fmt: skip
def test_a_broken_line_is_rejected_with_its_line_and_the_others_are_stored(
    broken: bytes, says: str
) -> None:
    found = checked(b"\n".join([line(0, x=1.5), b"", broken, line(2, x=2.5)]))
    assert found.rows is not None
    assert found.rows["id"].to_pylist() == ["i0", "i2"]
    [error] = found.rejection.errors
    assert (error.line, error.row, error.pointer) == (3, 1, "")
    assert error.message.startswith("line 3 ")
    assert says in error.message
    assert found.rejection.kept[0][1].startswith(broken[:9].decode(errors="replace"))


def test_a_row_over_two_lines_is_two_broken_lines() -> None:
    found = checked(line(0) + b'\n{"id": "b",\n"at": "2024-01-01T00:00:00Z"}\n')
    assert found.rows is not None
    assert found.rows.num_rows == 1
    assert [error.line for error in found.rejection.errors] == [2, 3]


def test_a_value_of_the_wrong_kind_is_rejected_by_name_and_line() -> None:
    body = b"\n".join([line(0, x=1), line(1, x=2), line(2, x={"deep": [1]}), line(3)])
    batch = read(body)
    features = schema_of(
        policy_of(MODEL, Task.REGRESSION, "late"), read(line(0, x=1)).columns
    )  # fmt: skip
    found = check(batch, features, Terms(feed=Feed.PREDICTIONS, known_at=NOON))
    [error] = found.rejection.errors
    assert (error.pointer, error.row, error.line) == ("/x", 2, 3)
    assert error.message == "x is {'deep': [1]}; expected a number"


def test_an_empty_body_has_no_rows() -> None:
    for body in (b"", b"\n", b"\xef\xbb\xbf", b"\r\n\r\n"):
        assert read(body).rows == 0


def test_lines_of_ever_other_names_are_refused_before_they_unfold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_format, "MOST_VALUES", 50)
    body = b"\n".join(line(row, **{f"c{row}": 1}) for row in range(10))
    with pytest.raises(TooLarge, match="10 rows have 12 different names, 120 values in all"):
        read(body)


def test_numbers_that_python_writes_and_json_has_not_are_read_and_judged_row_by_row() -> None:
    at = b'"at": "2024-01-01T00:00:00Z"'
    body = (
        b'{"id": "a", "prediction": 1.5, "x": NaN, %b}\n{"id": "b", "prediction": -Infinity, %b}\n'
        b'{"id": "c", "prediction": 1e400, "x": 2, %b}\n{"id": "d", "prediction": 2.5, "x": 1e999, %b}'
    ) % (at, at, at, at)
    lines = checked(body)
    rows = b",".join(body.split(b"\n"))
    columns = json_format.decode(b'{"rows": [%b]}' % rows)
    schema = schema_of(policy_of(MODEL, Task.REGRESSION, "late"), columns.columns)
    together = check(columns, schema, Terms(feed=Feed.PREDICTIONS, known_at=NOON))
    for found in (lines, together):
        assert found.rows is not None
        assert found.rows["id"].to_pylist() == ["a", "d"]
        assert found.rows["x"].to_pylist() == [None, float("inf")]
        assert [error.message for error in found.rejection.errors] == [
            "prediction is -inf; expected a number", "prediction is inf; expected a number"
        ]  # fmt: skip
        # infinite and sent again they are what they were, not rows without a prediction
        assert [text.split('"prediction":')[1][:6] for _, text in found.rejection.kept] == [
            '"-inf"', '"inf",'
        ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [b'{"id\\ud800": NaN}', b'{"id": NaN, "x": "\\uDFFF"}', b'{"id": NaN, "x": "\xed\xa0\x80"}'],
)
def test_half_a_character_is_refused_beside_such_numbers_as_without_them(body: bytes) -> None:
    for sent in (body, body.replace(b"NaN", b"1")):
        with pytest.raises(BadInput, match="the body is not JSON"):
            json_format.decode(sent)


def test_a_byte_order_mark_before_json_is_passed_over() -> None:
    assert json_format.decode(b"\xef\xbb\xbf" + b'{"id": "a"}').rows == 1
