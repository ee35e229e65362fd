"""Metrics of scores as an order: who stands above whom."""

from collections.abc import Callable
from typing import Final

import numpy as np

from detectors.metrics.estimate import Estimate, Flags, Found, rescaled
from detectors.metrics.order import sums_below
from detectors.reading import Counts, Floats

NO_POSITIVE: Final = "no row is positive"


def roc_auc(truth: Flags, score: Floats) -> Found:
    """The probability that a positive row scores above a negative one, ties counting half.

    The influence is that of DeLong, DeLong and Clarke-Pearson 1988.
    """
    if truth.all() or not truth.any():
        return f"every label is {'positive' if truth.any() else 'negative'}"
    positives, negatives = int(truth.sum()), int((~truth).sum())
    true_below, false_below = sums_below(score, truth, ~truth)
    above = false_below[truth] / negatives
    below = 1.0 - true_below[~truth] / positives
    value = float(above.mean())
    influence = np.empty(truth.size)
    influence[truth] = (above - value) * (truth.size / positives)
    influence[~truth] = (below - value) * (truth.size / negatives)
    fewer = min(positives, negatives)
    return Estimate(value=value, influence=influence, low=0.0, high=1.0, resembles=fewer)


def gini(truth: Flags, score: Floats) -> Found:
    """Twice the ROC AUC less one, in [-1, 1]; also called Somers' D and accuracy ratio."""
    found = roc_auc(truth, score)
    if isinstance(found, str) or found.influence is None or found.resembles is None:
        return found
    return rescaled(2.0 * found.value - 1.0, 2.0 * found.influence, rows=found.resembles)


def ks(truth: Flags, score: Floats) -> Found:
    """How far apart the scores of positive and negative rows lie: the greatest difference of the
    shares of either up to a score, in [0, 1] (Kolmogorov–Smirnov).

    The influence is that at the score where the difference is greatest.
    """
    if truth.all() or not truth.any():
        return f"every label is {'positive' if truth.any() else 'negative'}"
    order = np.argsort(score, kind="stable")
    ordered, flags = score[order], truth[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    positives, negatives = int(truth.sum()), int((~truth).sum())
    apart = np.cumsum(~flags)[ends] / negatives - np.cumsum(flags)[ends] / positives
    at = int(np.argmax(np.abs(apart)))
    value, sign = float(abs(apart[at])), float(np.sign(apart[at]))
    up_to = (score <= ordered[ends[at]]).astype(np.float64)
    influence = np.where(truth, -(up_to - up_to[truth].mean()) * (truth.size / positives),
                         (up_to - up_to[~truth].mean()) * (truth.size / negatives))  # fmt: skip
    return Estimate(
        value=value, influence=sign * influence, low=0.0, high=1.0,
        resembles=min(positives, negatives),
    )  # fmt: skip


def average_precision(truth: Flags, score: Floats) -> Found:
    """Precision averaged over the steps in recall as the cut-off falls.

    The influence is the derivative in a row's weight: through its own precision where it is
    positive, and through the precision of every positive row that it stands above or beside.
    """
    positives = int(truth.sum())
    if not positives:
        return NO_POSITIVE
    order = np.argsort(-score, kind="stable")
    ordered, flags = score[order], truth[order].astype(np.float64)
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    group = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])])
    hits, rows = np.cumsum(flags)[ends], ends + 1.0
    here = np.diff(hits, prepend=0.0)
    value = float(here @ (hits / rows)) / positives
    onward = np.cumsum((here / rows)[::-1])[::-1]
    outward = np.cumsum((here * hits / np.square(rows))[::-1])[::-1]
    moved = flags * ((hits / rows)[group] - value + onward[group]) - outward[group]
    influence = np.empty(truth.size)
    influence[order] = moved * (truth.size / positives)
    return Estimate(value=value, influence=influence, low=0.0, high=1.0, resembles=positives)


def precision_top(truth: Flags, score: Floats, *, share: float) -> Found:
    """Of the rows that score highest, `share` of all, the share that is positive.

    Rows that tie at the cut-off count in part, as if drawn among them.
    """
    picked, count = _top(score, share)
    value = float((picked * truth).sum()) / count
    influence = (picked * (truth - value) + _at_edge(truth, score, picked, count, value)) / share
    return Estimate(
        value=value, influence=influence - influence.mean(), low=0.0, high=1.0, trials=count
    )


