"""Distances between the shares of bins: Hellinger's, the total variation, the greatest difference.

All are computed over the same bins: ten between the reference's deciles, a bin a value where there
are few, or the levels of the reference; none has rows on both sides empty. O(n log bins).
"""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from detectors import answers, counting, tails
from detectors.answers import Figures
from detectors.finding import Finding, Reason, Sample
from detectors.from_bins import Masses
from detectors.reading import Floats

HELLINGER: Final = "hellinger"
TOTAL_VARIATION: Final = "total_variation"
L_INFINITY: Final = "l_infinity"
_ROWS_A_BIN: Final = 10
_FOLDED: Final = float(np.sqrt(2.0 / np.pi))
"""The mean of a standard normal figure's size."""


class ShareParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the distance in [0, 1]; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = ShareParams()


def hellinger(reference: Sample, sample: Sample, params: ShareParams = _DEFAULT) -> Finding:
    """The root of 1 - sum sqrt(p q) over bins: 0 for equal shares, 1 for disjoint ones.

    The effect is what is left once the square's mean without change, (bins - 1)(1/n + 1/m) / 8, is
    taken off; the p-value (independent rows, ten a bin) comes from the same law: 8 times the square
    over 1/n + 1/m is chi-squared with bins - 1 degrees of freedom. Hellinger 1909.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> a, b = (Sample("x", Kind.CATEGORICAL, pa.chunked_array([list("ab" * 50 + more)]))
    ...         for more in ("a" * 20, "c" * 20))
    >>> round(hellinger(a, b).statistic, 4)
    0.3005
    """
    counts = _common(HELLINGER, reference, sample)
    if isinstance(counts, Finding):
        return counts
    first, second = counts
    m, n, df = int(first.sum()), int(second.sum()), first.size - 1
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        squared, spread = float(squared_hellinger(first, second)), 1.0 / n + 1.0 / m
        asked = min(m, n) >= _ROWS_A_BIN * first.size
        figures = Figures(
            statistic=float(np.sqrt(squared)),
            p_value=(tails.chi2_sf(8.0 * squared / spread, df) if df else 1.0) if asked else None,
            effect=float(np.sqrt(max(0.0, squared - df * spread / 8.0))),
            rows=n,
            rows_reference=m,
        )
    return answers.answer(HELLINGER, sample, figures, params.threshold)


def total_variation(reference: Sample, sample: Sample, params: ShareParams = _DEFAULT) -> Finding:
    """Half the sum of |p - q| over bins: the share of rows that would have to change their bin.

    The effect is the distance less its mean without change, in which every bin's difference is
    normal.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> a, b = (Sample("x", Kind.CATEGORICAL, pa.chunked_array([list("ab" * 50 + more)]))
    ...         for more in ("a" * 20, "c" * 20))
    >>> round(total_variation(a, b).statistic, 4)
    0.1667
    """
    return _linear(TOTAL_VARIATION, total_variations, (reference, sample), params)


def l_infinity(reference: Sample, sample: Sample, params: ShareParams = _DEFAULT) -> Finding:
    """The greatest |p - q| of a bin: how far the share of one of them has moved.

    The effect is the distance less the median without change, taking as many independent normal
    differences as there are bins less one, each as wide as the widest.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> a, b = (Sample("x", Kind.BOOLEAN, pa.chunked_array([[True] * yes + [False] * (100 - yes)]))
    ...         for yes in (20, 50))
    >>> round(l_infinity(a, b).statistic, 4)
    0.3
    """
    return _linear(L_INFINITY, greatest_differences, (reference, sample), params)


def squared_hellinger(reference: Masses, counts: Masses) -> Floats:
    """The squared Hellinger distances between counts over the same bins, the last axis."""
    p, q = _shares(reference), _shares(counts)
    found: Floats = np.sum(np.square(np.sqrt(p) - np.sqrt(q)), axis=-1) / 2.0
    return found


def total_variations(reference: Masses, counts: Masses) -> Floats:
    """The total variation between counts over the same bins, the last axis.

    >>> total_variations(np.array([1, 1]), np.array([[1, 1], [0, 5]])).tolist()
    [0.0, 0.5]
    """
    found: Floats = np.abs(_shares(reference) - _shares(counts)).sum(axis=-1) / 2.0
    return found


def greatest_differences(reference: Masses, counts: Masses) -> Floats:
    """The greatest difference of shares between counts over the same bins, the last axis."""
    found: Floats = np.abs(_shares(reference) - _shares(counts)).max(axis=-1)
    return found


def _linear(
    name: str,
    distance: Callable[[Masses, Masses], Floats],
    samples: tuple[Sample, Sample],
    params: ShareParams,
) -> Finding:
    counts = _common(name, *samples)
    if isinstance(counts, Finding):
        return counts
    first, second = counts
    m, n = int(first.sum()), int(second.sum())
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        pooled = (first + second) / (m + n)
        each = np.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m))
        chance = _FOLDED * float(each.sum()) / 2.0 if name == TOTAL_VARIATION else _greatest(each)
        found = float(distance(first, second))
        figures = Figures(
            statistic=found, effect=max(0.0, found - chance), rows=n, rows_reference=m
        )
    return answers.answer(name, samples[1], figures, params.threshold)


def _greatest(spreads: Floats) -> float:
    """The median of the greatest of so many normal sizes, less one, of the greatest spread."""
    if spreads.size < 2:  # noqa: PLR2004 - one bin alone cannot differ
        return 0.0
    level = (1.0 + 0.5 ** (1.0 / (spreads.size - 1))) / 2.0
    return tails.normal_quantile(level) * float(spreads.max())


def _common(name: str, reference: Sample, sample: Sample) -> tuple[Masses, Masses] | Finding:
    counts = counting.side_by_side(reference, sample)
    if counts is None:
        return answers.unjudged(name, sample.column, Reason.NOT_APPLICABLE)
    return counting.occupied(*counts)


def _shares(counts: Masses) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = counts / counts.sum(axis=-1, keepdims=True)
    return found
