"""What may have been seen before: a quick, never wrong 'no', so that most rows need no search."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from controlplane.store.row_hashes import Hashes

_BITS_EACH: Final = 16
_PROBES: Final = 4
_LEAST: Final = 1 << 12


class IdFilter:
    """A Bloom filter over 64-bit hashes; at its capacity one 'maybe' in 400 is wrong.

    `total` says how many hashes come at first. What was added in a transaction that was undone
    stays: that makes 'maybe' more frequent, and nothing else.
    """

    def __init__(self, total: int, hashes: Iterable[Hashes] = ()) -> None:
        self.capacity = _LEAST
        while self.capacity < total * 3 // 2:
            self.capacity *= 2
        self._mask = np.uint64(self.capacity * _BITS_EACH - 1)
        bits = np.zeros(self.capacity * _BITS_EACH, dtype=np.bool_)
        self.size = 0
        for some in hashes:
            for places in self._probes(some):
                bits[places] = True
            self.size += len(some)
        self._bits = np.packbits(bits, bitorder="little")

    @property
    def full(self) -> bool:
        """Whether it holds more than it was made for; a new one should be made."""
        return self.size > self.capacity

    def add(self, hashes: Hashes) -> None:
        """Take hashes in; shape (n,)."""
        for places in self._probes(hashes):
            np.bitwise_or.at(self._bits, places >> np.uint64(3), _bit(places))
        self.size += len(hashes)

    def maybe(self, hashes: Hashes) -> NDArray[np.bool_]:
        """False where a hash was certainly never added; shape (n,)."""
        seen = np.ones(len(hashes), dtype=np.bool_)
        for places in self._probes(hashes):
            seen &= (self._bits[places >> np.uint64(3)] & _bit(places)) != 0
        return seen

    def _probes(self, hashes: Hashes) -> list[Hashes]:
        """The places of each hash, by double hashing."""
        step = (hashes >> np.uint64(32)) | np.uint64(1)
        places = [hashes + np.uint64(probe) * step for probe in range(_PROBES)]
        return [(place ^ (place >> np.uint64(29))) & self._mask for place in places]


def filters_of(total: int, tables: Iterable[Mapping[str, Hashes]]) -> dict[str, IdFilter]:
    """A filter a kind of hash, over the hashes of a table's parts; `total` rows in all."""
    parts = list(tables)
    kinds = list(parts[0]) if parts else []
    return {kind: IdFilter(total, (part[kind] for part in parts)) for kind in kinds}


def _bit(places: Hashes) -> NDArray[np.uint8]:
    return np.left_shift(np.uint8(1), (places & np.uint64(7)).astype(np.uint8))
