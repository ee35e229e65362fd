"""Numbers beyond what the reference held: a hard limit on those that lie far beyond it."""

from typing import Final

import msgspec

from detectors import answers, numeric_bins
from detectors.answers import Figures
from detectors.bins import FAR_WIDTHS, Bins, Tally
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
    near: weather and prices leave it honestly. Infinities are far, as far as their share is greater
    than the reference's. Fewer than 30 values on either side are not judged; a constant reference
    makes every other value far.

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
    infinite = rows - window.finite.size, reference.values.size - known.size
    more = _more_infinite(infinite, (rows, reference.values.size))
    figures = Figures(
        statistic=_outside(window.finite, numeric_bins.widened(limits, params.widths)) / rows
        + more,
        effect=_outside(window.finite, limits) / rows + more,
        rows=rows,
        rows_reference=known.size,
    )
    return answers.hard(NAME, window.column, figures, limit=params.limit)


def beyond(bins: Bins, tally: Tally) -> Finding:
    """The same from counts; the window holds numbers, and so does the reference."""
    if min(bins.valid, tally.valid) < answers.MIN_ROWS:
        return answers.unjudged(NAME, bins.column, Reason.INSUFFICIENT, rows=tally.valid)
    infinite = tally.posinf + tally.neginf
    more = _more_infinite((infinite, bins.infinite), (tally.valid, bins.valid))
    figures = Figures(
        statistic=(tally.far - infinite) / tally.valid + more,
        effect=(tally.outside - infinite) / tally.valid + more,
        rows=tally.valid,
        rows_reference=bins.valid,
    )
    return answers.hard(NAME, bins.column, figures, limit=_DEFAULT.limit)


def _outside(values: Floats, limits: tuple[float, float]) -> int:
    """How many of finite values in order lie outside."""
    inside = values.searchsorted(limits[1], side="right")
    return values.size - int(inside - values.searchsorted(limits[0], side="left"))


def _more_infinite(infinite: tuple[int, int], rows: tuple[int, int]) -> float:
    """By how much the share of infinities is above the reference's, the second of both."""
    return max(0.0, infinite[0] / rows[0] - infinite[1] / rows[1])
