"""A data file of whatever make as one table, and what had to be said about reading it."""

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from controlplane.cli.json_lines import tables
from controlplane.domain.errors import BadInput

PARQUET: Final = b"PAR1"
GZIP: Final = b"\x1f\x8b"
OTHERS: Final = (
    (b"PK", "a zip archive or an Excel workbook"), (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"ARROW1", "an Arrow file"), (b"ORC", "an ORC file"), (b"Obj\x01", "an Avro file"),
    (b"BZh", "compressed by bzip2"), (b"\xfd7zXZ", "compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"), (b"SQLite format 3", "an SQLite database"),
)  # fmt: skip
ENCODINGS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
DELIMITERS: Final = ",;\t|"
SAMPLE: Final = 1 << 16
"""Characters of a file by which its delimiter is told."""
UNKNOWN: Final = ("?",)
"""Texts that stand for no value, beside the usual ones such as NA, NaN and null."""
UNPRINTED: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
LONGEST_NAME: Final = 200
MOST_RAGGED: Final = 0.1
"""The share of rows with another number of fields beyond which a file is no table."""


class Reading(NamedTuple):
    """A file's rows, its columns' names all different, and remarks for who reads along."""

    table: pa.Table
    remarks: tuple[str, ...]


def read_file(path: Path) -> Reading:
    """Read Parquet, JSON lines, or CSV with any usual delimiter and encoding, gzipped or not; raises
    BadInput."""
    try:
        raw = path.read_bytes()
        remarks: list[str] = []
        if raw.startswith(GZIP):
            raw = gzip.decompress(raw)
        if raw.startswith(PARQUET):
            table = pq.ParquetFile(pa.BufferReader(raw)).read()
        elif raw[:SAMPLE].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            table = _json_lines(raw, remarks)
        else:
            table = _csv(path, raw, remarks)
    except FileNotFoundError as error:
        message = f"there is no file {path}"
        raise BadInput(message) from error
    except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
        message = f"{path} is not readable as CSV, JSON lines or Parquet: {_first_line(error)}"
        raise BadInput(message) from error
    return Reading(_named(table, remarks), tuple(remarks))


def _json_lines(raw: bytes, remarks: list[str]) -> pa.Table:
    """A row a line; lines that are none are left out, and so are values that are nested."""
    blocks = list(tables(io.BytesIO(raw), packed=False))
    table = pa.concat_tables([block.table for block in blocks], promote_options="permissive")
    wrong = {line: says for block in blocks for line, says in block.wrong.items()}
    if wrong:
        remarks.append(f"{len(wrong)} lines are left out; the first: {next(iter(wrong.values()))}")
    nested = [field.name for field in table.schema if pa.types.is_nested(field.type)]
    if nested:
        remarks.append(f"columns of lists or objects are left out: {', '.join(nested)[:200]}")
    return table.drop_columns(nested)


def _csv(path: Path, raw: bytes, remarks: list[str]) -> pa.Table:
    for begins, what in OTHERS:
        if raw.startswith(begins):
            message = f"{path} is {what}; expected CSV, JSON lines or Parquet"
            raise BadInput(message)
    text = _text(path, raw, remarks)
    if not text.strip():
        message = f"{path} is empty; expected CSV with a line of column names, or Parquet"
        raise BadInput(message)
    delimiter = delimiter_of(text[:SAMPLE])
    if f'{delimiter} "' in text.split("\n", 1)[0]:
        text = text.replace(f'{delimiter} "', f'{delimiter}"')
    sample = text[:SAMPLE]
    if delimiter != ",":
        remarks.append(f"its fields are separated by {'tab' if delimiter == chr(9) else delimiter}")
    ragged: list[str] = []
    table = pyarrow.csv.read_csv(
        io.BytesIO(data := text.encode()),
        # One block: a column's type is told by all of its values.
        read_options=pyarrow.csv.ReadOptions(block_size=min(len(data) + 1, 2**30)),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True,
            invalid_row_handler=partial(_skip, ragged),
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            strings_can_be_null=True,
            null_values=[*pyarrow.csv.ConvertOptions().null_values, *UNKNOWN],
            decimal_point="," if delimiter != "," and has_decimal_commas(sample, delimiter) else ".",
        ),
    )  # fmt: skip
    _tell_ragged(path, table, ragged, remarks)
    return _trimmed(table)


