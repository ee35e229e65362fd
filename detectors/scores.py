"""What is calibrated of a column: its scores in each window, from counts alone.

Numbers: the logarithms of the area between the distribution functions (`a1`) and of the
Jensen–Shannon distance over ten bins. Levels: that distance, and the share of unseen levels.
Columns of at most three values, booleans among them: the share of each value itself.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import jensen_shannon, wasserstein
from detectors.answers import MIN_ROWS
from detectors.bins import Bins, Tally
from detectors.finding import Kind
from detectors.reading import Counts, Floats

FEW_VALUES: Final = 3
HEAVY_TAILED: Final = 20.0
FLOOR_MOVED: Final = 0.10
FLOOR_AREA: Final = 0.03
FLOOR_DISTANCE: Final = 0.10
FLOOR_DISTANCE_FEW: Final = 0.05
FLOOR_UNSEEN: Final = 0.005


class Form(StrEnum):
    """How a score is put on a scale on which windows without change look alike."""

    DISTANCE = "distance"
    """By its logarithm; only upwards."""
    SHARE = "share"
    """As it is; both ways."""
    COUNT = "count"
    """By its logarithm; both ways."""


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """One score of one column over windows: arrays of shape (windows,), NaN where not known.

    `effects` are in the units of `floor`, the least that matters; `rows` counts the values in each
    window, `rows_reference` those it was compared with; 0 where not known.
    """

    column: str
    detector: str
    part: str = ""
    form: Form
    values: Floats
    effects: Floats
    rows: Counts
    rows_reference: Counts
    floor: float


class Column(msgspec.Struct, frozen=True):
    """A column's tallies as arrays of shape (windows, bins).

    `reference` has a window taken out of it where that is `inside`; `values` are those of which
    the shares are scored, with their bins, empty where there are more than three.
    """

    bins: Bins
    tallies: Sequence[Tally]
    counts: Counts
    reference: Counts
    inside: NDArray[np.bool_]
    values: Mapping[str, int]


def score(
    bins: Sequence[Bins], windows: Sequence[Sequence[Tally]], inside: Sequence[bool]
) -> list[Scores]:
    """All scores of all columns, those of one column together; `windows[i][j]` is on `bins[j]`.

    `inside[i]` says that window i is part of the reference: it is then compared with the rest. A
    window with fewer than 30 values of a column gets NaN; a column whose distribution is not
    compared gets no scores.
    """
    mask = np.array(inside, dtype=np.bool_)
    columns = [
        _column(frozen, [window[at] for window in windows], mask)
        for at, frozen in enumerate(bins)
        if frozen.reason is None and frozen.counts
    ]
    many = [column for column in columns if not column.values]
    areas = _areas([column for column in many if column.bins.kind is Kind.NUMERIC])
    distances = _distances(many)
    return [
        found
        for column in columns
        for found in (
            *areas.get(column.bins.column, ()),
            *distances.get(column.bins.column, ()),
            *(_share(column, name) for name in column.values),
            *_unseen(column),
        )
    ]


def _column(bins: Bins, tallies: Sequence[Tally], inside: NDArray[np.bool_]) -> Column:
    counts = np.array([tally.counts for tally in tallies], dtype=np.int64)
    reference = np.array(bins.counts, dtype=np.int64) - counts * inside[:, None]
    return Column(bins, tallies, counts, np.maximum(reference, 0), inside, _values(bins))


def _values(bins: Bins) -> dict[str, int]:
    if bins.kind is Kind.BOOLEAN:
        return {"true": 1}
    if bins.kind is Kind.CATEGORICAL:
        few = len(bins.levels) <= FEW_VALUES and not bins.counts[-2]
        return {name: at for at, name in enumerate(bins.levels)} if few else {}
    if not bins.exact or len(bins.atoms) > FEW_VALUES:
        return {}
    at = np.searchsorted(bins.edges, bins.atoms, side="right")
    return {repr(value): int(place) for value, place in zip(bins.atoms, at, strict=True)}


def _areas(columns: Sequence[Column]) -> dict[str, list[Scores]]:
    found = {}
    for group in _alike(columns, [len(column.bins.counts) for column in columns]):
        reference = np.stack([column.reference for column in group])
        counts = np.stack([column.counts for column in group])
        areas = wasserstein.area(reference, counts)
        moved = wasserstein.binned(
            wasserstein.Masses(reference, np.stack([_rest(column) for column in group])),
            wasserstein.Masses(counts, np.stack([_sums(column) for column in group])),
            np.array([column.bins.edges for column in group])[:, None, :],
        )
        for at, column in enumerate(group):
            found[column.bins.column] = [_area(column, areas[at], moved[at])]
    return found


def _area(column: Column, values: Floats, moved: Floats) -> Scores:
    bins = column.bins
    if bins.std and bins.kurtosis is not None and bins.kurtosis <= HEAVY_TAILED:
        with np.errstate(over="ignore"):
            return _scores(column, "a1", values, effects=moved / bins.std, floor=FLOOR_MOVED)
    return _scores(column, "a1", values, effects=values, floor=FLOOR_AREA)


def _sums(column: Column) -> Floats:
    return np.array([tally.sums for tally in column.tallies])


def _rest(column: Column) -> Floats:
    with np.errstate(over="ignore"):
        found: Floats = np.array(column.bins.sums) - _sums(column) * column.inside[:, None]
    return found


def _distances(columns: Sequence[Column]) -> dict[str, list[Scores]]:
    found = {}
    coarse = [_coarse(column) for column in columns]
    order = {column.bins.column: at for at, column in enumerate(columns)}
    for group in _alike(columns, [pair[0].shape[1] for pair in coarse]):
        pairs = [coarse[order[column.bins.column]] for column in group]
        distances = jensen_shannon.distance(
            np.stack([first for first, _ in pairs]), np.stack([second for _, second in pairs])
        )
        for column, values in zip(group, distances, strict=True):
            found[column.bins.column] = [
                _scores(column, "jensen_shannon", values, effects=values, floor=FLOOR_DISTANCE)
            ]
    return found


def _coarse(column: Column) -> tuple[Counts, Counts]:
    if column.bins.kind is not Kind.NUMERIC or column.bins.exact:
        return column.reference, column.counts
    groups = column.bins.coarse
    return (
        np.add.reduceat(column.reference, groups, axis=1),
        np.add.reduceat(column.counts, groups, axis=1),
    )


def _alike(columns: Sequence[Column], sizes: Sequence[int]) -> list[list[Column]]:
    """Columns of the same number of bins together, so that they are computed at once."""
    groups: dict[int, list[Column]] = {}
    for column, size in zip(columns, sizes, strict=True):
        groups.setdefault(size, []).append(column)
    return list(groups.values())


def _share(column: Column, name: str) -> Scores:
    bins, at = column.bins, column.values[name]
    values = column.counts[:, at] / np.maximum(column.counts.sum(axis=1), 1)
    usual = bins.counts[at] / sum(bins.counts)
    floor = FLOOR_DISTANCE_FEW * float(np.sqrt(8.0 * np.log(2.0) * usual * (1.0 - usual)))
    found = _scores(column, "share", values, effects=values, floor=max(floor, FLOOR_UNSEEN))
    return msgspec.structs.replace(found, part=name, form=Form.SHARE)


def _unseen(column: Column) -> list[Scores]:
    if column.bins.kind is not Kind.CATEGORICAL or column.bins.rare is None:
        return []
    own = np.array([tally.own for tally in column.tallies])
    unseen = np.array([tally.unseen for tally in column.tallies])
    new = np.where(column.inside, own, unseen)
    values = new / np.maximum(column.counts.sum(axis=1), 1)
    found = _scores(column, "unseen", values, effects=values, floor=FLOOR_UNSEEN)
    return [msgspec.structs.replace(found, form=Form.SHARE)]


def _scores(
    column: Column, detector: str, values: Floats, *, effects: Floats, floor: float
) -> Scores:
    rows, rows_reference = column.counts.sum(axis=1), column.reference.sum(axis=1)
    enough = (rows >= MIN_ROWS) & (rows_reference >= MIN_ROWS)
    return Scores(
        column=column.bins.column,
        detector=detector,
        form=Form.DISTANCE,
        values=np.where(enough, values, np.nan),
        effects=np.where(enough, effects, np.nan),
        rows=rows,
        rows_reference=rows_reference,
        floor=floor,
    )
