"""EDDM: how many values lie between two errors, against the widest spacing there was."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.streaming.state import (
    NONE,
    Indices,
    Memory,
    Outcome,
    Parameter,
    Params,
    Values,
    first,
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
    at = (values == 1.0).nonzero()[0]
    warned = bool(memory.get("warned", False))
    before = memory.get("n", 0)
    if not at.size:
        after = {**memory, "n": before + values.size}
        return Outcome(after, None, np.arange(values.size) if warned else NONE)
    spaced = _spaced(memory, at, before)
    # Both conditions hold from some error on: that its place, and then its number, is beyond them.
    seen = _beyond(params["warm_start"], before, at)
    judged = max(seen, int(params["warm_start"]) - int(memory.get("errors", 0)), 0)
    most = np.maximum.accumulate(np.append(memory.get("most", -1.0), spaced.reach[seen:]))
    level = spaced.reach[judged:] / most[judged - seen + 1 :]
    alarm = first(level < params["beta"])
    last = values.size if alarm is None else int(at[judged + alarm]) + 1
    told = level if alarm is None else level[: alarm + 1]
    low = told < params["alpha"]
    flags = None
    if warned or low.any():
        # A new maximum tells nothing, and neither does the alarm itself.
        tells = spaced.reach[judged : judged + told.size] <= most[judged - seen :][: told.size]
        tells &= told >= params["beta"]
        flags = np.full(judged + told.size, warned)
        flags[judged:] = _standing(tells, low, warned=warned)
    warnings = NONE if flags is None else _spread_out(flags, at, last, warned)
    if alarm is not None:
        return Outcome({}, last - 1, warnings)
    return Outcome({
        "n": before + values.size, "last": int(before + 1 + at[-1]),
        "errors": int(spaced.errors[-1]), "total": float(spaced.total[-1]),
        "squares": float(spaced.squares[-1]), "most": float(most[-1]),
        "warned": flags is not None and bool(flags[-1]),
    }, None, warnings)  # fmt: skip


class _Spaced(NamedTuple):
    """After each error of a run: how many there were, the sums of the spacings and of their
    squares, and their mean + 2 sd."""

    errors: Values
    total: Values
    squares: Values
    reach: Values


def _spaced(memory: Memory, at: Indices, before: int) -> _Spaced:
    last, number = memory.get("last", 0), memory.get("errors", 0)
    place = at + (before + 1.0)
    spacing = place.copy()
    spacing[0] -= last
    spacing[1:] -= place[:-1]
    errors = np.arange(number + 1.0, number + at.size + 1.0)
    # Spacings are whole numbers, so that these sums are exact in any order.
    total = place + (memory.get("total", 0.0) - last)
    squares = np.cumsum(spacing * spacing)
    squares += memory.get("squares", 0.0)
    mean = total / errors
    spread = total * total
    spread /= errors
    np.subtract(squares, spread, out=spread)
    np.maximum(spread, 0.0, out=spread)
    spread /= np.maximum(errors - 1.0, 1.0)
    np.sqrt(spread, out=spread)
    spread *= 2.0
    mean += spread
    return _Spaced(errors, total, squares, mean)


def _beyond(warm: float, before: int, at: Indices) -> int:
    """The first error whose place, counted from 1, lies beyond the warm start."""
    if before >= warm:
        return 0
    return int(at.searchsorted(warm - before - 1, side="right"))


def _standing(
    told: NDArray[np.bool_], low: NDArray[np.bool_], *, warned: bool
) -> NDArray[np.bool_]:
    """Whether the warning stands after each error: what was told last."""
    newest = np.maximum.accumulate(np.where(told, np.arange(told.size), -1))
    return np.where(newest < 0, warned, low[newest])


def _spread_out(flags: NDArray[np.bool_], at: Indices, end: int, warned: bool) -> Indices:  # noqa: FBT001 - the flag that the first stretch inherits
    """The values before `end` during which the warning stands, from the errors that told it."""
    begins = np.concatenate(([0], at[: flags.size], [end]))
    each = np.repeat(np.append(warned, flags), begins[1:] - begins[:-1])
    return each.nonzero()[0]
