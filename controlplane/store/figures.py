"""What the store and the scheduler know of their own work, for whoever watches the server."""

import threading
from typing import Final

import msgspec

SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
)  # fmt: skip
"""Upper bounds of durations."""


class Tallied(msgspec.Struct, frozen=True, kw_only=True):
    """How often something took at most so long: `counts` are cumulative, one a bound."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    count: int
    total: float
    """Seconds of all together."""


class Tally:
    """Counts durations; any thread.

    >>> tally = Tally((1.0, 2.0))
    >>> for seconds in (0.5, 1.0, 1.5, 9.0):
    ...     tally.observe(seconds)
    >>> tally.read().counts, tally.read().count, tally.read().total
    ((2, 3), 4, 12.0)
    """

    def __init__(self, bounds: tuple[float, ...] = SECONDS) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0
        self._lock = threading.Lock()

    def observe(self, seconds: float) -> None:
        """Something took so long."""
        place = sum(bound < seconds for bound in self._bounds)
        with self._lock:
            self._counts[place] += 1
            self._total += seconds

    def read(self) -> Tallied:
        """The counts so far."""
        with self._lock:
            counts, total = tuple(self._counts), self._total
        cumulative = tuple(sum(counts[: i + 1]) for i in range(len(self._bounds)))
        return Tallied(bounds=self._bounds, counts=cumulative, count=sum(counts), total=total)


class StoreFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How the store is: what waits to be written, the log, how long commits and checkpoints took."""

    queue_entries: int
    queue_bytes: int
    wal_bytes: int
    commits: Tallied
    checkpoints: Tallied
