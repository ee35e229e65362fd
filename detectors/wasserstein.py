"""How far the values moved: the Wasserstein-1 distance, exact and from bins."""

from typing import Final

import msgspec
import numpy as np

from detectors import answers, reading
from detectors.answers import Figures
from detectors.finding import Finding, Kind, Reason, Sample
from detectors.reading import Counts, Floats

NAME: Final = "wasserstein"


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
    first, second = (reading.finite(reading.numbers(s.values)) for s in (reference, sample))
    m, n = first.size, second.size
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        with np.errstate(all="ignore"):
            moved = distance(first, second)
            found = moved / first.std() if first.std() > 0.0 else np.nan
        figures = Figures(statistic=float(found), effect=moved, rows=n, rows_reference=m)
    return answers.answer(NAME, sample, figures, params.threshold)


def distance(first: Floats, second: Floats) -> float:
    """The integral of |F - G| over the values of two non-empty arrays of finite numbers."""
    one, two = np.sort(first), np.sort(second)
    both = np.concatenate([one, two])
    order = np.argsort(both, kind="stable")
    from_one = order < one.size
    f, g = np.cumsum(from_one) / one.size, np.cumsum(~from_one) / two.size
    return float(np.abs(f - g)[:-1] @ np.diff(both[order]))


def area(reference: Counts, counts: Counts) -> Floats:
    """The mean over the edges between bins of |F - G|, in [0, 1]: distance in reference ranks.

    Counts over the same bins, the last axis; NaN where one is empty.

    >>> area(np.array([1, 1, 1, 1]), np.array([[1, 1, 1, 1], [0, 0, 0, 4]])).tolist()
    [0.0, 0.5]
    """
    found: Floats = np.abs(_apart(reference, counts)[..., :-1]).mean(axis=-1)
    return found


class Masses(msgspec.Struct, frozen=True):
    """Counts over numeric bins, the last axis, and the sums of the values in each."""

    counts: Counts
    sums: Floats


def binned(reference: Masses, masses: Masses, edges: Floats) -> Floats:
    """The Wasserstein-1 distance with every bin's mass put at its own mean, in the values' units.

    `edges` has one entry fewer on the last axis and is broadcast along the others. Off by at most half a bin's width for the share of rows in that bin.
    """
    with np.errstate(all="ignore"):
        apart = _apart(reference.counts, masses.counts)
        p = reference.counts / reference.counts.sum(axis=-1, keepdims=True)
        first, second = _means(reference, edges), _means(masses, edges)
        first = np.where(reference.counts > 0, first, np.where(masses.counts > 0, second, first))
        second = np.where(masses.counts > 0, second, first)
        before = np.concatenate([np.zeros_like(apart[..., :1]), apart[..., :-1]], axis=-1)
        q = masses.counts / masses.counts.sum(axis=-1, keepdims=True)
        between = np.where(first <= second, before + p, before - q)
        within = np.abs(between) * np.abs(second - first)
        gap = np.minimum(first, second)[..., 1:] - np.maximum(first, second)[..., :-1]
        onward = np.abs(apart[..., :-1]) * np.maximum(gap, 0.0)
        found: Floats = within.sum(axis=-1) + onward.sum(axis=-1)
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
