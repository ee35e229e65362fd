"""Data files of every make, read in pieces."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from controlplane.cli.tables import kept, opening, texts
from controlplane.cli.tables.kinds import kind_of
from controlplane.cli.tables.opening import opened
from controlplane.cli.tables.texts import NotSoThroughout
from controlplane.domain.errors import BadInput
from detectors.finding import Kind

ROWS = pa.table({"n": [1.5, None, 3.0, 4.0], "c": ["a", "b", None, "a"], "b": [True, False, True, None]})  # fmt: skip


def written(path: Path, table: pa.Table = ROWS) -> Path:
    """The rows in a file of the make that its name says."""
    match path.name.removeprefix("rows."):
        case "parquet":
            pq.write_table(table, path)
        case "csv":
            pyarrow.csv.write_csv(table, path)
        case "csv.gz":
            plain = written(path.with_name("rows.csv"), table)
            path.write_bytes(gzip.compress(plain.read_bytes()))
        case "ndjson":
            path.write_text("\n".join(map(json.dumps, table.to_pylist())))
        case "arrow":
            with pa.ipc.new_file(path, table.schema) as file:
                file.write_table(table)
        case "arrows":
            with pa.ipc.new_stream(path, table.schema) as file:
                file.write_table(table)
    return path


MAKES = ["parquet", "csv", "csv.gz", "ndjson", "arrow", "arrows"]


@pytest.mark.parametrize("make", MAKES)
def test_every_make_gives_the_same_columns(make: str, tmp_path: Path) -> None:
    file = opened(written(tmp_path / f"rows.{make}"))
    assert file.names == ("n", "c", "b")
    advanced: list[int] = []
    [piece] = file.pieces(file.names, advanced.append)
    assert {name: values.to_pylist() for name, values in piece.items()} == ROWS.to_pydict()
    assert sum(advanced) <= file.size
    [only] = file.pieces(["c"])
    assert list(only) == ["c"]
    assert [kind_of(piece[name]) for name in file.names] == [
        Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN]  # fmt: skip


@pytest.mark.parametrize("make", MAKES)
def test_large_files_come_in_pieces(make: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(opening, "PIECE_BYTES", 1 << 16)
    monkeypatch.setattr(opening, "PIECE_ROWS", 1000)
    monkeypatch.setattr(opening, "BATCH_ROWS", 500)
    monkeypatch.setattr("controlplane.cli.tables.texts.BLOCK", 1 << 14)
    table = pa.table({"n": [k / 2 for k in range(10_000)], "c": ["text"] * 10_000})
    if make == "arrow":
        path = tmp_path / "rows.arrow"
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table, max_chunksize=500)
    elif make == "arrows":
        path = tmp_path / "rows.arrows"
        with pa.ipc.new_stream(path, table.schema) as file:
            file.write_table(table, max_chunksize=500)
    else:
        path = written(tmp_path / f"rows.{make}", table)
    pieces = list(opened(path).pieces(["n", "c"]))
    assert len(pieces) > 1
    assert sum(len(piece["n"]) for piece in pieces) == 10_000
    if make in {"parquet", "arrow", "arrows"}:
        assert [len(piece["n"]) for piece in opened(path).pieces(["n"])] == [1000] * 10


def test_other_delimiters_decimals_and_encodings_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("größe;wert\n1,5;a\n2,5;b\n".encode("cp1252"))
    [piece] = opened(path).pieces(["größe", "wert"])
    assert piece["größe"].to_pylist() == [1.5, 2.5]


def test_a_column_that_changes_its_type_is_named_and_read_as_text(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("controlplane.cli.tables.texts.BLOCK", 1 << 12)
    path = tmp_path / "rows.csv"
    path.write_text("n,c\n" + "1,a\n" * 5000 + "x,b\n")
    with pytest.raises(NotSoThroughout, match="'n' changes its type") as caught:
        list(opened(path).pieces(["n", "c"]))
    again = opened(path, as_text=frozenset({caught.value.column}))
    pieces = list(again.pieces(["n"]))
    assert pieces[-1]["n"][-1].as_py() == "x"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.csv", b"", "is empty"),
        ("rows.xlsx", b"PK\x03\x04 and so on", "an Excel workbook; expected Parquet"),
        ("rows.bin", b"\0\1\2\3 binary", "bytes that are no text"),
        ("rows.parquet", b"PAR1 and nothing", "is not readable as Parquet"),
        ("rows.csv.gz", b"\x1f\x8b\x08 broken", "is not readable as"),
        ("rows.json", b'{"a": 1}\n{"a": [1]', "read"),
    ],
    ids=["empty", "excel", "binary", "parquet", "gzip", "json"],
)
def test_what_is_no_data_file_is_said_in_a_sentence(name, content, said, tmp_path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput, match=said):
        list(opened(path).pieces(["a"]))


def test_a_file_that_is_not_there_and_one_that_breaks_off(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        opened(tmp_path / "none.csv")
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n3,4,5\n")
    with pytest.raises(BadInput, match=r"rows.csv .*Expected 2 columns"):
        list(opened(path).pieces(["a"]))


def test_texts_are_numbers_times_or_levels_by_the_first_of_them() -> None:
    of = {
        Kind.NUMERIC: [str(k / 3) for k in range(50)] + ["n/a"],
        Kind.DATETIME: ["2024-01-02", "2024-02-03T10:00"],
        Kind.CATEGORICAL: ["a", "1", None],
    }
    for kind, values in of.items():
        assert kind_of(pa.chunked_array([values])) is kind
    assert kind_of(pa.chunked_array([pa.array([None, None], pa.string())])) is Kind.CATEGORICAL
    assert kind_of(pa.chunked_array([pa.array([1], pa.duration("s"))])) is Kind.NUMERIC


@pytest.mark.parametrize("make", ["parquet", "csv", "csv.gz", "arrow", "arrows"])
def test_columns_of_one_name_are_told_and_the_others_read(make: str, tmp_path: Path) -> None:
    rows = pa.Table.from_arrays([pa.array([1, 2])] * 4, names=["a", "b", "a", "c"])
    file = opened(written(tmp_path / f"rows.{make}", rows))

    assert file.names == ("b", "c")
    [piece] = file.pieces(file.names)
    assert {name: values.to_pylist() for name, values in piece.items()} == {
        "b": [1, 2],
        "c": [1, 2],
    }
    assert [remark.partition(" has ")[2] for remark in file.remarks] == [
        "several columns called 'a'; none of them is read"
    ]


@pytest.mark.parametrize("most", [2**30, 0], ids=["in memory", "on disk"])
@pytest.mark.parametrize("make", ["csv", "csv.gz", "ndjson", "arrow", "arrows"])
def test_rows_that_are_kept_are_those_of_the_file(make, most, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(kept, "MOST_HELD", most)
    monkeypatch.setattr(opening, "PIECE_BYTES", 1)
    found = kept.kept(written(tmp_path / f"rows.{make}"))

    assert found.rows == ROWS.num_rows
    assert {name: found.column(name).to_pylist() for name in found.schema.names} == ROWS.to_pydict()
    assert [found.column(name).type for name in found.schema.names] == found.schema.types


def test_levels_in_dictionaries_of_their_own_are_kept_on_disk(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(kept, "MOST_HELD", 0)
    monkeypatch.setattr(opening, "PIECE_BYTES", 1)
    coded = [pa.table({"c": pa.array(part).dictionary_encode()}) for part in (["a"], ["b", "a"])]
    with pa.ipc.new_stream(tmp_path / "rows.arrows", coded[0].schema) as file:
        for part in coded:
            file.write_table(part)

    assert kept.kept(tmp_path / "rows.arrows").column("c").to_pylist() == ["a", "b", "a"]


def test_a_type_that_changes_on_the_way_is_text_throughout(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(kept, "MOST_HELD", 0)
    path = tmp_path / "rows.csv"
    monkeypatch.setattr(texts, "BLOCK", 1_000)
    path.write_text("n,c\n" + "1,a\n" * 1_000 + "x,b\n")

    found = kept.kept(path)

    assert (found.rows, found.column("n")[-1].as_py()) == (1_001, "x")


def test_a_disk_without_room_is_a_sentence(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "MOST_HELD", 0)
    monkeypatch.setattr(pa.ipc, "new_file", full)
    rows = written(tmp_path / "rows.ndjson")
    with pytest.raises(BadInput, match="set TMPDIR to a folder with more room"):
        kept.kept(rows)
