"""The rows of a window: which they are, and their columns as samples."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.references import UNVERSIONED
from controlplane.domain.schema import Schema, Task
from controlplane.domain.windows import Window, is_whole
from controlplane.monitor.scope import Scope
from controlplane.store.counted_rows import own_rows
from controlplane.store.ports import Known, Snapshot
from detectors.finding import Kind, Sample

SCORE: Final = "score:"
FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """A window's served live rows, and those of them whose label is known, both by (at, id).

    `version` holds a name in every row: rows without one are of the champion at their time.
    """

    scope: Scope
    window: Window
    rows: pa.Table
    labelled: pa.Table
    whole: bool
    has_features: bool = True
    """Whether the rows hold the features; of whole windows that slide, read as panes, they hold
    those that segments are made by, as labelled rows always do."""

    @property
    def last_known(self) -> datetime | None:
        """When the newest row or label was known; None for a window without rows."""
        found = [
            pc.max(column).as_py()
            for table, name in ((self.rows, "known_at"), (self.labelled, "label_known_at"))
            if len(column := table[name])
        ]
        return max(found, default=None)

    @property
    def first_known(self) -> datetime | None:
        """When the first row was known; None for a window without rows."""
        found: datetime | None = pc.min(self.rows["known_at"]).as_py()
        return found

    @property
    def late(self) -> int:
        """Rows that were known only after the window's rows had closed."""
        return int(pc.sum(pc.greater(self.rows["known_at"], self.window.rows_close)).as_py() or 0)

    def has_rows_since(self, moment: datetime) -> bool:
        """Whether a row was known only after a moment."""
        newest = pc.max(self.rows["known_at"]).as_py()
        return newest is not None and newest > moment


def contents(view: Snapshot, scope: Scope, window: Window, by: datetime) -> Contents:
    """Everything of a window that was known by an instant, in two questions to the store.

    A counted window asks a third: which rows are its own.
    """
    known = Known(start=window.start, end=window.end, by=by)
    whole = is_whole(window, scope.calendar)
    in_panes = whole and scope.calendar.overlap > 1
    rows = view.events.rows(
        scope.name, scope.segment_columns if in_panes else scope.features, known
    )
    labelled = view.events.labelled(scope.name, scope.segment_columns, known)
    rows, labelled = own_rows(view, window, rows, labelled)
    return Contents(
        scope=scope, window=window, rows=served(scope, rows),
        labelled=served(scope, labelled), whole=whole, has_features=not in_panes,
    )  # fmt: skip


def labelled_rows(
    view: Snapshot, scope: Scope, known: Known, features: Sequence[str] = ()
) -> pa.Table:
    """The served live rows of a span whose label is known, with the version that made each."""
    return served(scope, view.events.labelled(scope.name, list(features), known))


def prediction_columns(schema: Schema, table: pa.Table) -> dict[str, Kind]:
    """The columns of a model's answer that a table has, with their kinds.

    Of two scores one says it all, so a binary model has its positive class's alone.
    """
    kind = Kind.NUMERIC if schema.task is Task.REGRESSION else Kind.CATEGORICAL
    found = {"prediction": kind}
    found.update(dict.fromkeys(map(SCORE.__add__, schema.scores), Kind.NUMERIC))
    return {
        name: kind
        for name, kind in found.items()
        if name in table.column_names and table[name].null_count < table.num_rows
    }


def samples(table: pa.Table, columns: Mapping[str, Kind]) -> dict[str, Sample]:
    """The columns of a table as samples."""
    return {name: Sample(name, kind, table[name]) for name, kind in columns.items()}


def samples_of(schema: Schema, table: pa.Table) -> dict[str, Sample]:
    """The features that a table has, as samples."""
    kinds = {c.name: c.kind for c in schema.features if c.name in table.column_names}
    return samples(table, kinds)


def scores_of(schema: Schema, table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The score columns that a table has, by class."""
    return {
        label: table[SCORE + label]
        for label in schema.scores
        if SCORE + label in table.column_names
    }


def micros(at: pa.ChunkedArray) -> NDArray[np.int64]:
    """Times as microseconds since 1970."""
    found: NDArray[np.int64] = at.cast(pa.int64()).to_numpy()
    return found


def micros_of(moment: datetime) -> int:
    """A time as microseconds since 1970, exactly."""
    return int(np.datetime64(moment.replace(tzinfo=None), "us").astype(np.int64))


def served(scope: Scope, rows: pa.Table) -> pa.Table:
    """The rows that carry a prediction, each with the version that made it; `unversioned` where
    nobody says and no champion was in force."""
    rows = rows.filter(pc.is_valid(rows["prediction"]))
    version = rows["version"].cast(pa.string())
    if version.null_count:
        first = scope.champion_at(FIRST) or UNVERSIONED
        later = scope.reigns if first == UNVERSIONED else scope.reigns[1:]
        place = np.searchsorted(
            [micros_of(r.since) for r in later], micros(rows["at"]), side="right"
        )
        names = pa.array([first, *(reign.version for reign in later)])
        version = pc.coalesce(version, names.take(pa.array(place)))
    return rows.set_column(rows.schema.get_field_index("version"), "version", version)
