"""The Mann–Whitney test: whether a column's values now tend to be greater or smaller."""

from typing import Final

import msgspec
import numpy as np

from detectors import answers, from_bins, ranks, tails
from detectors.answers import Figures
from detectors.finding import Finding, Sample
from detectors.reading import Counts, Floats

NAME: Final = "mann_whitney"


class MannWhitneyParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic |z|; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = MannWhitneyParams()


def mann_whitney(
    reference: Sample, sample: Sample, params: MannWhitneyParams = _DEFAULT
) -> Finding:
    """Whether a row now tends to be greater than one of the reference, by ranks alone.

    The effect is the probability that it is, ties half counted: the area under the ROC curve, in
    [0, 1], 0.5 without change. The statistic is |z|, U brought to its mean and tie-corrected
    variance without continuity correction; the p-value is two-sided and holds for independent
    rows. Infinities count; all values equal: 0 and 1. O((n + m) log(n + m)). Mann and Whitney 1947.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> generator = np.random.default_rng(1)
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([generator.normal(s, 1.0, 300)]))
    ...         for s in (0.0, 0.3))
    >>> found = mann_whitney(a, b)
    >>> round(found.statistic, 3), round(found.effect, 3)
    (5.47, 0.629)
    """
    pair = ranks.values_of(NAME, reference, sample, finite=False)
    if isinstance(pair, Finding):
        return pair
    figures = Figures(rows=pair.window.size, rows_reference=pair.reference.size)
    if min(figures.rows, figures.rows_reference) > 1:
        one, two, _ = ranks.tied(pair.reference, pair.window)
        z = score(one, two)
        figures = msgspec.structs.replace(
            figures,
            statistic=abs(z),
            p_value=min(1.0, 2.0 * tails.normal_sf(abs(z))),
            effect=float(from_bins.mann_whitney(one, two)),
        )
    return answers.answer(NAME, sample, figures, params.threshold)


def u(first: Floats, second: Floats) -> float:
    """In how many pairs the second's value is the greater, equal ones half counted."""
    one, two, _ = ranks.tied(first, second)
    return float(from_bins.mann_whitney(one, two)) * first.size * second.size


def score(first: Counts, second: Counts) -> float:
    """U of the second over common bins as a standard normal figure, tie-corrected; 0 for one bin."""
    m, n = int(first.sum()), int(second.sum())
    rows, total = m + n, (first + second).astype(np.float64)
    ties = float(np.sum(total**3 - total)) / (rows * (rows - 1.0))
    variance = m * n / 12.0 * (rows + 1.0 - ties)
    apart = (float(from_bins.mann_whitney(first, second)) - 0.5) * m * n
    return apart / float(np.sqrt(variance)) if variance > 0.0 else 0.0
