"""e-SR and e-CUSUM: has the mean of bounded values risen above a bound? Any dependence allowed."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from detectors.streaming.state import Memory, Outcome, Parameter, Params, Values, first

BETS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
_HIGHEST_SHARE: Final = 0.9
"""No bet is above this share of the one that a value of 0 would ruin."""
_BLOCK: Final = 64
"""So many factors multiply without leaving the doubles' range: each lies in [0.1, 4.2]."""

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "bound": Parameter(0.5, 1e-9, 1.0),
    "run_length": Parameter(100_000.0, 2.0, 1e15),
}


def bets_of(bound: float) -> Values:
    """The bets that are mixed: each below 1/bound, so that no value in [0, 1] takes all."""
    return np.array([min(bet, _HIGHEST_SHARE / bound) for bet in BETS])


def shiryaev_roberts(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of values in [0, 1].

    M = (M + 1)(1 + λ(x - bound)), the mean over the bets λ, alarms at `run_length`. While the
    conditional mean stays at or below `bound`, the expected number of values before an alarm is
    at least `run_length` (Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532).
    """
    bound = float(params["bound"])
    bets = bets_of(bound)
    blocks = -(-values.size // _BLOCK)
    padded = np.full(blocks * _BLOCK, bound)
    padded[: values.size] = values
    factors: Values = 1.0 + bets[:, None] * (padded - bound)
    grown = factors.reshape(bets.size, blocks, _BLOCK)
    np.cumprod(grown, axis=2, out=grown)
    added: Values = 1.0 + np.cumsum(1.0 / grown, axis=2) - 1.0 / grown
    starts = _starts(memory, grown, added)
    with np.errstate(over="ignore"):
        path = (grown * (starts[:, :, None] + added)).reshape(bets.size, -1)[:, : values.size]
        alarm = first(path.mean(axis=0) >= params["run_length"])
    return Outcome({"levels": [min(level, 1e300) for level in path[:, -1].tolist()]}, alarm)


def _starts(memory: Memory, grown: Values, added: Values) -> Values:
    """The level with which each block begins: one multiplication and addition a block."""
    level = np.array(memory.get("levels", [0.0] * grown.shape[0]))
    found = np.empty(grown.shape[:2])
    with np.errstate(over="ignore"):
        for block in range(grown.shape[1]):
            found[:, block] = level
            level = grown[:, block, -1] * (level + added[:, block, -1])
    return found


def cusum(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of values in [0, 1]: as `shiryaev_roberts`, with max(M, 1) in place of M + 1.

    The same promise, kept far more cautiously.
    """
    bound = float(params["bound"])
    bets = bets_of(bound)
    logs = np.log1p(bets[:, None] * (values - bound))
    before = np.array(memory.get("logs", [0.0] * bets.size))[:, None]
    sums = np.cumsum(np.concatenate((np.maximum(before, 0.0), logs), axis=1), axis=1)
    # The level begins again at 1 wherever the sum is the least so far, 0 at the start included.
    least = np.minimum.accumulate(np.minimum(sums, 0.0), axis=1)[:, :-1]
    path = sums[:, 1:] - least
    with np.errstate(over="ignore"):
        alarm = first(np.exp(path).mean(axis=0) >= params["run_length"])
    return Outcome({"logs": path[:, -1].tolist()}, alarm)
