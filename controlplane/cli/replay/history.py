"""A user's file as a history: rows in time, features with their kinds, labels and when they came."""

from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from controlplane.cli.replay.labels import Labels, as_classes, read_labels
from controlplane.cli.replay.times import STAMP, as_micros, as_times, known_times, micros
from controlplane.domain.errors import BadInput
from controlplane.domain.names import RESERVED
from controlplane.domain.schema import Column, Task
from detectors.finding import Kind

BEGINNING: Final = datetime(1970, 1, 5, tzinfo=UTC)
"""Row k of a file without a time column is given hour k from here on."""
HALF_YEAR: Final = timedelta(days=181)
TAKEN: Final = RESERVED | {"prediction", "score"}
FEWEST: Final = 200


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of a file."""

    label: str
    time: str | None = None
    label_time: str | None = None
    id: str | None = None
    drop: tuple[str, ...] = ()
    time_zone: str = "UTC"
    task: str | None = None
    positive: str | None = None
    delay: timedelta | None = None
    """How late labels come; None: as `label_time` shows, else a day."""
    declared: tuple[Column, ...] | None = None
    """The features and their kinds; None: every column that is left, as it looks."""


class History(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Rows in time order: `id, at, label, label_known_at` and the features.

    `label` is in the form in which labels are stored; null where none ever came.
    """

    name: str
    rows: pa.Table
    features: tuple[Column, ...]
    labels: Labels
    timed: bool
    renamed: dict[str, str]
    rejected: int
    delay: timedelta
    """After which most labels are known."""
    split: datetime
    """Where serving begins: a midnight, or a multiple of 24 rows."""

    @property
    def task(self) -> Task:
        """What the label asks for."""
        return self.labels.task

    def row_at(self, moment: datetime) -> int:
        """The number of the first row at or after a moment."""
        return int(np.searchsorted(self._at, micros(moment)))

    def between(self, start: datetime | None, end: datetime) -> pa.Table:
        """Rows that happened in `[start, end)`."""
        first = 0 if start is None else self.row_at(start)
        return self.rows.slice(first, max(self.row_at(end) - first, 0))

    def labelled_between(self, start: datetime | None, end: datetime) -> pa.Table:
        """`id, at, label, label_known_at` where the label became known in `(start, end]`."""
        rows, known = self._labelled
        first = 0 if start is None else int(np.searchsorted(known, micros(start), side="right"))
        last = int(np.searchsorted(known, micros(end), side="right"))
        return rows.slice(first, max(last - first, 0))

    @cached_property
    def _at(self) -> NDArray[np.int64]:
        return as_micros(self.rows["at"])

    @cached_property
    def _labelled(self) -> tuple[pa.Table, NDArray[np.int64]]:
        """The labels in the order in which they became known, and when that was."""
        there = self.rows.select(["id", "at", "label", "label_known_at"])
        there = there.filter(there["label_known_at"].is_valid())
        there = there.sort_by([("label_known_at", "ascending"), ("at", "ascending")])
        return there, as_micros(there["label_known_at"])


def read_history(path: Path, asked: Asked) -> History:
    """Read a CSV or Parquet file; raises BadInput, saying what was found and expected."""
    table = _table(path)
    for name in (asked.label, asked.time, asked.label_time, asked.id, *asked.drop):
        if name is not None and name not in table.column_names:
            message = f"{path.name} has no column {name!r}; it has {', '.join(table.column_names)}"
            raise BadInput(message)
    at, timed = _event_times(table, asked)
    valid = pc.is_valid(at)
    rejected = table.num_rows - int(pc.sum(valid).as_py() or 0)
    table, at = table.filter(valid), at.filter(valid)
    order = pc.sort_indices(pa.table({"at": at}), sort_keys=[("at", "ascending")])
    table, at = table.take(order), at.take(order)
    if table.num_rows < FEWEST:
        message = f"{path.name} has {table.num_rows} usable rows; a replay needs {FEWEST}"
        raise BadInput(message)
    labels = read_labels(table[asked.label], asked.label, task=asked.task, positive=asked.positive)
    features, columns, renamed = _features(table, asked)
    came = table[asked.label_time] if asked.label_time is not None else None
    if came is not None:
        came = as_times(came, asked.label_time or "", asked.time_zone)
    known, delay = known_times(at, labels.values, came=came, delay=asked.delay)
    rows = pa.table(
        {
            "id": _ids(table, asked.id),
            "at": at,
            "label": labels.values,
            "label_known_at": known,
            **columns,
        }
    )
    return History(
        name=path.stem, rows=rows, features=features, labels=labels, timed=timed,
        renamed=renamed, rejected=rejected, delay=delay, split=_split(rows["at"], asked.time_zone, timed=timed),
    )  # fmt: skip


