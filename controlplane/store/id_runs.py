"""Sorted runs of (hash of an id, moment): in memory while fresh, in files that are never altered.

A file holds hashes in order, the packed moments beside them, and a filter that says of nearly
every id that never came that it did not, at the price of one word read. It is mapped, not loaded:
what the system has to forget it forgets. Rows are read in hash order, so that neighbours in a
batch are neighbours in the file.
"""

import mmap
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from controlplane.domain.errors import StorageError
from controlplane.store.row_hashes import Hashes

Part = tuple[Hashes, Hashes]
"""Hashes in order and the values beside them, shapes (n,) and (n,)."""
Found = tuple[NDArray[np.int64], Hashes]
"""Places among the hashes asked about, and a value that is kept of each; shapes (m,)."""

HEAD: Final = 4096
BITS_EACH: Final = 16
"""Of the filter, per row: one id in 190 that never came is looked for in vain."""
PROBES: Final = 4
SLICE_ROWS: Final = 1 << 19
"""Rows that a merge holds at once."""
MAPPED: Final = 64 << 20
"""Of a file as large as this not all is kept in memory that was looked at: the system maps whole
neighbourhoods of a page."""
TOUCHES: Final = 256
"""So many ids are looked for before pages of a large file are given back."""
_BLOCK: Final = 1 << 20
_WORD: Final = 8


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of itself; checksums are of its three parts."""

    format: int
    rows: int
    words: int
    checksums: tuple[int, int, int]


class Run:
    """One file, mapped. Any thread may read it; `close` is left to the last that does."""

    def __init__(self, path: Path) -> None:
        """Map a file. Raises StorageError where it is missing, cut short or not ours."""
        self.path = path
        self._touched = 0
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.head = msgspec.json.decode(self._map[:HEAD].rstrip(b"\0"), type=Head)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            raise StorageError(f"{path} cannot be read as a run of ids: {error}") from error
        rows, words = self.head.rows, self.head.words
        if self.head.format != 1 or len(self._map) != HEAD + _WORD * (2 * rows + words):
            message = f"{path} has {len(self._map)} bytes, which is not what its {rows} rows take"
            raise StorageError(message)
        self.hashes: Hashes = np.frombuffer(self._map, np.uint64, rows, HEAD)
        self.values: Hashes = np.frombuffer(self._map, np.uint64, rows, HEAD + _WORD * rows)
        self._words: Hashes = np.frombuffer(self._map, np.uint64, words, HEAD + 2 * _WORD * rows)

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return self.head.rows

    def find(self, asked: Hashes) -> Found:
        """Everything that is kept of hashes, which are in order; of a large file a stretch at a
        time, whose pages go back to the system before the next."""
        large = len(self._map) // MAPPED
        if not large:
            return self._found(asked)
        found, wide = [], max(-(-len(asked) // large), TOUCHES)
        for first in range(0, len(asked), wide):
            numbers, values = self._found(asked[first : first + wide])
            found.append((numbers + first, values))
            self._touched += min(wide, len(asked))
            if self._touched >= TOUCHES:
                self.let_go()
        numbers = np.concatenate([numbers for numbers, _ in found])
        return numbers, np.concatenate([values for _, values in found])

    def _found(self, asked: Hashes) -> Found:
        bits = _bits(asked)
        marked = self._words[_places(asked, self.head.words)] & bits
        maybe = (marked == bits).nonzero()[0]
        numbers, values = found_in((self.hashes, self.values), asked[maybe])
        return maybe[numbers], values

    def let_go(self) -> None:
        """Give the memory of pages that were read back to the system; they stay readable."""
        self._touched = 0
        self._map.madvise(mmap.MADV_DONTNEED)

    def is_whole(self, between: Callable[[], object] = bool) -> bool:
        """Whether it holds what was written; reads all of it, a block at a time, and calls
        `between` now and then, which may raise."""
        rows, words = self.head.rows, self.head.words
        found = []
        try:
            with self.path.open("rb") as file:
                file.seek(HEAD)
                for length in (_WORD * rows, _WORD * rows, _WORD * words):
                    found.append(_checksum(file, length))
                    between()
        except FileNotFoundError:
            return False
        return tuple(found) == self.head.checksums


def found_in(part: Part, asked: Hashes) -> Found:
    """Everything that a part keeps of hashes, which are in order."""
    hashes, values = part
    low = hashes.searchsorted(asked)
    hits = (hashes[np.minimum(low, len(hashes) - 1)] == asked).nonzero()[0]
    if not len(hits):
        return hits, values[:0]
    low = low[hits]
    many = hashes.searchsorted(asked[hits], side="right") - low
    numbers = np.repeat(hits, many)
    begins = np.repeat(low - np.cumsum(many) + many, many)
    return numbers, values[begins + np.arange(len(numbers))]


def sorted_part(hashes: Hashes, values: Hashes) -> Part:
    """A part of rows in any order."""
    order = np.argsort(hashes)
    return hashes[order], values[order]


def merged_part(one: Part, other: Part) -> Part:
    """Two parts as one; takes time as their sizes together."""
    if len(one[0]) < len(other[0]):
        one, other = other, one
    places = np.searchsorted(one[0], other[0]) + np.arange(len(other[0]))
    rest = np.ones(len(one[0]) + len(other[0]), np.bool_)
    rest[places] = False
    both = []
    for large, small in zip(one, other, strict=True):
        column = np.empty(len(rest), np.uint64)
        column[places] = small
        column[rest] = large
        both.append(column)
    return both[0], both[1]


def slices(parts: Sequence[Part]) -> Iterator[Part]:
    """Parts merged, some `SLICE_ROWS` rows at a time: hashes are even, so equal stretches of
    them hold about as many rows each."""
    total = sum(len(hashes) for hashes, _ in parts)
    count = max(total // SLICE_ROWS, 1)
    edges = [number * (2**64 - 1) // count for number in range(1, count)]
    bounds = np.array(edges, np.uint64)
    cuts = [
        np.concatenate([[0], np.searchsorted(hashes, bounds), [len(hashes)]]) for hashes, _ in parts
    ]
    for number in range(count):
        some = [
            (hashes[cut[number] : cut[number + 1]], values[cut[number] : cut[number + 1]])
            for (hashes, values), cut in zip(parts, cuts, strict=True)
        ]
        yield sorted_part(
            np.concatenate([hashes for hashes, _ in some]),
            np.concatenate([values for _, values in some]),
        )


def write_run(path: Path, parts: Iterable[Part], rows: int) -> None:
    """Write parts, each of hashes above those of the one before, as a file that is on disk when
    this returns. `rows` is how many there are at most. Raises OSError."""
    words = rows * BITS_EACH // 64 + 1
    marks = _Marks(words)
    checksums = [0, 0, 0]
    written = 0
    with path.open("wb") as out, path.open("r+b") as beside:
        beside.seek(HEAD + _WORD * rows)
        out.seek(HEAD)
        for hashes, values in parts:
            for number, (file, column) in enumerate(((out, hashes), (beside, values))):
                data = np.ascontiguousarray(column).data.cast("B")
                file.write(data)
                checksums[number] = zlib.crc32(data, checksums[number])
            marks.add(hashes)
            written += len(hashes)
        if written != rows:
            message = f"{path} was to hold {rows} rows and got {written}"
            raise OSError(message)
        for block in marks.blocks():
            beside.write(block)
            checksums[2] = zlib.crc32(block, checksums[2])
        beside.flush()
        out.seek(0)
        head = Head(format=1, rows=rows, words=words, checksums=tuple(checksums))  # type: ignore[arg-type]
        out.write(msgspec.json.encode(head).ljust(HEAD, b"\0"))
        out.flush()
        os.fsync(out.fileno())


class _Marks:
    """The words of a filter, made of hashes that come in order."""

    def __init__(self, words: int) -> None:
        self._words = np.zeros(words, np.uint64)

    def add(self, hashes: Hashes) -> None:
        """Take hashes in."""
        if not len(hashes):
            return
        places = _places(hashes, len(self._words))
        starts = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]]))
        marks = np.bitwise_or.reduceat(_bits(hashes), starts)
        self._words[places[starts]] |= marks

    def blocks(self) -> Iterator[memoryview]:
        """What is to be written."""
        data = self._words.data.cast("B")
        for first in range(0, len(data), _BLOCK):
            yield data[first : first + _BLOCK]


def _places(hashes: Hashes, words: int) -> NDArray[np.intp]:
    """Which word of the filter a hash marks: in the order of the hashes."""
    high = hashes >> np.uint64(32)
    places: NDArray[np.intp] = ((high * np.uint64(words)) >> np.uint64(32)).view(np.intp)
    return places


def _bits(hashes: Hashes) -> Hashes:
    """The bits of its word that a hash sets, made of bits that do not choose the word."""
    low = np.uint64(63)
    bits = np.uint64(1) << (hashes & low)
    for probe in range(1, PROBES):
        bits |= np.uint64(1) << ((hashes >> np.uint64(6 * probe)) & low)
    return bits


def _checksum(file: BinaryIO, length: int) -> int:
    found = 0
    while length:
        data = file.read(min(length, _BLOCK))
        if not data:
            return -1
        found = zlib.crc32(data, found)
        length -= len(data)
    return found
