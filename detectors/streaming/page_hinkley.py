"""Page–Hinkley: a fading sum of what lies above the running mean, against its own minimum."""

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
    kept,
    known,
)

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "min_instances": Parameter(30, 1, 1e9),
    "delta": Parameter(0.005, 0.0, 1e9),
    "threshold": Parameter(50.0, 0.0, 1e12),
    "alpha": Parameter(1 - 0.0001, 0.0, 1.0),
    "mode": Parameter("both", words=("up", "down", "both")),
}


def step(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of values of any scale; `delta` and `threshold` are in their units.

    S = alpha·S + (x - mean) - delta alarms when it is more than `threshold` above its minimum,
    its mirror image when it is below its maximum (Page 1954; Sebastião and Fernandes 2017).
    """
    # Here, because loading scipy.signal takes half a second that other detectors need not pay.
    from scipy.signal import lfilter  # noqa: PLC0415

    alpha, delta = float(params["alpha"]), float(params["delta"])
    n, total = counted(memory, values)
    beyond = values - total / n
    both = np.empty((2, values.size))
    np.subtract(beyond, delta, out=both[0])
    np.add(beyond, delta, out=both[1])
    begin = [[alpha * memory.get("up", 0.0)], [alpha * memory.get("down", 0.0)]]
    (up, down), _ = lfilter([1.0], [1.0, -alpha], both, zi=begin)
    low, high = up.copy(), down.copy()
    low[0] = min(low[0], known(memory.get("low"), np.inf))
    high[0] = max(high[0], memory.get("high", -1.0))
    np.minimum.accumulate(low, out=low)
    np.maximum.accumulate(high, out=high)
    over = np.zeros(values.size, dtype=bool)
    if params["mode"] != "down":
        over |= up - low > params["threshold"]
    if params["mode"] != "up":
        over |= high - down > params["threshold"]
    over &= n >= params["min_instances"]
    after = {
        "n": int(n[-1]), "total": float(total[-1]), "up": float(up[-1]), "down": float(down[-1]),
        "low": kept(low[-1]), "high": float(high[-1]),
    }  # fmt: skip
    return Outcome(after, first(over))