def _table(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        convert = pyarrow.csv.ConvertOptions(strings_can_be_null=True)
        return pyarrow.csv.read_csv(path, convert_options=convert)
    except FileNotFoundError as error:
        message = f"there is no file {path}"
        raise BadInput(message) from error
    except (pa.ArrowException, OSError) as error:
        message = f"{path} is not readable as {'Parquet' if path.suffix == '.parquet' else 'CSV'}: {error}"
        raise BadInput(message) from error


def _event_times(table: pa.Table, asked: Asked) -> tuple[pa.ChunkedArray, bool]:
    if asked.time is not None:
        at = as_times(table[asked.time], asked.time, asked.time_zone)
        if at.null_count == len(at) > 0:
            message = (
                f"nothing in column {asked.time!r} reads as a time; found "
                f"{table[asked.time][0].as_py()!r}, expected for example 2024-03-01 06:00:00"
            )
            raise BadInput(message)
        return at, True
    first = int(BEGINNING.timestamp() * 1_000_000)
    hours = pc.multiply(pa.array(range(table.num_rows), pa.int64()), 3_600_000_000)
    return pa.chunked_array([pc.add(hours, first).cast(STAMP)]), False


def _features(
    table: pa.Table, asked: Asked
) -> tuple[tuple[Column, ...], dict[str, pa.ChunkedArray], dict[str, str]]:
    """The columns that are left; a name that Leeboard uses itself gets an underscore behind it."""
    out = {asked.label, asked.time, asked.label_time, asked.id, *asked.drop}
    names = [name for name in table.column_names if name not in out]
    declared = {column.name: column.kind for column in asked.declared or ()}
    if absent := [name for name in declared if name not in names]:
        message = f"the model file names features that the file lacks: {', '.join(absent)}"
        raise BadInput(message)
    kinds: list[Column] = []
    columns: dict[str, pa.ChunkedArray] = {}
    renamed: dict[str, str] = {}
    for name in declared or names:
        called = name
        while called in TAKEN or (called != name and called in table.column_names):
            called += "_"
        if called != name:
            renamed[name] = called
        kind, values = _feature(table[name], name, asked.time_zone)
        if declared and kind is not declared[name]:
            kind, values = declared[name], _as_kind(values, declared[name], name)
        kinds.append(Column(called, kind))
        columns[called] = values
    if not kinds:
        message = "no column is left to be a feature; expected at least one beside label and time"
        raise BadInput(message)
    return tuple(kinds), columns, renamed


def _feature(column: pa.ChunkedArray, name: str, zone: str) -> tuple[Kind, pa.ChunkedArray]:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_boolean(kind):
        return Kind.BOOLEAN, column.cast(pa.bool_())
    if pa.types.is_temporal(kind) and not (pa.types.is_time(kind) or pa.types.is_duration(kind)):
        return Kind.DATETIME, as_times(column, name, zone)
    if pa.types.is_null(kind) or _is_number(kind):
        return Kind.NUMERIC, column.cast(pa.float64())
    text = column.cast(pa.string())
    if _reads_as_time(text):
        return Kind.DATETIME, as_times(text, name, zone)
    return Kind.CATEGORICAL, text


def _as_kind(values: pa.ChunkedArray, kind: Kind, name: str) -> pa.ChunkedArray:
    """A feature in the kind that the model file declares for it."""
    targets = {Kind.NUMERIC: pa.float64(), Kind.BOOLEAN: pa.bool_(), Kind.DATETIME: STAMP}
    try:
        if kind is Kind.CATEGORICAL:
            return as_classes(values)
        return values.cast(targets[kind])
    except pa.ArrowException as error:
        message = f"column {name!r} holds {values.type}; the model file says {kind}: {error}"
        raise BadInput(message) from error


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _reads_as_time(text: pa.ChunkedArray) -> bool:
    present = text.drop_null()
    if len(present) == 0:
        return False
    return bool(pc.all(pc.match_substring_regex(present, r"^\d{4}-\d{2}-\d{2}([T ]|$)")).as_py())


def _ids(table: pa.Table, name: str | None) -> pa.ChunkedArray:
    if name is None:
        return pa.chunked_array([pa.array(range(table.num_rows)).cast(pa.string())])
    ids = table[name].cast(pa.string())
    if ids.null_count or pc.count_distinct(ids).as_py() != len(ids):
        message = f"column {name!r} is not a name for each row: it has repeated or missing values"
        raise BadInput(message)
    return ids


def _split(at: pa.ChunkedArray, zone: str, *, timed: bool) -> datetime:
    """The first six months, or a quarter of the rows, whichever is less."""
    first: datetime = at[0].as_py()
    quarter: datetime = at[len(at) // 4].as_py()
    if not timed:
        days = max((quarter - first) // timedelta(days=1), 1)
        return BEGINNING + days * timedelta(days=1)
    local: datetime = min(_half_a_year_on(first), quarter).astimezone(ZoneInfo(zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if midnight.astimezone(UTC) <= first:
        midnight = local
    return midnight.astimezone(UTC)


def _half_a_year_on(first: datetime) -> datetime:
    """The same day six calendar months later, or the first of the month after it."""
    year, month = divmod(first.year * 12 + first.month - 1 + 6, 12)
    try:
        return first.replace(year=year, month=month + 1)
    except ValueError:
        year, month = divmod(first.year * 12 + first.month + 6, 12)
        return first.replace(year=year, month=month + 1, day=1)
