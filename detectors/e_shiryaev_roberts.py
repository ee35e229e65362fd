"""The e-Shiryaev–Roberts detector: has a mean risen above a bound? Any dependence allowed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

BETS: Final = (0.1, 0.2, 0.4, 0.8)
_BLOCK: Final = 256
"""So many factors between 0.2 and 1.8 multiply without leaving the doubles' range."""


def step(
    levels: tuple[float, ...],
    differences: NDArray[np.float64],
    *,
    margin: float,
    threshold: float,
) -> tuple[tuple[float, ...], int | None]:
    """Read differences in their order; the new levels, and the index of the first alarm or None.

    `differences` are losses of the new version less those of the old, in [-1, 1] (what lies
    outside is clipped), without NaN. `levels` is what the call before gave, `()` at the start.
    While the conditional mean stays at or below `margin`, the expected number of differences
    before an alarm is at least `threshold`. After an alarm the levels are those at its index and
    what came later was not read. M_t = (M_{t-1} + 1)(1 + λ(g_t - margin)), one λ a bet, mean over
    bets: Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532.

    >>> generator = np.random.default_rng(7)
    >>> quiet, worse = generator.normal(0.0, 0.2, 500), generator.normal(0.1, 0.2, 200)
    >>> levels, alarm = step((), quiet, margin=0.02, threshold=5000.0)
    >>> alarm, step(levels, worse, margin=0.02, threshold=5000.0)[1]
    (None, 150)
    """
    values = np.asarray(differences, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError(
            f"{int(np.isnan(values).sum())} of {values.size} differences are NaN; "
            "leave out the rows for which a loss is not known"
        )
    bets = np.array(BETS) / (1.0 + margin)
    current = np.array(levels, dtype=np.float64) if levels else np.zeros(bets.size)
    for start in range(0, values.size, _BLOCK):
        block = np.clip(values[start : start + _BLOCK], -1.0, 1.0)
        grown = np.cumprod(1.0 + bets[:, None] * (block - margin), axis=1)
        before = np.hstack([np.ones((bets.size, 1)), grown[:, :-1]])
        path = grown * (current[:, None] + np.cumsum(1.0 / before, axis=1))
        over = np.flatnonzero(path.mean(axis=0) >= threshold)
        if over.size:
            return tuple(path[:, over[0]].tolist()), start + int(over[0])
        current = path[:, -1]
    return tuple(current.tolist()), None
