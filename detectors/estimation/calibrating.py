"""From a score to the probability that a row is positive, learned from labelled rows.

The rows must be ones that the model was not trained on. What is learned is judged out of fold, on
blocks of time, and the score is kept as it is where learning does not bring it nearer the truth.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.reading import Floats

Flags = NDArray[np.bool_]
FOLDS: Final = 5
BINS: Final = 10
LEAST: Final = 1e-4
"""No probability is nearer to 0 or 1."""
ISOTONIC_FROM: Final = 1000
ISOTONIC_CLASS: Final = 50
EPSILON: Final = 1e-6
RIDGE: Final = 1e-6
STEPS: Final = 50


class Calibrator(msgspec.Struct, frozen=True, kw_only=True):
    """A rising map from score to probability.

    `form` is isotonic (straight lines between `knots`, `values` there), platt or beta (logistic
    in `coefficients`), or raw (the score itself).
    """

    form: str
    knots: Floats = msgspec.field(default_factory=lambda: np.zeros(1))
    values: Floats = msgspec.field(default_factory=lambda: np.zeros(1))
    coefficients: tuple[float, float, float] = (1.0, 1.0, 0.0)
    bounded: bool = True
    """Whether scores are probabilities in [0, 1]."""

    def probabilities(self, score: Floats) -> Floats:
        """The probability of each row, in [1e-4, 1 - 1e-4]; NaN for a NaN score."""
        if self.form == "raw":
            found = score
        elif self.form == "isotonic":
            found = np.interp(score, self.knots, self.values)
        else:
            terms = _terms(score, bounded=self.bounded)
            found = _logistic(terms @ np.array(self.coefficients))
        return np.clip(found, LEAST, 1.0 - LEAST)


class Sorted(msgspec.Struct, frozen=True, kw_only=True):
    """Scores in rising order with what is true of each row, sorted once for many fits."""

    order: NDArray[np.int64]
    score: Floats
    truth: Floats


def in_order(score: Floats, truth: Flags) -> Sorted:
    """Rows by score."""
    order = np.argsort(score, kind="stable")
    return Sorted(order=order, score=score[order], truth=truth[order].astype(np.float64))


def fit(score: Floats, truth: Flags, weights: Floats | None = None) -> Calibrator:
    """The map for scores and labels of shape (rows,), each row counting by its weight.

    Isotonic from 1000 rows and 50 of each class on (Zadrozny and Elkan 2002); below that the
    three-parameter beta map (Kull, Silva Filho and Flach 2017), or where that does not rise
    Platt's two with his held-back targets (1999).

    >>> generator = np.random.default_rng(1)
    >>> score = generator.random(4000)
    >>> found = fit(score, generator.random(4000) < score**2)
    >>> found.form, found.probabilities(np.array([0.1, 0.5, 0.9])).round(2).tolist()
    ('isotonic', [0.0, 0.28, 0.81])
    """
    positives = int(truth.sum())
    if truth.size >= ISOTONIC_FROM and min(positives, truth.size - positives) >= ISOTONIC_CLASS:
        rows = in_order(score, truth)
        return isotonic(rows.score, rows.truth, None if weights is None else weights[rows.order])
    return logistic(score, truth, weights)


def isotonic(score: Floats, truth: Floats, weights: Floats | None = None) -> Calibrator:
    """The rising step map of least weighted squares, for scores in rising order.

    Equal scores are taken together; O(n) after the sorting. `truth` may be shares.
    """
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - half a second to import

    each = np.ones(score.size) if weights is None else weights
    starts = np.flatnonzero(np.append(True, score[1:] != score[:-1]))
    mass = np.add.reduceat(each, starts)
    there = mass > 0.0
    mass, where = mass[there], score[starts][there]
    share = np.add.reduceat(truth * each, starts)[there] / mass
    found = isotonic_regression(share, weights=mass)
    first = found.blocks[:-1]
    ends = np.unique(np.concatenate([first, found.blocks[1:] - 1]))
    return Calibrator(form="isotonic", knots=where[ends], values=np.asarray(found.x)[ends])


def logistic(score: Floats, truth: Flags, weights: Floats | None = None) -> Calibrator:
    """The beta map where it rises in both its terms, else Platt's."""
    each = np.ones(score.size) if weights is None else weights
    bounded = is_bounded(score)
    terms = _terms(score, bounded=bounded)
    yes, no = float(each @ truth), float(each @ ~truth)
    target = np.where(truth, (yes + 1.0) / (yes + 2.0), 1.0 / (no + 2.0))
    if bounded and min(yes, no) >= ISOTONIC_CLASS:
        found = _newton(terms, target, each)
        if found[0] >= 0.0 and found[1] >= 0.0:
            return Calibrator(form="beta", coefficients=_three(found), bounded=True)
    joined = np.column_stack([terms[:, 0] + terms[:, 1], terms[:, 2]])
    slope, start = _newton(joined, target, each)
    return Calibrator(form="platt", coefficients=_three((slope, slope, start)), bounded=bounded)


