"""The two-sample Kolmogorov–Smirnov distance of a numeric column."""

from typing import Final, Literal

import msgspec
import numpy as np

from detectors import answers, reading, tails
from detectors.answers import Figures
from detectors.finding import Finding, Kind, Reason, Sample
from detectors.reading import Floats

NAME: Final = "ks"


class KsParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the distance in [0, 1], None to judge nothing; how the p-value is found."""

    threshold: float | None = None
    p_value: Literal["asymptotic", "exact", "none"] = "asymptotic"


_DEFAULT: Final = KsParams()


def ks(reference: Sample, sample: Sample, params: KsParams = _DEFAULT) -> Finding:
    """The greatest distance between the two distribution functions, in [0, 1].

    The p-value holds for independent rows alone. `asymptotic` is the law of the one-sample
    distance at nm/(n+m) rows, as SciPy's `ks_2samp`; `exact` counts paths and takes seconds over
    ten thousand rows. The effect is the distance less what chance gives on average,
    0.8687 sqrt(1/n + 1/m). Infinities count. Source: Hodges 1958; Simard and L'Ecuyer 2011.

    >>> import pyarrow as pa
    >>> generator = np.random.default_rng(1)
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([generator.normal(s, 1.0, 300)]))
    ...         for s in (0.0, 0.3))
    >>> found = ks(a, b)
    >>> round(found.statistic, 4), round(found.p_value, 6), str(found.verdict), found.reason
    (0.22, 1e-06, 'inconclusive', 'shown')
    """
    if sample.kind is not Kind.NUMERIC:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE)
    first, second = (reading.present(reading.numbers(s.values)) for s in (reference, sample))
    m, n = first.size, second.size
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        found = distance(first, second)
        chance = 0.8687 * float(np.sqrt(1.0 / n + 1.0 / m))
        figures = Figures(
            statistic=found,
            p_value=_p_value(first, second, found, params.p_value),
            effect=max(0.0, found - chance),
            rows=n,
            rows_reference=m,
        )
    return answers.answer(NAME, sample, figures, params.threshold)


def distance(first: Floats, second: Floats) -> float:
    """The Kolmogorov–Smirnov distance of two non-empty arrays without NaN; ties are exact."""
    one, two = np.sort(first), np.sort(second)
    if one.size < two.size:
        one, two = two, one
    high = two.searchsorted(two, side="right") / two.size
    low = two.searchsorted(two, side="left") / two.size
    above = np.abs(one.searchsorted(two, side="right") / one.size - high).max()
    below = np.abs(one.searchsorted(two, side="left") / one.size - low).max()
    return float(max(above, below))


def _p_value(first: Floats, second: Floats, found: float, how: str) -> float | None:
    match how:
        case "asymptotic":
            size = first.size * second.size / (first.size + second.size)
            return tails.kolmogorov_sf(found, max(1, round(size)))
        case "exact":
            return tails.kolmogorov_exact(first, second)
        case _:
            return None
