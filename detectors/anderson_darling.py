"""The two-sample Anderson–Darling test of a numeric column."""

from typing import Final

import msgspec
import numpy as np

from detectors import answers, from_bins, ranks
from detectors.answers import Figures
from detectors.finding import Finding, Sample
from detectors.reading import Counts

NAME: Final = "anderson_darling"
LEAST_P: Final = 0.001
GREATEST_P: Final = 0.25
_LEVELS: Final = np.array([0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001])
_HEIGHTS: Final = np.array([
    [0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085],
    [-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615],
    [-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154],
]).sum(axis=0)  # fmt: skip
"""The quantiles of two samples, where the three terms of the paper's interpolation have weight 1."""
_FEWEST_ROWS: Final = 4
_AT_ONCE: Final = 64
"""Permutations held in memory together."""
_ROUNDING: Final = 1e-12


class AndersonDarlingParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic; how many permutations, drawn with `seed`, find a p-value that
    the tables do not reach."""

    threshold: float | None = None
    permutations: int = 0
    seed: int = 0


_DEFAULT: Final = AndersonDarlingParams()


def anderson_darling(
    reference: Sample, sample: Sample, params: AndersonDarlingParams = _DEFAULT
) -> Finding:
    """The distance of the two distribution functions that weighs their tails most.

    The statistic is the midrank form of Scholz and Stephens 1987 less its mean 1, over its
    standard deviation. The p-value, of independent rows, is interpolated in their tables and so
    lies in [0.001, 0.25], whatever lies beyond; with `permutations` what the tables do not reach
    is found by as many exchanges of rows. The effect is the root mean square distance of the two
    functions in standard deviations of a pooled row, less chance. Infinities count; rows that are
    all equal are degenerate only in their scale: statistic -1 over it, p-value 1.
    O((n + m) log(n + m)), times the permutations.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> generator = np.random.default_rng(1)
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([generator.normal(s, 1.0, 300)]))
    ...         for s in (0.0, 0.3))
    >>> found = anderson_darling(a, b)
    >>> round(found.statistic, 3), found.p_value
    (19.786, 0.001)
    """
    pair = ranks.values_of(NAME, reference, sample, finite=False)
    if isinstance(pair, Finding):
        return pair
    m, n = pair.reference.size, pair.window.size
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1 and m + n >= _FEWEST_ROWS:
        one, two, _ = ranks.tied(pair.reference, pair.window)
        raw = float(from_bins.anderson_darling(one, two))
        figures = Figures(
            statistic=standardised(raw, m, n),
            p_value=_p_value(one, two, params),
            effect=float(np.sqrt(max(0.0, raw - 1.0) * (1.0 / n + 1.0 / m))),
            rows=n,
            rows_reference=m,
        )
    return answers.answer(NAME, sample, figures, params.threshold)


def standardised(raw: float, m: int, n: int) -> float:
    """The raw statistic less 1, over its standard deviation without change; m + n at least 4."""
    rows = m + n
    each = 1.0 / m + 1.0 / n
    inverse = 1.0 / np.arange(1, rows)
    h = float(inverse.sum())
    later = h - np.cumsum(inverse)[:-1]
    g = float(later @ (1.0 / np.arange(rows - 1, 1, -1)))
    terms = (
        4.0 * g - 6.0 + (10.0 - 6.0 * g) * each,
        12.0 * g - 22.0 + 8.0 * h + (2.0 * g - 14.0 * h - 4.0) * each,
        36.0 * h + 4.0 + (2.0 * h - 6.0) * each,
        24.0,
    )
    above = ((terms[0] * rows + terms[1]) * rows + terms[2]) * rows + terms[3]
    variance = above / ((rows - 1.0) * (rows - 2.0) * (rows - 3.0))
    return float((raw - 1.0) / np.sqrt(variance))


def interpolated(statistic: float) -> float:
    """The p-value from the tables of two samples, held within [0.001, 0.25]."""
    if statistic < _HEIGHTS[0]:
        return GREATEST_P
    if statistic > _HEIGHTS[-1]:  # so far off the fitted curve turns upwards, and overflows
        return LEAST_P
    fit = np.polyfit(_HEIGHTS, np.log(_LEVELS), 2)
    return float(np.exp(np.polyval(fit, statistic)))


def _p_value(one: Counts, two: Counts, params: AndersonDarlingParams) -> float:
    if one.size == 1:
        return 1.0
    raw = float(from_bins.anderson_darling(one, two))
    found = interpolated(standardised(raw, int(one.sum()), int(two.sum())))
    if not params.permutations or LEAST_P < found < GREATEST_P:
        return found
    generator = np.random.default_rng(params.seed)
    total, size = one + two, int(two.sum())
    above = 0
    for start in range(0, params.permutations, _AT_ONCE):
        draws = min(_AT_ONCE, params.permutations - start)
        drawn = generator.multivariate_hypergeometric(total, size, size=draws)
        heights = from_bins.anderson_darling(total - drawn, drawn)
        above += int(np.count_nonzero(heights >= raw * (1.0 - _ROUNDING)))
    return (1 + above) / (1 + params.permutations)