def is_bounded(score: Floats) -> bool:
    """Whether all scores lie in [0, 1], as probabilities do."""
    return bool(score.size and np.nanmin(score) >= 0.0 and np.nanmax(score) <= 1.0)


def out_of_fold(score: Floats, truth: Flags, *, folds: int = FOLDS) -> Floats:
    """Each row's probability by the map of the other blocks of rows; rows are in order of time.

    `folds` blocks of neighbouring rows. The scores are sorted once for all of them.
    """
    fold = fold_of(score.size, folds)
    found = np.empty(score.size)
    positives = int(truth.sum())
    small = score.size < ISOTONIC_FROM or min(positives, score.size - positives) < ISOTONIC_CLASS
    rows = None if small else in_order(score, truth)
    for one in range(folds):
        inside = fold == one
        if rows is None:
            made = logistic(score[~inside], truth[~inside])
        else:
            kept = ~inside[rows.order]
            made = isotonic(rows.score[kept], rows.truth[kept])
        found[inside] = made.probabilities(score[inside])
    return found


def fold_of(rows: int, folds: int) -> NDArray[np.int64]:
    """The fold of each row: so many blocks of neighbours, as equal as can be."""
    found: NDArray[np.int64] = np.arange(rows) * folds // max(rows, 1)
    return found


def calibration_error(p: Floats, truth: Flags) -> float:
    """The expected calibration error over ten bins of equally many rows, in [0, 1]."""
    order = np.argsort(p, kind="stable")
    starts = np.unique(np.arange(BINS) * p.size // BINS)
    sizes = np.diff(np.append(starts, p.size))
    gaps = np.add.reduceat(p[order] - truth[order], starts) / sizes
    return float(np.abs(gaps) @ sizes / p.size)


def chosen(score: Floats, truth: Flags) -> tuple[Calibrator, Floats]:
    """The map to use, and the out-of-fold probabilities of the rows that it was learned from.

    The score is kept where learning does not lower the expected calibration error of the rows,
    each by the map of the other blocks of time.
    """
    apart = out_of_fold(score, truth)
    if is_bounded(score) and calibration_error(apart, truth) >= calibration_error(score, truth):
        raw = Calibrator(form="raw")
        return raw, raw.probabilities(score)
    return fit(score, truth), apart


def _terms(score: Floats, *, bounded: bool) -> Floats:
    """What the logistic maps are linear in: ln s, -ln(1 - s) and 1; of an unbounded score itself."""
    if not bounded:
        return np.column_stack([score / 2.0, score / 2.0, np.ones(score.size)])
    held = np.clip(score, EPSILON, 1.0 - EPSILON)
    return np.column_stack([np.log(held), -np.log1p(-held), np.ones(score.size)])


def _newton(terms: Floats, target: Floats, weights: Floats) -> Floats:
    """Logistic regression by Newton's steps, with the least ridge that keeps them defined."""
    found = np.zeros(terms.shape[1])
    ridge = RIDGE * max(float(weights.sum()), 1.0) * np.eye(found.size)
    for _ in range(STEPS):
        p = _logistic(terms @ found)
        slope = terms.T @ (weights * (target - p)) - ridge @ found
        curve = (terms * (weights * p * (1.0 - p))[:, None]).T @ terms + ridge
        step = np.linalg.solve(curve, slope)
        found = found + step * min(1.0, 10.0 / max(float(np.abs(step).max()), 1e-300))
        if float(np.abs(step).max()) < 1e-9:  # noqa: PLR2004
            break
    return found


def _logistic(values: Floats) -> Floats:
    found: Floats = 0.5 * (1.0 + np.tanh(0.5 * values))
    return found


def _three(values: Floats | tuple[float, float, float]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
