"""The bins of a column of levels: the frequent ones, the rare ones, and what was never seen."""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors import reading
from detectors.bins import Bins, Tally
from detectors.finding import Kind, Reason, Sample
from detectors.reading import Counts

LEVELS: Final = 100
LEVEL_SHARE: Final = 0.001
LEVEL_ROWS: Final = 5
RARE_LEVELS: Final = 50_000
"""Rare levels that are kept by name, so that what is new beside them is seen; some 100 bytes each."""
IDENTIFIER_SHARE: Final = 0.3
_BOOLEANS: Final = ("false", "true")
_MOST_SINGLY: Final = 5_000
"""Names that are looked up one by one; of more, by Arrow."""


def freeze(sample: Sample) -> Bins:
    """The bins of a reference; not applicable where it is empty or looks like an identifier.

    It looks like one when the levels that it holds once make up more than 30 % of its rows: the
    next rows would then bring as many new ones (Good and Turing).
    """
    names, counts, missing = reading.levels(sample)
    return frozen(sample.column, sample.kind, (names, counts), missing=missing)


def frozen(
    column: str,
    kind: Kind,
    found: tuple[pa.Array, Counts],
    *,
    missing: int,
    most_rare: int = RARE_LEVELS,
) -> Bins:
    """The bins of a reference whose distinct levels and the rows of each are `found`."""
    names, counts = found
    valid, once = int(counts.sum()), int(np.count_nonzero(counts == 1))
    identifier = kind is Kind.CATEGORICAL and once > IDENTIFIER_SHARE * valid
    keep = _frequent(kind, names, counts)
    levels, held = _ordered(_picked(names, keep), counts[keep])
    if kind is Kind.BOOLEAN and valid:
        of = dict(zip(levels, held, strict=True))
        levels, held = list(_BOOLEANS), [of.get(name, 0) for name in _BOOLEANS]
    rare_counts = counts[~keep]
    kept = not identifier and rare_counts.size <= most_rare
    return Bins(
        column=column,
        kind=kind,
        rows=valid + missing,
        missing=missing,
        reason=str(Reason.NOT_APPLICABLE) if identifier or not valid else None,
        counts=(*held, int(rare_counts.sum()), 0) if valid else (),
        levels=tuple(levels),
        rare=tuple(_picked(names, ~keep)) if kept else None,
        rare_counts=tuple(rare_counts.tolist()) if kept else (),
        distinct=len(names),
        once=once,
    )


def tally(bins: Bins, sample: Sample) -> Tally:
    """A window counted on the bins; where the rare levels were not kept, all the rest is rare."""
    names, held, missing = reading.levels(sample)
    return tallied(bins, (names, held), missing=missing)


def tallied(bins: Bins, found: tuple[pa.Array, Counts], *, missing: int) -> Tally:
    """A window whose distinct levels and the rows of each are `found`, counted on the bins."""
    names, held = found
    size = len(bins.levels)
    known = [*bins.levels, *(bins.rare or ())]
    at = places(names, known)
    seen = at < len(known)
    unseen_bin = size + 1 if bins.rare is not None else size
    bin_of = np.where(seen, np.minimum(at, size), unseen_bin)
    counts = np.bincount(bin_of, weights=held, minlength=size + 2).astype(np.int64)
    reference = np.array([*bins.counts[:size], *bins.rare_counts], dtype=np.int64)
    own = held[seen][reference[at[seen]] <= held[seen]]
    return Tally(
        column=bins.column,
        counts=tuple(counts.tolist()),
        rows=int(held.sum()) + missing,
        missing=missing,
        unseen=int(counts[-1]),
        own=int(own.sum()),
    )


def _frequent(kind: Kind, names: pa.Array, counts: Counts) -> NDArray[np.bool_]:
    """Which levels get a bin of their own."""
    if kind is Kind.BOOLEAN:
        return np.array([name in _BOOLEANS for name in names.to_pylist()], dtype=np.bool_)
    keep: NDArray[np.bool_] = (counts >= LEVEL_ROWS) & (counts >= LEVEL_SHARE * counts.sum())
    if np.count_nonzero(keep) > LEVELS:
        places = np.flatnonzero(keep).tolist()
        held = zip(_picked(names, keep), counts[keep].tolist(), places, strict=True)
        least = sorted(held, key=lambda level: (-level[1], level[0]))[LEVELS:]
        keep[[place for _, _, place in least]] = False
    return keep


def _picked(names: pa.Array, which: NDArray[np.bool_]) -> list[str]:
    """The names that a mask says."""
    places = np.flatnonzero(which)
    if places.size > _MOST_SINGLY:
        found: list[str] = names.filter(pa.array(which)).to_pylist()
        return found
    return [names[place].as_py() for place in places.tolist()]


def places(names: pa.Array, known: list[str]) -> NDArray[np.int64]:
    """Where each name stands among known ones, by place; how many these are where it does not.

    O(names + known).
    """
    if max(len(names), len(known)) > _MOST_SINGLY:
        import pyarrow.compute as pc  # noqa: PLC0415 - where there are few, the import costs more

        index = pc.index_in(names, value_set=pa.array(known, pa.string())).fill_null(len(known))
        many: NDArray[np.int64] = index.to_numpy(zero_copy_only=False).astype(np.int64)
        return many
    place = {name: at for at, name in enumerate(known)}
    return np.array([place.get(name, len(known)) for name in names.to_pylist()], dtype=np.int64)


def _ordered(names: list[str], counts: Counts) -> tuple[list[str], list[int]]:
    """The most frequent first, those of equal count by name."""
    pairs = sorted(zip(names, counts.tolist(), strict=True), key=_by_count)
    return [name for name, _ in pairs], [count for _, count in pairs]


def _by_count(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]
