"""What is calibrated of a column: its scores in each window, from counts alone.

Numbers: the logarithms of the area between the distribution functions (`a1`) and of the
Jensen–Shannon distance over ten bins. Levels: that distance, and the share of unseen levels.
Columns of at most three values, booleans among them: the share of each value itself.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import jensen_shannon, wasserstein
from detectors.answers import MIN_ROWS
from detectors.counted import Column, reference_of, references, stacked
from detectors.finding import Kind
from detectors.reading import Counts, Floats
from detectors.wasserstein import Masses

AT_ONCE: Final = 100_000
"""Counts of which distances are computed at once, so that they stay in the processor's cache."""
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


class Name(NamedTuple):
    """Of which column, by which detector, and of which of its values a score is."""

    column: str
    detector: str
    part: str = ""


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of one form over the same windows: arrays of shape (scores, windows), NaN where not
    known.

    `effects` are in the units of `floors`, the least that matters of each score; `rows` counts the
    values in each window, `drawn` those that a distance was computed from, `rows_reference` those
    it was compared with; 0 where not known. `bucket` is the size of what was drawn: 0 the usual
    one, k that over 1.5 to the k. `places` say where each score stands among those of all forms.
    `memory`, shape (scores,), is how much each resembles itself one window before; None: not at all.
    """

    names: tuple[Name, ...]
    places: tuple[int, ...]
    form: Form
    values: Floats
    effects: Floats
    rows: Counts
    drawn: Counts
    rows_reference: Counts
    bucket: Counts
    floors: Floats
    memory: Floats | None = None

    def picked(self, at: NDArray[np.int64], windows: NDArray[np.bool_] | None = None) -> "Scores":
        """These of the scores, in all windows or those of a mask."""
        known = slice(None) if windows is None else windows

        def of(values: NDArray[Any]) -> NDArray[Any]:
            return values[at][:, known]

        return Scores(
            names=tuple(self.names[n] for n in at), places=tuple(self.places[n] for n in at),
            form=self.form, values=of(self.values), effects=of(self.effects), rows=of(self.rows),
            drawn=of(self.drawn), rows_reference=of(self.rows_reference), bucket=of(self.bucket),
            floors=self.floors[at], memory=None if self.memory is None else self.memory[at],
        )  # fmt: skip


def score(columns: Sequence[Column], *, draws: int = 1) -> list[Scores]:
    """All scores of all columns, those that are computed alike together.

    With `draws` every window stands so many times one after another, and the distances are the
    mean over those. A window with fewer than 30 values of a column gets NaN.
    """
    if not columns:
        return []
    many = [column for column in columns if not column.values]
    found = [
        *_distances(many),
        *_shares(columns),
        *_unseen(columns),
    ]
    found = found if draws == 1 else [_averaged(scored, draws) for scored in found]
    return _placed(found, columns)


def _placed(found: Sequence[Scores], columns: Sequence[Column]) -> list[Scores]:
    """The scores with their places: column after column, those of one as they are found."""
    order = {column.bins.column: at for at, column in enumerate(columns)}
    at = [order[name.column] for scored in found for name in scored.names]
    places = np.argsort(np.argsort(at, kind="stable"), kind="stable").tolist()
    ends = np.cumsum([len(scored.names) for scored in found]).tolist()
    return [
        msgspec.structs.replace(scored, places=tuple(places[end - len(scored.names) : end]))
        for scored, end in zip(found, ends, strict=True)
    ]


def _averaged(scored: Scores, draws: int) -> Scores:
    many = len(scored.names)
    return msgspec.structs.replace(
        scored,
        values=scored.values.reshape(many, -1, draws).mean(axis=2),
        effects=scored.effects.reshape(many, -1, draws).mean(axis=2),
        rows=scored.rows[:, ::draws],
        drawn=scored.drawn[:, ::draws],
        rows_reference=scored.rows_reference[:, ::draws],
        bucket=scored.bucket[:, ::draws],
    )


class _Measured(msgspec.Struct, frozen=True):
    """What was measured of some columns: arrays of shape (columns, windows)."""

    columns: Sequence[Column]
    drawn: Counts
    rows_reference: Counts
    distances: Floats
    areas: Floats | None
    moved: Floats | None


def _distances(columns: Sequence[Column]) -> list[Scores]:
    """The areas of the numbers, and the Jensen–Shannon distances of all that are given."""
    parts = [_measured(group) for group in alike(columns)]
    numbers = [part for part in parts if part.areas is not None]
    found = [_areas(numbers)] if numbers else []
    if parts:
        values = np.concatenate([part.distances for part in parts])
        floors = np.full(len(values), FLOOR_DISTANCE)
        found.append(_scores(parts, "jensen_shannon", values, effects=values, floors=floors))
    return found


def _measured(group: Sequence[Column]) -> _Measured:
    reference = references(group)
    drawn = Masses(stacked([c.drawn for c in group]), stacked([c.drawn_sums for c in group]))
    areas, moved = None, None
    if group[0].bins.kind is Kind.NUMERIC:
        edges = stacked([column.edges for column in group])[:, None]
        areas, moved = wasserstein.areas(reference, drawn, edges)
    return _Measured(
        group, drawn.counts.sum(axis=2), reference.counts.sum(axis=2),
        jensen_shannon.distance(coarse(group, reference.counts), coarse(group, drawn.counts)),
        areas, moved,
    )  # fmt: skip


def _areas(parts: Sequence[_Measured]) -> Scores:
    columns = [column for part in parts for column in part.columns]
    areas = np.concatenate([part.areas for part in parts if part.areas is not None])
    moved = np.concatenate([part.moved for part in parts if part.moved is not None])
    spread = np.array([_spread(column) for column in columns])[:, None]
    light = spread > 0.0
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        effects = np.where(light, moved / spread, areas)
    floors = np.where(light[:, 0], FLOOR_MOVED, FLOOR_AREA)
    return _scores(parts, "a1", areas, effects=effects, floors=floors)


def _spread(column: Column) -> float:
    """The standard deviation that a movement is told in; 0 for heavy tails."""
    bins = column.bins
    light = bins.std and bins.kurtosis is not None and bins.kurtosis <= HEAVY_TAILED
    return float(bins.std or 0.0) if light else 0.0


def coarse(group: Sequence[Column], counts: Counts) -> Counts:
    """Counts on the coarse bins of numbers, those of levels as they are."""
    if not _is_coarse(group[0]):
        return counts
    starts = np.array([column.bins.coarse for column in group])
    columns, windows, bins = counts.shape
    rows = np.arange(columns * windows).reshape(columns, windows, 1) * bins
    at = (rows + starts[:, None, :]).ravel()
    found: Counts = np.add.reduceat(counts.ravel(), at).reshape(columns, windows, -1)
    return found


def _is_coarse(column: Column) -> bool:
    return column.bins.kind is Kind.NUMERIC and not column.bins.exact


def alike(columns: Sequence[Column]) -> list[list[Column]]:
    """Columns of the same shape together, so that they are computed at once.

    Not more of them than the processor's cache holds.
    """
    groups: dict[tuple[bool, int, int], list[Column]] = {}
    for column in columns:
        kind = column.bins.kind is Kind.NUMERIC
        few = len(column.bins.coarse) if _is_coarse(column) else 0
        groups.setdefault((kind, len(column.bins.counts), few), []).append(column)
    found = []
    for (_, size, _), group in groups.items():
        step = max(1, AT_ONCE // max(size * len(group[0].counts), 1))
        found += [group[at : at + step] for at in range(0, len(group), step)]
    return found


def _shares(columns: Sequence[Column]) -> list[Scores]:
    parts = [(column, name, at) for column in columns for name, at in column.values.items()]
    if not parts:
        return []
    values, floors = [], []
    for column, _, at in parts:
        usual = column.bins.counts[at] / sum(column.bins.counts)
        values.append(_share(column, at, usual))
        floor = FLOOR_DISTANCE_FEW * float(np.sqrt(8.0 * np.log(2.0) * usual * (1.0 - usual)))
        floors.append(max(floor, FLOOR_UNSEEN))
    names = [Name(column.bins.column, "share", name) for column, name, _ in parts]
    return [_as_shares(names, [part[0] for part in parts], np.stack(values), np.array(floors))]


def _share(column: Column, at: int, usual: float) -> Floats:
    values: Floats = column.counts[:, at] / np.maximum(column.rows, 1)
    if not column.seasonal:
        return values
    reference = reference_of(column).counts
    left: Floats = values - reference[:, at] / np.maximum(reference.sum(axis=1), 1) + usual
    return left


def _unseen(columns: Sequence[Column]) -> list[Scores]:
    levels = [
        column
        for column in columns
        if column.bins.kind is Kind.CATEGORICAL and column.bins.rare is not None
    ]
    if not levels:
        return []
    new = np.stack([np.where(c.inside, c.own, c.unseen) / np.maximum(c.rows, 1) for c in levels])
    names = [Name(column.bins.column, "unseen") for column in levels]
    return [_as_shares(names, levels, new, np.full(len(levels), FLOOR_UNSEEN))]


def _as_shares(
    names: Sequence[Name], columns: Sequence[Column], values: Floats, floors: Floats
) -> Scores:
    """A share has no need of drawn rows: its variance is known for any number of them."""
    rows = stacked([column.rows for column in columns])
    reference = np.stack([reference_of(column).counts.sum(axis=1) for column in columns])
    known = np.where((rows >= MIN_ROWS) & (reference >= MIN_ROWS), values, np.nan)
    return Scores(
        names=tuple(names), places=(), form=Form.SHARE, values=known, effects=known, rows=rows,
        drawn=rows, rows_reference=reference, bucket=np.zeros_like(rows), floors=floors,
    )  # fmt: skip


def _scores(
    parts: Sequence[_Measured], detector: str, values: Floats, *, effects: Floats, floors: Floats
) -> Scores:
    columns = [column for part in parts for column in part.columns]
    rows = stacked([column.rows for column in columns])
    reference = np.concatenate(
        [np.broadcast_to(part.rows_reference, part.drawn.shape) for part in parts]
    )
    enough = (rows >= MIN_ROWS) & (reference >= MIN_ROWS)
    return Scores(
        names=tuple(Name(column.bins.column, detector) for column in columns),
        places=(),
        form=Form.DISTANCE,
        values=np.where(enough, values, np.nan),
        effects=np.where(enough, effects, np.nan),
        rows=rows,
        drawn=np.concatenate([part.drawn for part in parts]),
        rows_reference=reference,
        bucket=stacked([column.bucket for column in columns]),
        floors=floors,
    )
