"""Drifts of known kind and size, sown into a copy of a table's columns.

What is sown is what goes wrong in practice: values that move or spread, a level that nobody knew,
values that stop coming, two columns in each other's place, a slow slide, and labels that no longer
follow from the features as they did. Everything else of a row stays as it was.
"""

from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors import reading
from detectors.finding import Kind, Sample
from detectors.instants import are_whole_days, derived
from detectors.reading import Floats

DAY: Final = 86_400_000_000
"""In microseconds."""
YEARS: Final = (-62_135_596_800_000_000, 253_402_214_400_000_000)
"""The first and the last day that Python holds, in microseconds since 1970."""
NEW_LEVEL: Final = "sown-by-rehearsal"
"""The level that no reference holds."""


class Sowing(StrEnum):
    """The kinds of drift, by what they do to a column."""

    SHIFT = "shift"
    """Numbers move by `size` reference standard deviations, and dates into the past by so many of
    their ages; of a column of levels the share `size` of the rows gets the second commonest level."""
    SCALE = "scale"
    """Numbers, or the ages of dates, are spread about their median by the factor `size`."""
    NEW_LEVEL = "new_level"
    """The share `size` of the rows gets a level that the reference does not hold."""
    MISSING = "missing"
    """The share `size` of the rows loses its value."""
    SWAPPED = "swapped"
    """The column and `other` change places; no size."""
    RAMP = "ramp"
    """A shift that grows evenly from nothing to `size` over the windows."""
    CONCEPT_FLIP = "concept_flip"
    """Labels change on one side of a feature's median: see `flipped`."""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """What is sown: a kind, the column, its size in the units that the kind says."""

    kind: Sowing
    column: str
    size: float = 0.0
    other: str | None = None
    """Where the kind is `swapped`: the column that it changes places with."""


class Usual(msgspec.Struct, frozen=True, kw_only=True):
    """What a column is in the reference, as far as a size is measured by it.

    `std` and `median` of a numeric column's finite values, of dates those of their ages in seconds
    when their rows happened; `levels` the two commonest of a column
    of levels, the commonest first.
    """

    kind: Kind
    std: float = 0.0
    median: float = 0.0
    levels: tuple[str, ...] = ()


def usual(
    values: pa.ChunkedArray, kind: Kind, *, at: pa.ChunkedArray | None = None
) -> Usual:  # fmt: skip
    """The yardstick of a column's sizes, from the reference's values; O(n log n).

    Of dates `at` are the event times of their rows, without which only whether they are there can
    be changed.
    """
    if kind is Kind.DATETIME:
        ages = np.empty(0) if at is None else _ages(values, at)
        known = usual(pa.chunked_array([pa.array(ages)]), Kind.NUMERIC)
        return msgspec.structs.replace(known, kind=kind)
    if kind is Kind.NUMERIC:
        found = reading.finite(reading.numbers(values))
        if not found.size:
            return Usual(kind=kind)
        return Usual(kind=kind, std=float(found.std()), median=float(np.median(found)))
    counted = pc.value_counts(values.cast(pa.string()).drop_null())
    order = np.argsort(-counted.field(1).to_numpy(), kind="stable")[:2]
    return Usual(kind=kind, levels=tuple(counted.field(0).take(pa.array(order)).to_pylist()))


def is_sowable(drift: Drift, like: Usual) -> bool:
    """Whether a drift changes anything of such a column: a constant has no spread to scale."""
    numeric = like.kind in {Kind.NUMERIC, Kind.DATETIME}
    match drift.kind:
        case Sowing.SHIFT | Sowing.RAMP:
            return like.std > 0.0 if numeric else len(like.levels) > 1
        case Sowing.SCALE:
            return numeric and like.std > 0.0
        case Sowing.NEW_LEVEL:
            return like.kind is Kind.CATEGORICAL
        case Sowing.MISSING:
            return True
        case Sowing.SWAPPED:
            return drift.other is not None and drift.other != drift.column
        case Sowing.CONCEPT_FLIP:
            return False


def sow(
    table: pa.Table, drift: Drift, like: Usual, generator: np.random.Generator, *, part: float = 1.0
) -> pa.Table:
    """A copy of a table of rows with the drift in it; the columns' types stay.

    `part` in [0, 1] is how far a ramp has come; other kinds are whole at once. Rows are chosen,
    and whole numbers rounded, by the generator, so that a mean moves by what was asked for.
    KeyError where the table has no such column; ValueError for a concept flip, which is of labels
    and not of a column.

    >>> rows = pa.table({"x": [1.0, 2.0, None], "y": ["a", "b", "a"]})
    >>> drift = Drift(kind=Sowing.SHIFT, column="x", size=2.0)
    >>> like = usual(rows["x"], Kind.NUMERIC)
    >>> sow(rows, drift, like, np.random.default_rng(1))["x"].to_pylist()
    [2.0, 3.0, None]
    """
    match drift.kind:
        case Sowing.SHIFT | Sowing.RAMP:
            size = drift.size * (part if drift.kind is Sowing.RAMP else 1.0)
            found = _moved(table, drift.column, (size, like), generator)
        case Sowing.SCALE:
            found = _spread(table, drift.column, (drift.size, like), generator)
        case Sowing.NEW_LEVEL:
            found = _replaced(table[drift.column], drift.size, NEW_LEVEL, generator)
        case Sowing.MISSING:
            found = _replaced(table[drift.column], drift.size, None, generator)
        case Sowing.SWAPPED:
            return _swapped(table, drift)
        case _:
            raise ValueError("a concept flip is sown into labels, by flipped(), not into a column")
    return _with(table, drift.column, found)


