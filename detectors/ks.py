"""The two-sample Kolmogorov–Smirnov distance of a numeric column."""

import math
from typing import Final, Literal

import msgspec
import numpy as np

from detectors import answers, tails
from detectors.answers import Figures
from detectors.finding import Finding, Kind, Reason, Sample
from detectors.ordered import Ordered, ordered
from detectors.reading import Counts, Floats

NAME: Final = "ks"
_CELLS: Final = 16_384
_CELL_ROWS: Final = 32
"""Of the larger sample in a cell of the grid, at least."""
_BY_CHANCE: Final = 0.8687
"""The mean of Kolmogorov's law, sqrt(pi / 2) ln 2."""


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
    return of_ordered(ordered(reference), ordered(sample), params)


def of_ordered(reference: Ordered, window: Ordered, params: KsParams = _DEFAULT) -> Finding:
    """The same of two columns that are in order already."""
    first, second = reference.values, window.values
    m, n = first.size, second.size
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        found = distance_in_order(first, second)
        figures = Figures(
            statistic=found,
            p_value=_p_value(first, second, found, params.p_value),
            effect=beyond_chance(found, m, n),
            rows=n,
            rows_reference=m,
        )
    return answers.answer(NAME, window, figures, params.threshold)


def beyond_chance(distance: float, rows_reference: float, rows: float) -> float:
    """What is left of a distance once what chance gives on average is taken off; 0 at least."""
    return max(0.0, distance - _BY_CHANCE * math.sqrt(1.0 / rows + 1.0 / rows_reference))


def distance(first: Floats, second: Floats) -> float:
    """The Kolmogorov–Smirnov distance of two non-empty arrays without NaN; ties are exact."""
    return distance_in_order(np.sort(first), np.sort(second))


def distance_in_order(first: Floats, second: Floats) -> float:
    """The same of two arrays in ascending order, exact to the last row.

    Both distribution functions are known at the ends of some 16,000 cells of equal mass. What they
    can be between bounds the distance within a cell, and only the cells whose bound passes the
    greatest distance at an end are looked into: O(16,000 log n) where the two are alike.
    """
    one, two = (first, second) if first.size >= second.size else (second, first)
    step = max(_CELL_ROWS, one.size // _CELLS)
    places = np.append(np.arange(step - 1, one.size, step), one.size - 1)
    edges = one[places]
    last = np.append(edges[1:] != edges[:-1], True)
    edges, f = edges[last], places[last] + 1
    tied = (f < one.size) & (one[np.minimum(f, one.size - 1)] == edges)
    f[tied] = one.searchsorted(edges[tied], side="right")
    g = two.searchsorted(edges, side="right")
    greatest = _greatest(f / one.size, g / two.size)
    f_begin, g_begin = np.append(0, f[:-1]), np.append(0, g[:-1])
    f_end, g_end = _below(one, edges, f), _below(two, edges, g)
    bound = np.maximum(f_end / one.size - g_begin / two.size, g_end / two.size - f_begin / one.size)
    within = [
        part
        for at in np.flatnonzero(bound > greatest).tolist()
        for part in (one[f_begin[at] : f_end[at]], two[g_begin[at] : g_end[at]])
    ]
    # Beyond the last value of the longer array only the other one goes on, towards it.
    points = np.concatenate(within) if within else one[:0]
    if not points.size:
        return greatest
    f, g = (x.searchsorted(points, side="right") for x in (one, two))
    return max(greatest, _greatest(f / one.size, g / two.size))


def _below(values: Floats, edges: Floats, right: Counts) -> Counts:
    """How many values lie below each edge, given how many lie at or below it."""
    left = right.copy()
    tied = (right > 0) & (values[np.maximum(right - 1, 0)] == edges)
    left[tied] = values.searchsorted(edges[tied], side="left")
    return left


def _greatest(f: Floats, g: Floats) -> float:
    return float(np.abs(f - g).max())


def _p_value(first: Floats, second: Floats, found: float, how: str) -> float | None:
    match how:
        case "asymptotic":
            size = first.size * second.size / (first.size + second.size)
            return tails.kolmogorov_sf(found, max(1, round(size)))
        case "exact":
            return tails.kolmogorov_exact(first, second)
        case _:
            return None
