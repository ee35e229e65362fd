"""How far the values moved, on a scale that heavy tails do not stretch."""

from typing import Final

import msgspec
import numpy as np

from detectors import answers, ranks, wasserstein
from detectors.answers import Figures
from detectors.finding import Finding, Sample
from detectors.reading import Floats

NAME: Final = "wasserstein_iqr"
_NORMAL_WIDTH: Final = 1.3489795003921634
"""The interquartile range of a standard normal law."""


class WassersteinIqrParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` in the reference's robust standard deviations; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = WassersteinIqrParams()


def wasserstein_iqr(
    reference: Sample, sample: Sample, params: WassersteinIqrParams = _DEFAULT
) -> Finding:
    """The mean distance by which values would have to move, over the reference's IQR / 1.349.

    For a normal column that is the standard deviation and `wasserstein` says the same; for one
    with heavy tails it is the scale of its bulk. The effect is the distance in the column's own
    units. Infinities are left out; a reference half of whose rows hold one value is degenerate.
    O((n + m) log(n + m)).

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> generator = np.random.default_rng(3)
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([generator.normal(s, 2.0, 400)]))
    ...         for s in (0.0, 1.0))
    >>> round(wasserstein_iqr(a, b).statistic, 4)
    0.5041
    """
    pair = ranks.values_of(NAME, reference, sample, finite=True)
    if isinstance(pair, Finding):
        return pair
    figures = Figures(rows=pair.window.size, rows_reference=pair.reference.size)
    if min(figures.rows, figures.rows_reference) > 1:
        with np.errstate(all="ignore"):
            moved = wasserstein.distance(pair.reference, pair.window)
            width = scale(pair.reference)
            found = moved / width if width > 0.0 else np.nan
        figures = msgspec.structs.replace(figures, statistic=float(found), effect=moved)
    return answers.answer(NAME, sample, figures, params.threshold)


def scale(values: Floats) -> float:
    """The interquartile range of finite values over that of a standard normal law."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) / _NORMAL_WIDTH
