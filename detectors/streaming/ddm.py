"""DDM: the error rate and its deviation against where their sum was least."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from detectors.streaming.state import (
    Memory,
    Outcome,
    Parameter,
    Params,
    Values,
    counted,
    first,
    held,
    kept,
    known,
    upto,
)

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "warm_start": Parameter(30, 1, 1e9),
    "warning_threshold": Parameter(2.0, 0.0, 100.0),
    "drift_threshold": Parameter(3.0, 0.0, 100.0),
}


def step(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of errors in [0, 1], 1 for a wrong answer.

    Alarms when p + s > p_min + `drift_threshold`·s_min, s = √(p(1-p)/n), after `warm_start`
    values (Gama, Medas, Castillo and Rodrigues 2004).
    """
    n, total = counted(memory, values)
    rate = total / n
    deviation = np.sqrt(np.maximum(rate * (1.0 - rate), 0.0) / n)
    both = np.where(n > params["warm_start"], rate + deviation, np.inf)
    least = np.minimum.accumulate(np.concatenate(([known(memory.get("least"), np.inf)], both)))
    moved = np.isfinite(both) & (both <= least[:-1])
    rate_then = held(moved, rate, known(memory.get("rate"), np.inf))
    deviation_then = held(moved, deviation, known(memory.get("deviation"), np.inf))
    warm = n > params["warm_start"]
    drifted = warm & (both > rate_then + params["drift_threshold"] * deviation_then)
    warned = warm & (both > rate_then + params["warning_threshold"] * deviation_then) & ~drifted
    after = {
        "n": int(n[-1]), "total": float(total[-1]), "least": kept(least[-1]),
        "rate": kept(rate_then[-1]), "deviation": kept(deviation_then[-1]),
    }  # fmt: skip
    alarm = first(drifted)
    return Outcome(after, alarm, upto(warned, alarm))
