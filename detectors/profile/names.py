"""The levels of a column: every one while they are few, then the frequent ones and sketches.

Up to 1,024 levels each stands with its rows, and nothing is lost. Beyond, 256 are kept by the rule
of Misra and Gries, whose summaries merge (Agarwal et al. 2012): the count of the 257th is taken
off all. A kept count is then too low by `undercount` at most, a level that is not kept has at most
so many rows, and that is never more than rows / 257. Beside them stand the rows in 64 buckets of a
stable hash, for distances between shares, and 4,096 registers for the number of levels; both merge
exactly and in any order.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from detectors.profile import hashing
from detectors.reading import Counts

MOST_LEVELS: Final = 1024
HEAVY: Final = 256
_MOST_SINGLY: Final = 5_000
"""Texts whose characters are counted one by one; of more, by Arrow."""
LONGEST: Final = 63
"""Lengths of texts are counted up to so many characters; longer ones together."""


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Levels, the most frequent first and those of equal count by name, with their rows.

    `buckets` and `registers` are empty while every level is there. `once` is how many levels one
    row holds, None where that is no longer known. `lengths[k]` counts rows whose text has k
    characters; empty where the lengths are not to be told.
    """

    names: tuple[str, ...] = ()
    held: tuple[int, ...] = ()
    rows: int = 0
    undercount: int = 0
    buckets: tuple[int, ...] = ()
    registers: bytes = b""
    once: int | None = 0
    lengths: tuple[int, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether every level is there."""
        return not self.registers

    @property
    def distinct(self) -> int:
        """How many levels there are; beyond 1,024 with a relative standard error of 1.6 %."""
        if self.exact:
            return len(self.names)
        return hashing.distinct(np.frombuffer(self.registers, dtype=np.uint8))


def named(names: pa.Array, held: Counts) -> Names:
    """The levels of a sample from its distinct ones, none null, and the rows of each.

    >>> found = named(pa.array(["a", "b"]), np.array([1, 3]))
    >>> found.names, found.held, found.once, found.lengths
    (('b', 'a'), (3, 1), 1, (0, 4))
    """
    whole = Names(
        rows=int(held.sum()),
        once=int(np.count_nonzero(held == 1)),
        lengths=_lengths(names, held),
    )
    if len(names) <= MOST_LEVELS:
        return _ordered(whole, names.to_pylist(), held.tolist())
    words = hashing.hashes(names)
    return msgspec.structs.replace(
        _heavy(whole, names, held),
        buckets=tuple(hashing.bucketed(words, held).tolist()),
        registers=hashing.registered(words).tobytes(),
    )


def merged(parts: Sequence[Names]) -> Names:
    """The levels of all rows together; what is exact is so in any order of the parts."""
    total: dict[str, int] = {}
    for part in parts:
        for name, held in zip(part.names, part.held, strict=True):
            total[name] = total.get(name, 0) + held
    exact = all(part.exact for part in parts)
    whole = Names(
        rows=sum(part.rows for part in parts),
        undercount=sum(part.undercount for part in parts),
        once=sum(held == 1 for held in total.values()) if exact else None,
        lengths=_added([part.lengths for part in parts]),
    )
    if exact and len(total) <= MOST_LEVELS:
        return _ordered(whole, [*total], [*total.values()])
    sketches = [_sketched(part) for part in parts]
    return msgspec.structs.replace(
        _heavy(whole, pa.array([*total], pa.string()), np.array([*total.values()], dtype=np.int64)),
        buckets=_added([part.buckets for part in sketches]),
        registers=np.max(
            [np.frombuffer(part.registers, dtype=np.uint8) for part in sketches], axis=0
        ).tobytes(),
    )


def buckets_of(found: Names) -> tuple[int, ...]:
    """Rows in each of the 64 buckets, whether levels are all there or not."""
    return _sketched(found).buckets


def _sketched(part: Names) -> Names:
    """The same with buckets and registers, as its rows would have given them."""
    if not part.exact:
        return part
    words = hashing.hashes(pa.array(part.names, pa.string()))
    held = np.array(part.held, dtype=np.int64)
    return msgspec.structs.replace(
        part,
        buckets=tuple(hashing.bucketed(words, held).tolist()),
        registers=hashing.registered(words).tobytes(),
    )


def _ordered(whole: Names, names: Sequence[str], held: Sequence[int]) -> Names:
    """With these levels, in their order."""
    pairs = sorted(zip(names, held, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return msgspec.structs.replace(
        whole, names=tuple(name for name, _ in pairs), held=tuple(rows for _, rows in pairs)
    )


def _heavy(whole: Names, names: pa.Array, held: Counts) -> Names:
    """With the levels that are left when the count of the 257th is taken off all."""
    off = int(np.partition(held, -HEAVY - 1)[-HEAVY - 1]) if held.size > HEAVY else 0
    keep = held > off
    kept = _ordered(whole, names.filter(pa.array(keep)).to_pylist(), (held[keep] - off).tolist())
    return msgspec.structs.replace(kept, undercount=whole.undercount + off)


def _lengths(names: pa.Array, held: Counts) -> tuple[int, ...]:
    if not len(names):
        return ()
    lengths = np.minimum(_characters(names), LONGEST)
    return tuple(np.bincount(lengths, weights=held).astype(np.int64).tolist())


def _characters(names: pa.Array) -> Counts:
    if len(names) > _MOST_SINGLY:
        import pyarrow.compute as pc  # noqa: PLC0415 - where there are few, the import costs more

        many: Counts = pc.utf8_length(names).to_numpy().astype(np.int64)
        return many
    return np.array([len(name) for name in names.to_pylist()], dtype=np.int64)


def _added(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Sums over counts of different lengths."""
    total = np.zeros(max((len(row) for row in rows), default=0), dtype=np.int64)
    for row in rows:
        total[: len(row)] += np.array(row, dtype=np.int64)
    return tuple(total.tolist())
