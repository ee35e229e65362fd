"""Pearson's chi-squared test of homogeneity over levels."""

from typing import Final

import msgspec
import numpy as np

from detectors import counting, homogeneity
from detectors.answers import Named
from detectors.finding import Finding, Kind, Sample
from detectors.reading import Counts, Floats

NAME: Final = "chi_squared"


class ChiSquaredParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic itself; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = ChiSquaredParams()


def chi_squared(reference: Sample, sample: Sample, params: ChiSquaredParams = _DEFAULT) -> Finding:
    """The chi-squared statistic of the table of two samples by levels, without correction.

    Levels in which fewer than five rows are expected on a side are put together first. The
    p-value holds for independent rows; the effect is Cramér's V, sqrt(statistic / (n + m)). One
    level on both sides: statistic 0, p-value 1.

    >>> import pyarrow as pa
    >>> a, b = (Sample("x", Kind.CATEGORICAL, pa.chunked_array([list(text)]))
    ...         for text in ("ab" * 100, "a" * 50 + "b" * 100))
    >>> found = chi_squared(a, b)
    >>> round(found.statistic, 4), round(found.p_value, 6), round(found.effect, 4)
    (9.7222, 0.001821, 0.1667)
    """
    levels = sample.kind is not Kind.NUMERIC
    counts = counting.side_by_side(reference, sample) if levels else None
    return of_counts(sample, counts, params)


def of_counts(
    window: Named, counts: tuple[Counts, Counts] | None, params: ChiSquaredParams = _DEFAULT
) -> Finding:
    """The same from the counts of both by levels, the reference's first."""
    return homogeneity.tested(NAME, window, counts, statistic, params.threshold)


def statistic(first: Counts | Floats, second: Counts | Floats) -> float:
    """Pearson's statistic of a two-row table; every bin holds a row on one side at least.

    >>> statistic(np.array([10, 10]), np.array([5, 15])).__round__(4)
    2.6667
    """
    table = np.array([first, second], dtype=np.float64)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(np.sum(np.square(table - expected) / expected))
