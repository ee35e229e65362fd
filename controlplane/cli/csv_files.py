"""CSV files as tables of the kinds that their first rows show, read from any row on.

A later value of another kind makes its column one of texts from there on, and a row with more or
fewer fields than the header is told and passed over: one odd value never ends the reading.
"""

import re
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv

MOST_RAGGED: Final = 100_000
"""Rows of other lengths than the header; with more the file is something else."""
_CONVERTED: Final = re.compile(r"In CSV column #(\d+): ")
_FIRST: Final = 2
"""The number of the first record after the header, as Arrow counts."""


class CsvFile:
    """A file that is open. `texts` are read as text; `block` bytes decide of which kinds the
    columns are. Raises Arrow's exceptions and OSError."""

    def __init__(self, path: Path, texts: Collection[str], *, rows: int, block: int) -> None:
        self._path, self._block = path, block
        self.wrong: dict[int, str] = {}
        """Rows of the file (from 0) that are none, as far as they were read: what is wrong."""
        self._ragged: deque[int] = deque()
        self._rows = 0
        self._reader, self._raw = self._opened({name: pa.string() for name in texts})
        self.names = tuple(self._reader.schema.names)
        self._kinds: dict[str, pa.DataType] = dict(
            zip(self.names, self._reader.schema.types, strict=True)
        )
        if rows:
            self._close()
            self._rows = rows

    def read_so_far(self) -> int:
        """Bytes of the file; one that is closed is read."""
        return self._path.stat().st_size if self._raw.closed else int(self._raw.tell())

    def tables(self) -> Iterator[tuple[pa.Table, int]]:
        """The rows, with the number in the file of the first of each table, from 0."""
        while True:
            try:
                if self._reader is None:
                    self._reader, self._raw = self._opened(self._kinds)
                for batch in self._reader:
                    yield from self._cut(pa.Table.from_batches([batch]))
            except pa.ArrowInvalid as error:
                self._as_text(error)
            else:
                return

    def _opened(self, kinds: dict[str, pa.DataType]) -> tuple[Any, Any]:
        self._ragged.clear()
        raw = pa.OSFile(str(self._path))
        packed = self._path.suffix.lower() == ".gz"
        stream = pa.CompressedInputStream(raw, "gzip") if packed else raw
        return pyarrow.csv.open_csv(
            stream,
            read_options=pyarrow.csv.ReadOptions(
                block_size=self._block, skip_rows_after_names=self._rows,
                use_threads=False,  # with several the reader does not know which row is odd
            ),
            parse_options=pyarrow.csv.ParseOptions(invalid_row_handler=self._passed_over),
            convert_options=pyarrow.csv.ConvertOptions(
                strings_can_be_null=True, column_types=kinds
            ),
        ), raw  # fmt: skip

    def _passed_over(self, row: pyarrow.csv.InvalidRow) -> str:
        if row.number is None or len(self.wrong) >= MOST_RAGGED:
            return "error"
        place = row.number - _FIRST
        self._ragged.append(place)
        self.wrong[place] = (
            f"it has {row.actual_columns} fields; expected {row.expected_columns}, as the header"
        )
        return "skip"

    def _cut(self, table: pa.Table) -> Iterator[tuple[pa.Table, int]]:
        """A table in stretches of rows that follow on each other in the file."""
        while table.num_rows:
            while self._ragged and self._ragged[0] <= self._rows:
                self._rows += self._ragged.popleft() == self._rows
            most = self._ragged[0] - self._rows if self._ragged else table.num_rows
            some, table = table.slice(0, most), table.slice(most)
            begin = self._rows
            self._rows += some.num_rows
            yield some, begin

    def _as_text(self, error: pa.ArrowInvalid) -> None:
        """Read on with the column as text in which a value is not of its kind; raises the error
        where it is another one."""
        found = _CONVERTED.match(str(error))
        name = self.names[int(found[1])] if found else None
        if name is None or pa.types.is_string(self._kinds[name]):
            raise error
        self._kinds[name] = pa.string()
        self._close()

    def _close(self) -> None:
        """Else the reader reads ahead."""
        if self._reader is not None:
            self._reader.close()
            self._raw.close()
        self._reader = None
