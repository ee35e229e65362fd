"""Sorted numbers as runs of equal ones: what everything else about them is computed from."""

from collections.abc import Sequence

import msgspec
import numpy as np

from detectors.reading import Counts, Floats


class Runs(msgspec.Struct, frozen=True):
    """Distinct finite values in increasing order, and how many rows hold each or a smaller one."""

    values: Floats
    ends: Counts

    @property
    def rows(self) -> int:
        """How many rows hold a value."""
        return int(self.ends[-1]) if self.ends.size else 0

    @property
    def held(self) -> Counts:
        """How many rows hold each value."""
        return np.diff(self.ends, prepend=0)

    def at(self, ranks: Counts) -> Floats:
        """The values of the rows at these ranks, 0 being the least value's first row."""
        return self.values[self.ends.searchsorted(ranks, side="right")]

    def below(self, limits: Floats) -> Counts:
        """How many rows hold a value less than each of the limits."""
        return self.before(self.values.searchsorted(limits, side="left"))

    def up_to(self, limits: Floats) -> Counts:
        """How many rows hold a value not greater than each of the limits."""
        return self.before(self.values.searchsorted(limits, side="right"))

    def before(self, places: Counts) -> Counts:
        """How many rows hold a value before each of these places, 0 to the number of values."""
        if not self.ends.size:
            return np.zeros_like(places)
        return np.where(places > 0, self.ends[places - 1], 0)

    def held_at(self, places: Counts) -> Counts:
        """How many rows hold the value at each of these places."""
        return self.ends[places] - self.before(places)


def runs(ordered: Floats) -> Runs:
    """The runs of sorted finite numbers; two passes.

    >>> found = runs(np.array([1.0, 1.0, 4.0]))
    >>> found.values.tolist(), found.ends.tolist()
    ([1.0, 4.0], [2, 3])
    """
    if not ordered.size:
        return Runs(ordered, np.zeros(0, dtype=np.int64))
    changes = ordered[1:] != ordered[:-1]
    if changes.all():
        return Runs(ordered, np.arange(1, ordered.size + 1))
    last = np.append(np.flatnonzero(changes), ordered.size - 1)
    return Runs(ordered[last], last + 1)


def pooled(parts: Sequence[Runs]) -> Runs:
    """The runs of all rows together; the same whatever the order of the parts.

    >>> found = pooled([runs(np.array([1.0, 4.0])), runs(np.array([4.0]))])
    >>> found.values.tolist(), found.ends.tolist()
    ([1.0, 4.0], [1, 3])
    """
    values = np.concatenate([part.values for part in parts])
    held = np.concatenate([part.held for part in parts])
    order = np.argsort(values, kind="stable")
    values, ends = values[order], np.cumsum(held[order])
    if not values.size:
        return Runs(values, ends)
    last = np.append(np.flatnonzero(values[1:] != values[:-1]), values.size - 1)
    return Runs(values[last], ends[last])
