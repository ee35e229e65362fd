"""What the index of ids keeps of a row: a hash of its id, and when and as what it happened.

They are made here rather than in SQL so that appending a handful of rows costs no statement.
Two rows with one hash only cost a question.
"""

from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Micros = NDArray[np.int64]

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_LAST: Final = np.uint64(31)
_NARROW: Final = 64
"""Bytes of a text."""
_MANY: Final = 64
"""Texts."""
_BLOCK: Final = 2048
"""Texts that are hashed at once: what is needed meanwhile stays in the processor's cache."""
_ROLES: Final = pa.array(["live", "canary", "reference", "shadow"])
_OTHER: Final = 4
_SHADOW: Final = 3
_VERSIONS: Final = 16
_KIND_BITS: Final = np.uint64(5)
_YEAR_1: Final = -62_135_596_800_000_000
"""The least time that the store keeps, in microseconds since 1970."""
WAITING: Final = 1
"""The kind of a label whose prediction is not there yet; its time is when it was known."""


def row_entries(rows: pa.Table) -> tuple[Hashes, Hashes]:
    """Of rows with `id, at, role, version`: hashes of the ids, and moments with what makes a row
    one that is stored once: its role, and in the shadow four bits of the version's hash.
    Shapes (rows,)."""
    roles = pc.fill_null(pc.index_in(rows["role"].cast(pa.string()), _ROLES), _OTHER)
    kinds = roles.to_numpy().astype(np.uint64)
    if (kinds == _SHADOW).any():
        versions = text_hashes(pc.fill_null(rows["version"].cast(pa.string()), ""))
        shadows = np.uint64(_VERSIONS) + versions % np.uint64(_VERSIONS)
        kinds = np.where(kinds == _SHADOW, shadows, kinds)
    return text_hashes(rows["id"]), packed(micros(rows["at"]), kinds)


def micros(times: pa.ChunkedArray) -> Micros:
    """Times without nulls as microseconds since 1970, shape (n,)."""
    found: Micros = times.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    return found


def packed(moments: Micros, kinds: Hashes | int) -> Hashes:
    """A moment and what it is of (0 to 31) in one number that orders by time, shape (n,)."""
    since = (moments - _YEAR_1).view(np.uint64)
    both: Hashes = (since << _KIND_BITS) | np.asarray(kinds, np.uint64)
    return both


def moments_of(values: Hashes) -> Micros:
    """The moments of packed values, shape (n,).

    >>> moments_of(packed(np.array([-5, 7]), 3)).tolist()
    [-5, 7]
    """
    found: Micros = (values >> _KIND_BITS).view(np.int64) + _YEAR_1
    return found


def kinds_of(values: Hashes) -> Hashes:
    """What packed values are of, shape (n,)."""
    kinds: Hashes = values & np.uint64((1 << int(_KIND_BITS)) - 1)
    return kinds


def text_hashes(texts: pa.ChunkedArray | pa.Array) -> Hashes:
    """A 64-bit hash a text, by a polynomial over its bytes; shape (rows,)."""
    if isinstance(texts, pa.Array):
        texts = pa.chunked_array([texts])
    parts = [
        _of_block(chunk.slice(first, _BLOCK))
        for chunk in texts.cast(pa.string()).chunks
        for first in range(0, len(chunk), _BLOCK)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _of_block(texts: pa.StringArray) -> Hashes:
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(bounds)
    if len(texts) >= _MANY and 0 < lengths[0] <= _NARROW and (lengths == lengths[0]).all():
        return _of_one_length(np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]], len(texts))
    places = np.arange(bounds[-1] - bounds[0]) - np.repeat(bounds[:-1] - bounds[0], lengths)
    weights = np.full(int(lengths.max()) + 1, _BASE)
    weights[0] = 1
    weights = np.multiply.accumulate(weights)
    letters = np.frombuffer(data or b"", np.uint8)[bounds[0] : bounds[-1]].astype(np.uint64)
    sums = np.zeros(len(letters) + 1, np.uint64)
    np.cumsum((letters + np.uint64(1)) * weights[places], out=sums[1:])
    starts = bounds - bounds[0]
    return _mixed(sums[starts[1:]] - sums[starts[:-1]])


def _of_one_length(letters: NDArray[np.uint8], texts: int) -> Hashes:
    """The same of texts as long as each other, letter by letter: of UUIDs in a fifth of the time.
    Shape (texts,)."""
    sums, weight = np.zeros(texts, np.uint64), np.uint64(1)
    with np.errstate(over="ignore"):
        for column in letters.reshape(texts, -1).T:
            sums += (column.astype(np.uint64) + np.uint64(1)) * weight
            weight *= _BASE
    return _mixed(sums)


def _mixed(values: Hashes) -> Hashes:
    """Every bit of the result depends on every bit of the value (splitmix64's finish)."""
    for shift, factor in _MIX:
        values = (values ^ (values >> shift)) * factor
    mixed: Hashes = values ^ (values >> _LAST)
    return mixed


class Asked(msgspec.Struct, frozen=True):
    """Hashes that are looked for: as they came, the order that sorts them, and sorted; all of
    shape (n,). Sorted once for all that is done with them."""

    hashes: Hashes
    order: NDArray[np.int64]
    ordered: Hashes

    @property
    def repeated(self) -> NDArray[np.int64]:
        """The places of hashes that stand more than once."""
        if len(self.ordered) == 1:
            return self.order[:0]
        same = self.ordered[1:] == self.ordered[:-1]
        twice = np.zeros(len(self.ordered), np.bool_)
        twice[1:] |= same
        twice[:-1] |= same
        return self.order[twice]


def asked_for(hashes: Hashes) -> Asked:
    """Hashes, sorted.

    >>> asked_for(np.array([7, 3, 7], np.uint64)).repeated.tolist()
    [0, 2]
    """
    order = np.argsort(hashes)  # those of one hash in any order, which is quicker
    return Asked(hashes, order, hashes[order])
