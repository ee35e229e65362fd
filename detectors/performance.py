"""How well labelled rows were predicted: losses a row, and metrics with 90 % intervals."""

import math
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors import intervals, labelled
from detectors.finding import Interval
from detectors.labelled import Given
from detectors.metrics.catalogue import METRICS, Way
from detectors.metrics.estimate import Estimate
from detectors.metrics.probabilities import EPSILON, log_losses
from detectors.reading import Counts, Floats

FEWEST_DAYS: Final = 5
"""From so many days on, the rows of one day may depend on each other."""
FEWEST_ROWS: Final = 10
"""Fewer rows give a figure without an interval."""
GREATEST: Final[Mapping[str, float]] = {"error": 1.0, "brier": 1.0, "log_loss": -math.log(EPSILON)}
"""The losses that have a greatest value for a row, in [0, it]."""
Times = NDArray[np.datetime64]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over rows; where it is undefined, `value` is None and `reason` says why."""

    value: float | None = None
    interval: Interval | None = None
    rows: int = 0
    reason: str | None = None


_WRONG: Final = frozenset({"error", "accuracy"})


def losses(
    task: str,
    metric: str,
    label: pa.ChunkedArray,
    prediction: pa.ChunkedArray,
    scores: Mapping[str, pa.ChunkedArray],
) -> Floats:
    """The task's loss of every row, NaN where label, prediction or score is not known.

    Regression: the absolute error; its square where the metric is `rmse`. Classification: the
    log-loss of the score of the true class, held 1e-6 away from 0 and 1, where there are scores;
    the squared error of the positive's score for `brier`; 1 for a wrong class and 0 for a right
    one for `error` and `accuracy` and where there are no scores. A class without a score counts as given 0.

    >>> label, prediction = pa.chunked_array([["yes", "no", None]]), pa.chunked_array([["yes"] * 3])
    >>> losses("binary", "log_loss", label, prediction, {}).tolist()
    [0.0, 1.0, nan]
    >>> scores = {"yes": pa.chunked_array([[0.9, 0.9, 0.9]])}
    >>> losses("binary", "log_loss", label, prediction, scores).round(4).tolist()
    [0.1054, 2.3026, nan]
    """
    given = Given(task, label, prediction, scores)
    if task == "regression":
        rows = labelled.numbers(given)
        error = rows.other - rows.truth
        loss = np.square(error) if metric == "rmse" else np.abs(error)
    elif metric in _WRONG or not scores:
        rows = labelled.classes(given)
        loss = (rows.truth != rows.other).astype(np.float64)
    elif metric == "brier":
        rows = labelled.scored(given)
        loss = np.square(rows.other - rows.truth)
    else:
        rows = labelled.chosen(given)
        loss = log_losses(rows.truth, rows.other)
    found = np.full(len(label), np.nan)
    found[rows.known] = loss
    return found


def realised(  # noqa: PLR0913 - the columns of a window, one by one
    task: str,
    metric: str,
    label: pa.ChunkedArray,
    prediction: pa.ChunkedArray,
    scores: Mapping[str, pa.ChunkedArray],
    at: Times,
    *,
    positive: str | None = None,
) -> tuple[float | None, Interval | None, int]:
    """The metric over rows whose label is known, its 90 % interval, and how many rows it is of.

    None where the rows do not define it; `measure` says why.

    >>> generator = np.random.default_rng(8)
    >>> truth = generator.normal(size=200)
    >>> label, prediction = (pa.chunked_array([a]) for a in (truth, truth + generator.normal(size=200)))
    >>> at = np.datetime64("2024-01-01", "us") + np.arange(200) * np.timedelta64(1, "h")
    >>> value, interval, rows = realised("regression", "mae", label, prediction, {}, at)
    >>> round(value, 3), round(interval.low, 3), round(interval.high, 3), rows
    (0.829, 0.76, 0.899, 200)
    """
    given = Given(task, label, prediction, scores, positive)
    found = measure(metric, given, at)
    return found.value, found.interval, found.rows


def measure(metric: str, given: Given, at: Times) -> Measure:
    """The metric, with the reason where it is undefined.

    `at` holds the rows' times, in the time zone by whose days they are to be grouped. The
    interval is the figure's linear one: over five days or more, days are its units (Liang and
    Zeger 1986), below that rows are; proportions get Wilson's for as many rows as that error is
    worth. So do other figures in [0, 1], and what is a function of one.
    """
    way = way_of(metric, given.task)
    rows = way.rows(given)
    count = rows.truth.shape[0]
    if not count:
        return Measure(reason="no row has a label and what it is compared with")
    found = way.compute(rows.truth, rows.other)
    if isinstance(found, str):
        return Measure(rows=count, reason=found)
    if not np.isfinite(found.value):
        return Measure(rows=count, reason="the figure is too large to be held")
    interval = None
    if count >= FEWEST_ROWS and found.influence is not None:
        interval = _interval(found, found.influence, _days(at[rows.known]))
    return Measure(value=found.reported, interval=interval, rows=count)


def way_of(metric: str, task: str) -> Way:
    """How a metric is computed for a task; ValueError with those that the task has."""
    asked = METRICS.get(metric)
    if asked is None or task not in asked.ways:
        names = sorted(name for name, one in METRICS.items() if task in one.ways)
        raise ValueError(f"no metric {metric} for a {task} task; it has {', '.join(names)}")
    return asked.ways[task]


def _interval(found: Estimate, influence: Floats, days: Counts | None) -> Interval | None:
    error, df = intervals.standard_error(influence, days)
    if not np.isfinite(error):
        return None
    wider = 1.0 if days is None else intervals.widening(df)
    inner = _wilson(found, error * wider) or intervals.around(found.value, error, df)
    low, high = max(inner.low - found.excess, found.low), min(inner.high, found.high)
    if found.shown is not None:
        low, high = float(found.shown(low)), float(found.shown(high))
    return Interval(low=low, high=high, level=inner.level)


def _wilson(found: Estimate, error: float) -> Interval | None:
    """Wilson's interval for as many rows as the error is worth; of a proportion at most those
    that it is of, as rows that agree by chance are worth no more."""
    spread = found.value * (1.0 - found.value)
    worth = spread / error**2 if min(error, spread) > 0.0 else np.inf
    if found.trials is not None:
        worth = min(worth, float(found.trials))
    elif found.resembles is not None and not np.isfinite(worth):
        worth = float(found.resembles)
    elif found.resembles is None:
        return None
    return intervals.wilson(found.value, max(worth, 1.0))


def _days(at: Times) -> Counts | None:
    """The number of each row's day, from 0; None for fewer than five days."""
    days, numbers = np.unique(at.astype("datetime64[D]"), return_inverse=True)
    return numbers if days.size >= FEWEST_DAYS else None
