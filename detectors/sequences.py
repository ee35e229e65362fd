"""Confidence sequences: bounds on a mean that hold at every moment one looks."""

import math


def lower_bound(mean: float, sd: float, n: int, *, alpha: float, tightest_at: int) -> float:
    """A lower bound on the long-run mean after `n` units with this mean and standard deviation.

    The asymptotic confidence sequence from Robbins' normal mixture: the probability that it ever
    lies above the truth is about `alpha`, however often one looks, once the burn-in is over (14
    day blocks; 100 rows). It is tightest after `tightest_at` units. Waudby-Smith, Arbour, Sinha,
    Kennedy and Ramdas 2024, arXiv 2103.06476.

    >>> round(lower_bound(0.02, 0.05, 28, alpha=0.05, tightest_at=28), 5)
    -0.00626
    """
    return mean - radius(sd, n, alpha=alpha, tightest_at=tightest_at)


def upper_bound(mean: float, sd: float, n: int, *, alpha: float, tightest_at: int) -> float:
    """The mirror image of `lower_bound`."""
    return mean + radius(sd, n, alpha=alpha, tightest_at=tightest_at)


def radius(sd: float, n: int, *, alpha: float, tightest_at: int) -> float:
    """How far a one-sided bound lies from the mean of `n` units; infinite for none."""
    if n < 1:
        return math.inf
    spread = _tuning(2.0 * alpha, tightest_at)
    grown = n * spread + 1.0
    inside = math.log1p(math.sqrt(grown) / (2.0 * alpha))
    return sd * math.sqrt(2.0 * grown / (n * n * spread) * inside)


def two_sided_radius(sd: float, n: int, *, alpha: float, tightest_at: int) -> float:
    """How far both bounds of a two-sided sequence lie from the mean; infinite for none."""
    if n < 1:
        return math.inf
    spread = _tuning(alpha, tightest_at)
    grown = n * spread + 1.0
    return sd * math.sqrt(grown / (n * n * spread) * math.log(grown / (alpha * alpha)))


def _tuning(alpha: float, tightest_at: int) -> float:
    """The mixture's variance that makes the bound tightest after so many units."""
    if not 0.0 < alpha < 1.0 or tightest_at < 1:
        raise ValueError(
            f"a confidence sequence needs an error level in (0, 1) and a count of at least 1; "
            f"found {alpha} and {tightest_at}"
        )
    doubled = 2.0 * math.log(1.0 / alpha)
    return (doubled + math.log1p(doubled)) / tightest_at
