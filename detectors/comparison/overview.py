"""What each side is as a table: rows that repeat, columns that say nothing or the same."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors import reading
from detectors.comparison.result import ComparedColumn, Side
from detectors.finding import Kind, Sample
from detectors.profile import hashing
from detectors.profile.hashing import Words
from detectors.reading import Counts, Floats

NEARLY: Final = 0.95
"""The share of the rows from which on one value makes a column nearly constant."""
_NOTHING: Final = np.uint64(0x9E3779B97F4A7C15)
_NUMBER: Final = np.uint64(0xBF58476D1CE4E5B9)


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """A side as a table. `cells` are rows times columns, `missing` those without a value;
    `repeated` rows say in all columns what an earlier row says, `empty` ones nothing, both None
    where they were not looked for; `alike` are pairs of columns that say the same in every row."""

    rows: int
    columns: int
    kinds: Mapping[str, int]
    cells: int
    missing: int
    constant: tuple[str, ...] = ()
    nearly_constant: tuple[str, ...] = ()
    without_values: tuple[str, ...] = ()
    repeated: int | None = None
    empty: int | None = None
    alike: tuple[tuple[str, str], ...] = ()


class Folded(msgspec.Struct, frozen=True):
    """A side's rows folded over its columns: a word a row, whether it holds a value, and a word a
    column over its rows."""

    rows: Words
    holds: NDArray[np.bool_]
    columns: Mapping[str, int]


def overview(
    columns: Sequence[ComparedColumn],
    sides: Iterable[Side | None],
    folded: Folded | None,
    rows: int,
) -> Overview:
    """A side by the columns that were measured of it, and by its rows where they were folded."""
    held = [(c, side) for c, side in zip(columns, sides, strict=True) if side is not None]
    named = {
        name: tuple(c.column for c, side in held if says(side))
        for name, says in (("constant", _is_constant), ("nearly", _is_nearly), ("none", _is_empty))
    }
    return Overview(
        rows=rows, columns=len(held), kinds=Counter(str(c.kind) for c, _ in held),
        cells=rows * len(held), missing=sum(side.missing for _, side in held),
        constant=named["constant"], nearly_constant=named["nearly"], without_values=named["none"],
        repeated=None if folded is None else repeated(folded.rows),
        empty=None if folded is None else int(np.count_nonzero(~folded.holds)),
        alike=() if folded is None else _alike(folded.columns, frozenset(named["none"])),
    )  # fmt: skip


def words(sample: Sample) -> tuple[Words, NDArray[np.bool_]]:
    """A word for the value of every row, and whether it holds one; equal values have equal words,
    others as good as never. Numbers some 10 ns each, texts as much a byte of a different one.
    Raises ValueError for a kind of column that has no levels."""
    if sample.kind is Kind.CATEGORICAL or sample.kind is Kind.BOOLEAN:
        return _of_levels(sample)
    return _of_numbers(reading.numbers(sample.values))


def over_rows(found: Words) -> int:
    """One word for a column: equal where it holds the same in every row."""
    places = np.arange(found.size, dtype=np.uint64) * _NOTHING
    return int(hashing.mixed(found + places).sum(dtype=np.uint64))


def repeated(rows: Words) -> int:
    """How many rows are as an earlier one. One sort.

    >>> repeated(np.array([3, 4, 3, 3], dtype=np.uint64))
    2
    """
    ordered = np.sort(rows)  # NumPy's `unique` takes a hash table, thirty times as long
    return int(np.count_nonzero(ordered[1:] == ordered[:-1]))


def _of_numbers(values: Floats) -> tuple[Words, NDArray[np.bool_]]:
    known = ~np.isnan(values)
    found = hashing.mixed((values + 0.0).view(np.uint64) ^ _NUMBER)  # -0.0 is 0.0
    return np.where(known, found, _NOTHING), known


def _of_levels(sample: Sample) -> tuple[Words, NDArray[np.bool_]]:
    codes, levels = coded(sample)
    names = np.append(hashing.hashes(levels.fill_null("")), _NOTHING)
    known = np.append(levels.is_valid().to_numpy(zero_copy_only=False), False)
    return np.where(known, names, _NOTHING)[codes], known[codes]


def coded(sample: Sample) -> tuple[Counts, pa.Array]:
    """The place of every row's level among the levels, the last (-1) where it has none; and those
    as `reading.texts` has them, null where one stands for none, perhaps some twice.

    Only the different values are brought into their form, not every row's.
    """
    values = sample.values.dictionary_encode().combine_chunks()
    if isinstance(values, pa.ChunkedArray):  # of no rows
        return np.zeros(0, np.int64), pa.array([], pa.string())
    each = pa.chunked_array([values.dictionary])
    levels = reading.texts(Sample(sample.column, sample.kind, each)).combine_chunks()
    return values.indices.fill_null(-1).to_numpy().astype(np.int64), levels


def _is_constant(side: Side) -> bool:
    return side.usual_share is not None and side.usual_share >= 1.0 and side.missing < side.rows


def _is_nearly(side: Side) -> bool:
    return side.usual_share is not None and NEARLY <= side.usual_share < 1.0


def _is_empty(side: Side) -> bool:
    return side.rows > 0 and side.missing == side.rows


def _alike(columns: Mapping[str, int], without: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of columns of one word, but for those without any value."""
    first: dict[int, str] = {}
    found = []
    for name, word in columns.items():
        if name in without:
            continue
        if word in first:
            found.append((first[word], name))
        first.setdefault(word, name)
    return tuple(found)