def flipped(
    labels: pa.ChunkedArray, along: Floats, size: float, *, spread: float
) -> pa.ChunkedArray:
    """Labels that follow from the features otherwise than they did, for rows where `along` is high.

    `along` are the values of a feature, one a row; rows above its median are changed. Of numbers
    `size` * `spread` is added above the median and taken away elsewhere, so that their mean stays
    about where it was; `spread` is the labels' standard deviation. Of classes the share `size` of
    the rows above the median, evenly spread over them, gets the next class in alphabetical order. The features
    stay as they are: nothing but labels can tell.

    >>> classes = pa.chunked_array([["no", "no", "yes", "yes"]])
    >>> flipped(classes, np.array([1.0, 2.0, 3.0, 4.0]), 1.0, spread=0.0).to_pylist()
    ['no', 'no', 'no', 'no']
    """
    high = along > np.nanmedian(along)
    if pa.types.is_floating(labels.type) or pa.types.is_integer(labels.type):
        moved = reading.numbers(labels) + np.where(high, size, -size) * spread
        return pa.chunked_array([pa.array(moved, pa.float64(), from_pandas=True)])
    names = np.sort(pc.unique(labels.drop_null()).to_numpy(zero_copy_only=False).astype(str))
    if names.size < 2:  # noqa: PLR2004 - of one class there is no other
        return labels
    place = pc.index_in(labels, value_set=pa.array(names)).to_numpy(zero_copy_only=False)
    counted = np.cumsum(high)
    chosen = high & (np.floor(counted * size) > np.floor((counted - 1) * size))
    after = pa.array(np.roll(names, -1)).take(pa.array(place, pa.int64(), from_pandas=True))
    return pa.chunked_array([pc.if_else(pa.array(chosen), after, labels.combine_chunks())])


def _moved(
    table: pa.Table, column: str, by: tuple[float, Usual], generator: np.random.Generator
) -> pa.ChunkedArray:
    values, (size, like) = table[column], by
    if like.kind is Kind.DATETIME:
        ages = _ages(values, table["at"]) + size * like.std
        return _dates(ages, values, table["at"], generator)
    if like.kind is Kind.NUMERIC:
        return _numbers(reading.numbers(values) + size * like.std, values.type, generator)
    text = values.cast(pa.string())
    chosen = pa.array(generator.random(len(values)) < size)
    moved = pc.if_else(pc.and_(pc.is_valid(text), chosen), pa.scalar(like.levels[-1]), text)
    return moved.cast(values.type)


def _spread(
    table: pa.Table, column: str, by: tuple[float, Usual], generator: np.random.Generator
) -> pa.ChunkedArray:
    values, (size, like) = table[column], by
    if like.kind is Kind.DATETIME:
        ages = (_ages(values, table["at"]) - like.median) * size + like.median
        return _dates(ages, values, table["at"], generator)
    numbers = reading.numbers(values)
    return _numbers((numbers - like.median) * size + like.median, values.type, generator)


def _replaced(
    values: pa.ChunkedArray, size: float, by: str | None, generator: np.random.Generator
) -> pa.ChunkedArray:
    chosen = pa.array(generator.random(len(values)) < size)
    plain = values.cast(pa.string()) if by is not None else reading.decoded(values)
    return pc.if_else(chosen, pa.scalar(by, plain.type), plain)


def _swapped(table: pa.Table, drift: Drift) -> pa.Table:
    if drift.other is None:
        raise ValueError(f"{drift.column} is to be swapped, but the drift does not say with which")
    first, second = table[drift.column], table[drift.other]
    return _with(_with(table, drift.column, second), drift.other, first)


def _numbers(found: Floats, kind: pa.DataType, generator: np.random.Generator) -> pa.ChunkedArray:
    """Numbers in a column's own type; whole ones rounded up or down so that the mean is kept."""
    if pa.types.is_integer(kind):
        limits = np.iinfo(kind.to_pandas_dtype())
        greatest = float(limits.max)  # of 64 bits no double holds it: the next one below does
        greatest = greatest if greatest <= limits.max else float(np.nextafter(greatest, 0.0))
        whole = np.floor(found + generator.random(found.size))
        found = np.clip(whole, float(limits.min), greatest)
    numbers = pa.array(found, pa.float64(), from_pandas=True)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        numbers = pc.cast(numbers, kind)
    return pa.chunked_array([numbers])


def _ages(values: pa.ChunkedArray, at: pa.ChunkedArray) -> Floats:
    """How old dates were at the event times, in seconds; NaN for those that are missing."""
    return reading.numbers(derived(Sample("", Kind.DATETIME, values), at)[0].values)


def _dates(
    ages: Floats, values: pa.ChunkedArray, at: pa.ChunkedArray, generator: np.random.Generator
) -> pa.ChunkedArray:
    """Dates of such ages in a column's own type, between the years 1 and 9999; whole days stay
    whole, rounded so that the mean is kept."""
    micros = reading.numbers(at.cast(pa.timestamp("us", "UTC"))) - ages * 1e6
    if are_whole_days(values):
        micros = np.floor(micros / DAY + generator.random(micros.size)) * DAY
    held = np.clip(micros, *YEARS)
    whole = pa.array(np.nan_to_num(held).astype(np.int64), mask=np.isnan(micros))
    moments = whole.cast(pa.timestamp("us", "UTC"))
    return pa.chunked_array([moments.cast(values.type, safe=False)])


def _with(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)
