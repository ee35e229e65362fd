"""Where it hurts: the slices of a window in which the loss rose more than in the rest of it.

The change of the mean loss is taken apart over a partition of the rows into what the loss did
within each slice and what the slices' shares did (Kitagawa 1955); the two add up to the change,
exactly. Slices that stand out are found as in Chung et al. 2019, by effect size and Welch's test.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import msgspec
import numpy as np

from detectors import multiplicity, tails
from detectors.reading import Counts, Floats

FEWEST: Final = 50
LEAST_SHARE: Final = 0.01
LEAST_EFFECT: Final = 0.4
LEVEL: Final = 0.1
PAIRED: Final = 20
REPORTED: Final = 5
ALIKE: Final = 0.9
"""A slice is told by a pair within it that gives so much of what it gives, and stands out more."""
CONCENTRATED: Final = 0.75
"""So does one that gives it with this share of its rows at most: what rose, rose there."""


class Side(msgspec.Struct, frozen=True):
    """Rows of the reference or of a window: the loss of each, and its part of every column."""

    losses: Floats
    codes: Sequence[Counts]


class Sums(msgspec.Struct, frozen=True):
    """Rows, losses and squared losses of many slices; arrays of one shape."""

    rows: Floats
    losses: Floats
    squares: Floats

    @property
    def mean(self) -> Floats:
        """The mean loss of each; NaN for a slice without rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.losses / self.rows

    @property
    def variance(self) -> Floats:
        """The variance of the losses of each; NaN for fewer than two rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (self.squares - np.square(self.losses) / self.rows) / (self.rows - 1.0)
        return np.where(self.rows > 1.0, np.maximum(found, 0.0), np.nan)


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one part of one column, or of parts of two: `places` are (column, part).

    `within` is what the loss did in the slice, weighted by its share; `mix` what its share did;
    both in the units of the loss. `effect` is in standard deviations of the losses.
    """

    places: tuple[tuple[int, int], ...]
    rows: int
    rows_reference: int
    loss: float
    loss_reference: float | None
    within: float
    mix: float
    effect: float
    p_value: float


def parted(reference: Sums, now: Sums) -> tuple[Floats, Floats]:
    """What each slice of a partition gives to the change of the mean loss: within it, by its share.

    Over the slices they add up to the mean loss now less that of the reference. A slice that the
    reference does not hold is compared with the reference's mean.

    >>> before = Sums(np.array([6.0, 4.0]), np.array([6.0, 8.0]), np.array([6.0, 16.0]))
    >>> after = Sums(np.array([5.0, 5.0]), np.array([5.0, 15.0]), np.array([5.0, 45.0]))
    >>> [part.round(2).tolist() for part in parted(before, after)]
    [[0.0, 0.5], [0.04, 0.06]]
    """
    whole = reference.losses.sum() / reference.rows.sum()
    share, usual = (side.rows / side.rows.sum() for side in (now, reference))
    before = np.where(reference.rows > 0.0, reference.mean, whole)
    after = np.where(now.rows > 0.0, now.mean, before)
    return share * (after - before), (share - usual) * (before - whole)


def summed(side: Side, column: int, parts: int) -> Sums:
    """The sums of every part of one column."""
    codes = side.codes[column]
    rows = np.bincount(codes, minlength=parts).astype(np.float64)
    weighted = [
        np.bincount(codes, weights=weights, minlength=parts).astype(np.float64)
        for weights in (side.losses, np.square(side.losses))
    ]
    return Sums(rows, *weighted)


def worst(reference: Side, now: Side, parts: Sequence[int]) -> list[Slice]:
    """The slices that give most to a rise of the mean loss, at most five.

    Every part of every column (`parts` are how many it has), and every pair among the twenty that
    give most, with at least 50 rows and 1 % of the window's. Kept are those whose loss rose by
    0.4 standard deviations more than that of all other rows, where Welch's test of that, adjusted
    by Benjamini and Hochberg over all slices looked at, is at most 10 %. A pair must stand out by
    as much again beside its parts, or give nine tenths of what they give with three quarters of
    their rows at most; a part of which it gives nine tenths is then not told. One
    bincount a column, and products of twenty rows of marks.
    """
    single = [found for column, count in enumerate(parts)
              for found in _singles(reference, now, column, count)]  # fmt: skip
    single.sort(key=lambda found: -found.within)
    pairs = _pairs(reference, now, [f.places[0] for f in single[:PAIRED] if f.within > 0.0])
    tested = [*single, *pairs]
    adjusted = multiplicity.benjamini_hochberg([found.p_value for found in tested]).tolist()
    kept = [
        msgspec.structs.replace(found, p_value=p)
        for found, p in zip(tested, adjusted, strict=True)
        if found.within > 0.0 and found.effect >= LEAST_EFFECT and p <= LEVEL
    ]
    kept.sort(key=lambda found: (-found.within, len(found.places)))
    return _told_once(kept)[:REPORTED]


