"""A column's windows as arrays: counts on its bins, and the reference that each is compared with."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.bins import Bins, Tally
from detectors.finding import Kind
from detectors.reading import Counts, Floats
from detectors.wasserstein import Masses

FEW_VALUES = 3
"""A column of at most so many values is scored by the share of each."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column's windows: arrays of shape (windows, bins), or (windows,).

    `whole` is the reference, and `edges` lie between its bins: of shape (bins,) and one fewer.
    `drawn` and `drawn_sums` are what distances are computed from: `counts` and `sums`, or as many
    rows drawn from them as windows usually have. `rows` counts the values in each window.
    `against` is what each window is compared with where that is not the whole reference, less
    the window itself if it is `inside`.
    """

    bins: Bins
    whole: Masses
    edges: Floats
    counts: Counts
    sums: Floats
    own: Counts
    unseen: Counts
    inside: NDArray[np.bool_]
    rows: Counts
    drawn: Counts
    drawn_sums: Floats
    bucket: Counts
    """Which size the drawn rows have: 0 the usual one, k the usual one over 1.5 to the k."""
    against: Masses | None = None
    seasonal: bool = False
    """Whether every window is compared with those of its own season."""

    @property
    def values(self) -> Mapping[str, int]:
        """The values whose shares are scored, with the bin of each; empty for more than three."""
        return scored_values(self.bins)


def columns_of(
    bins: Sequence[Bins], windows: Sequence[Sequence[Tally]], inside: Sequence[bool]
) -> list[Column]:
    """The columns whose distribution is compared; `windows[i][j]` is window i on `bins[j]`."""
    alike: dict[tuple[Kind, int], list[int]] = {}
    for at, frozen in enumerate(bins):
        if frozen.reason is None and frozen.counts:
            alike.setdefault((frozen.kind, len(frozen.counts)), []).append(at)
    mask = np.array(inside, dtype=np.bool_)
    found: dict[int, Column] = {}
    for (kind, size), places in alike.items():
        shape = (len(places), len(windows))
        summed = size if kind is Kind.NUMERIC else 0
        tallies = [[window[at] for window in windows] for at in places]
        counts = np.array([[t.counts for t in own] for own in tallies], dtype=np.int64)
        sums = np.array([[t.sums for t in own] for own in tallies], dtype=np.float64)
        columns = _columns(
            [bins[at] for at in places], counts.reshape(*shape, size), sums.reshape(*shape, summed),
            mask,
        )  # fmt: skip
        own = np.array([[t.own for t in own] for own in tallies]).reshape(shape)
        unseen = np.array([[t.unseen for t in own] for own in tallies]).reshape(shape)
        for n, at in enumerate(places):
            found[at] = msgspec.structs.replace(columns[n], own=own[n], unseen=unseen[n])
    return [found[at] for at in sorted(found)]


def column(bins: Bins, counts: Counts, sums: Floats, inside: NDArray[np.bool_]) -> Column:
    """A column from arrays of shape (windows, bins); `sums` has no bins for levels."""
    return _columns([bins], counts[None], sums[None], inside)[0]


def _columns(
    bins: Sequence[Bins], counts: Counts, sums: Floats, inside: NDArray[np.bool_]
) -> list[Column]:
    """Columns of one kind and as many bins each, from arrays of shape (columns, windows, bins)."""
    whole = np.array([frozen.counts for frozen in bins], dtype=np.int64)
    whole_sums = np.array([frozen.sums for frozen in bins], dtype=np.float64)
    edges = np.array([frozen.edges for frozen in bins], dtype=np.float64)
    rows: Counts = counts.sum(axis=2)
    none = np.zeros(rows.shape[1], dtype=np.int64)
    return [
        Column(
            bins=frozen, whole=Masses(whole[n], whole_sums[n]), edges=edges[n], counts=counts[n],
            sums=sums[n], own=none, unseen=none, inside=inside, rows=rows[n], drawn=counts[n],
            drawn_sums=sums[n], bucket=none,
        )
        for n, frozen in enumerate(bins)
    ]  # fmt: skip


def references(columns: Sequence[Column]) -> Masses:
    """What each window of columns with as many bins and windows is compared with.

    Arrays of shape (columns, windows, bins), or (columns, 1, bins) where it is the same for all.
    """
    if any(column.against is not None for column in columns):
        against = [reference_of(column) for column in columns]
        return Masses(stacked([m.counts for m in against]), stacked([m.sums for m in against]))
    whole = stacked([column.whole.counts for column in columns])[:, None]
    whole_sums = stacked([column.whole.sums for column in columns])[:, None]
    inside = stacked([column.inside for column in columns])[:, :, None]
    if not inside.any():
        return Masses(whole, whole_sums)
    counts = stacked([column.counts for column in columns])
    sums = stacked([column.sums for column in columns])
    if not inside.all():
        counts, sums = counts * inside, sums * inside
    with np.errstate(over="ignore"):
        return Masses(np.maximum(whole - counts, 0), whole_sums - sums)


def reference_of(column: Column) -> Masses:
    """What each window of a column is compared with, arrays of shape (windows, bins)."""
    if column.against is not None:
        return column.against
    found = references([column])
    return Masses(
        np.broadcast_to(found.counts[0], column.counts.shape),
        np.broadcast_to(found.sums[0], column.sums.shape),
    )


def stacked(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Arrays of one shape as one array with a first axis more; a view of it where there is one."""
    if len(arrays) == 1:
        return arrays[0][None]
    return np.concatenate(arrays).reshape(len(arrays), *arrays[0].shape)


def scored_values(bins: Bins) -> dict[str, int]:
    """The values of a column of three at most, with the bin of each; empty for others."""
    if bins.kind is Kind.BOOLEAN:
        return {"true": 1}
    if bins.kind is Kind.CATEGORICAL:
        few = len(bins.levels) <= FEW_VALUES and not bins.counts[-2]
        return {name: at for at, name in enumerate(bins.levels)} if few else {}
    if not bins.exact or len(bins.atoms) > FEW_VALUES:
        return {}
    at = np.searchsorted(bins.edges, bins.atoms, side="right")
    return {repr(value): int(place) for value, place in zip(bins.atoms, at, strict=True)}


def taken(found: Column, at: NDArray[np.int64]) -> Column:
    """The column with these of its windows."""
    against, whole = found.against, found.drawn is found.counts
    counts, sums = found.counts[at], found.sums[at]
    return msgspec.structs.replace(
        found, counts=counts, sums=sums, own=found.own[at], unseen=found.unseen[at],
        inside=found.inside[at], rows=found.rows[at], drawn=counts if whole else found.drawn[at],
        drawn_sums=sums if whole else found.drawn_sums[at], bucket=found.bucket[at],
        against=None if against is None else Masses(against.counts[at], against.sums[at]),
    )  # fmt: skip


def spread(windows: int, most: int) -> NDArray[np.int64]:
    """The places of so many windows at most, evenly spread over all.

    >>> spread(10, 3).tolist(), spread(2, 3).tolist()
    ([0, 4, 9], [0, 1])
    """
    found: NDArray[np.int64] = np.unique(np.linspace(0, windows - 1, most).astype(np.int64))
    return found
