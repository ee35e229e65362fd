"""Rows as points: every column of a table on a scale that its reference gives.

Numbers are standardised by the reference's mean and standard deviation and held within a hundred
of them; levels become one place for each of the reference's ten most frequent and one for all
others. A missing value is the reference's median or most frequent level, and an indicator says
that it was missing: to leave such rows out would be a selection, and a drift of its own. Dates,
identifiers and columns without values have no place.
"""

from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detectors import level_bins, reading
from detectors.finding import Kind, Sample
from detectors.reading import Floats
from detectors.tables.table import Table

LEVELS: Final = 10
FARTHEST: Final = 100.0


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """The scale of a numeric column; `std` is 1 where the reference is constant."""

    column: str
    median: float
    mean: float
    std: float


class Levels(msgspec.Struct, frozen=True, kw_only=True):
    """The levels that have a place, the most frequent first: that one stands for missing values."""

    column: str
    levels: tuple[str, ...]


class Encoding(msgspec.Struct, frozen=True, kw_only=True):
    """How rows become points; plain JSON. Two places a number, two more than levels a column else."""

    numbers: tuple[Number, ...]
    levels: tuple[Levels, ...]

    @property
    def size(self) -> int:
        """How many places a row has."""
        return 2 * len(self.numbers) + sum(len(one.levels) + 2 for one in self.levels)


def freeze(table: Table) -> Encoding:
    """The encoding of a reference. O(rows log rows) a column."""
    numbers = [_number(s) for s in table.columns if s.kind is Kind.NUMERIC]
    levels = [_levels(s) for s in table.columns if s.kind in {Kind.CATEGORICAL, Kind.BOOLEAN}]
    return Encoding(
        numbers=tuple(one for one in numbers if one is not None),
        levels=tuple(one for one in levels if one is not None),
    )


def encode(encoding: Encoding, table: Table) -> Floats:
    """The rows of a table as points, shape (rows, encoding.size); never NaN nor infinite.

    >>> import pyarrow as pa
    >>> table = Table((Sample("x", Kind.NUMERIC, pa.chunked_array([[1.0, 3.0, None] * 5])),
    ...                Sample("c", Kind.CATEGORICAL, pa.chunked_array([["a", "b", "a"] * 5]))))
    >>> encode(freeze(table), table)[:3].astype(int).tolist()
    [[-1, 0, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0], [0, 1, 1, 0, 0, 0]]
    """
    points = np.zeros((table.rows, encoding.size))
    at = 0
    for one in encoding.numbers:
        points[:, at : at + 2] = _scaled(one, table.column(one.column))
        at += 2
    for each in encoding.levels:
        places = len(each.levels) + 2
        points[:, at : at + places] = _placed(each, table.column(each.column))
        at += places
    return points


def thinned(table: Table, rows: int) -> Table:
    """At most so many rows, evenly spread over time."""
    if table.rows <= rows:
        return table
    at = pa.array(np.linspace(0, table.rows - 1, rows).round().astype(np.int64))
    return Table(tuple(Sample(s.column, s.kind, s.values.take(at)) for s in table.columns))


def _number(sample: Sample) -> Number | None:
    values = reading.finite(reading.numbers(sample.values))
    if not values.size:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(values.mean()), float(values.std())
    if values.min() == values.max():  # where a sum of equal values would be rounded
        mean, std = float(values[0]), 0.0
    if not np.isfinite(mean) or not np.isfinite(std):
        return None
    return Number(
        column=sample.column,
        median=float(np.median(values)),
        mean=mean,
        std=std if std > 0.0 else 1.0,
    )


def _levels(sample: Sample) -> Levels | None:
    bins = level_bins.freeze(sample)
    if bins.reason is not None or not bins.levels:
        return None
    frequent = np.argsort(-np.array(bins.counts[: len(bins.levels)]), kind="stable")[:LEVELS]
    return Levels(column=sample.column, levels=tuple(bins.levels[at] for at in frequent))


def _scaled(one: Number, sample: Sample) -> Floats:
    values = reading.numbers(sample.values)
    lost = np.isnan(values)
    filled = np.where(lost, one.median, values)
    with np.errstate(over="ignore"):
        scaled = np.clip((filled - one.mean) / one.std, -FARTHEST, FARTHEST)
    return np.column_stack([scaled, lost.astype(np.float64)])


def _placed(one: Levels, sample: Sample) -> Floats:
    texts = reading.texts(sample)
    lost: NDArray[np.bool_] = pc.is_null(texts).to_numpy()
    index = pc.index_in(texts, value_set=pa.array(one.levels, pa.string()))
    at = pc.fill_null(index, len(one.levels)).to_numpy().astype(np.int64)
    places = np.zeros((at.size, len(one.levels) + 2))
    places[np.arange(at.size), np.where(lost, 0, at)] = 1.0
    places[:, -1] = lost
    return places
