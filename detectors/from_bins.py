"""Rank and distance statistics from counts over frozen bins alone, for many columns at once.

Counts are added over windows before they are compared, so every figure here is mergeable. All
functions take counts, or weights, over the same bins on the last axis and broadcast along the
others, (columns, windows, bins) for instance; both sides hold rows. A bin counts as one tie group:
the rank statistics are exactly those of the bin numbers, and how far they can be from those of the
values is said with each. O(bins) a pair.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.reading import Floats

Masses = NDArray[Any]
"""Counts or weights, whole or not."""


def ks(reference: Masses, counts: Masses) -> Floats:
    """The greatest distance of the distribution functions at the edges, in [0, 1].

    The distance D of the values lies in [this, this + `ks_slack`].

    >>> ks(np.array([50, 50]), np.array([[50, 50], [20, 80]])).tolist()
    [0.0, 0.3]
    """
    found: Floats = np.abs(_apart(reference, counts)).max(axis=-1)
    return found


def ks_slack(reference: Masses, counts: Masses) -> Floats:
    """By how much the distance of the values may pass that of the bins: the greatest min(p, q)."""
    found: Floats = np.minimum(_shares(reference), _shares(counts)).max(axis=-1)
    return found


def cramer_von_mises(reference: Masses, counts: Masses) -> Floats:
    """Anderson's T: nm / (n + m) times the mean over pooled rows of (F - G)^2 at their bin's end.

    T of values without ties (Anderson 1962), of which 1/6 is chance, differs by at most
    2 nm / (n + m) sum h max(p, q), h being the pooled shares.

    >>> cramer_von_mises(np.array([10, 10]), np.array([[10, 10], [4, 16]])).round(3).tolist()
    [0.0, 0.315]
    """
    m, n = reference.sum(axis=-1), counts.sum(axis=-1)
    pooled = _shares(reference + counts)
    found: Floats = np.sum(pooled * np.square(_apart(reference, counts)), axis=-1) * m * n / (m + n)
    return found


def anderson_darling(reference: Masses, counts: Masses) -> Floats:
    """The two-sample statistic in its midrank form, with every bin a tie group; about 1 by chance.

    Source: Scholz and Stephens 1987, equation 7. Bins that are empty on both sides count nothing;
    all rows in one bin give 0.
    """
    total = reference + counts
    m, n = (x.sum(axis=-1, keepdims=True) for x in (reference, counts))
    whole = m + n
    middle = _before(total) + total / 2.0
    spread = middle * (whole - middle) - whole * total / 4.0
    used = (total > 0) & (spread > 0.0)
    weight = np.where(used, total / np.where(used, spread, 1.0), 0.0) / whole
    found = sum(
        weight * np.square(whole * (_before(own) + own / 2.0) - size * middle) / size
        for own, size in ((reference, m), (counts, n))
    )
    statistic: Floats = np.sum(found, axis=-1) * (whole[..., 0] - 1.0) / whole[..., 0]
    return statistic


def mann_whitney(reference: Masses, counts: Masses) -> Floats:
    """P(window > reference) + P(equal bins) / 2, in [0, 1]; 0.5 without change.

    That of the values differs by at most `mann_whitney_slack`.

    >>> mann_whitney(np.array([1, 1]), np.array([[1, 1], [0, 2]])).tolist()
    [0.5, 0.75]
    """
    p, q = _shares(reference), _shares(counts)
    found: Floats = np.sum(q * (_before(p) + p / 2.0), axis=-1)
    return found


def mann_whitney_slack(reference: Masses, counts: Masses) -> Floats:
    """Half the probability that one row of each lies in the same bin."""
    found: Floats = np.sum(_shares(reference) * _shares(counts), axis=-1) / 2.0
    return found


def energy(
    reference: tuple[Masses, Floats], window: tuple[Masses, Floats], edges: Floats
) -> Floats:
    """The energy distance, every bin's mass put at its own mean; in the root of the values' units.

    Each side is its counts and the sums of the values in every bin; `edges` has one entry fewer.
    The square is off by at most 4 sum (p + q) width, of which the outer bins' widths reach to the
    least and the greatest value.
    """
    with np.errstate(all="ignore"):
        heights, widths = _steps(reference, window, edges)
        found: Floats = np.sqrt(2.0 * np.sum(np.square(heights) * widths, axis=-1))
    return found


def _steps(
    reference: tuple[Masses, Floats], window: tuple[Masses, Floats], edges: Floats
) -> tuple[Floats, Floats]:
    """F - G as a function of steps: its heights and their widths."""
    (first, first_sums), (second, second_sums) = reference, window
    x, y = _means(first, first_sums, edges), _means(second, second_sums, edges)
    x, y = np.where(first > 0, x, y), np.where(second > 0, y, x)
    apart = _apart(first, second)
    p, q = _shares(first), _shares(second)
    before = np.concatenate([np.zeros_like(apart[..., :1]), apart[..., :-1]], axis=-1)
    within = np.where(x <= y, before + p, before - q)
    gaps = np.maximum(np.minimum(x, y)[..., 1:] - np.maximum(x, y)[..., :-1], 0.0)
    return (
        np.concatenate([within, apart[..., :-1]], axis=-1),
        np.concatenate([np.abs(y - x), gaps], axis=-1),
    )


def _means(counts: Masses, sums: Floats, edges: Floats) -> Floats:
    """The mean of each bin, held within it; an empty bin's lower edge."""
    beyond = np.full((*edges.shape[:-1], 1), np.inf)
    lower = np.concatenate([-beyond, edges], axis=-1)
    upper = np.concatenate([edges, beyond], axis=-1)
    held = np.clip(sums / np.where(counts > 0, counts, 1.0), lower, upper)
    found: Floats = np.where(counts > 0, held, np.concatenate([edges[..., :1], edges], axis=-1))
    return found


def _apart(reference: Masses, counts: Masses) -> Floats:
    found: Floats = np.cumsum(_shares(reference), axis=-1) - np.cumsum(_shares(counts), axis=-1)
    return found


def _before(counts: Masses) -> Floats:
    found: Floats = np.cumsum(counts, axis=-1) - counts
    return found


def _shares(counts: Masses) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = counts / counts.sum(axis=-1, keepdims=True)
    return found
