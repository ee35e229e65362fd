"""FHDDM: the share of right answers in a sliding window against the best it was."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.streaming.state import Memory, Outcome, Parameter, Params, Values, first

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "sliding_window_size": Parameter(100, 2, 1e6),
    "confidence_level": Parameter(1e-6, 1e-300, 0.5),
    "short_window_size": Parameter(0, 0, 1e6),
}


def step(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of answers, 0 or 1, 1 for a right one.

    Alarms when the window's share has fallen from its maximum by more than Hoeffding's bound
    (Pesaranghader and Viktor 2016). `short_window_size` 0 means: no second, shorter window.
    """
    size, short = int(params["sliding_window_size"]), int(params["short_window_size"])
    whole = np.concatenate((memory.get("tail", []), values))
    after: Memory = {"tail": whole[max(whole.size - size + 1, 0) :].tolist()}
    if whole.size < size:
        return Outcome({**memory, **after})
    sums = np.cumsum(np.concatenate(([0.0], whole)))
    over, after["best"] = _fallen(params, sums, (size, size), memory.get("best", 0.0))
    if short:
        fallen, after["short"] = _fallen(params, sums, (size, short), memory.get("short", 0.0))
        over |= fallen
    at = first(over)
    return Outcome(after, None if at is None else at + values.size - over.size)


def _fallen(
    params: Params, sums: Values, sizes: tuple[int, int], best: float
) -> tuple[NDArray[np.bool_], float]:
    """Whether the newest `sizes[1]` of each window of `sizes[0]` fell, and the best share."""
    size, newest = sizes
    share = (sums[size:] - sums[size - newest : sums.size - newest]) / newest
    most = np.maximum.accumulate(np.maximum(share, best))
    bound = np.sqrt(np.log(1 / float(params["confidence_level"])) / (2 * newest))
    return most - share > bound, float(most[-1])
