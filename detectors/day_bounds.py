"""Bounds on the long-run mean of days, where a day may resemble the ones before it.

Means of days that resemble each other say less of the long run than as many apart. So days count
as the effective number that `resembling` finds in them, for the width of the bounds and for how
many there must be before they are looked at; and their spread, which is that of neighbours, is put
back to what days apart would show.
"""

from typing import Final

import msgspec
import numpy as np

from detectors import resembling
from detectors.reading import Floats
from detectors.sequences import radius

CHANCE: Final = 1.2816
"""Standard normal deviations that chance passes once in ten: a weak likeness counts already, since
a few weeks of days seldom show a strong one."""
_LEAST: Final = 0.05
"""Of the variance that days apart would show, at least so much is taken to be seen."""


class Bounded(msgspec.Struct, frozen=True, kw_only=True):
    """One-sided bounds, None before there are days enough; `worth`: as how many the days count."""

    low: float | None
    high: float | None
    worth: int


def bounds(means: Floats, *, alpha: float, fewest: int) -> Bounded:
    """Bounds on the long-run mean of days, each valid at `alpha` whenever one looks, about.

    `means` has shape (days,), finite, in order of time; `fewest` is how many days apart there must
    be before anything is said, and where the bounds are tightest. Days that do not resemble each
    other, as far as can be seen, count whole, and their bounds are those of
    `sequences.lower_bound`. Simulated in `benchmarks/trials.py`: where each day is half like the
    one before, equal versions are told apart half as often as by counting days.

    >>> found = bounds(np.random.default_rng(1).normal(0.2, 0.1, 28), alpha=0.05, fewest=14)
    >>> round(found.low, 3), round(found.high, 3), found.worth
    (0.145, 0.237, 28)
    """
    days, counted = means.size, worth(means)
    if counted < fewest:
        return Bounded(low=None, high=None, worth=counted)
    seen = max(1.0 - (days / counted - 1.0) / (days - 1), _LEAST)
    sd = float(means.std(ddof=1)) / float(np.sqrt(seen))
    mean, reach = float(means.mean()), radius(sd, counted, alpha=alpha, tightest_at=fewest)
    return Bounded(low=mean - reach, high=mean + reach, worth=counted)


def worth(means: Floats) -> int:
    """As how many days apart days count, in whose order these are the means; all of them where they
    do not resemble each other as far as can be seen, and where they are fewer than eight.

    >>> worth(np.sin(np.arange(28) / 6.0))
    2
    """
    return int(resembling.worth(means[None], chance=CHANCE))


def design_effect(means: Floats, variances: Floats, rows: Floats) -> float:
    """How much more the means of days differ than their rows alone would make them: about 1 where
    days do not matter, the variance ratio of one-way analysis.

    Arrays of shape (days,): the mean, the variance (ddof 1) and the number of the rows of each.
    Infinite where days differ and their rows do not; 1 below two days or where nothing differs.

    >>> design_effect(np.array([0.1, 0.3]), np.array([1.0, 1.0]), np.array([100.0, 100.0])).__round__(2)
    2.0
    """
    if means.size < 2:  # noqa: PLR2004 - a single day differs from none
        return 1.0
    mean = float((means * rows).sum() / rows.sum())
    between = float((rows * np.square(means - mean)).sum()) / (means.size - 1)
    within = float(((rows - 1.0) * variances).sum()) / max(float((rows - 1.0).sum()), 1.0)
    if within <= 0.0:
        return 1.0 if between <= 0.0 else float("inf")
    return between / within
