"""Windows of the same hour or weekday compared with one another, where seasons explain enough."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import tail_arrays
from detectors.counted import Column
from detectors.finding import Kind
from detectors.reading import Counts, Floats
from detectors.wasserstein import Masses

FEWEST: Final = 14
"""Windows that every group must hold: with seven the budget is not kept."""
EXPLAINED: Final = 0.2
"""The part of the variance of window means that a season must explain."""
BETTER: Final = 0.05
"""By so much more a finer season must explain."""
SURE: Final = 0.01
"""A column is affected where chance explains its season with less, shared over the columns."""
TINY: Final = float(np.finfo(np.float64).tiny)


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """The groups of windows that are compared with one another, and what each is compared with.

    `counts[g][c]` and `sums[g][c]` are the reference of group `groups[g]` on the bins of column
    `columns[c]`.
    """

    name: str
    groups: tuple[int, ...]
    columns: tuple[str, ...] = ()
    counts: tuple[tuple[tuple[int, ...], ...], ...] = ()
    sums: tuple[tuple[tuple[float, ...], ...], ...] = ()


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """What is usual of one rate in each group of a season, and over all groups.

    `levels` are on the scale on which the rate is judged, `rates` as it is.
    """

    season: str
    groups: tuple[int, ...]
    levels: tuple[float, ...]
    rates: tuple[float, ...]
    level: float
    rate: float


Groupings = Mapping[str, Sequence[int]]
"""By name of the season, the group of each calibration window; the first that fits is taken."""


def chosen(groupings: Groupings, means: Floats, inside: NDArray[np.bool_]) -> str | None:
    """The season whose groups hold 14 windows of the reference each and explain enough, and most.

    `means` has shape (windows, columns), NaN where not known. Enough is more than 20 % of the
    variance between windows (the adjusted coefficient, so that many groups gain nothing by
    chance) for the median of the columns whose F-test says that they are affected at all. A later
    season must explain 5 % more than an earlier one.

    >>> hours = np.arange(24 * 20) % 24
    >>> noise = np.random.default_rng(1).normal(size=(480, 2))
    >>> moved = noise + np.sin(hours / 24 * 2 * np.pi)[:, None]
    >>> [chosen({"hour": hours.tolist()}, m, np.ones(480, bool)) for m in (noise, moved)]
    [None, 'hour']
    """
    best, most = None, EXPLAINED
    for name, labels in groupings.items():
        groups = np.asarray(labels)
        _, held = np.unique(groups[inside], return_counts=True)
        full = held.size > 1 and held.min() >= FEWEST
        if full and np.isin(groups, groups[inside]).all():
            explained = _explained(means, groups)
            if explained > most:
                best, most = name, explained + BETTER
    return best


def _explained(means: Floats, groups: NDArray[np.int64]) -> float:
    """Over the windows in which each column is known, of those known in every group."""
    place = np.unique(groups, return_inverse=True)[1]
    held = np.equal.outer(np.arange(place.max() + 1), place)
    known = means[:, (held @ ~np.isnan(means)).all(axis=0)]
    # Shares of variance know no unit; in that of its greatest mean no column overflows.
    known = known / np.maximum(np.nanmax(np.abs(known), axis=0, initial=0.0), TINY)
    known = known[:, np.nanstd(known, axis=0) > 0.0]
    count, many = len(held), (~np.isnan(known)).sum(axis=0)
    known, many = known[:, many > count], many[many > count]
    if not known.shape[1]:
        return 0.0
    total = np.nansum(np.square(known - np.nanmean(known, axis=0)), axis=0)
    inner = sum(
        np.nansum(np.square(part - np.nanmean(part, axis=0)), axis=0)
        for part in (known[own] for own in held)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        f = ((total - inner) / (count - 1)) / (inner / (many - count))
        explained = 1.0 - (inner / (many - count)) / (total / (many - 1))
    affected = tail_arrays.f_sf(f, count - 1.0, many - count) < SURE / known.shape[1]
    return float(np.median(explained[affected])) if affected.any() else 0.0


def means_of(columns: Sequence[Column]) -> Floats:
    """A figure a window and column: the mean of numbers, the share of the most frequent level."""
    found = np.full((len(columns[0].counts) if columns else 0, len(columns)), np.nan)
    for at, column in enumerate(columns):
        rows = np.maximum(column.rows, 1)
        top = int(np.argmax(column.bins.counts))
        summed = column.bins.kind is Kind.NUMERIC and not column.values
        with np.errstate(over="ignore", invalid="ignore"):
            hits = column.sums.sum(axis=1) if summed else column.counts[:, top]
            found[:, at] = np.where(column.rows > 0, hits / rows, np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def season_of(name: str, columns: Sequence[Column], labels: Sequence[int]) -> Season:
    """What the windows of each group are compared with: the reference's windows of that group."""
    groups = np.asarray(labels)
    known = tuple(int(group) for group in np.unique(groups))
    merged = [[_merged(column, groups == group) for column in columns] for group in known]
    return Season(
        name=name, groups=known, columns=tuple(column.bins.column for column in columns),
        counts=tuple(tuple(tuple(c.tolist()) for c, _ in group) for group in merged),
        sums=tuple(tuple(tuple(s.tolist()) for _, s in group) for group in merged),
    )  # fmt: skip


def within(season: Season, columns: Sequence[Column], labels: Sequence[int]) -> list[Column]:
    """The columns with every window compared with its own group, without itself."""
    place = {name: at for at, name in enumerate(season.columns)}
    group = np.array([season.groups.index(label) for label in labels])
    found = []
    for column in columns:
        at = place[column.bins.column]
        counts = np.array([row[at] for row in season.counts])[group]
        sums = np.array([row[at] for row in season.sums])[group]
        mask = column.inside[:, None]
        with np.errstate(over="ignore"):
            found.append(msgspec.structs.replace(column, seasonal=True, against=Masses(
                np.maximum(counts - column.counts * mask, 0),
                sums.reshape(column.sums.shape) - column.sums * mask,
            )))  # fmt: skip
    return found


def _merged(column: Column, group: NDArray[np.bool_]) -> tuple[Counts, Floats]:
    mask = group & column.inside
    with np.errstate(over="ignore"):
        return column.counts[mask].sum(axis=0), column.sums[mask].sum(axis=0)
