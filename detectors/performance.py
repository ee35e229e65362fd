"""How well labelled rows were predicted: losses a row, and metrics with 90 % intervals."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors import intervals, labelled, metrics
from detectors.finding import Interval
from detectors.labelled import Given, Rows
from detectors.metrics import AveragePrecision, Estimate
from detectors.reading import Counts, Floats

FEWEST_DAYS: Final = 5
"""From so many days on, the rows of one day may depend on each other."""
FEWEST_ROWS: Final = 10
"""Fewer rows give a figure without an interval."""
Times = NDArray[np.datetime64]


class Metric(msgspec.Struct, frozen=True):
    """For which tasks; whether `up` or `down` is better (a bias: nearer to 0); how it is found."""

    tasks: tuple[str, ...]
    direction: str
    rows: Callable[[Given], Rows]
    compute: Callable[..., Estimate | str]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over rows; where it is undefined, `value` is None and `reason` says why."""

    value: float | None = None
    interval: Interval | None = None
    rows: int = 0
    reason: str | None = None


_WRONG: Final = frozenset({"error", "accuracy"})

METRICS: Final[Mapping[str, Metric]] = {
    "mae": Metric(("regression",), "down", labelled.numbers, metrics.mae),
    "rmse": Metric(("regression",), "down", labelled.numbers, metrics.rmse),
    "r2": Metric(("regression",), "up", labelled.numbers, metrics.r2),
    "mape": Metric(("regression",), "down", labelled.numbers, metrics.mape),
    "bias": Metric(("regression",), "down", labelled.numbers, metrics.bias),
    "log_loss": Metric(("binary", "multiclass"), "down", labelled.chosen, metrics.log_loss),
    "brier": Metric(("binary",), "down", labelled.scored, metrics.brier),
    "accuracy": Metric(("binary", "multiclass"), "up", labelled.classes, metrics.accuracy),
    "error": Metric(("binary", "multiclass"), "down", labelled.classes, metrics.error),
    "precision": Metric(("binary",), "up", labelled.positives, metrics.precision),
    "recall": Metric(("binary",), "up", labelled.positives, metrics.recall),
    "f1": Metric(("binary",), "up", labelled.positives, metrics.f1),
    "roc_auc": Metric(("binary",), "up", labelled.scored, metrics.roc_auc),
    "average_precision": Metric(("binary",), "up", labelled.scored, metrics.average_precision),
    "f1_macro": Metric(("multiclass",), "up", labelled.classes, metrics.f1_macro),
}


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
        loss = metrics.log_losses(rows.truth, rows.other)
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
    seed: int = 0,
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
    found = measure(metric, given, at, seed=seed)
    return found.value, found.interval, found.rows


def measure(metric: str, given: Given, at: Times, *, seed: int = 0) -> Measure:
    """The metric, with the reason where it is undefined.

    `at` holds the rows' times, in the time zone by whose days they are to be grouped. The
    interval is the figure's linear one: over five days or more, days are its units (Liang and
    Zeger 1986), below that rows are; proportions get Wilson's for as many rows as that error is
    worth. Average precision has no such form: its units are drawn again 200 times by `seed`.
    """
    asked = METRICS.get(metric)
    if asked is None or given.task not in asked.tasks:
        names = sorted(name for name, one in METRICS.items() if given.task in one.tasks)
        raise ValueError(f"no metric {metric} for a {given.task} task; it has {', '.join(names)}")
    rows = asked.rows(given)
    count = rows.truth.size
    if not count:
        return Measure(reason="no row has a label and what it is compared with")
    found = asked.compute(rows.truth, rows.other)
    if isinstance(found, str):
        return Measure(rows=count, reason=found)
    if not np.isfinite(found.value):
        return Measure(rows=count, reason="the figure is too large to be held")
    value = float(np.sqrt(found.value)) if found.root else found.value
    interval = None
    if count >= FEWEST_ROWS:
        days = _days(at[rows.known])
        drawn = found.influence is None
        interval = _drawn(rows, days, seed) if drawn else _interval(found, days)
    return Measure(value=value, interval=interval, rows=count)


def _interval(found: Estimate, days: Counts | None) -> Interval | None:
    assert found.influence is not None
    error, df = intervals.standard_error(found.influence, days)
    if not np.isfinite(error):
        return None
    if found.trials is not None:
        wider = 1.0 if days is None else intervals.widening(df)
        spread = found.value * (1.0 - found.value) / wider**2
        worth = min(spread / error**2, float(found.trials)) if error > 0.0 else found.trials
        return intervals.wilson(found.value, max(worth, 1.0))
    around = intervals.around(found.value, error, df)
    low, high = max(around.low, found.low), min(around.high, found.high)
    if found.root:
        low, high = float(np.sqrt(low)), float(np.sqrt(high))
    return Interval(low=low, high=high, level=around.level)


def _drawn(rows: Rows, days: Counts | None, seed: int) -> Interval | None:
    units = np.arange(rows.truth.size) if days is None else days
    figure = AveragePrecision(rows.truth.astype(np.bool_), rows.other.astype(np.float64))
    count = int(units.max()) + 1
    drawn = intervals.bootstrap(
        lambda times: figure.weighted(times[units].astype(np.float64)),
        count,
        np.random.default_rng(seed),
    )
    if drawn is None or days is None:
        return drawn
    # Few days drawn again vary less than they would anew: by (n - 1) / n, and by Student's law.
    wider = intervals.widening(count - 1.0) * np.sqrt(count / (count - 1.0))
    value = figure.weighted(np.ones(units.size))
    low, high = value - wider * (value - drawn.low), value + wider * (drawn.high - value)
    return Interval(low=max(float(low), 0.0), high=min(float(high), 1.0), level=drawn.level)


def _days(at: Times) -> Counts | None:
    """The number of each row's day, from 0; None for fewer than five days."""
    days, numbers = np.unique(at.astype("datetime64[D]"), return_inverse=True)
    return numbers if days.size >= FEWEST_DAYS else None
