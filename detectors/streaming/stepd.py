"""STEPD: the newest answers against all before them, by a test of two proportions."""

from collections.abc import Mapping
from statistics import NormalDist
from typing import Final

import numpy as np

from detectors.streaming.state import Memory, Outcome, Parameter, Params, Values, first, upto

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "window_size": Parameter(30, 2, 1e6),
    "alpha_drift": Parameter(0.003, 1e-12, 0.5),
    "alpha_warning": Parameter(0.05, 1e-12, 0.5),
}


def step(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of errors, 0 or 1, 1 for a wrong answer.

    The errors' share among the last `window_size` values less that among all before, with
    continuity correction, over its standard error; two-sided p against `alpha_drift` and
    `alpha_warning`, rises only, once twice the window was read (Nishida and Yamauchi 2007).
    """
    size = int(params["window_size"])
    whole = np.concatenate((memory.get("tail", []), values))
    n = memory.get("n", 0) + np.arange(1.0, values.size + 1.0)
    total = memory.get("total", 0.0) + np.cumsum(values)
    sums = np.concatenate((np.zeros(size), np.cumsum(np.concatenate(([0.0], whole)))))
    recent = sums[-values.size :] - sums[-values.size - size : sums.size - size]
    older_n, older = np.maximum(n - size, 1.0), total - recent
    inverse = 1.0 / older_n + 1.0 / size
    rate = total / n
    spread = np.sqrt(rate * (1.0 - rate) * inverse)
    excess = recent / size - older / older_n - 0.5 * inverse
    ready = n >= 2 * size
    drifted = ready & (excess > _quantile(float(params["alpha_drift"])) * spread)
    warned = ready & (excess > _quantile(float(params["alpha_warning"])) * spread) & ~drifted
    alarm = first(drifted)
    after = {"n": int(n[-1]), "total": float(total[-1]), "tail": whole[-size:].tolist()}
    return Outcome(after, alarm, upto(warned, alarm))


def _quantile(level: float) -> float:
    """The deviation that a standard normal exceeds, either way, with this probability."""
    return NormalDist().inv_cdf(1.0 - level / 2.0)
