"""What the order of a file's rows shows of a column of numbers, before it is sorted."""

from typing import Final

import numpy as np

from detectors.answers import MIN_ROWS
from detectors.reading import Floats

BLOCKS: Final = 50
_FIRST: Final = 64
"""Values that tell at once that most columns do not count up."""

Course = tuple[float | None, ...]


def course(values: Floats) -> Course:
    """The means of consecutive blocks of about as many rows each, fifty at most, of 30 rows at least.

    `values` has shape (rows,) in the order of the file; NaN and infinities are left out, and a
    block without a number is None. Empty where there are not two blocks. O(n).

    >>> course(np.repeat([1.0, 3.0], 30))
    (1.0, 3.0)
    """
    blocks = min(BLOCKS, values.size // MIN_ROWS)
    if blocks < 2:  # noqa: PLR2004 - one block is the mean of all
        return ()
    starts = np.linspace(0, values.size, blocks, endpoint=False).astype(np.int64)
    with np.errstate(all="ignore"):
        sums = np.add.reduceat(values, starts)
        counts = np.diff(starts, append=values.size)
        if not np.isfinite(sums).all():
            known = np.isfinite(values)
            sums = np.add.reduceat(np.where(known, values, 0.0), starts)
            counts = np.add.reduceat(known.astype(np.int64), starts)
        means = sums / counts
    return tuple(mean if np.isfinite(mean) else None for mean in means.tolist())


def counts_up(values: Floats) -> bool:
    """Whether they are whole numbers, each greater than the one before: a row number or a key.

    `values` has shape (rows,) in the order of the file; of fewer than 30 rows nothing is said.
    O(1) for most columns, else O(n).

    >>> counts_up(np.arange(50.0)), counts_up(np.arange(50.0) / 2), counts_up(np.zeros(50))
    (True, False, False)
    """
    if values.size < MIN_ROWS:
        return False
    return all(_rises(part) for part in (values[:_FIRST], values))


def _rises(values: Floats) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(np.all(values[1:] > values[:-1]) and np.all(values == np.floor(values)))
