"""Had only the mix of classes changed, and within a class nothing: the other assumption.

Probabilities have shape (rows, classes) and sum to 1 a row; a mix of classes has shape (classes,).
"""

from typing import Final

import numpy as np

from detectors.reading import Floats

ROUNDS: Final = 1000
SETTLED: Final = 1e-10
LEAST: Final = 1e-6


def reweighted(p: Floats, before: Floats, after: Floats) -> Floats:
    """Probabilities as they are once the mix of classes went from `before` to `after`."""
    found = p * (after / np.maximum(before, LEAST))
    scaled: Floats = found / found.sum(axis=-1, keepdims=True)
    return scaled


def mix(p: Floats, before: Floats) -> Floats:
    """The mix of classes that explains calibrated probabilities best.

    Expectation maximisation, started from `before` (Saerens, Latinne and Decaestecker 2002). Rows
    of equal probabilities may be given once only if they are so: O(rows) a round, some dozens.

    >>> generator = np.random.default_rng(3)
    >>> truth = generator.random(20_000) < 0.7
    >>> x = generator.normal(np.where(truth, 1.0, -1.0), 1.0)
    >>> p = 1.0 / (1.0 + np.exp(-2.0 * x))  # calibrated where half are positive
    >>> mix(np.column_stack([1.0 - p, p]), np.array([0.5, 0.5])).round(2).tolist()
    [0.3, 0.7]
    """
    now = np.maximum(before, LEAST)
    for _ in range(ROUNDS):
        nxt = np.maximum(reweighted(p, before, now).mean(axis=0), LEAST)
        nxt = nxt / nxt.sum()
        moved = float(np.abs(nxt - now).max())
        now = nxt
        if moved < SETTLED:
            break
    return now


def mix_by_confusion(confusion: Floats, predicted: Floats) -> Floats | None:
    """The mix of classes from predictions alone (black-box shift estimation, Lipton et al. 2018).

    `confusion[i, j]` is the reference's share of rows predicted i that are j, `predicted` the
    window's share of each prediction. None where the confusion matrix cannot be inverted.
    """
    if np.linalg.cond(confusion) > 1e6:  # noqa: PLR2004 - predictions that say nothing of classes
        return None
    ratio = np.maximum(np.linalg.solve(confusion, predicted), 0.0)
    found: Floats = ratio * confusion.sum(axis=0)
    return found / found.sum() if found.sum() > 0.0 else None
