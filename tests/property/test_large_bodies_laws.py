"""Laws of large bodies: read a part at a time they are what they are read at once."""

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.domain.errors import BadInput
from controlplane.ingest import loose
from controlplane.ingest.batch import Batch
from controlplane.ingest.formats import json, json_large, ndjson
from controlplane.ingest.formats.stacking import stacked
from tests.property.test_ingest_laws import BODIES, QUICK, VALUES

ROW = st.dictionaries(st.sampled_from(["id", "a", "b", "c"]), VALUES, max_size=4)
ROWS = st.lists(ROW | VALUES, max_size=12)
LINE = (ROW | VALUES).map(msgspec.json.encode) | st.sampled_from(
    [
        b"",
        b"  ",
        b"{",
        b'{"id": 1}{"id": 2}',
        b'{"id": 1} {"id": 2',
        b"[" * 300,
        b"\xff",
        b'{"a":1}\r',
    ]
)


def told(batch: Batch) -> object:
    """All that matters of a batch. Nested values may be of Arrow or not: nothing is made of them."""
    return (
        {n: ([str(v) for v in _list(c)], _kind(c)) for n, c in batch.columns.items()},
        batch.rows,
        batch.shape,
        None if batch.lines is None else batch.lines.tolist(),
        batch.unreadable,
    )


def _list(column: object) -> list[object]:
    return column if isinstance(column, list) else column.to_pylist()


def _kind(column: object) -> str:
    if isinstance(column, list) or pa.types.is_nested(column.type):
        return "list"
    return str(column.type)


@QUICK
@given(ROWS, st.integers(1, 5))
def test_rows_in_parts_are_the_columns_of_all_of_them(rows: list[object], size: int) -> None:
    parts = [rows[n : n + size] for n in range(0, len(rows), size)]
    found, wanted = stacked(parts), json.turned(rows)
    assert list(found) == list(wanted)
    for name, column in wanted.items():
        assert _kind(found[name]) == _kind(column)
        if _kind(column) != "list":
            assert _list(found[name]) == _list(column)
        assert len(found[name]) == len(rows)


@QUICK
@given(BODIES, st.integers(1, 40))
def test_json_in_parts_is_read_as_at_once(body: object, size: int) -> None:
    text = msgspec.json.encode(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_large, "LEAST", 0)
        patch.setattr(json_large, "PART", size)
        found = outcome(json_large.decode, text)
    wanted = outcome(json.decode, text)
    if isinstance(wanted, str):
        assert found == wanted
    else:
        assert told(found)[1:] == told(wanted)[1:]
        assert kinds(found) == kinds(wanted)


@QUICK
@given(st.lists(LINE, max_size=12), st.integers(1, 60), st.booleans())
def test_lines_in_parts_are_read_as_at_once(lines: list[bytes], size: int, ends: bool) -> None:
    text = b"\n".join(lines) + b"\n" * ends
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ndjson, "PART", size)
        found = ndjson.decode(text)
    wanted = ndjson.decode(text)
    assert told(found)[1:] == told(wanted)[1:]
    assert kinds(found) == kinds(wanted)


def kinds(batch: Batch) -> dict[str, object]:
    return {
        name: _kind(column) if _kind(column) == "list" else (_kind(column), _list(column))
        for name, column in batch.columns.items()
    }


def outcome(decode: object, text: bytes) -> "Batch | str":
    try:
        return decode(text)
    except BadInput as error:
        return str(error)


@pytest.mark.parametrize(
    "text", [b'{"columns": {"a": [1,}}', b'{"rows": [{"a": 1}, {]}', b"{", b'{"rows": [1']
)
def test_what_is_no_json_is_said(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_large, "LEAST", 0)
    for most in (0, 2**20):
        monkeypatch.setattr(loose, "MOST", most)
        with pytest.raises(BadInput, match=r"the body is not JSON: .*; expected"):
            json_large.decode(text)


def test_what_only_a_patient_reader_takes_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_large, "LEAST", 0)
    found = json_large.decode(b'\xef\xbb\xbf{"rows": [{"a": NaN}, {"a": 1}]}')
    assert [str(value) for value in found.columns["a"].to_pylist()] == ["nan", "1.0"]


def test_a_column_of_too_many_values_is_refused_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json_large, "LEAST", 0)
    monkeypatch.setattr(json_large, "MOST_COMMAS", 10)
    with pytest.raises(BadInput, match="/columns/a may hold more than"):
        json_large.decode(b'{"columns": {"a": [' + b",".join([b"1"] * 12) + b"]}}")


def test_lists_of_what_holds_nothing_stay_whole_beside_rows_without_them() -> None:
    rows = [[{"b": 1}], [{"a": [None, {"": None}]}], [{"a": [None, {"": None}]}]]
    column = stacked(rows)["a"]
    column.validate(full=True)
    assert column.to_pylist() == [None, [None, {"": None}], [None, {"": None}]]
