"""A user's file as a history: rows in time, features with their kinds, labels and when they came."""

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.cli.replay.asked import Asked
from controlplane.cli.replay.columns import plain_column
from controlplane.cli.replay.features import Terms, choose
from controlplane.cli.replay.files import read_file
from controlplane.cli.replay.labels import Labels, as_classes, read_labels
from controlplane.cli.replay.order import BEGINNING, event_times
from controlplane.cli.replay.times import DAY, HOUR, as_micros, as_times, known_times, micros
from controlplane.domain.errors import BadInput
from controlplane.domain.names import RESERVED
from controlplane.domain.schema import Column, Task

TAKEN: Final = RESERVED | {"prediction", "score"}
FEWEST: Final = 200
FEWEST_LABELS: Final = 50
"""Without so many no first version is trained."""


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
    remarks: tuple[str, ...] = ()
    """What had to be decided about the file that its reader should know."""

    @property
    def task(self) -> Task:
        """What the label asks for."""
        return self.labels.task

    def told(self, moment: datetime) -> str:
        """A moment as its reader knows it: a day, or where the file has no times a row's number.

        Days have ten characters, and so have the numbers of rows below a million.
        """
        if self.timed:
            return f"{moment:%Y-%m-%d}"
        return f"row {(moment - BEGINNING) // HOUR:>6}"

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
    table, remarks = read_file(path)
    _check_names(path, table, asked)
    if table.num_rows == 0:
        message = f"{path.name} has a line of column names and no rows; a replay needs {FEWEST}"
        raise BadInput(message)
    at, timed, said = event_times(table, asked)
    valid = pc.is_valid(at)
    rejected = table.num_rows - int(pc.sum(valid).as_py() or 0)
    table, at = table.filter(valid), at.filter(valid)
    if table.num_rows < FEWEST:
        message = f"{path.name} has {table.num_rows} usable rows; a replay needs {FEWEST}"
        raise BadInput(message)
    order = pc.sort_indices(pa.table({"at": at}), sort_keys=[("at", "ascending")])
    table, at = table.take(order), at.take(order)
    labels = read_labels(
        plain_column(table, asked.label, "of labels"),
        asked.label,
        task=asked.task,
        positive=asked.positive,
    )
    chosen = choose(table, _terms(asked, labels))
    came = None if asked.label_time is None else table[asked.label_time]
    if came is not None:
        came = as_times(came, asked.label_time or "", asked.time_zone)
    known, delay = known_times(at, labels.values, came=came, delay=asked.delay)
    came_at_all = pc.if_else(pc.is_valid(known), labels.values, pa.scalar(None, labels.values.type))
    rows = pa.table({
        "id": _ids(table, asked.id), "at": at, "label": came_at_all, "label_known_at": known,
        **chosen.values,
    })  # fmt: skip
    split, moved = _split(rows, asked.time_zone, timed=timed)
    return History(
        name=_stem(path), rows=rows, features=chosen.columns, labels=labels, timed=timed,
        renamed=chosen.renamed, rejected=rejected, delay=delay, split=split,
        remarks=(*remarks, *said, *chosen.remarks, *moved),
    )  # fmt: skip


def _stem(path: Path) -> str:
    """A file's name without what says its format.

    >>> _stem(Path("data/bikes.csv.gz"))
    'bikes'
    """
    return path.name.split(".")[0] or path.stem


def _check_names(path: Path, table: pa.Table, asked: Asked) -> None:
    for name in (asked.label, asked.time, asked.label_time, asked.id, *asked.drop):
        if name is not None and name not in table.column_names:
            near = get_close_matches(name, table.column_names, n=1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            message = (
                f"{path.name} has no column {name!r}{meant}; it has {', '.join(table.column_names)}"
            )
            raise BadInput(message)


def _terms(asked: Asked, labels: Labels) -> Terms:
    out = {asked.label, asked.time, asked.label_time, asked.id, *asked.drop}
    return Terms(
        out=frozenset(name for name in out if name is not None),
        taken=frozenset(
            {*RESERVED, *asked.outputs, "label_known_at", *(f"score_{c}" for c in labels.classes)}
        ),
        zone=asked.time_zone, declared=asked.declared,
    )  # fmt: skip


def _ids(table: pa.Table, name: str | None) -> pa.ChunkedArray:
    if name is None:
        return pa.chunked_array([pa.array(range(table.num_rows)).cast(pa.string())])
    ids = as_classes(plain_column(table, name, "of names"))
    if ids.null_count or pc.count_distinct(ids).as_py() != len(ids):
        repeated = len(ids) - ids.null_count - pc.count_distinct(ids.drop_null()).as_py()
        message = (
            f"column {name!r} is not a name for each row: {repeated} values are repeated and "
            f"{ids.null_count} missing; without --id a row's name is its number"
        )
        raise BadInput(message)
    return ids


def _split(rows: pa.Table, zone: str, *, timed: bool) -> tuple[datetime, list[str]]:
    """The first six months, or a quarter of the rows, whichever is less; later where too few
    labels are known by then to train on."""
    at = rows["at"]
    first: datetime = at[0].as_py()
    quarter: datetime = at[len(at) // 4].as_py()
    if not timed:
        days = max((quarter - first) // DAY, 1)
        return _with_labels(rows, BEGINNING + days * DAY)
    local: datetime = min(_half_a_year_on(first), quarter).astimezone(ZoneInfo(zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if midnight.astimezone(UTC) <= first:
        midnight = local
    return _with_labels(rows, midnight.astimezone(UTC))


def _with_labels(rows: pa.Table, split: datetime) -> tuple[datetime, list[str]]:
    """A split moved on by whole days until labels are known of rows before it."""
    known = rows["label_known_at"].drop_null().sort()
    last: datetime = rows["at"][-1].as_py()
    if len(known) < FEWEST_LABELS or known[FEWEST_LABELS - 1].as_py() >= last:
        message = (
            f"{len(known)} rows have labels, and {FEWEST_LABELS} have to be known before the last "
            "row for a first version to be trained"
        )
        raise BadInput(message)
    enough: datetime = known[FEWEST_LABELS - 1].as_py()
    if enough <= split:
        return split, []
    moved = split + -((split - enough) // DAY) * DAY
    moved = moved if moved < last else enough
    return moved, [f"serving begins later than it would, once {FEWEST_LABELS} labels are known"]


def _half_a_year_on(first: datetime) -> datetime:
    """The same day six calendar months later, or the first of the month after it."""
    year, month = divmod(first.year * 12 + first.month - 1 + 6, 12)
    try:
        return first.replace(year=year, month=month + 1)
    except ValueError:
        year, month = divmod(first.year * 12 + first.month + 6, 12)
        return first.replace(year=year, month=month + 1, day=1)
