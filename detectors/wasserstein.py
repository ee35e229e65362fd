"""How far the values moved: the Wasserstein-1 distance, exact and from bins."""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from detectors import answers
from detectors.answers import Figures
from detectors.finding import Finding, Kind, Reason, Sample
from detectors.ordered import Ordered, mean_and_std, ordered
from detectors.reading import Counts, Floats

NAME: Final = "wasserstein"
_BLOCK: Final = 1 << 15
"""Values at a time: what is computed of them stays in the processor's cache."""
_EXACT: Final = 2**52
"""Below it a product of two sizes and its quotients round down rightly as doubles."""


class WassersteinParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` in the reference's standard deviations; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = WassersteinParams()


def wasserstein(reference: Sample, sample: Sample, params: WassersteinParams = _DEFAULT) -> Finding:
    """The mean distance by which values would have to move, in reference standard deviations.

    A shift of all values by 0.3 standard deviations gives 0.3. The effect is the distance in the
    column's own units. Infinities are left out; a constant reference is degenerate.

    >>> import pyarrow as pa
    >>> generator = np.random.default_rng(3)
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([generator.normal(s, 2.0, 400)]))
    ...         for s in (0.0, 1.0))
    >>> found = wasserstein(a, b)
    >>> round(found.statistic, 4), round(found.effect, 4)
    (0.5003, 1.0086)
    """
    if sample.kind is not Kind.NUMERIC:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE)
    return of_ordered(ordered(reference), ordered(sample), params)


def of_ordered(
    reference: Ordered, window: Ordered, params: WassersteinParams = _DEFAULT
) -> Finding:
    """The same of two columns that are in order already."""
    first, second = reference.finite, window.finite
    m, n = first.size, second.size
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        with np.errstate(all="ignore"):
            moved = distance_in_order(first, second)
            _, std = mean_and_std(first)
            found = moved / std if std > 0.0 else np.nan
        figures = Figures(statistic=float(found), effect=moved, rows=n, rows_reference=m)
    return answers.answer(NAME, window, figures, params.threshold)


def distance(first: Floats, second: Floats) -> float:
    """The integral of |F - G| over the values of two non-empty arrays of finite numbers."""
    return distance_in_order(np.sort(first), np.sort(second))


def distance_in_order(first: Floats, second: Floats) -> float:
    """The same of two arrays in ascending order: O(n + m), and no copy of either.

    It is the mean of |x - y| over the shares at which x and y are the quantiles of the two. Those
    change at i/n and at j/m, numbers that need no search: every value of the longer array meets
    the one of the shorter at its lower end, and of those between two of the shorter the part that
    meets the second is put right.
    """
    one, two = (first, second) if first.size >= second.size else (second, first)
    if one.size == two.size:
        return _block_sums(one, lambda _, values, start: two[start : start + values.size])
    total = _block_sums(one, lambda at, _, __: two[_below(at, two.size, one.size)])
    return total + _crossing(one, two)


def _block_sums(one: Floats, met: Callable[[Floats, Floats, int], Floats]) -> float:
    """The mean distance of an array's values from those that they meet, block by block."""
    total = 0.0
    places = np.arange(min(_BLOCK, one.size), dtype=np.float64)
    for start in range(0, one.size, _BLOCK):
        values = one[start : start + _BLOCK]
        apart = values - met(places[: values.size] + start, values, start)
        total += float(np.abs(apart, out=apart).sum())
    return total / one.size


def _crossing(one: Floats, two: Floats) -> float:
    """What the values of `one` that lie across a border j/m of `two` are to be put right by."""
    total = 0.0
    places = np.arange(1, min(_BLOCK, two.size) + 1, dtype=np.float64)
    for start in range(1, two.size, _BLOCK):
        size = min(_BLOCK, two.size - start)
        borders = places[:size] + (start - 1)
        at = _below(borders, one.size, two.size)
        # The border lies at this place of `one`, of whose cell the rest meets the next of `two`.
        rest = ((at + 1) * two.size - borders * one.size) / two.size
        across = rest < 1.0
        x = one[at[across]]
        after, before = two[start : start + size][across], two[start - 1 : start + size - 1][across]
        total += float((rest[across] * (np.abs(x - after) - np.abs(x - before))).sum())
    return total / one.size


def _below(places: Floats, size: int, other: int) -> Counts:
    """floor(place * size / other), for places below `other`."""
    if size * other < _EXACT:
        found: Counts = (places * size / other).astype(np.int64)
        return found
    return places.astype(np.int64) * size // other


def area(reference: Counts, counts: Counts) -> Floats:
    """The mean over the edges between bins of |F - G|, in [0, 1]: distance in reference ranks.

    Counts over the same bins, the last axis; NaN where one is empty.

    >>> area(np.array([1, 1, 1, 1]), np.array([[1, 1, 1, 1], [0, 0, 0, 4]])).tolist()
    [0.0, 0.5]
    """
    return _area(_apart(reference, counts))


class Masses(msgspec.Struct, frozen=True):
    """Counts over numeric bins, the last axis, and the sums of the values in each."""

    counts: Counts
    sums: Floats


def binned(reference: Masses, masses: Masses, edges: Floats) -> Floats:
    """The Wasserstein-1 distance with every bin's mass put at its own mean, in the values' units.

    `edges` has one entry fewer on the last axis and is broadcast along the others. Off by at most
    half a bin's width for the share of rows in that bin.
    """
    return areas(reference, masses, edges)[1]


def areas(reference: Masses, masses: Masses, edges: Floats) -> tuple[Floats, Floats]:
    """`area` and `binned` of the same counts in one go."""
    apart = _apart(reference.counts, masses.counts)
    with np.errstate(all="ignore"):
        p = reference.counts / reference.counts.sum(axis=-1, keepdims=True)
        q = masses.counts / masses.counts.sum(axis=-1, keepdims=True)
        first, second = _means(reference, edges), _means(masses, edges)
        held, met = reference.counts > 0, masses.counts > 0
        first = np.where(held, first, np.where(met, second, first))
        second = np.where(met, second, first)
        before = np.empty_like(apart)
        before[..., 0], before[..., 1:] = 0.0, apart[..., :-1]
        between = np.where(first <= second, before + p, before - q)
        within = np.abs(between, out=between)
        within *= np.abs(second - first)
        gap = np.minimum(first, second)[..., 1:] - np.maximum(first, second)[..., :-1]
        onward = np.maximum(gap, 0.0, out=gap)
        onward *= np.abs(apart[..., :-1])
        moved: Floats = within.sum(axis=-1) + onward.sum(axis=-1)
    return _area(apart), moved


def _area(apart: Floats) -> Floats:
    found: Floats = np.abs(apart[..., :-1]).mean(axis=-1)
    return found


def _apart(reference: Counts, counts: Counts) -> Floats:
    """F - G at the upper end of every bin."""
    with np.errstate(divide="ignore", invalid="ignore"):
        f = np.cumsum(reference, axis=-1) / reference.sum(axis=-1, keepdims=True)
        g = np.cumsum(counts, axis=-1) / counts.sum(axis=-1, keepdims=True)
    apart: Floats = f - g
    return apart


def _means(masses: Masses, edges: Floats) -> Floats:
    """The mean of each bin, held within it; an empty bin's lower edge."""
    beyond = np.full((*edges.shape[:-1], 1), np.inf)
    lower = np.concatenate([-beyond, edges], axis=-1)
    upper = np.concatenate([edges, beyond], axis=-1)
    means = np.clip(masses.sums / np.maximum(masses.counts, 1), lower, upper)
    empty = np.concatenate([edges[..., :1], edges], axis=-1)
    found: Floats = np.where(masses.counts > 0, means, empty)
    return found
