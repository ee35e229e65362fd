"""A user's file as a history: rows in time, features with their kinds, labels and when they came."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from controlplane.cli.replay.labels import Labels, read_labels
from controlplane.domain.errors import BadInput
from controlplane.domain.names import RESERVED
from controlplane.domain.schema import Column, Task
from detectors.finding import Kind

BEGINNING: Final = datetime(1970, 1, 5, tzinfo=UTC)
"""Row k of a file without a time column is given hour k from here on."""
HALF_YEAR: Final = timedelta(days=181)
TAKEN: Final = RESERVED | {"prediction", "score"}
FEWEST: Final = 200
STAMP: Final = pa.timestamp("us", tz="UTC")


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
    delay: timedelta = timedelta(days=1)


class History(msgspec.Struct, frozen=True, kw_only=True):
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
    split: datetime
    """Where serving begins: a midnight, or a multiple of 24 rows."""

    @property
    def task(self) -> Task:
        """What the label asks for."""
        return self.labels.task

    def between(self, start: datetime | None, end: datetime) -> pa.Table:
        """Rows that happened in `[start, end)`."""
        return self._cut("at", start, end, closed="left")

    def labelled_between(self, start: datetime | None, end: datetime) -> pa.Table:
        """Rows whose label became known in `(start, end]`."""
        return self._cut("label_known_at", start, end, closed="right")

    def _cut(self, name: str, start: datetime | None, end: datetime, *, closed: str) -> pa.Table:
        column = self.rows[name]
        until, since = (
            (pc.less, pc.greater_equal) if closed == "left" else (pc.less_equal, pc.greater)
        )
        mask = until(column, pa.scalar(end, STAMP))
        if start is not None:
            mask = pc.and_(mask, since(column, pa.scalar(start, STAMP)))
        return self.rows.filter(pc.fill_null(mask, fill_value=False))


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
    rows = pa.table(
        {
            "id": _ids(table, asked.id),
            "at": at,
            "label": labels.values,
            "label_known_at": _known(table, at, labels.values, asked),
            **columns,
        }
    )
    return History(
        name=path.stem, rows=rows, features=features, labels=labels, timed=timed,
        renamed=renamed, rejected=rejected, split=_split(rows["at"], asked.time_zone, timed=timed),
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
        return as_times(table[asked.time], asked.time, asked.time_zone), True
    first = int(BEGINNING.timestamp() * 1_000_000)
    hours = pc.multiply(pa.array(range(table.num_rows), pa.int64()), 3_600_000_000)
    return pa.chunked_array([pc.add(hours, first).cast(STAMP)]), False


def as_times(column: pa.ChunkedArray, name: str, zone: str) -> pa.ChunkedArray:
    """A column as UTC times; what does not parse is null. Times without an offset are of `zone`."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _parsed(column)
        kind = column.type
    if pa.types.is_date(kind):
        column, kind = column.cast(pa.timestamp("us")), pa.timestamp("us")
    if not pa.types.is_timestamp(kind):
        message = f"column {name!r} holds {kind}; expected dates, times or ISO 8601 text"
        raise BadInput(message)
    if kind.tz is None:
        column = pc.assume_timezone(
            column.cast(pa.timestamp("us")), zone, ambiguous="earliest", nonexistent="latest"
        )
    return column.cast(STAMP)


def _parsed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """ISO 8601 text as times, with or without an offset; anything else becomes null."""
    offset = pc.match_substring_regex(column, r"(Z|[+-]\d{2}:?\d{2})$")
    kind = STAMP if pc.any(offset).as_py() else pa.timestamp("us")
    looks = pc.match_substring_regex(
        column, r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$"
    )
    kept = pc.if_else(pc.fill_null(looks, fill_value=False), column, pa.scalar(None, column.type))
    if kind == STAMP:
        kept = pc.if_else(
            pc.fill_null(offset, fill_value=False), kept, pc.binary_join_element_wise(kept, "Z", "")
        )
    try:
        return kept.cast(kind)
    except pa.ArrowInvalid:
        return pa.chunked_array([[_one(text) for text in kept.to_pylist()]], STAMP)


def _one(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _features(
    table: pa.Table, asked: Asked
) -> tuple[tuple[Column, ...], dict[str, pa.ChunkedArray], dict[str, str]]:
    """The columns that are left; a name that Leeboard uses itself gets an underscore behind it."""
    out = {asked.label, asked.time, asked.label_time, asked.id, *asked.drop}
    kinds: list[Column] = []
    columns: dict[str, pa.ChunkedArray] = {}
    renamed: dict[str, str] = {}
    for name in table.column_names:
        if name in out:
            continue
        called = name
        while called in TAKEN or (called != name and called in table.column_names):
            called += "_"
        if called != name:
            renamed[name] = called
        kind, values = _feature(table[name], name, asked.time_zone)
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


def _known(
    table: pa.Table, at: pa.ChunkedArray, labels: pa.ChunkedArray, asked: Asked
) -> pa.ChunkedArray:
    """When each label became known; null where there is none. Never before its row."""
    if asked.label_time is not None:
        known = as_times(table[asked.label_time], asked.label_time, asked.time_zone)
        known = pc.max_element_wise(known, at, skip_nulls=False)
    else:
        known = pc.add(at, pa.scalar(asked.delay, pa.duration("us")))
    return pc.if_else(pc.is_valid(labels), known, pa.scalar(None, STAMP))


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
