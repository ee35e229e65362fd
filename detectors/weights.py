"""Rows that do not all count the same."""

import numpy as np

from detectors.reading import Floats


def effective_rows(weights: Floats) -> float:
    """To how many equal rows such weights come: (sum w)^2 / sum w^2 (Kish 1965); 0 for none.

    >>> effective_rows(np.ones(10)), round(effective_rows(np.array([9.0, 1.0])), 3)
    (10.0, 1.22)
    """
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else 0.0


def effective_counts(edges: Floats, values: Floats, weights: Floats) -> Floats:
    """Weighted counts over the `len(edges) + 1` bins that add up to the effective rows.

    So what every test takes for the number of rows is the effective number, and its law holds:
    give them to the functions of `from_bins`, `share_distances`, `psi.index`, `g_test.statistic`
    or `chi_squared.statistic`. Values that are NaN are left out; an edge belongs to the bin above
    it. Raises ValueError for a weight that is negative or not finite.

    >>> effective_counts(np.array([1.0]), np.array([0.0, 2.0, 3.0]), np.array([2.0, 1.0, 1.0]))
    array([1.33333333, 1.33333333])
    """
    if not (np.isfinite(weights).all() and (weights >= 0.0).all()):
        raise ValueError("a weight is negative or not finite; expected numbers of 0 and above")
    known = ~np.isnan(values)
    at = edges.searchsorted(values[known], side="right")
    held = np.bincount(at, weights=weights[known], minlength=edges.size + 1).astype(np.float64)
    whole = float(held.sum())
    return held * (effective_rows(weights[known]) / whole) if whole > 0.0 else held
