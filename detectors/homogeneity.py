"""What the tests that levels have the shares that they had have in common."""

import math
from collections.abc import Callable

from detectors import answers, counting, tails
from detectors.answers import Figures, Named
from detectors.finding import Finding, Reason
from detectors.reading import Counts

Statistic = Callable[[Counts, Counts], float]


def tested(
    detector: str, window: Named, counts: tuple[Counts, Counts] | None, statistic: Statistic,
    threshold: float | None,
) -> Finding:  # fmt: skip
    """A finding from the counts of both by levels, the reference's first; None where there are none.

    Levels in which fewer than five rows are expected on a side are put together first. The
    statistic is chi-squared with levels - 1 degrees of freedom for independent rows; the effect
    is sqrt(statistic / (n + m)). One level on both sides: p-value 1.
    """
    if counts is None:
        return answers.unjudged(detector, window.column, Reason.NOT_APPLICABLE)
    m, n = int(counts[0].sum()), int(counts[1].sum())
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        first, second = counting.merged(*counts)
        found, df = statistic(first, second), first.size - 1
        figures = Figures(
            statistic=found,
            p_value=tails.chi2_sf(found, df) if df else 1.0,
            effect=math.sqrt(found / (n + m)),
            rows=n,
            rows_reference=m,
        )
    return answers.answer(detector, window, figures, threshold)
