"""HDDM_A: the mean of all values against the mean up to where its bound was least."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
    "drift_confidence": Parameter(0.001, 1e-12, 0.5),
    "warning_confidence": Parameter(0.005, 1e-12, 0.5),
    "two_sided_test": Parameter(default=False),
}


def step(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of values in [0, 1].

    Alarms when the mean has moved from its cut point by more than Hoeffding's bound at
    `drift_confidence`, upwards or, `two_sided_test`, either way (Frías-Blanco and others 2015).
    """
    n, total = counted(memory, values)
    mean = total / n
    bound = np.sqrt(1.0 / (2 * n) * np.log(1.0 / float(params["drift_confidence"])))
    after: Memory = {"n": int(n[-1]), "total": float(total[-1])}
    rise = _moved(params, memory.get("up"), mean, (mean + bound, n))
    after["up"] = rise[2]
    drifted, warned = rise[0], rise[1] & ~rise[0]
    if params["two_sided_test"]:
        fall = _moved(params, memory.get("down"), -mean, (bound - mean, n))
        after["down"] = fall[2]
        warned |= fall[1] & ~fall[0]
        drifted = drifted | fall[0]
    alarm = first(drifted)
    return Outcome(after, alarm, upto(warned, alarm))


def _moved(
    params: Params,
    cut: Memory | None,
    mean: Values,
    reach: tuple[Values, Values],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Memory]:
    """Whether the mean rose above its cut point at each confidence, and the last cut point."""
    cut = cut or {}
    edge, n = reach
    least = np.minimum.accumulate(np.concatenate(([known(cut.get("edge"), np.inf)], edge)))
    moved = edge <= least[:-1]
    n_then = held(moved, n, known(cut.get("n"), 1.0))
    mean_then = held(moved, mean, known(cut.get("mean"), 0.0))
    part = (n - n_then) / n_then * (1.0 / n) / 2
    beyond, later = mean - mean_then, n > n_then
    drifted, warned = (
        later & (beyond >= np.sqrt(part * np.log(2.0 / float(params[confidence]))))
        for confidence in ("drift_confidence", "warning_confidence")
    )
    last = {"edge": kept(least[-1]), "n": float(n_then[-1]), "mean": float(mean_then[-1])}
    return drifted, warned, last