def recall_top(truth: Flags, score: Floats, *, share: float) -> Found:
    """Of the positive rows, the share among the `share` of all rows that score highest."""
    positives = float(truth.mean())
    if not positives:
        return NO_POSITIVE
    found = precision_top(truth, score, share=share)
    assert not isinstance(found, str)
    assert found.influence is not None
    count = max(1, int(np.ceil(share * truth.size)))
    value = found.value * count / float(truth.sum())
    influence = (share * found.influence - value * (truth - positives)) / positives
    return Estimate(value=value, influence=influence, low=0.0, high=1.0, resembles=int(truth.sum()))


def lift_top(truth: Flags, score: Floats, *, share: float) -> Found:
    """The share of positive rows among the `share` that score highest, over that among all; 1 is
    no better than a draw."""
    positives = float(truth.mean())
    if not positives:
        return NO_POSITIVE
    found = precision_top(truth, score, share=share)
    assert not isinstance(found, str)
    assert found.influence is not None
    value = found.value / positives
    influence = (found.influence - value * (truth - positives)) / positives
    return Estimate(value=value, influence=influence, low=0.0, high=1.0 / positives)


def top(codes: Counts, scores: Floats, *, most: int) -> Estimate:
    """The share of rows whose true class has one of the `most` highest scores.

    `codes` are columns of `scores`, shape (rows, classes). Among classes that tie for the last
    place the true one counts in part.
    """
    own = np.take_along_axis(scores, codes[:, None], axis=1)
    above = (scores > own).sum(axis=1)
    tied = (scores == own).sum(axis=1)
    inside = np.clip((most - above) / tied, 0.0, 1.0)
    value = float(inside.mean())
    return Estimate(value=value, influence=inside - value, low=0.0, high=1.0, trials=codes.size)


def one_against_rest(
    of: Callable[[Flags, Floats], Found], *, weighted: bool = False
) -> Callable[[Counts, Floats], Found]:
    """A metric of each class's own score against the rest, averaged over the classes that some
    rows have and some have not; where `weighted`, by how many have it."""

    def metric(codes: Counts, scores: Floats) -> Found:
        values, influences, shares = [], [], []
        for at in range(scores.shape[1]):
            truth = codes == at
            if np.isneginf(scores[0, at]):
                continue
            found = of(truth, scores[:, at])
            if isinstance(found, Estimate) and found.influence is not None:
                values.append(found.value)
                influences.append(found.influence)
                shares.append(truth)
        if not values:
            return "every label is of one class"
        parts = np.array([share.mean() for share in shares]) if weighted else np.ones(len(values))
        value = float(parts @ values / parts.sum())
        influence = sum(
            (part * one + weighted * (each - value) * (share - part)
             for part, one, each, share in zip(parts, influences, values, shares, strict=True)),
            start=np.zeros(codes.size),
        )  # fmt: skip
        return Estimate(
            value=value, influence=influence / parts.sum(), low=0.0, high=1.0,
            resembles=int(min(min(s.sum(), (~s).sum()) for s in shares)),
        )  # fmt: skip

    return metric


def _top(score: Floats, share: float) -> tuple[Floats, int]:
    """How much of each row is among the highest, in [0, 1], and how many rows those are."""
    count = max(1, int(np.ceil(share * score.size)))
    edge = np.partition(score, score.size - count)[score.size - count]
    above, tied = score > edge, score == edge
    picked = above + tied * ((count - above.sum()) / tied.sum())
    return picked, count


def _at_edge(truth: Flags, score: Floats, picked: Floats, count: int, value: float) -> Floats:
    """What a row among the highest pushes out: another one from beside the cut-off."""
    near = max(10, int(np.sqrt(score.size)))
    first, last = max(count - near, 0), min(count + near, score.size)
    order = np.argpartition(-score, [first, last - 1])[first:last]
    there = float(truth[order].mean())
    found: Floats = (value - there) * (picked - picked.mean())
    return found
