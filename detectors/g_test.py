"""The likelihood-ratio test of homogeneity over levels."""

from typing import Final

import msgspec
import numpy as np

from detectors import counting, homogeneity
from detectors.finding import Finding, Kind, Sample
from detectors.from_bins import Masses

NAME: Final = "g_test"


class GTestParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic itself; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = GTestParams()


def g_test(reference: Sample, sample: Sample, params: GTestParams = _DEFAULT) -> Finding:
    """Twice the sum of O ln(O / E) over the table of two samples by levels.

    Levels in which fewer than five rows are expected on a side are put together first, as
    `chi_squared` does, and the law is the same; where levels are rare and shares move far this
    statistic is the larger. The effect is sqrt(statistic / (n + m)), of which Cramér's V is the
    small-change value. The p-value holds for independent rows; one level on both sides: 0 and 1.
    O(n + m). Wilks 1938.

    >>> import pyarrow as pa
    >>> a, b = (Sample("x", Kind.CATEGORICAL, pa.chunked_array([list(text)]))
    ...         for text in ("ab" * 100, "a" * 50 + "b" * 100))
    >>> found = g_test(a, b)
    >>> round(found.statistic, 4), round(found.p_value, 6)
    (9.8226, 0.001724)
    """
    levels = Kind.NUMERIC not in {sample.kind, reference.kind}
    counts = counting.side_by_side(reference, sample) if levels else None
    return homogeneity.tested(NAME, sample, counts, statistic, params.threshold)


def statistic(first: Masses, second: Masses) -> float:
    """G of a two-row table; every bin holds a row on one side at least.

    >>> round(statistic(np.array([10, 10]), np.array([5, 15])), 4)
    2.7058
    """
    table = np.array([first, second], dtype=np.float64)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    ratio = np.where(table > 0.0, table / expected, 1.0)
    return max(0.0, 2.0 * float(np.sum(table * np.log(ratio))))
