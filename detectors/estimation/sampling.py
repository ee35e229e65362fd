"""How far a realised metric of so many rows may lie from its expectation by chance alone.

Each is the spread, over the labelled reference, of what one row adds to the metric, and the share
of rows that add to it; the standard error of n rows is spread / √(n · share).
"""

import math
from typing import Final

import msgspec
import numpy as np

from detectors.estimation import expected
from detectors.estimation.calibrating import Flags
from detectors.reading import Floats

WIDTH: Final = 0.03
"""The half-width of a realised figure for which labels are asked, of metrics in [0, 1]."""
WIDTH_SHARE: Final = 0.05
"""The same as a share of the figure, of errors in the label's units."""
Z95: Final = 1.959964
DRAWS: Final = 50
MOST_DRAWN: Final = 20_000


class Spread(msgspec.Struct, frozen=True):
    """The spread of what a row adds, and the share of rows that do; NaN where none does."""

    sd: float
    share: float

    def error(self, rows: float) -> float:
        """The standard error of the metric over so many rows; infinite for none."""
        relevant = rows * self.share
        return self.sd / math.sqrt(relevant) if relevant > 0.0 else math.inf


def binary(truth: Flags, predicted: Flags, score: Floats, *, seed: int = 0) -> dict[str, Spread]:
    """The spreads of the metrics of two classes, over labelled rows of shape (rows,).

    Average precision is no mean over rows: its rows are drawn again 50 times, of 20,000 at most.
    """
    found = {name: of(name, truth, predicted, score) for name in expected.RATIOS}
    found["roc_auc"] = of("roc_auc", truth, predicted, score)
    found["average_precision"] = _drawn(truth, score, seed)
    return found


def of(name: str, truth: Flags, predicted: Flags, score: Floats) -> Spread:
    """The spread of one metric of two classes that is a mean over rows, or ranks them."""
    right, either = truth == predicted, truth | predicted
    if name == "f1":
        scale = either.sum() / max(0.5 * (either & ~right).sum() + (either & right).sum(), 0.5)
        return _of(right, either, scale=float(scale))
    if name == "roc_auc":
        return _auc(truth, score)
    if name in {"brier", "log_loss"}:
        losses = expected.losses(name, truth.astype(np.float64), truth, score)
        return Spread(float(losses.std()), 1.0)
    hit, among = {
        "precision": (truth, predicted),
        "recall": (predicted, truth),
        "specificity": (~predicted, ~truth),
    }.get(name, (right, np.ones_like(right)))
    return _of(hit, among)


def errors(name: str, label: Floats, prediction: Floats) -> Spread:
    """The spread of an error of a regression: `mae`, `mse`, `rmse`, `mape`."""
    residual = np.abs(label - prediction)
    if name == "mae":
        return Spread(float(residual.std()), 1.0)
    if name == "mape":
        some = label != 0.0
        share = residual[some] / np.abs(label[some])
        return Spread(float(share.std()) if some.any() else math.nan, float(some.mean()))
    squared = np.square(residual)
    if name == "mse":
        return Spread(float(squared.std()), 1.0)
    mean = float(squared.mean())
    return Spread(float(squared.std()) / (2.0 * math.sqrt(mean)) if mean > 0.0 else 0.0, 1.0)


def labels_wanted(value: float, spread: Spread | None, *, bounded: bool) -> int:
    """How many labels, drawn evenly from a window, tell a metric to ± its width, 95 % of the time.

    Of a metric in [0, 1] to ± 0.03 with variance v(1 - v), else to ± 5 % of itself: v (1.96/h)².

    >>> labels_wanted(0.78, None, bounded=True)
    733
    """
    if bounded:
        held = min(max(value, 0.0), 1.0)
        return math.ceil(max(held * (1.0 - held), 0.01) * (Z95 / WIDTH) ** 2)
    if spread is None or not math.isfinite(spread.sd) or value <= 0.0:
        return 0
    return math.ceil((spread.sd * Z95 / (WIDTH_SHARE * value)) ** 2)


def _of(hit: Flags, among: Flags, *, scale: float = 1.0) -> Spread:
    if not among.any():
        return Spread(math.nan, 0.0)
    return Spread(float(hit[among].std()) * scale, float(among.mean()))


def _auc(truth: Flags, score: Floats) -> Spread:
    """By the placements of the rarer class among the other, as Mann and Whitney's statistic."""
    if truth.all() or not truth.any():
        return Spread(math.nan, 0.0)
    if truth.mean() > 0.5:  # noqa: PLR2004
        truth, score = ~truth, 1.0 - score
    others = np.sort(score[~truth])
    own = score[truth]
    below = others.searchsorted(own, side="left") + others.searchsorted(own, side="right")
    return Spread(float((below / (2.0 * others.size)).std()), float(truth.mean()))


def _drawn(truth: Flags, score: Floats, seed: int) -> Spread:
    if not truth.any():
        return Spread(math.nan, 0.0)
    generator = np.random.default_rng(seed)
    kept = generator.permutation(truth.size)[:MOST_DRAWN]
    true, held = truth[kept].astype(np.float64), score[kept]
    draws = generator.integers(0, kept.size, (DRAWS, kept.size))
    found = np.array([expected.average_precision(true[rows], held[rows]) for rows in draws])
    return Spread(float(np.nanstd(found)) * math.sqrt(kept.size), 1.0)
