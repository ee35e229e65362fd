"""Metrics that calibrated probabilities let one expect of rows without labels, two classes.

With p the probability that a row is positive, the rows of a confusion matrix are sums: TP is that
of p over the rows predicted positive, and so on ("confidence-based performance estimation").
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.reading import Floats

Flags = NDArray[np.bool_]
EPSILON: Final = 1e-6
"""Scores are held so far from 0 and 1 before their logarithm is taken."""
FEWEST: Final = 30.0
"""Expected rows below a ratio's stroke; with fewer it is not told."""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What the metrics of rows follow from; sums of two sets of rows add up to those of both.

    Each is a number, or an array of them, one a set of probabilities. `positives` and `hits` sum
    the probabilities over all rows and over those predicted positive; `squared` and `surprisal`
    the expected squared error and log-loss of the scores.
    """

    rows: Any
    predicted: Any
    positives: Any
    hits: Any
    squared: Any
    surprisal: Any

    def plus(self, other: "Sums") -> "Sums":
        """The sums of both sets of rows."""
        return Sums(**{
            name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__
        })  # fmt: skip


def sums(
    p: Floats, predicted: Floats | Flags, score: Floats, weights: Floats | None = None
) -> Sums:
    """The sums of rows: `p` of shape (…, rows), the others (rows,).

    `score` is what the model gave, held 1e-6 from 0 and 1 for the logarithm; `predicted` whether
    a row was predicted positive, or which share of it.
    """
    each = np.ones(score.size) if weights is None else weights
    said = np.asarray(predicted, dtype=np.float64) * each
    held = np.clip(score, EPSILON, 1.0 - EPSILON)
    yes, no = -np.log(held), -np.log1p(-held)
    return Sums(
        rows=each.sum(), predicted=said.sum(), positives=p @ each, hits=p @ said,
        squared=np.square(score) @ each + p @ (each * (1.0 - 2.0 * score)),
        surprisal=no @ each + p @ (each * (yes - no)),
    )  # fmt: skip


def _ratio(upper: Any, lower: Any) -> Any:  # noqa: ANN401 - a number or an array of them
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(lower) > 0.0, np.divide(upper, lower), np.nan)


def _accuracy(s: Sums) -> Any:  # noqa: ANN401
    return _ratio(s.rows - s.positives - s.predicted + 2.0 * s.hits, s.rows)


def _f1(s: Sums) -> Any:  # noqa: ANN401
    return _ratio(2.0 * s.hits, s.predicted + s.positives)


def _specificity(s: Sums) -> Any:  # noqa: ANN401
    return _ratio(s.rows - s.positives - s.predicted + s.hits, s.rows - s.positives)


RATIOS: Final[Mapping[str, Callable[[Sums], Any]]] = {
    "accuracy": _accuracy,
    "error": lambda s: 1.0 - _accuracy(s),
    "precision": lambda s: _ratio(s.hits, s.predicted),
    "recall": lambda s: _ratio(s.hits, s.positives),
    "f1": _f1,
    "specificity": _specificity,
    "brier": lambda s: _ratio(s.squared, s.rows),
    "log_loss": lambda s: _ratio(s.surprisal, s.rows),
}
RANKED: Final = frozenset({"roc_auc", "average_precision"})
METRICS: Final = (*RATIOS, *sorted(RANKED))


def too_few(name: str, s: Sums) -> str | None:
    """Why a metric is not told of these rows: fewer than 30 are to be expected where it divides.

    A ratio of expectations is not the expectation of the ratio; the difference is of the order of
    one over that count.
    """
    positives, negatives = float(s.positives), float(s.rows - s.positives)
    parts = {
        "precision": (("predicted positive", float(s.predicted)),),
        "recall": (("positive", positives),),
        "f1": (("predicted positive", float(s.predicted)), ("positive", positives)),
        "specificity": (("negative", negatives),),
        "roc_auc": (("positive", positives), ("negative", negatives)),
        "average_precision": (("positive", positives),),
    }
    for what, count in parts.get(name, ()):
        if count < FEWEST:
            return f"only {count:.1f} rows are expected to be {what}; {FEWEST:.0f} are needed"
    return None


def value(name: str, p: Floats, predicted: Flags, score: Floats) -> float:
    """One metric of rows, of `METRICS`; NaN where nothing is below the stroke.

    >>> p, said = np.array([0.9, 0.6, 0.2, 0.1]), np.array([True, True, False, False])
    >>> round(value("accuracy", p, said, p), 3), round(value("precision", p, said, p), 3)
    (0.8, 0.75)
    """
    if name == "roc_auc":
        return auc(p, score)
    if name == "average_precision":
        return average_precision(p, score)
    return float(RATIOS[name](sums(p, predicted, score)))


def auc(p: Floats, score: Floats, *, self_pairs: bool = False) -> float:
    """The probability that a positive row has a higher score than a negative one, ties half.

    Every ordered pair of different rows counts by the probability that the first is positive and
    the second negative. `self_pairs` counts a row against itself too, by half: the form in which
    others compute it. Rows of one score are taken together, so their order does not matter.
    O(n log n); NaN where no pair is left.

    >>> p = np.array([0.9, 0.2, 0.6])
    >>> round(auc(p, np.array([3.0, 1.0, 2.0])), 4), round(auc(p, p, self_pairs=True), 4)
    (0.907, 0.8167)
    """
    order = np.argsort(score, kind="stable")
    held, starts = p[order], _starts(score[order])
    positive = np.add.reduceat(held, starts)
    negative = np.add.reduceat(1.0 - held, starts)
    below = np.cumsum(negative) - negative
    own = 0.0 if self_pairs else float(held @ (1.0 - held))
    pairs = float(positive.sum() * negative.sum()) - own
    if pairs <= 0.0:
        return float("nan")
    return float(positive @ below + 0.5 * (positive @ negative - own)) / pairs


def auc_of_groups(p: Floats, weights: Floats) -> Floats:
    """The same of groups of rows by rising score: `p` of shape (…, groups), `weights` (groups,)."""
    positive, negative = p * weights, (1.0 - p) * weights
    below = np.cumsum(negative, axis=-1) - 0.5 * negative
    found: Floats = _ratio(
        (positive * below).sum(axis=-1), positive.sum(axis=-1) * negative.sum(axis=-1)
    )
    return found


def average_precision(p: Floats, score: Floats) -> float:
    """Expected precision averaged over the steps in expected recall; rows of one score together."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(_starts(score[order])[1:], score.size) - 1
    hits = np.cumsum(p[order])[ends]
    if hits[-1] <= 0.0:
        return float("nan")
    return float(np.diff(hits, prepend=0.0) @ (hits / (ends + 1.0)) / hits[-1])


def losses(name: str, p: Floats, predicted: Flags, score: Floats) -> Floats:
    """The expected loss of each row: `log_loss`, `brier`, or `error` (its mean is the metric's)."""
    if name in {"error", "accuracy"}:
        return np.where(predicted, 1.0 - p, p)
    if name == "brier":
        squared: Floats = np.square(score - p) + p * (1.0 - p)
        return squared
    held = np.clip(score, EPSILON, 1.0 - EPSILON)
    found: Floats = -(p * np.log(held) + (1.0 - p) * np.log1p(-held))
    return found


def _starts(ordered: Floats) -> NDArray[np.int64]:
    """Where each run of equal values begins."""
    return np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
