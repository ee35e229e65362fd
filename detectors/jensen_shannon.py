"""The Jensen–Shannon distance between two distributions over bins."""

from typing import Final

import msgspec
import numpy as np

from detectors import answers, counting
from detectors.answers import Figures, Named
from detectors.finding import Finding, Reason, Sample
from detectors.reading import Counts, Floats

NAME: Final = "jensen_shannon"
Numbers = float | Counts | Floats


class JensenShannonParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the distance in [0, 1]; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = JensenShannonParams()


def jensen_shannon(
    reference: Sample, sample: Sample, params: JensenShannonParams = _DEFAULT
) -> Finding:
    """The square root of the Jensen–Shannon divergence, base 2: 0 for equal, 1 for disjoint.

    Ten bins between the reference's deciles, or its levels. The effect is the distance that is
    left of the divergence once its mean under no change, (bins - 1)(1/n + 1/m) / (8 ln 2), is
    taken off. Lin 1991; Endres and Schindelin 2003.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> a, b = (Sample("x", Kind.CATEGORICAL, pa.chunked_array([list("ab" * 50 + more)]))
    ...         for more in ("a" * 20, "c" * 20))
    >>> round(jensen_shannon(a, b).statistic, 4)
    0.3056
    """
    return of_counts(sample, counting.side_by_side(reference, sample), params)


def of_counts(
    window: Named, counts: tuple[Counts, Counts] | None, params: JensenShannonParams = _DEFAULT
) -> Finding:
    """The same from the counts of both over common bins, the reference's first."""
    if counts is None:
        return answers.unjudged(NAME, window.column, Reason.NOT_APPLICABLE)
    first, second = counting.occupied(*counts)
    m, n = int(first.sum()), int(second.sum())
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        found = float(distance(first, second))
        effect = float(beyond_chance(found, first.size, m, n))
        figures = Figures(statistic=found, effect=effect, rows=n, rows_reference=m)
    return answers.answer(NAME, window, figures, params.threshold)


def beyond_chance(
    distances: Numbers, bins: Numbers, rows_reference: Numbers, rows: Numbers
) -> Floats:
    """What is left of distances over so many occupied bins once chance's part is taken off.

    That is the mean of their squares under no change, (bins - 1)(1/n + 1/m) / (8 ln 2).

    >>> float(beyond_chance(0.5, 2, 100, 100).round(4)), float(beyond_chance(0.01, 2, 100, 100))
    (0.4964, 0.0)
    """
    chance = np.subtract(bins, 1) * (np.divide(1.0, rows) + np.divide(1.0, rows_reference))
    found: Floats = np.sqrt(np.maximum(np.square(distances) - chance / (8.0 * np.log(2.0)), 0.0))
    return found


def distance(reference: Counts | Floats, counts: Counts | Floats) -> Floats:
    """The distances between counts over the same bins, the last axis; NaN where one is empty.

    >>> distance(np.array([1, 0]), np.array([[1, 0], [0, 1], [1, 1]])).round(4).tolist()
    [0.0, 1.0, 0.5579]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        p = reference / reference.sum(axis=-1, keepdims=True)
        q = counts / counts.sum(axis=-1, keepdims=True)
        middle = (p + q) / 2.0
        parts = _relative(p, middle) + _relative(q, middle)
        found: Floats = np.sqrt(np.clip(parts.sum(axis=-1) / 2.0, 0.0, 1.0))
    return found


def _relative(p: Floats, middle: Floats) -> Floats:
    """p log2(p / middle), 0 where p is."""
    ratio = np.where(p > 0.0, p / middle, 1.0)
    found: Floats = p * np.log2(ratio)
    return found
