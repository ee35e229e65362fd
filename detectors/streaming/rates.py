"""How often a detector alarms on values in which nothing is wrong, and how to make it do so less.

The reference stream is drawn again in blocks, so that what follows what is kept, until it is as
long as so many budget periods; the detector reads it, and its alarms are counted.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from detectors.streaming.catalogue import CATALOGUE, begin, checked, feed
from detectors.streaming.state import Setting, Values

PERIODS: Final = 50.0
"""Budget periods that are drawn, where that is not too much work."""
CORRELATED: Final = 0.2
"""Above this correlation of neighbours, means of spans are read in place of values."""
FEWEST: Final = 30
"""Values from which a rate is measured."""
_MOST_VALUES: Final[Mapping[str, int]] = {"kswin": 20_000}
_MOST: Final = 1_000_000
_ROUNDS: Final = 12
_FEWEST_PAIRS: Final = 3
_FURTHEST: Final = 1e6


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms in a budget period on the reference, over so many periods drawn from it."""

    alarms: float
    periods: float


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters with which a detector keeps its share; `rate` is what was measured with them.

    `params` is None where no value of the parameter that makes it stricter does.
    """

    params: dict[str, Setting] | None
    rate: Rate
    before: Rate


def correlation(values: Values) -> float:
    """The correlation of each value with the next, in [-1, 1]; 0 where it cannot be told.

    >>> correlation(np.array([1.0, 2.0, 1.0, 2.0, 1.0, 2.0]))
    -1.0
    """
    if values.size < _FEWEST_PAIRS or np.ptp(values[:-1]) == 0.0 or np.ptp(values[1:]) == 0.0:
        return 0.0
    found = float(np.corrcoef(values[:-1], values[1:])[0, 1])
    return round(found, 12)


def upper_limit(values: Values) -> float:
    """The one-sided 95 % upper limit of the mean, widened for values that follow their neighbours.

    The standard error grows by √((1 + r)/(1 - r)), r the correlation of neighbours where it is
    above 0: what an autoregressive stream's mean has.
    """
    r = min(max(correlation(values), 0.0), 0.95)
    error = float(values.std(ddof=1)) / np.sqrt(values.size) * np.sqrt((1.0 + r) / (1.0 - r))
    return float(values.mean()) + 1.645 * float(error)


def drawn(values: Values, length: int, seed: int) -> Values:
    """A stream of this length put together from random blocks of another.

    A block is as long as the cube root of the values, or as their correlation lasts where that is
    longer; it wraps around the end (the circular block bootstrap of Politis and Romano 1992).
    """
    r = min(max(correlation(values), 0.0), 0.99)
    lasts = (1.0 + r) / (1.0 - r)
    block = int(min(max(np.ceil(values.size ** (1 / 3)), np.ceil(lasts)), values.size))
    starts = np.random.default_rng(seed).integers(0, values.size, -(-length // block))
    places = (starts[:, None] + np.arange(block)).ravel()[:length] % values.size
    found: Values = values[places]
    return found


def measured(
    detector: str, params: Mapping[str, Setting], values: Values, *, per_period: float, seed: int
) -> Rate:
    """How often a detector alarms on `values`, numbers that it reads in their order.

    `per_period` values make a budget period. At most a million values are drawn (KSWIN: 20 000),
    so it costs well under a second; where those are fewer than 50 periods, `periods` says so.
    """
    most = _MOST_VALUES.get(detector, _MOST)
    length = int(min(max(PERIODS * per_period, FEWEST), most))
    _, heard = feed(begin(detector, params), drawn(values, length, seed))
    periods = length / per_period
    return Rate(alarms=heard.alarms.size / periods, periods=periods)


def tuned(
    detector: str, params: Mapping[str, Setting], values: Values, *, share: float,
    per_period: float, seed: int,
) -> Tuned:  # fmt: skip
    """A detector whose alarms a period on the reference are at most `share`.

    Where they are more, the parameter that makes it stricter is moved, by bisection on its
    logarithm, to the least strict value that keeps the share.
    """
    settings = dict(begin(detector, params).params)
    before = measured(detector, settings, values, per_period=per_period, seed=seed)
    if before.alarms <= share:
        return Tuned(params=settings, rate=before, before=before)
    entry = CATALOGUE[detector]
    name = entry.strictness
    parameter = entry.parameters[name]
    loose = float(settings[name])
    strict = (
        min(loose * _FURTHEST, parameter.high) if entry.grows
        else max(loose / _FURTHEST, parameter.low, 1e-12)
    )  # fmt: skip
    rate_of = {
        strict: measured(
            detector, {**settings, name: strict}, values, per_period=per_period, seed=seed
        )
    }
    if rate_of[strict].alarms > share:
        return Tuned(params=None, rate=rate_of[strict], before=before)
    for _ in range(_ROUNDS):
        middle = float(np.sqrt(loose * strict))
        rate = measured(
            detector, {**settings, name: middle}, values, per_period=per_period, seed=seed
        )
        if rate.alarms > share:
            loose = middle
        else:
            strict, rate_of[middle] = middle, rate
    kept = {**settings, name: checked(detector, name, strict)}
    return Tuned(params=kept, rate=rate_of[strict], before=before)
