"""How much a model depends on a column: what becomes of its answers once the column is shuffled.

The rows are asked once as they are and again with one column's values in another order, so that
the column keeps its distribution and tells nothing any more (Breiman 2001; model reliance of
Fisher, Rudin and Dominici 2019). Columns that say the same share it: each alone can be replaced by
the other, so both may come out small.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.reading import Floats


class Reliance(msgspec.Struct, frozen=True):
    """How much is lost without a column, and the standard error of that over the rows."""

    value: float
    error: float


def orders(rows: int, copies: int, seed: int) -> NDArray[np.int64]:
    """So many orders of so many rows, shape (copies, rows); the same for the same seed.

    >>> sorted(orders(3, 2, seed=1)[0].tolist())
    [0, 1, 2]
    """
    generator = np.random.default_rng(seed)
    return np.array([generator.permutation(rows) for _ in range(copies)], dtype=np.int64).reshape(
        copies, rows
    )


def by_loss(plain: Floats, shuffled: Floats) -> Reliance:
    """By how much the mean loss rises. `plain` has the shape (rows,), `shuffled` (copies, rows).

    Rows without a loss on either side count for nothing. In the units of the loss; below zero where
    the model does better without the column, of chance as a rule.

    >>> by_loss(np.array([1.0, 1.0]), np.array([[2.0, 4.0], [2.0, 2.0]]))
    Reliance(value=1.5, error=0.5)
    """
    rises = (shuffled - plain).mean(axis=0)
    return _mean(rises[np.isfinite(rises)])


def by_answers(plain: Floats, shuffled: Floats) -> Reliance:
    """How far the answers move, where no label says which of them are right.

    `plain` has the shape (rows, outputs), `shuffled` (copies, rows, outputs): a number, or a score
    or a place of each class. Half the mean square of the moves over the variance of the answers:
    the total-order index of Sobol as Jansen 1999 estimates it, 0 for a column that is not used and
    1 for one that decides alone where columns are independent. 0 where the answers do not vary.

    >>> answers = np.array([[0.0], [1.0]])
    >>> by_answers(answers, answers[None, ::-1]).value
    2.0
    """
    variance = float(plain.var(axis=0).sum())
    if not variance > 0.0:
        return Reliance(0.0, 0.0)
    moves = np.square(shuffled - plain).sum(axis=2).mean(axis=0) / (2.0 * variance)
    return _mean(moves[np.isfinite(moves)])


def _mean(values: Floats) -> Reliance:
    if values.size < 2:  # noqa: PLR2004 - of one row no error is known
        return Reliance(float(values.sum()), 0.0)
    return Reliance(float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)))
