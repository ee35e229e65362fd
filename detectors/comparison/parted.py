"""A column cut into parts of rows: read once, and each part put in order or counted by itself."""

from itertools import pairwise

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors import reading
from detectors.comparison.held import Held, dates
from detectors.finding import Kind, Sample
from detectors.levelled import Levelled
from detectors.ordered import in_order


class Parts(msgspec.Struct, frozen=True):
    """Which rows each part holds: part k those of `order[ends[k] : ends[k + 1]]`, as in the file."""

    order: NDArray[np.int64]
    ends: NDArray[np.int64]

    @property
    def rows(self) -> list[int]:
        """How many rows each part holds."""
        return [int(rows) for rows in np.diff(self.ends)]

    def bounds(self) -> list[tuple[int, int]]:
        """Where each part begins and ends within `order`."""
        ends = self.ends.tolist()
        return list(pairwise(ends))


def parts_of(codes: NDArray[np.int64], parts: int) -> Parts:
    """The rows of each part, given the part of each row; rows of a negative code are in none.

    One stable sort of the codes, O(n).

    >>> parts_of(np.array([1, 0, 1, -1]), 3).order.tolist(), parts_of(np.array([1, 0, 1]), 3).rows
    ([3, 1, 0, 2], [1, 2, 0])
    """
    order = np.argsort(codes, kind="stable")
    return Parts(order, np.searchsorted(codes[order], np.arange(parts + 1)))


def held_parts(sample: Sample, parts: Parts) -> list[Held]:
    """Every part of a sample prepared as `held` prepares the whole of it.

    Costs the sort or the count of each part's rows, and of levels as many steps a part as there are
    levels; raises ValueError where the values cannot be read.
    """
    match sample.kind:
        case Kind.NUMERIC:
            values = reading.numbers(sample.values)[parts.order]
            return [in_order(sample.column, values[low:high]) for low, high in parts.bounds()]
        case Kind.CATEGORICAL | Kind.BOOLEAN:
            return _levelled(sample, parts)
        case Kind.DATETIME:
            return [dates(part) for part in samples(sample, parts)]


def samples(sample: Sample, parts: Parts) -> list[Sample]:
    """Every part of a sample as a sample of its own."""
    taken = sample.values.take(pa.array(parts.order))
    return [
        Sample(sample.column, sample.kind, taken.slice(low, high - low))
        for low, high in parts.bounds()
    ]  # fmt: skip


def _levelled(sample: Sample, parts: Parts) -> list[Held]:
    names, codes = _coded(sample)
    codes = codes[parts.order]
    found: list[Held] = []
    for low, high in parts.bounds():
        counts = np.bincount(codes[low:high] + 1, minlength=len(names) + 1)
        here = np.flatnonzero(counts[1:])
        found.append(Levelled(
            sample.column, sample.kind, names.take(pa.array(here)), counts[1:][here], int(counts[0])
        ))  # fmt: skip
    return found


def _coded(sample: Sample) -> tuple[pa.Array, NDArray[np.int64]]:
    """The levels, and the place of each row's among them, -1 where it holds none."""
    coded = reading.texts(sample).dictionary_encode().unify_dictionaries()
    if not coded.num_chunks:
        return pa.array([], pa.string()), np.empty(0, dtype=np.int64)
    codes = [
        part.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        for part in coded.chunks
    ]  # fmt: skip
    return coded.chunk(0).dictionary, np.concatenate(codes)
