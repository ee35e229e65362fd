"""What plots of predictions beside labels are drawn from: curves, matrices, grids, of one side each."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import intervals
from detectors.metrics import cells
from detectors.reading import Counts, Floats

Flags = NDArray[np.bool_]
MOST_POINTS: Final = 200
BINS: Final = 10
CELLS: Final = 30
_AROUND: Final = (0.005, 0.995)


class Curve(msgspec.Struct, frozen=True):
    """A line through points, both coordinates in [0, 1]."""

    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()


class Reliable(msgspec.Struct, frozen=True):
    """Rows whose scores lie in one bin: their mean score, the share that is positive with its
    interval, and how many they are."""

    score: float
    share: float
    low: float
    high: float
    rows: int


class AtThreshold(msgspec.Struct, frozen=True):
    """What calling every row positive that scores so much or more comes to; None of no row."""

    threshold: float
    share: float
    precision: float | None
    recall: float | None


class Matrix(msgspec.Struct, frozen=True):
    """How many rows are of each class (down) and predicted each (across), by the names' order."""

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class Grid(msgspec.Struct, frozen=True):
    """Rows by label (across) and prediction (up) on the same edges for both."""

    edges: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]


def roc(truth: Flags, score: Floats) -> Curve:
    """The shares of negative (x) and of positive rows (y) at or above every score, from the highest
    on; empty where all rows are of one class. O(n log n), 200 points at most, all of them exact.

    >>> roc(np.array([True, False]), np.array([0.9, 0.1]))
    Curve(x=(0.0, 0.0, 1.0), y=(0.0, 1.0, 1.0))
    """
    if truth.all() or not truth.any():
        return Curve()
    above, positive = _from_the_top(truth, score)
    negative = above - positive
    return _thinned(negative / negative[-1], positive / positive[-1])


def precision_recall(truth: Flags, score: Floats) -> Curve:
    """The share of positive rows found (x), and of those called positive that are (y), at every
    score; empty where no row is positive. As `roc`."""
    if not truth.any():
        return Curve()
    above, positive = (each[1:] for each in _from_the_top(truth, score))
    return _thinned(positive / positive[-1], positive / above)


def reliability(truth: Flags, score: Floats) -> tuple[Reliable, ...]:
    """Ten equal bins of the score that hold rows, with Wilson's interval at 90 %."""
    at = np.clip((score * BINS).astype(np.int64), 0, BINS - 1)
    rows = np.bincount(at, minlength=BINS)
    held = np.bincount(at, weights=score, minlength=BINS)
    positive = np.bincount(at, weights=truth.astype(np.float64), minlength=BINS)
    found = []
    for place in np.flatnonzero(rows).tolist():
        n = int(rows[place])
        share = float(positive[place]) / n
        around = intervals.wilson(share, n)
        found.append(Reliable(float(held[place]) / n, share, around.low, around.high, n))
    return tuple(found)


def thresholds(truth: Flags, score: Floats) -> tuple[AtThreshold, ...]:
    """Nine thresholds, a tenth apart: which share is called positive, precision and recall."""
    found = []
    for threshold in (np.arange(1, BINS) / BINS).tolist():
        called = score >= threshold
        count, hits = int(called.sum()), int((called & truth).sum())
        found.append(AtThreshold(
            threshold, count / truth.size if truth.size else 0.0,
            hits / count if count else None, hits / int(truth.sum()) if truth.any() else None,
        ))  # fmt: skip
    return tuple(found)


def by_truth(truth: Flags, score: Floats) -> tuple[Counts, Counts]:
    """How many negative and positive rows score within each of forty equal bins of [0, 1]."""
    edges = np.linspace(0.0, 1.0, 41)
    held = np.clip(score, 0.0, 1.0)
    return np.histogram(held[~truth], edges)[0], np.histogram(held[truth], edges)[0]


def matrix(truth: Counts, predicted: Counts, names: Sequence[str]) -> Matrix:
    """The confusion matrix of codes, whose names are given."""
    found = cells.matrix(truth, predicted, len(names))
    return Matrix(tuple(names), tuple(map(tuple, found.tolist())))


def edges_of(parts: Sequence[Floats]) -> tuple[float, ...]:
    """Common edges of labels and predictions between their outermost half percents, 31 at most."""
    bounds = [np.quantile(values, _AROUND) for values in parts if values.size]
    if not bounds:
        return ()
    low, high = float(np.min(bounds)), float(np.max(bounds))
    if not (high > low and np.isfinite(high - low)):
        return ()
    return tuple(np.linspace(low, high, CELLS + 1).tolist())


def grid(label: Floats, prediction: Floats, edges: tuple[float, ...]) -> Grid:
    """The rows in each cell; what lies outside the edges is in the outer cells."""
    if not edges:
        return Grid((), ())
    held = [np.clip(values, edges[0], edges[-1]) for values in (prediction, label)]
    counts = np.histogram2d(held[0], held[1], [np.array(edges)] * 2)[0].astype(np.int64)
    return Grid(edges, tuple(map(tuple, counts.tolist())))


def by_prediction(label: Floats, prediction: Floats, edges: Floats) -> tuple[float | None, ...]:
    """The mean of prediction less label in each range of the prediction; None of no row."""
    at = edges.searchsorted(prediction, side="right")
    rows = np.bincount(at, minlength=edges.size + 1)
    sums = np.bincount(at, weights=prediction - label, minlength=edges.size + 1)
    return tuple(
        float(total) / int(n) if n else None for total, n in zip(sums, rows, strict=True)
    )  # fmt: skip


def _from_the_top(truth: Flags, score: Floats) -> tuple[Floats, Floats]:
    """How many rows, and how many positive ones, score so much or more; from none on."""
    order = np.argsort(-score, kind="stable")
    ordered, flags = score[order], truth[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    above = np.concatenate([[0.0], ends + 1.0])
    return above, np.concatenate([[0.0], np.cumsum(flags)[ends].astype(np.float64)])


def _thinned(x: Floats, y: Floats) -> Curve:
    """At most so many of the points, as far apart along the line as can be, both ends among them."""
    if x.size > MOST_POINTS:
        along = np.cumsum(np.abs(np.diff(x, prepend=x[0])) + np.abs(np.diff(y, prepend=y[0])))
        places = np.searchsorted(along, np.linspace(0.0, along[-1], MOST_POINTS))
        kept = np.unique(np.append(places.clip(0, x.size - 1), [0, x.size - 1]))
        x, y = x[kept], y[kept]
    return Curve(tuple(x.tolist()), tuple(y.tolist()))
