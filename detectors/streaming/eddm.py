"""EDDM: how many values lie between two errors, against the widest spacing there was."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from detectors.streaming.state import (
    Indices,
    Memory,
    Outcome,
    Parameter,
    Params,
    Values,
    first,
    upto,
)

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "warm_start": Parameter(30, 1, 1e9),
    "alpha": Parameter(0.95, 0.0, 1.0),
    "beta": Parameter(0.9, 0.0, 1.0),
}


def step(params: Params, memory: Memory, values: Values) -> Outcome:
    """Read a run of errors, 0 or 1, 1 for a wrong answer.

    Alarms when mean + 2 sd of the spacings falls below `beta` of its maximum, warns below `alpha`
    (Baena-García and others 2006). The warning stands until the next error says otherwise.
    """
    at = np.flatnonzero(values == 1.0)
    warned = bool(memory.get("warned", False))
    before = memory.get("n", 0)
    base = {**memory, "n": before + values.size}
    if not at.size:
        return Outcome(base, None, np.arange(values.size) if warned else np.empty(0, np.int64))
    place = before + 1 + at
    spacing = np.diff(place, prepend=memory.get("last", 0)).astype(np.float64)
    errors = memory.get("errors", 0) + np.arange(1.0, at.size + 1.0)
    total = memory.get("total", 0.0) + np.cumsum(spacing)
    squares = memory.get("squares", 0.0) + np.cumsum(spacing * spacing)
    spread = np.maximum(squares - total * total / errors, 0.0) / np.maximum(errors - 1.0, 1.0)
    reach = total / errors + 2.0 * np.sqrt(spread)
    seen = np.where(place > params["warm_start"], reach, -np.inf)
    most = np.maximum.accumulate(np.concatenate(([memory.get("most", -1.0)], seen)))
    judged = (seen > -np.inf) & (seen <= most[:-1]) & (errors > params["warm_start"])
    level = np.where(judged, reach / most[1:], np.inf)
    drifted = level < params["beta"]
    flags = _standing(judged & ~drifted, level < params["alpha"], warned=warned)
    alarm = first(drifted)
    base |= {
        "last": int(place[-1]), "errors": int(errors[-1]), "total": float(total[-1]),
        "squares": float(squares[-1]), "most": float(most[-1]), "warned": bool(flags[-1]),
    }  # fmt: skip
    end = None if alarm is None else int(at[alarm])
    return Outcome(base, end, _spread_out(flags, at, end, values.size, warned))


def _standing(
    told: np.ndarray[tuple[int], np.dtype[np.bool_]],
    low: np.ndarray[tuple[int], np.dtype[np.bool_]],
    *,
    warned: bool,
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether the warning stands after each error: what was told last."""
    newest = np.maximum.accumulate(np.where(told, np.arange(told.size), -1))
    return np.where(newest < 0, warned, low[newest])


def _spread_out(
    flags: np.ndarray[tuple[int], np.dtype[np.bool_]],
    at: Indices,
    end: int | None,
    size: int,
    warned: bool,  # noqa: FBT001 - the flag that the first stretch inherits
) -> Indices:
    """The values during which the warning stands, from the errors at which it was told."""
    if not warned and not flags.any():
        return np.empty(0, dtype=np.int64)
    lengths = np.diff(at, prepend=0, append=size)
    each = np.repeat(np.concatenate(([warned], flags)), lengths)
    return upto(each, end)
