"""Windows of another size than usual made comparable: as many of their rows drawn as is usual.

A distance between samples shrinks with the square root of their rows, so windows of unlike size
are never compared: rows are drawn without replacement, which for counts is exact.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from detectors.counted import Column, stacked
from detectors.reading import Counts, Floats
from detectors.wasserstein import Masses

STEP: Final = 1.5
"""Windows up to so many times larger or smaller than usual are taken as they are."""
MOST_BUCKETS: Final = 8
DRAWS: Final = 5
"""So many draws of a window are averaged."""
MOST_ROWS: Final = 1_000_000_000
"""The generator draws without replacement from fewer rows than this; from more, binomially."""


def thin(counts: Counts, sizes: Counts, generator: np.random.Generator) -> Counts:
    """Draw `sizes[i]` of the rows counted in `counts[i]`, shape (windows, bins), evenly.

    A window that has no more rows than asked for is left as it is. Bin after bin the number drawn
    is hypergeometric given those before, so a row of the answer is multivariate hypergeometric.

    >>> thin(np.array([[6, 0, 2], [1, 0, 0]]), np.array([4, 4]), np.random.default_rng(1)).sum(axis=1)
    array([4, 1])
    """
    left = counts.sum(axis=1)
    need = np.minimum(sizes, left)
    found = np.empty_like(counts)
    for at in range(counts.shape[1]):
        here = counts[:, at]
        left = left - here
        found[:, at] = _draw(generator, here, left, need)
        need = need - found[:, at]
    return found


def usual_rows(column: Column) -> float:
    """The values of the median window that has any."""
    rows = column.rows
    return float(np.median(rows[rows > 0])) if (rows > 0).any() else 0.0


def sizes_of(usual: float, least: int) -> list[int]:
    """The sizes below the usual one, each smaller by 1.5, down to `least` rows; at most 8.

    >>> sizes_of(100.0, 30)
    [66, 44]
    """
    found = [int(usual / STEP**power) for power in range(1, MOST_BUCKETS + 1)]
    return [size for size in found if size >= least]


def bucket_of(rows: Counts, usual: float, least: int) -> Counts:
    """0 for windows of the usual size or more, k where only size k is small enough.

    The last where none is.
    """
    sizes = np.array(sizes_of(usual, least))
    if not sizes.size:
        return np.zeros(rows.shape, dtype=np.int64)
    smaller = (rows[:, None] < sizes[None, :]).sum(axis=1) + 1
    found: Counts = np.where(rows * STEP >= usual, 0, np.minimum(smaller, sizes.size))
    return found


def matched(
    columns: Sequence[Column], usual: Sequence[float], seed: int, least: int, *, draws: int = 1
) -> list[Column]:
    """The columns with as many rows drawn of each window as its size bucket has.

    With several `draws` every window stands so many times one after another. Windows of the
    usual size are not drawn from.
    """
    sized = [_sized(column, rows, least) for column, rows in zip(columns, usual, strict=True)]
    found = [column for column, _ in sized]
    sizes = [wanted for _, wanted in sized]
    if draws > 1:
        found = [repeated(column, draws) for column in found]
        sizes = [np.repeat(wanted, draws) for wanted in sizes]
    some = to_draw(columns, usual)
    generator = np.random.default_rng(seed)
    thinner = drawn([found[at] for at in some], [sizes[at] for at in some], generator)
    for at, column in zip(some, thinner, strict=True):
        found[at] = column
    return found


def drawn(
    columns: Sequence[Column], sizes: Sequence[Counts], generator: np.random.Generator
) -> list[Column]:
    """The columns with so many rows drawn of each window, those of as many bins at once."""
    found = list(columns)
    alike: dict[int, list[int]] = {}
    for at, column in enumerate(columns):
        alike.setdefault(column.drawn.shape[1], []).append(at)
    for places in alike.values():
        whole = np.concatenate([columns[at].drawn for at in places])
        counts = thin(whole, np.concatenate([sizes[at] for at in places]), generator)
        for at, part in zip(places, np.split(counts, len(places)), strict=True):
            sums = _sums(columns[at].drawn, columns[at].drawn_sums, part)
            found[at] = msgspec.structs.replace(columns[at], drawn=part, drawn_sums=sums)
    return found


def to_draw(columns: Sequence[Column], usual: Sequence[float]) -> list[int]:
    """The places of the columns with a window so much larger or smaller that it is drawn from."""
    if not columns:
        return []
    rows, size = stacked([column.rows for column in columns]), np.array(usual)[:, None]
    unlike = ((rows > STEP * size) | (rows * STEP < size)) & (size > 0.0)
    found: list[int] = np.flatnonzero(unlike.any(axis=1)).tolist()
    return found


def _sized(column: Column, usual: float, least: int) -> tuple[Column, Counts]:
    """The column with its windows' size buckets, and how many rows each of them has."""
    rows = column.rows
    bucket = bucket_of(rows, usual, least)
    sizes = np.array([int(usual), *sizes_of(usual, least)])[bucket]
    sizes = np.where((bucket == 0) & (rows <= STEP * usual), rows, sizes)
    return msgspec.structs.replace(column, bucket=bucket), sizes


def repeated(column: Column, times: int) -> Column:
    """Every window so many times, one after another."""

    def often(values: Counts) -> Counts:
        return np.repeat(values, times, axis=0)

    return msgspec.structs.replace(
        column, counts=often(column.counts), sums=np.repeat(column.sums, times, axis=0),
        own=often(column.own), unseen=often(column.unseen),
        inside=np.repeat(column.inside, times), rows=often(column.rows), drawn=often(column.drawn),
        drawn_sums=np.repeat(column.drawn_sums, times, axis=0), bucket=often(column.bucket),
        against=None if column.against is None else Masses(
            often(column.against.counts), np.repeat(column.against.sums, times, axis=0)
        ),
    )  # fmt: skip


def _sums(before: Counts, sums: Floats, after: Counts) -> Floats:
    """What rows drawn of a bin sum up to: as many times its mean."""
    if not sums.shape[1]:
        return sums
    with np.errstate(over="ignore", invalid="ignore"):
        found: Floats = sums * (after / np.maximum(before, 1))
    return found


def _draw(generator: np.random.Generator, here: Counts, left: Counts, need: Counts) -> Counts:
    """How many of `need` rows are of those here and not of those left."""
    if (here + left).max(initial=0) < MOST_ROWS:
        found: Counts = generator.hypergeometric(here, left, need)
        return found
    share = here / np.maximum(here + left, 1)
    likely: Counts = np.maximum(np.minimum(generator.binomial(need, share), here), need - left)
    return likely
