"""Whether levels have the shares that they had, where they are too many for a bin each."""

import math
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from detectors import answers, level_bins, reading, tails
from detectors.answers import Figures, Named
from detectors.finding import Finding, Kind, Reason, Sample
from detectors.reading import Counts, Floats

NAME: Final = "many_levels"
Levels = tuple[pa.Array, Counts]
"""Distinct levels, and how many rows hold each."""


class ManyLevelsParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the distance; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = ManyLevelsParams()


def many_levels(reference: Sample, sample: Sample, params: ManyLevelsParams = _DEFAULT) -> Finding:
    """The distance of the shares of all levels, none put together with another, in [0, 1].

    The square of the statistic is Pearson's chi-squared over the n + m rows and over 4 w (1 - w),
    w = n / (n + m), at most 1: for as many rows on both sides 0 for equal shares and 1 for disjoint
    levels. The effect is the same less what chance gives (Bergsma 2013). The p-value, for
    independent rows, is that of a chi-squared law with the mean and the variance that the
    statistic has given all margins (Haldane 1940; Dawson 1954), however few rows a level has; rows
    whose level occurs once say nothing in it. Not applicable to identifiers.

    >>> one, two = (pa.array([f"c{k % most}" for k in range(4000)]) for most in (2000, 1000))
    >>> a, b = (Sample("x", Kind.CATEGORICAL, pa.chunked_array([each])) for each in (one, two))
    >>> found = many_levels(a, b)
    >>> round(found.statistic, 3), round(found.effect, 3), found.p_value < 1e-9
    (0.577, 0.289, True)
    """
    if sample.kind is not Kind.CATEGORICAL:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE)
    first, second = (reading.levels(each)[:2] for each in (reference, sample))
    bins = level_bins.freeze(reference)
    return of_levels(sample, (first, second), params, compared=bins.reason is None)


def of_levels(
    window: Named, levels: tuple[Levels, Levels], params: ManyLevelsParams = _DEFAULT, *,
    compared: bool = True,
) -> Finding:  # fmt: skip
    """The same of levels that are counted already, the reference's first; identifiers are not
    `compared`. O(levels)."""
    m, n = (int(counts.sum()) for _, counts in levels)
    if not compared:
        return answers.unjudged(NAME, window.column, Reason.NOT_APPLICABLE, rows=n)
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        first, second = aligned(*levels)
        found, (mean, variance) = chi_squared(first, second), moments(first, second)
        scale = 4.0 * n * m / (n + m)
        figures = Figures(
            statistic=math.sqrt(min(found / scale, 1.0)),
            p_value=_tail(found, mean, variance),
            effect=math.sqrt(min(max(found - mean, 0.0) / scale, 1.0)),
            rows=n,
            rows_reference=m,
        )
    return answers.answer(NAME, window, figures, params.threshold)


def aligned(reference: Levels, window: Levels) -> tuple[Floats, Floats]:
    """The rows of both by level, over the levels of either; O(levels)."""
    known = reference[0].to_pylist()
    at = level_bins.places(window[0], known)
    both = at < len(known)
    size = len(known) + int(np.count_nonzero(~both))
    first, second = np.zeros(size), np.zeros(size)
    first[: len(known)] = reference[1]
    second[at[both]] = window[1][both]
    second[len(known) :] = window[1][~both]
    return first, second


def chi_squared(first: Floats, second: Floats) -> float:
    """Pearson's statistic of a two-row table of which every column holds a row."""
    share = second.sum() / (first.sum() + second.sum())
    both = first + second
    return float(np.sum(np.square(second - both * share) / both) / (share * (1.0 - share)))


def moments(first: Floats, second: Floats) -> tuple[float, float]:
    """The mean and the variance of that statistic where rows are parted by chance, all margins given."""
    both, levels = first + second, first.size
    n = float(both.sum())
    rows = n * (1.0 / first.sum() + 1.0 / second.sum())
    one, other = (n - 2.0) / (n - 1.0), (levels - 1.0) * (n - levels) / (n - 1.0)
    uneven = (rows - 4.0) / (n - 2.0), (n * float(np.sum(1.0 / both)) - levels**2) / (n - 2.0)
    variance = 2.0 * n / (n - 3.0) * (one - uneven[0]) * (other - uneven[1])
    return n * (levels - 1.0) / (n - 1.0), variance + n * n / (n - 1.0) * uneven[0] * uneven[1]


def _tail(found: float, mean: float, variance: float) -> float:
    """P(X >= found) of a scaled chi-squared law with that mean and variance; 1 of none."""
    if not (mean > 0.0 and variance > 0.0):
        return 1.0
    return tails.chi2_sf(2.0 * mean * found / variance, 2.0 * mean * mean / variance)
