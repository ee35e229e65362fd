"""The population stability index over bins of equal mass in the reference."""

from typing import Final

import msgspec
import numpy as np

from detectors import answers, counting, tails
from detectors.answers import Figures, Named
from detectors.finding import Finding, Reason, Sample
from detectors.reading import Counts, Floats

NAME: Final = "psi"
_HALF: Final = 0.5
_ROWS_A_BIN: Final = 10


class PsiParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the index; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = PsiParams()


def psi(reference: Sample, sample: Sample, params: PsiParams = _DEFAULT) -> Finding:
    """The sum over bins of (q - p) ln(q / p), with half a row added to every bin.

    Ten bins between the reference's deciles, or its levels. The p-value (independent rows, ten
    rows a bin or more) and the effect, the index less its mean under no change, come from its
    law: the index over 1/n + 1/m is chi-squared with bins - 1 degrees of freedom. Yurdakul and
    Naranjo 2020.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> generator = np.random.default_rng(2)
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([generator.normal(s, 1.0, 500)]))
    ...         for s in (0.0, 0.5))
    >>> found = psi(a, b)
    >>> round(found.statistic, 4), round(found.effect, 4), found.p_value < 1e-6
    (0.3294, 0.2934, True)
    """
    return of_counts(sample, counting.side_by_side(reference, sample), params)


def of_counts(
    window: Named, counts: tuple[Counts, Counts] | None, params: PsiParams = _DEFAULT
) -> Finding:
    """The same from the counts of both over common bins, the reference's first."""
    if counts is None:
        return answers.unjudged(NAME, window.column, Reason.NOT_APPLICABLE)
    first, second = counting.occupied(*counts)
    m, n = int(first.sum()), int(second.sum())
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        figures = figures_of(first, second)
    return answers.answer(NAME, window, figures, params.threshold)


def figures_of(first: Counts | Floats, second: Counts | Floats) -> Figures:
    """Index, p-value and effect of two counts over the same bins, the reference's first.

    No bin is empty on both sides. Counts of rows with weights add up to the rows that these are
    worth.
    """
    m, n = float(first.sum()), float(second.sum())
    found, spread, df = index(first, second), 1.0 / n + 1.0 / m, first.size - 1
    asked = min(m, n) >= _ROWS_A_BIN * first.size
    return Figures(
        statistic=found,
        p_value=(tails.chi2_sf(found / spread, df) if df else 1.0) if asked else None,
        effect=max(0.0, found - df * spread),
        rows=round(n),
        rows_reference=round(m),
    )


def index(reference: Counts | Floats, counts: Counts | Floats) -> float:
    """The index of two counts over the same bins, half a row added to each.

    >>> round(index(np.array([50, 50]), np.array([30, 70])), 4)
    0.1659
    """
    p = (reference + _HALF) / (reference.sum() + _HALF * reference.size)
    q = (counts + _HALF) / (counts.sum() + _HALF * counts.size)
    return float(np.sum((q - p) * np.log(q / p)))
