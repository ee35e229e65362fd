"""HDDM_W: a weighted mean since a cut point against the weighted mean up to it."""

from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.streaming.state import (
    Memory,
    Outcome,
    Parameter,
    Params,
    Values,
    first,
    held,
    kept,
    known,
    smoothed,
    upto,
)

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "drift_confidence": Parameter(0.001, 1e-12, 0.5),
    "warning_confidence": Parameter(0.005, 1e-12, 0.5),
    "lambda_val": Parameter(0.05, 0.001, 0.999),
    "two_sided_test": Parameter(default=False),
}


def step(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of values in [0, 1].

    Alarms when the weighted mean since the cut point exceeds the one up to it by McDiarmid's
    bound at `drift_confidence` (Frías-Blanco and others 2015).
    """
    weight = float(params["lambda_val"])
    if memory:
        mean = smoothed(values, weight, memory["mean"])
    else:
        # The first value is the mean itself, which weight·x + (1 - weight)·x is but to rounding.
        mean = np.concatenate((values[:1], smoothed(values[1:], weight, float(values[0]))))
    n = memory.get("n", 0) + np.arange(1, values.size + 1)
    bound = _bounds(weight, n, float(params["drift_confidence"]))
    after: Memory = {"n": int(n[-1]), "mean": float(mean[-1])}
    paths = _Paths(values=values, mean=mean, n=n, bound=bound)
    drifted, warned, after["up"] = _moved(params, memory, "up", paths)
    warned &= ~drifted
    if params["two_sided_test"]:
        fallen, falling, after["down"] = _moved(params, memory, "down", paths)
        warned |= falling & ~fallen
        drifted |= fallen
    alarm = first(drifted)
    return Outcome(after, alarm, upto(warned, alarm))


class _Paths:
    """A run of values, their weighted mean, how many there were, and the mean's bound."""

    def __init__(
        self, *, values: Values, mean: Values, n: NDArray[np.int64], bound: Values
    ) -> None:
        self.values, self.mean, self.n, self.bound = values, mean, n, bound


def _moved(
    params: Params, memory: Memory, way: str, paths: _Paths
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Memory]:
    """Whether the later mean lies beyond the earlier at each confidence, and the last cut."""
    cut, weight, sign = memory.get(way) or {}, float(params["lambda_val"]), 1.0
    if way == "down":
        sign = -1.0
    mean, n = paths.mean, paths.n
    edge = sign * mean + paths.bound
    least = np.minimum.accumulate(np.concatenate(([known(cut.get("edge"), np.inf)], edge)))
    moved = edge < least[:-1]
    then = held(moved, mean, known(cut.get("mean"), 0.0))
    n_then = held(moved, n.astype(np.float64), known(cut.get("n"), 0.0)).astype(np.int64)
    since = n - n_then
    # The mean that begins after the cut differs from the mean of everything by a part that fades.
    apart = np.where(np.concatenate(([False], moved[:-1])), paths.values - mean, 0.0)
    started = held(np.concatenate(([False], moved[:-1])), apart, np.nan)
    faded = started * _powers(1.0 - weight, np.maximum(since - 1, 0))
    going = np.isnan(started)
    if going.any():
        begun = cut.get("later") is not None
        gap = cut["later"] - memory["mean"] if begun else paths.values[0] - mean[0]
        faded[going] = gap * _powers(1.0 - weight, n[going] - n[0] + begun)
    later = mean + faded
    ok = (since > 0) & (n_then > 0)
    both = _shares(weight, n_then) + _shares(weight, since)
    beyond = sign * (later - then)
    drifted, warned = (
        ok & (beyond > np.sqrt(both * np.log(1.0 / float(params[confidence])) / 2))
        for confidence in ("drift_confidence", "warning_confidence")
    )
    last = {
        "edge": kept(least[-1]), "mean": float(then[-1]), "n": int(n_then[-1]),
        "later": float(later[-1]) if since[-1] > 0 else None,
    }  # fmt: skip
    return drifted, warned, last


def _powers(fade: float, exponents: NDArray[np.int64]) -> Values:
    """The powers of a number below 1; what is too small for a double is 0."""
    table = _power_table(fade)
    return table[np.minimum(exponents, table.size - 1)]


@cache
def _power_table(fade: float) -> Values:
    most = int(np.ceil(-745.0 / np.log(fade))) + 2
    return np.power(fade, np.arange(most, dtype=np.float64))


def _bounds(weight: float, n: NDArray[np.int64], confidence: float) -> Values:
    found: Values = np.sqrt(_shares(weight, n) * np.log(1 / confidence) / 2)
    return found


def _shares(weight: float, n: NDArray[np.int64]) -> Values:
    """The sum of squared weights of a mean over n values, as the recursion gives it."""
    table = _share_table(weight)
    return table[np.minimum(n, table.size - 1)]


@cache
def _share_table(weight: float) -> Values:
    """The recursion until it stands still."""
    found = [1.0]
    square, fade = weight * weight, (1 - weight) ** 2
    while len(found) == 1 or found[-1] != found[-2]:
        found.append(square + fade * found[-1])
    return np.array(found)
