"""Two versions on the same labelled rows: the losses that trials and guards compare."""

from datetime import datetime

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from controlplane.domain.schema import Schema
from controlplane.store.ports import EventsReader, Known
from detectors.performance import losses


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Which two versions of a model are compared, and by which loss."""

    model: str
    schema: Schema
    metric: str
    first: str
    second: str


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """Row by row in the order (at, id): event times as int64 microseconds, losses of both."""

    at: NDArray[np.int64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    def between(self, start: datetime, end: datetime) -> "Paired":
        """The rows of `[start, end)`."""
        inside = (self.at >= micros(start)) & (self.at < micros(end))
        return Paired(at=self.at[inside], first=self.first[inside], second=self.second[inside])


def paired_losses(events: EventsReader, pair: Pair, known: Known) -> Paired:
    """Losses of both versions on the rows that have a label and a prediction of each.

    A row without the score that its loss is made of has no loss: it counts for neither.
    """
    label = events.labelled(pair.model, [], known).select(["id", "at", "label"])
    both = label
    for version, suffix in ((pair.first, "_first"), (pair.second, "_second")):
        scored = events.scored(pair.model, version, known).drop_columns(["at"])
        names = ["id", *(name + suffix for name in scored.column_names if name != "id")]
        both = both.join(scored.rename_columns(names), "id", join_type="inner")
    both = both.sort_by([("at", "ascending"), ("id", "ascending")])
    first, second = _losses(both, pair, "_first"), _losses(both, pair, "_second")
    usable = np.flatnonzero(~(np.isnan(first) | np.isnan(second)))
    at = both["at"].cast(pa.int64()).to_numpy()
    return Paired(at=at[usable], first=first[usable], second=second[usable])


def micros(moment: datetime) -> int:
    """A time as microseconds since 1970, exactly."""
    return int(np.datetime64(moment.replace(tzinfo=None), "us").astype(np.int64))


def _losses(rows: pa.Table, pair: Pair, suffix: str) -> NDArray[np.float64]:
    scores = {
        label: rows[f"score:{label}{suffix}"]
        for label in pair.schema.scores
        if f"score:{label}{suffix}" in rows.column_names
    }
    return losses(
        str(pair.schema.task), pair.metric, rows["label"], rows[f"prediction{suffix}"], scores
    )
