"""What every sequential detector takes and gives: a state that is plain JSON, and what it heard.

A detector is a function from its parameters, what it remembers and a run of values to what it
remembers next and the first alarm. Here such functions are led over a whole batch: in runs that
grow as long as nothing alarms, afresh after an alarm.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Indices = NDArray[np.int64]
Memory = dict[str, Any]
Setting = float | int | bool | str
Params = Mapping[str, Any]

FIRST: Final = 512
"""Values of the first run after an alarm: little is thrown away where alarms are many."""
MOST: Final = 16_384
"""Values of the longest run: its columns fit a core's cache."""
NONE: Final[Indices] = np.empty(0, dtype=np.int64)


class Parameter(msgspec.Struct, frozen=True):
    """A parameter: its default, the values it may take (bounds included), or its words."""

    default: Setting
    low: float = 0.0
    high: float = 1.0
    words: tuple[str, ...] = ()


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A detector between two batches; encodes to JSON and back without loss.

    `n_seen` counts the known values read since the state was made, over alarms;
    `last_event_id` is for the caller, who says of each batch what its last event was. `state` is
    what the detector remembers of the values since its last alarm. `version` is that of its form.
    """

    detector: str
    params: dict[str, Setting]
    version: int
    n_seen: int = 0
    last_event_id: str | None = None
    state: dict[str, Any] = {}


class Heard(msgspec.Struct, frozen=True):
    """What a batch made a detector say: positions within the batch, ascending."""

    alarms: Indices
    warnings: Indices = NONE


class Outcome(msgspec.Struct, frozen=True):
    """A run read up to its first alarm.

    `memory` is what is remembered where there was no alarm; `warnings` are up to the alarm.
    """

    memory: Memory
    alarm: int | None = None
    warnings: Indices = NONE


Step = Callable[[Params, Memory, Values], Outcome]


def lead(step: Step, params: Params, memory: Memory, values: Values) -> tuple[Memory, Heard]:
    """Lead a detector over a batch; the memory after it, `{}` where the last value alarmed."""
    alarms: list[int] = []
    warnings: list[Indices] = []
    begin, size = 0, FIRST
    while begin < values.size:
        run = values[begin : begin + size]
        outcome = step(params, memory, run)
        if outcome.warnings.size:
            warnings.append(outcome.warnings + begin)
        if outcome.alarm is None:
            memory, begin, size = outcome.memory, begin + run.size, min(2 * size, MOST)
        else:
            alarms.append(begin + outcome.alarm)
            memory, begin, size = {}, begin + outcome.alarm + 1, max(size // 2, FIRST)
    told = np.concatenate(warnings) if warnings else NONE
    return memory, Heard(np.array(alarms, dtype=np.int64), told)


def first(where: NDArray[np.bool_]) -> int | None:
    """The first position that holds, None where none does."""
    at = int(where.argmax()) if where.size else 0
    return at if where.size and where[at] else None


def upto(where: NDArray[np.bool_], alarm: int | None) -> Indices:
    """The positions that hold, those after an alarm left out."""
    return np.flatnonzero(where if alarm is None else where[: alarm + 1])


def counted(memory: Memory, values: Values) -> tuple[NDArray[np.float64], Values]:
    """How many values were read and their sum, after each of a run: `n` and `total` go on.

    The sum is taken in order, so that cutting a stream elsewhere gives the same bits.
    """
    n = memory.get("n", 0) + np.arange(1.0, values.size + 1.0)
    total = np.cumsum(np.concatenate(([memory.get("total", 0.0)], values)))[1:]
    return n, total


def held(moved: NDArray[np.bool_], values: Values, before: float) -> Values:
    """At each position the value at the newest position that moved; `before` until there is one."""
    newest = np.maximum.accumulate(np.where(moved, np.arange(moved.size), -1))
    return np.where(newest < 0, before, values[newest])


def kept(value: float) -> float | None:
    """A number as it is remembered: JSON has no infinities, so they become None."""
    return float(value) if np.isfinite(value) else None


def known(value: float | None, otherwise: float) -> float:
    """A remembered number; what None stood for otherwise."""
    return otherwise if value is None else value


def smoothed(values: Values, weight: float, before: float) -> Values:
    """The recursion y = weight·x + (1 - weight)·y over a run, `before` the value it begins from."""
    # Here, because loading scipy.signal takes half a second that other detectors need not pay.
    from scipy.signal import lfilter  # noqa: PLC0415

    fade = 1.0 - weight
    found: Values = lfilter([weight], [1.0, -fade], values, zi=[fade * before])[0]
    return found
