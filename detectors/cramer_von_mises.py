"""The two-sample Cramér–von Mises test of a numeric column."""

from typing import Final

import msgspec
import numpy as np

from detectors import answers, ranks, tails
from detectors.answers import Figures
from detectors.finding import Finding, Sample
from detectors.reading import Counts, Floats

NAME: Final = "cramer_von_mises"


class CramerVonMisesParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic T; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = CramerVonMisesParams()


def cramer_von_mises(
    reference: Sample, sample: Sample, params: CramerVonMisesParams = _DEFAULT
) -> Finding:
    """The sum of squared distances of the two distribution functions, over all rows.

    The statistic is T of Anderson 1962, with mean ranks for ties; its p-value, of independent rows
    alone, is that of the limiting law for T brought to the law's mean and variance. The effect is
    the root mean square distance of the two functions in [0, 1], after taking off T's mean under
    no change. Infinities count. O((n + m) log(n + m)).

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> generator = np.random.default_rng(1)
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([generator.normal(s, 1.0, 300)]))
    ...         for s in (0.0, 0.3))
    >>> found = cramer_von_mises(a, b)
    >>> round(found.statistic, 4), found.p_value < 1e-6, round(found.effect, 3)
    (3.0921, True, 0.14)
    """
    pair = ranks.values_of(NAME, reference, sample, finite=False)
    if isinstance(pair, Finding):
        return pair
    m, n = pair.reference.size, pair.window.size
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        found = statistic(pair.reference, pair.window)
        usual = (1.0 + 1.0 / (n + m)) / 6.0
        figures = Figures(
            statistic=found,
            p_value=p_value(found, m, n),
            effect=float(np.sqrt(max(0.0, found - usual) * (1.0 / n + 1.0 / m))),
            rows=n,
            rows_reference=m,
        )
    return answers.answer(NAME, sample, figures, params.threshold)


def statistic(first: Floats, second: Floats) -> float:
    """T of two non-empty arrays without NaN."""
    one, two, _ = ranks.tied(first, second)
    m, n = first.size, second.size
    total = one + two
    rank = np.cumsum(total) - total + (total + 1) / 2.0
    u = m * _displaced(one, rank) + n * _displaced(two, rank)
    return float(u / (m * n * (m + n)) - (4.0 * m * n - 1.0) / (6.0 * (m + n)))


def p_value(found: float, m: int, n: int) -> float:
    """P(T > found) by the limiting law (Anderson and Darling 1952), for independent rows."""
    rows = n + m
    mean = (1.0 + 1.0 / rows) / 6.0
    spread = (rows + 1.0) / rows**2 * (4.0 * m * n * rows - 3.0 * (m * m + n * n) - 2.0 * m * n)
    apart = (found - mean) / np.sqrt(spread / (4.0 * m * n))
    return tails.cramer_von_mises_sf(1.0 / 6.0 + float(apart))


def _displaced(own: Counts, rank: Floats) -> float:
    """The sum over a sample's rows of (pooled rank - own rank)^2, its ties in any order."""
    ahead = rank - (np.cumsum(own) - own)
    within = own * (own + 1.0) * ((2.0 * own + 1.0) / 6.0 - ahead)
    return float(np.sum(own * np.square(ahead) + within))