def _skip(ragged: list[str], row: pyarrow.csv.InvalidRow) -> str:
    ragged.append(row.text)
    return "skip"


def _text(path: Path, raw: bytes, remarks: list[str]) -> str:
    for mark, encoding in ENCODINGS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace")
    if b"\0" in raw[:SAMPLE]:
        message = f"{path} holds bytes that are no text; expected CSV, JSON lines or Parquet"
        raise BadInput(message)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        remarks.append(f"its line {line} is not UTF-8; all of it is read as Latin-1 (Windows-1252)")
        return raw.decode("cp1252", errors="replace")


def delimiter_of(sample: str) -> str:
    """The one that cuts most lines of a sample into the same, greatest number of fields."""

    def likeness(delimiter: str) -> tuple[float, int]:
        counts = [len(row) for row in _rows(sample, delimiter)]
        usual, lines = Counter(counts).most_common(1)[0]
        return (lines / len(counts), usual) if usual > 1 else (0.0, 1)

    return max(DELIMITERS, key=likeness)


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    lines = sample.splitlines(keepends=True)
    whole = lines[:-1] if len(lines) > 1 and len(sample) == SAMPLE else lines
    try:
        rows = [row for row in csv.reader(whole, delimiter=delimiter) if row]
    except csv.Error:
        rows = [line.split(delimiter) for line in whole]
    return rows or [[""]]


def has_decimal_commas(sample: str, delimiter: str) -> bool:
    """Whether more fields of a sample are numbers with a comma than with a point."""
    fields = [field.strip() for row in _rows(sample, delimiter)[1:] for field in row]
    with_comma = sum(_is_number(f.replace(",", ".")) for f in fields if f.count(",") == 1)
    with_point = sum(_is_number(f) for f in fields if "." in f)
    return with_comma > with_point


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdecimal()


def _tell_ragged(path: Path, table: pa.Table, ragged: Sequence[str], remarks: list[str]) -> None:
    if not ragged:
        return
    if len(ragged) > MOST_RAGGED * (table.num_rows + len(ragged)):
        message = (
            f"{path}: {len(ragged)} of {table.num_rows + len(ragged)} rows do not have the "
            f"{table.num_columns} fields that the first line names; the first is: {ragged[0][:80]}"
        )
        raise BadInput(message)
    remarks.append(
        f"{len(ragged)} rows with another number of fields are left out; the first is: "
        f"{ragged[0][:60]}"
    )


def _trimmed(table: pa.Table) -> pa.Table:
    """Texts and names without blanks around them; what then is blank or unknown is null."""
    columns = [
        _without_blanks(column) if pa.types.is_string(column.type) else column
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, names=[name.strip() for name in table.column_names])


def _without_blanks(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc  # noqa: PLC0415 - few files need it, and small ones feel it

    trimmed = pc.utf8_trim_whitespace(column)
    nothing = pc.is_in(trimmed, pa.array(["", *UNKNOWN]))
    known = pc.if_else(nothing, pa.scalar(None, pa.string()), trimmed)
    if known.null_count == column.null_count:
        return known
    try:
        return known.cast(pa.float64())  # what stood for no value was all that was not a number
    except pa.ArrowInvalid:
        return known


def _named(table: pa.Table, remarks: list[str]) -> pa.Table:
    """Columns that all have a name of their own, in small letters too; those without are left out."""
    kept = [place for place, name in enumerate(table.column_names) if name.strip()]
    if len(kept) < table.num_columns:
        remarks.append(f"{table.num_columns - len(kept)} columns without a name are left out")
        table = table.select(kept)
    names: list[str] = []
    for original in table.column_names:
        name = UNPRINTED.sub(" ", original).strip()[:LONGEST_NAME]
        called, number = name, 2
        while called.lower() in {taken.lower() for taken in names}:
            called, number = f"{name}_{number}", number + 1
        if called != original:
            remarks.append(f"column {original[:40]!r} is called {called[:40]!r} here")
        names.append(called)
    return table.rename_columns(names)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
