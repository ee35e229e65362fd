"""What is calibrated of a column: its scores in each window, from counts alone.

Numbers: the logarithms of the area between the distribution functions (`a1`) and of the
Jensen–Shannon distance over ten bins. Levels: that distance, and the share of unseen levels.
Columns of at most three values, booleans among them: the share of each value itself.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from detectors import jensen_shannon, wasserstein
from detectors.answers import MIN_ROWS
from detectors.counted import Column
from detectors.finding import Kind
from detectors.reading import Counts, Floats

AT_ONCE: Final = 300_000
"""Counts of which distances are computed at once."""
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
    LEVEL = "level"
    """A mean over rows in standard deviations of a row's, as it is; both ways."""


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """One score of one column over windows: arrays of shape (windows,), NaN where not known.

    `effects` are in the units of `floor`, the least that matters; `rows` counts the values in each
    window, `drawn` those that a distance was computed from, `rows_reference` those it was compared
    with; 0 where not known. `bucket` is the size of what was drawn: 0 the usual one, k that over
    1.5 to the k.
    """

    column: str
    detector: str
    part: str = ""
    form: Form
    values: Floats
    effects: Floats
    rows: Counts
    drawn: Counts
    rows_reference: Counts
    bucket: Counts
    floor: float


def score(columns: Sequence[Column], *, draws: int = 1) -> list[Scores]:
    """All scores of all columns, those of one column together.

    With `draws` every window stands so many times one after another, and the distances are the
    mean over those. A window with fewer than 30 values of a column gets NaN.
    """
    many = [column for column in columns if not column.values]
    areas = _areas([column for column in many if column.bins.kind is Kind.NUMERIC])
    distances = _distances(many)
    found = [
        scored
        for column in columns
        for scored in (
            *areas.get(column.bins.column, ()),
            *distances.get(column.bins.column, ()),
            *(_share(column, name) for name in column.values),
            *_unseen(column),
        )
    ]
    return found if draws == 1 else [_averaged(scored, draws) for scored in found]


def _averaged(scored: Scores, draws: int) -> Scores:
    return msgspec.structs.replace(
        scored,
        values=scored.values.reshape(-1, draws).mean(axis=1),
        effects=scored.effects.reshape(-1, draws).mean(axis=1),
        rows=scored.rows[::draws],
        drawn=scored.drawn[::draws],
        rows_reference=scored.rows_reference[::draws],
        bucket=scored.bucket[::draws],
    )


def _areas(columns: Sequence[Column]) -> dict[str, list[Scores]]:
    found = {}
    for group in _alike(columns, [len(column.bins.counts) for column in columns]):
        reference = np.stack([column.reference for column in group])
        counts = np.stack([column.drawn for column in group])
        areas = wasserstein.area(reference, counts)
        moved = wasserstein.binned(
            wasserstein.Masses(reference, np.stack([column.reference_sums for column in group])),
            wasserstein.Masses(counts, np.stack([column.drawn_sums for column in group])),
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
        return column.reference, column.drawn
    groups = column.bins.coarse
    return (
        np.add.reduceat(column.reference, groups, axis=1),
        np.add.reduceat(column.drawn, groups, axis=1),
    )


def _alike(columns: Sequence[Column], sizes: Sequence[int]) -> list[list[Column]]:
    """Columns of the same number of bins together, so that they are computed at once.

    Not more of them than make 300,000 counts, so that memory stays small.
    """
    groups: dict[int, list[Column]] = {}
    for column, size in zip(columns, sizes, strict=True):
        groups.setdefault(size, []).append(column)
    found = []
    for size, group in groups.items():
        step = max(1, AT_ONCE // max(size * len(group[0].counts), 1))
        found += [group[at : at + step] for at in range(0, len(group), step)]
    return found


def _share(column: Column, name: str) -> Scores:
    bins, at = column.bins, column.values[name]
    values = column.counts[:, at] / np.maximum(column.rows, 1)
    usual = bins.counts[at] / sum(bins.counts)
    if column.seasonal:
        values = (
            values - column.reference[:, at] / np.maximum(column.reference.sum(axis=1), 1) + usual
        )
    floor = FLOOR_DISTANCE_FEW * float(np.sqrt(8.0 * np.log(2.0) * usual * (1.0 - usual)))
    found = _scores(column, "share", values, effects=values, floor=max(floor, FLOOR_UNSEEN))
    return _as_share(found, name)


def _unseen(column: Column) -> list[Scores]:
    if column.bins.kind is not Kind.CATEGORICAL or column.bins.rare is None:
        return []
    new = np.where(column.inside, column.own, column.unseen)
    values = new / np.maximum(column.rows, 1)
    found = _scores(column, "unseen", values, effects=values, floor=FLOOR_UNSEEN)
    return [_as_share(found)]


def _as_share(found: Scores, part: str = "") -> Scores:
    """A share has no need of drawn rows: its variance is known for any number of them."""
    return msgspec.structs.replace(
        found, part=part, form=Form.SHARE, drawn=found.rows, bucket=np.zeros_like(found.bucket)
    )


def _scores(
    column: Column, detector: str, values: Floats, *, effects: Floats, floor: float
) -> Scores:
    rows, rows_reference = column.rows, column.reference.sum(axis=1)
    enough = (rows >= MIN_ROWS) & (rows_reference >= MIN_ROWS)
    return Scores(
        column=column.bins.column,
        detector=detector,
        form=Form.DISTANCE,
        values=np.where(enough, values, np.nan),
        effects=np.where(enough, effects, np.nan),
        rows=rows,
        drawn=column.drawn.sum(axis=1),
        rows_reference=rows_reference,
        bucket=column.bucket,
        floor=floor,
    )
