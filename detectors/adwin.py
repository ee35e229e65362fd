"""ADWIN over a stream of errors, by river; its state is rebuilt by feeding it again."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_SETTINGS: Final = {"clock": 32, "max_buckets": 5, "min_window_length": 5, "grace_period": 10}


class Adwin:
    """A window over a stream that shrinks when its mean has changed (Bifet and Gavaldà 2007)."""

    def __init__(self, delta: float) -> None:
        self._delta = delta
        self._kind: Any = _implementation()
        self._window = self._kind(delta=delta, **_SETTINGS)

    def feed(self, values: list[float]) -> list[int]:
        """Read values one after another; the indices at which a change was detected."""
        found = []
        update = self._window.update
        for index, value in enumerate(values):
            if update(value):
                found.append(index)
                self._window = self._kind(delta=self._delta, **_SETTINGS)
                update = self._window.update
        return found


def fresh(delta: float = 0.002) -> Adwin:
    """A detector that has read nothing; `delta` in (0, 1) is its significance level."""
    if not 0.0 < delta < 1.0:
        raise ValueError(
            f"ADWIN's delta is {delta}; expected a level between 0 and 1, such as 0.002"
        )
    return Adwin(delta)


def feed(state: Adwin, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Feed errors in [0, 1] in event-time order; the indices of this batch at which it alarmed.

    The state moves on. Values outside [0, 1] are clipped; NaN, an error not known, is passed over
    and keeps its index. Splitting a stream into batches changes nothing.
    """
    known = np.flatnonzero(~np.isnan(values))
    found = state.feed(np.clip(values[known], 0.0, 1.0).tolist())
    return known[np.array(found, dtype=np.int64)].astype(np.int64)


def alarms(errors: NDArray[np.float64], *, delta: float = 0.002) -> NDArray[np.int64]:
    """The indices at which a fresh detector alarms over a whole stream of errors in [0, 1].

    >>> generator = np.random.default_rng(5)
    >>> stream = np.concatenate([generator.random(1000) < 0.1, generator.random(1000) < 0.4])
    >>> alarms(stream.astype(np.float64)).tolist()
    [1055]
    """
    return feed(fresh(delta), np.asarray(errors, dtype=np.float64))


def _implementation() -> Any:  # noqa: ANN401 - river publishes no type for it
    """River's compiled ADWIN itself: `river.drift` around it imports scikit-learn as well, a
    second and a hundred megabytes that a server which only watches need not pay."""
    from river._river_rust.drift import AdaptiveWindowing  # noqa: PLC0415 - only when asked for

    return AdaptiveWindowing
