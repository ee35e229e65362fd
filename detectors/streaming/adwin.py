"""ADWIN: a window that shrinks when its newer part differs from its older, by river's own code.

River's compiled object is led over a batch, and what it remembers is kept as named numbers: its
state is read from, and written to, the bytes that it gives of itself.
"""

import struct
from collections.abc import Mapping
from operator import length_hint
from typing import Any, Final

import numpy as np

from detectors.streaming.state import Heard, Memory, Parameter, Params, Values

PARAMETERS: Final[Mapping[str, Parameter]] = {
    "delta": Parameter(0.002, 1e-300, 0.999),
    "clock": Parameter(32, 1, 2**31),
    "max_buckets": Parameter(5, 2, 1000),
    "min_window_length": Parameter(5, 1, 2**31),
    "grace_period": Parameter(10, 1, 2**31),
}
_HEAD: Final = struct.Struct("<dIQdddddd4IQ")
_SUMS: Final = ("total", "variance", "width", "total_width")
_COUNTS: Final = ("buckets", "most_buckets", "ticks", "detections")
_TAIL: Final = struct.Struct("<dIQII")
_WORDS: Final = struct.Struct("<QQQ")


def feed(params: Params, memory: Memory, values: Values) -> tuple[Memory, Heard]:
    """Read a batch of values, best in [0, 1], for which the bound was made.

    Alarms when two parts of the window differ by more than √(2/m·σ²·ln(2/δ')) + 2/(3m)·ln(2/δ'),
    looked at every `clock` values (Bifet and Gavaldà 2007). Begins afresh after an alarm.
    """
    alarms: list[int] = []
    window, fresh = _window(params, memory), False
    numbers = values.tolist()
    remaining = iter(numbers)
    # `any` stops at the value that alarms, with no step of ours between two values.
    while any(map(window.update, remaining)):
        alarms.append(len(numbers) - length_hint(remaining) - 1)
        window, fresh = _window(params, {}), True
    is_empty = fresh and alarms[-1] == len(numbers) - 1
    after = {} if is_empty else remembered(window.__getstate__())
    return after, Heard(np.array(alarms, dtype=np.int64))


def _window(params: Params, memory: Memory) -> Any:  # noqa: ANN401 - river publishes no type
    """River's compiled ADWIN itself: `river.drift` around it imports scikit-learn as well, a
    second and a hundred megabytes that a server which only watches need not pay."""
    from river._river_rust.drift import AdaptiveWindowing  # noqa: PLC0415 - only when asked for

    window = AdaptiveWindowing(**params)
    if memory:
        fresh = window.__getstate__()
        if written(params, remembered(fresh)) != fresh:
            message = (
                "this river keeps ADWIN's state in a form that is not known here; expected that of "
                "river 0.26: install it, or begin the stream afresh"
            )
            raise ValueError(message)
        window.__setstate__(written(params, memory))
    return window


def remembered(state: bytes) -> Memory:
    """The sums, counts and buckets in the bytes of a window.

    A row of buckets holds those of one size, 2 to the power of its place: `used` of them, with
    their totals and variances.
    """
    head = _HEAD.unpack_from(state)
    found: Memory = dict(zip(_SUMS, head[5:9], strict=True))
    found.update(zip(_COUNTS, head[9:13], strict=True))
    rows: list[dict[str, Any]] = []
    place = _HEAD.size
    for _ in range(head[13]):
        _, used, slots = _WORDS.unpack_from(state, place)
        totals = struct.unpack_from(f"<{slots}d", state, place + 24)
        variances = struct.unpack_from(f"<{slots}d", state, place + 32 + 8 * slots)
        rows.append({"used": used, "totals": list(totals), "variances": list(variances)})
        place += 32 + 16 * slots
    found["rows"] = rows
    return found


def written(params: Params, memory: Memory) -> bytes:
    """The bytes of a window with these parameters that remembers this."""
    delta, clock, most = float(params["delta"]), int(params["clock"]), int(params["max_buckets"])
    least, grace = int(params["min_window_length"]), int(params["grace_period"])
    parts = [
        _HEAD.pack(
            delta, clock, most, least, grace, *(float(memory[name]) for name in _SUMS),
            *(int(memory[name]) for name in _COUNTS), len(memory["rows"]),
        )
    ]  # fmt: skip
    for row in memory["rows"]:
        slots = len(row["totals"])
        parts.append(_WORDS.pack(most, row["used"], slots))
        parts.append(struct.pack(f"<{slots}dQ{slots}d", *row["totals"], slots, *row["variances"]))
    parts.append(_TAIL.pack(delta, clock, most, least, grace))
    return b"".join(parts)
