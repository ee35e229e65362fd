"""Two samples whose rows have weights: the distances of their shares, and what chance gives.

A row with weight counts as so much of a row, and the sample is worth Kish's (sum w)^2 / sum w^2
rows (Kish 1965) wherever the law of a distance asks for a number of rows. Of chi-squared that is
the first-order correction of Rao and Scott 1981, with one design effect for all bins. It holds for
weights that do not hang on the values; where they do, it is rough.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors import chi_squared as pearson
from detectors import jensen_shannon as divergence
from detectors import ks as in_order
from detectors import psi as stability
from detectors import tails
from detectors.answers import Figures
from detectors.estimation.shift import effective
from detectors.reading import Floats

LEAST: Final = 5.0
"""Effective rows that every bin must expect on both sides for a p-value of chi-squared."""


def counts(places: NDArray[np.int64], bins: int, weights: Floats | None = None) -> Floats:
    """The weight in every bin, scaled to add up to the rows that the sample is worth.

    `places` has shape (rows,), the bin of each row in [0, bins); `weights` are finite and not
    below 0, not all 0, None for rows that count as one each. Raises ValueError otherwise. O(rows).

    >>> counts(np.array([0, 0, 1]), 2, np.array([1.0, 1.0, 2.0])).round(3).tolist()
    [1.333, 1.333]
    """
    if weights is None:
        return np.bincount(places, minlength=bins).astype(np.float64)
    known = _checked(weights, places.size)
    held = np.bincount(places, weights=known, minlength=bins)
    found: Floats = held * (effective(known) / known.sum())
    return found


def psi(first: Floats, second: Floats) -> Figures:
    """The population stability index of two results of `counts`, with p-value and effect.

    >>> found = psi(np.array([50.0, 50.0]), np.array([30.0, 70.0]))
    >>> round(found.statistic, 4), round(found.p_value, 4)
    (0.1659, 0.004)
    """
    return stability.figures_of(*_occupied(first, second))


def jensen_shannon(first: Floats, second: Floats) -> Figures:
    """The Jensen–Shannon distance, base 2, of two results of `counts`, with its effect.

    >>> round(jensen_shannon(np.array([50.0, 50.0]), np.array([30.0, 70.0])).statistic, 4)
    0.1741
    """
    first, second = _occupied(first, second)
    m, n = float(first.sum()), float(second.sum())
    found = float(divergence.distance(first, second))
    effect = float(divergence.beyond_chance(found, first.size, m, n))
    return Figures(statistic=found, effect=effect, rows=round(n), rows_reference=round(m))


def chi_squared(first: Floats, second: Floats) -> Figures:
    """Pearson's statistic of two results of `counts`; its p-value where each bin expects five.

    >>> found = chi_squared(np.array([50.0, 50.0]), np.array([30.0, 70.0]))
    >>> round(found.statistic, 4), round(found.effect, 4)
    (8.3333, 0.2041)
    """
    first, second = _occupied(first, second)
    m, n = float(first.sum()), float(second.sum())
    found, df = pearson.statistic(first, second), first.size - 1
    asked = ((first + second) * (min(m, n) / (m + n))).min() >= LEAST
    return Figures(
        statistic=found, effect=float(np.sqrt(found / (n + m))), rows=round(n),
        p_value=(tails.chi2_sf(found, df) if df else 1.0) if asked else None, rows_reference=round(m),
    )  # fmt: skip


def ks(
    first: Floats, second: Floats, first_weights: Floats | None = None,
    second_weights: Floats | None = None,
) -> Figures:  # fmt: skip
    """The greatest distance of two weighted distribution functions, exact with ties.

    Values without NaN, of a row or more; weights as for `counts`. The p-value is that of the
    one-sample distance at nm / (n + m) effective rows. O((n + m) log).

    >>> a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])
    >>> round(ks(a, b).statistic, 4), round(ks(a, b, np.array([0.0, 1.0, 1.0])).statistic, 4)
    (0.3333, 0.3333)
    """
    points = np.unique(np.concatenate([first, second]))
    f, m = _distribution(first, first_weights, points)
    g, n = _distribution(second, second_weights, points)
    found = float(np.abs(f - g).max())
    return Figures(
        statistic=found, effect=in_order.beyond_chance(found, m, n), rows=round(n), rows_reference=round(m),
        p_value=tails.kolmogorov_sf(found, max(1, round(m * n / (m + n)))),
    )  # fmt: skip


def _distribution(values: Floats, weights: Floats | None, points: Floats) -> tuple[Floats, float]:
    """The distribution function at ordered points that hold all values, and the effective rows."""
    if not values.size or np.isnan(values).any():
        raise ValueError("a distance needs a value or more on both sides, none of them NaN")
    held = counts(np.searchsorted(points, values), points.size, weights)
    rows = float(held.sum())
    return np.cumsum(held) / rows, rows


def _occupied(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    some = (first + second) > 0.0
    if first.sum() <= 0.0 or second.sum() <= 0.0:
        raise ValueError("a distance needs rows on both sides; one of the two has no weight")
    return first[some], second[some]


def _checked(weights: Floats, rows: int) -> Floats:
    known = np.asarray(weights, dtype=np.float64)
    if known.shape != (rows,):
        raise ValueError(f"{rows} rows have weights of shape {known.shape}; expected one each")
    if not (np.isfinite(known).all() and (known >= 0.0).all() and known.any()):
        raise ValueError("weights must be finite, none below 0 and not all 0")
    return known
