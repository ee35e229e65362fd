"""Files of whatever make that a replay is given: what is read, and what is said where nothing can be."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from controlplane.cli.replay.files import read_file
from controlplane.domain.errors import BadInput

TEXT = "ts,wind,sail\n2024-01-01,1.5,jib\n2024-01-02,2.5,genoa\n"
WINDS = [1.5, 2.5]


def written(folder: Path, content: bytes | str, name: str = "boats.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def as_parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"wind": WINDS}), sink)
    found: bytes = sink.getvalue().to_pybytes()
    return found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", TEXT),
        ("no_suffix", TEXT),
        ("tabs.tsv", TEXT.replace(",", "\t")),
        ("semicolons.csv", TEXT.replace(",", ";")),
        ("pipes.txt", TEXT.replace(",", "|")),
        ("decimal_commas.csv", TEXT.replace(",", ";").replace(".", ",")),
        ("marked.csv", b"\xef\xbb\xbf" + TEXT.encode()),
        ("wide.csv", TEXT.encode("utf-16")),
        ("packed.csv.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("a_csv_in_truth.parquet", TEXT),
        ("a_parquet_in_truth.csv", as_parquet()),
        ("windows.csv", TEXT.replace("\n", "\r\n")),
        ("blanks.csv", TEXT.replace(",", ", ")),
        ("quoted_after_blanks.csv", TEXT.replace("ts,wind,sail", 'ts, "wind", "sail"')),
    ],
)
def test_the_content_decides_and_not_the_name(tmp_path: Path, name: str, content: bytes) -> None:
    table = read_file(written(tmp_path, content, name)).table
    assert table["wind"].to_pylist() == WINDS


def test_a_columns_type_is_told_by_all_of_its_values(tmp_path: Path) -> None:
    rows = 200_000
    text = "n\n" + "\n".join(map(str, range(rows))) + "\n0.5\n"
    assert len(text) > 1 << 20  # more than Arrow looks at unless it is told to
    table = read_file(written(tmp_path, text)).table
    assert (table.schema.field("n").type, table.num_rows) == (pa.float64(), rows + 1)


def test_what_is_not_utf_8_is_read_as_latin_1_and_said(tmp_path: Path) -> None:
    found = read_file(written(tmp_path, TEXT.replace("genoa", "größe").encode("latin-1")))
    assert found.table["sail"].to_pylist() == ["jib", "größe"]
    assert found.remarks == (
        "its line 3 is not UTF-8; all of it is read as Latin-1 (Windows-1252)",
    )


def test_blanks_and_question_marks_are_no_values(tmp_path: Path) -> None:
    table = read_file(written(tmp_path, "wind,sail\n ?, jib \n2.5, \n")).table
    assert table.to_pylist() == [{"wind": None, "sail": "jib"}, {"wind": 2.5, "sail": None}]


def test_rows_of_another_length_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n}\n" for n in range(30))
    found = read_file(written(tmp_path, f"a,b\n{rows}1,2,3\n"))
    assert found.table.num_rows == 30
    assert found.remarks == (
        "1 rows with another number of fields are left out; the first is: 1,2,3",
    )


def test_every_column_has_a_name_of_its_own_on_one_line(tmp_path: Path) -> None:
    names = ["wind", "wind", "Wind", "", "two\nlines", "x" * 300]
    path = tmp_path / "boats.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([n]) for n in range(6)], names=names), path)
    found = read_file(path)
    assert found.table.column_names == ["wind", "wind_2", "Wind_3", "two lines", "x" * 200]
    assert found.remarks[0] == "1 columns without a name are left out"
    assert "column 'wind' is called 'wind_2' here" in found.remarks


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty; expected CSV with a line of column names, or Parquet"),
        (b"\n\n", "is empty"),
        (
            b"PK\x03\x04rest",
            "is a zip archive or an Excel workbook; expected CSV, JSON lines or Parquet",
        ),
        (b"\x00\x01\x02" * 50, "holds bytes that are no text"),
        (b"\x1f\x8bnothing", "is not readable as CSV, JSON lines or Parquet"),
        (b"PAR1short", "is not readable as CSV, JSON lines or Parquet"),
        (
            b"a,b,c\n" + b"1,2\n" * 9,
            "9 of 9 rows do not have the 3 fields that the first line names",
        ),
    ],
)
def test_what_is_no_table_is_said_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said.replace("(", r"\(")) as caught:
        read_file(written(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        read_file(tmp_path / "none.csv")
