"""The energy distance of a numeric column."""

from typing import Final

import msgspec
import numpy as np

from detectors import answers, ranks
from detectors.answers import Figures
from detectors.finding import Finding, Sample
from detectors.reading import Floats

NAME: Final = "energy"


class EnergyParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the distance, in the root of the column's units; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = EnergyParams()


def energy(reference: Sample, sample: Sample, params: EnergyParams = _DEFAULT) -> Finding:
    """The root of twice the integral of the squared distance of the distribution functions.

    That is sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|), in the root of the column's units. The effect
    has none: its square, less what chance gives, over 2 E|X - Y|, in [0, 1]. Infinities are left
    out; one value alone on both sides: 0. O((n + m) log(n + m)). Székely and Rizzo 2013.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> generator = np.random.default_rng(1)
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([generator.normal(s, 1.0, 300)]))
    ...         for s in (0.0, 0.3))
    >>> found = energy(a, b)
    >>> round(found.statistic, 4), round(found.effect, 3)
    (0.3451, 0.05)
    """
    pair = ranks.values_of(NAME, reference, sample, finite=True)
    if isinstance(pair, Finding):
        return pair
    m, n = pair.reference.size, pair.window.size
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        with np.errstate(over="ignore", invalid="ignore"):
            squared, across, pooled = _integrals(pair.reference, pair.window)
            chance = pooled * (1.0 / m + 1.0 / n)
            apart = max(0.0, squared - chance) / across if across > 0.0 else 0.0
            found = float(np.sqrt(squared))
        figures = Figures(statistic=found, effect=apart, rows=n, rows_reference=m)
    return answers.answer(NAME, sample, figures, params.threshold)


def distance(first: Floats, second: Floats) -> float:
    """The energy distance of two non-empty arrays of finite numbers."""
    return float(np.sqrt(_integrals(first, second)[0]))


def _integrals(first: Floats, second: Floats) -> tuple[float, float, float]:
    """The squared distance, 2 E|X - Y|, and E|Z - Z'| of all rows together."""
    one, two, values = ranks.tied(first, second)
    f, g = (np.cumsum(counts)[:-1] / counts.sum() for counts in (one, two))
    both = np.cumsum(one + two)[:-1] / (first.size + second.size)
    widths = np.diff(values)
    squared = 2.0 * float(np.square(f - g) @ widths)
    across = 2.0 * float((f * (1.0 - g) + g * (1.0 - f)) @ widths)
    return squared, across, 2.0 * float((both * (1.0 - both)) @ widths)