def _told_once(kept: Sequence[Slice]) -> list[Slice]:
    """Without the pairs that stand out no more than a part of theirs, and without the parts that
    give hardly more than a pair of theirs that does."""
    singles = {found.places[0]: found for found in kept if len(found.places) == 1}
    dropped: set[tuple[tuple[int, int], ...]] = set()
    for found in kept:
        inside = [singles[place] for place in found.places if place in singles]
        if len(found.places) == 1 or not inside:
            continue
        if not all(_stands_out(found, part) for part in inside):
            dropped.add(found.places)
        else:
            dropped |= {part.places for part in inside if found.within >= ALIKE * part.within}
    return [found for found in kept if found.places not in dropped]


def _stands_out(pair: Slice, part: Slice) -> bool:
    """Whether a pair says more than a part of it: it rose further, or it alone rose."""
    concentrated = pair.rows <= CONCENTRATED * part.rows and pair.within >= ALIKE * part.within
    return concentrated or pair.effect >= part.effect + LEAST_EFFECT


def _singles(reference: Side, now: Side, column: int, parts: int) -> list[Slice]:
    before, after = summed(reference, column, parts), summed(now, column, parts)
    places = [((column, part),) for part in range(parts)]
    return _judged(_whole(reference), _whole(now), (before, after), places)


def _pairs(reference: Side, now: Side, places: Sequence[tuple[int, int]]) -> list[Slice]:
    """Every two of these that are parts of different columns, by products of their rows' marks."""
    crossed = [(a, b) for a, b in combinations(range(len(places)), 2)
               if places[a][0] != places[b][0]]  # fmt: skip
    if not crossed:
        return []
    first, second = (np.array(each) for each in zip(*crossed, strict=True))
    sums = []
    for side in (reference, now):
        marks = np.array([side.codes[c] == part for c, part in places], dtype=np.float64)
        products = [
            (marks * weights) @ marks.T
            for weights in (np.ones(side.losses.size), side.losses, np.square(side.losses))
        ]
        sums.append(Sums(*(product[first, second] for product in products)))
    named = [tuple(sorted((places[a], places[b]))) for a, b in crossed]
    return _judged(_whole(reference), _whole(now), (sums[0], sums[1]), named)


def _judged(
    reference: Sums, now: Sums, slices: tuple[Sums, Sums],
    places: Sequence[tuple[tuple[int, int], ...]],
) -> list[Slice]:  # fmt: skip
    """The slices with rows enough, each against all other rows."""
    before, after = slices
    rest_before, rest_after = _less(reference, before), _less(now, after)
    whole = float(reference.mean[0])
    share, usual = after.rows / now.rows, before.rows / reference.rows
    held = np.where(before.rows > 0.0, before.mean, whole)
    within, mix = share * (after.mean - held), (share - usual) * (held - whole)
    rose = after.mean - held - (rest_after.mean - rest_before.mean)
    # A slice that the reference hardly holds is compared with all of the reference.
    known = before.rows >= FEWEST
    spread = np.where(known, before.variance, reference.variance)
    size = np.where(known, before.rows, reference.rows)
    errors = [after.variance / after.rows, rest_after.variance / rest_after.rows,
              spread / size, rest_before.variance / rest_before.rows]  # fmt: skip
    sizes = [after.rows, rest_after.rows, size, rest_before.rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = sum(errors)
        df = np.square(error) / sum(
            np.square(e) / np.maximum(n - 1.0, 1.0) for e, n in zip(errors, sizes, strict=True)
        )
        t = rose / np.sqrt(error)
        effect = rose / np.sqrt((after.variance + rest_after.variance) / 2.0)
    enough = (after.rows >= max(FEWEST, LEAST_SHARE * float(now.rows[0]))) & np.isfinite(effect)
    return [
        Slice(
            places=places[at], rows=int(after.rows[at]), rows_reference=int(before.rows[at]),
            loss=float(after.mean[at]),
            loss_reference=float(before.mean[at]) if before.rows[at] else None,
            within=float(within[at]), mix=float(mix[at]), effect=float(effect[at]),
            p_value=tails.t_sf(float(t[at]), float(df[at])),
        )
        for at in np.flatnonzero(enough).tolist()
    ]  # fmt: skip


def _whole(side: Side) -> Sums:
    return Sums(
        np.full(1, float(side.losses.size)),
        np.array([side.losses.sum()]),
        np.array([np.square(side.losses).sum()]),
    )


def _less(whole: Sums, part: Sums) -> Sums:
    return Sums(whole.rows - part.rows, whole.losses - part.losses, whole.squares - part.squares)
