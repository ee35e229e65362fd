"""Numbers beyond what the reference held: a hard limit on those that lie far beyond it."""

from typing import Final

import msgspec

from detectors import answers, numeric_bins
from detectors.answers import Figures
from detectors.bins import FAR_WIDTHS, LARGEST, Bins, Tally
from detectors.finding import Finding, Kind, Reason, Sample
from detectors.ordered import Ordered, ordered
from detectors.reading import Floats

NAME: Final = "range"


class RangeParams(msgspec.Struct, frozen=True, kw_only=True):
    """Far is more than `widths` reference ranges beyond; failed above the share `limit` of them."""

    widths: float = FAR_WIDTHS
    limit: float = 0.05


_DEFAULT: Final = RangeParams()


def value_range(reference: Sample, sample: Sample, params: RangeParams = _DEFAULT) -> Finding:
    """The share of values far outside the reference's range, as codes and wrong units are.

    The statistic is that share; the effect the share of all values outside the range, however
    near: weather and prices leave it honestly. Infinities are far. Fewer than 30 values on either
    side are not judged; a constant reference makes every other value far.

    >>> import numpy as np
    >>> import pyarrow as pa
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([values]))
    ...         for values in (np.linspace(0, 40, 100), [-999.0] * 10 + [20.0] * 85 + [41.0] * 5))
    >>> found = value_range(a, b)
    >>> found.statistic, found.effect, str(found.verdict)
    (0.1, 0.15, 'failed')
    """
    if sample.kind is not Kind.NUMERIC:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE)
    return of_ordered(ordered(reference), ordered(sample), params)


def of_ordered(reference: Ordered, window: Ordered, params: RangeParams = _DEFAULT) -> Finding:
    """The same of two columns that are in order already."""
    known, rows = reference.finite, window.values.size
    if not known.size:
        return answers.unjudged(NAME, window.column, Reason.NOT_APPLICABLE, rows=rows)
    if min(known.size, rows) < answers.MIN_ROWS:
        return answers.unjudged(NAME, window.column, Reason.INSUFFICIENT, rows=rows)
    limits = (float(known[0]), float(known[-1]))
    figures = Figures(
        statistic=_outside(window.values, numeric_bins.widened(limits, params.widths)),
        effect=_outside(window.values, limits),
        rows=rows,
        rows_reference=known.size,
    )
    return answers.hard(NAME, window.column, figures, limit=params.limit)


def beyond(bins: Bins, tally: Tally) -> Finding:
    """The same from counts; the window holds numbers, and so does the reference."""
    if min(bins.valid, tally.valid) < answers.MIN_ROWS:
        return answers.unjudged(NAME, bins.column, Reason.INSUFFICIENT, rows=tally.valid)
    figures = Figures(
        statistic=tally.far / tally.valid,
        effect=tally.outside / tally.valid,
        rows=tally.valid,
        rows_reference=bins.valid,
    )
    return answers.hard(NAME, bins.column, figures, limit=_DEFAULT.limit)


def _outside(values: Floats, limits: tuple[float, float]) -> float:
    """The share of values in order that lie outside; infinities always do."""
    low, high = max(limits[0], -LARGEST), min(limits[1], LARGEST)
    inside = values.searchsorted(high, side="right") - values.searchsorted(low, side="left")
    return float(values.size - inside) / values.size
