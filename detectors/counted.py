"""A column's windows as arrays: counts on its bins, and the reference that each is compared with."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.bins import Bins, Tally
from detectors.finding import Kind
from detectors.reading import Counts, Floats

FEW_VALUES = 3
"""A column of at most so many values is scored by the share of each."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column's windows: arrays of shape (windows, bins), or (windows,).

    `drawn` and `drawn_sums` are what distances are computed from: `counts` and `sums`, or as many
    rows drawn from them as windows usually have. `reference` has a window taken out of it where
    that is `inside`; with `seasonal` it is of the window's own season. `values` are those of
    which the shares are scored, with their bins; empty where there are more than three.
    """

    bins: Bins
    counts: Counts
    sums: Floats
    own: Counts
    unseen: Counts
    inside: NDArray[np.bool_]
    drawn: Counts
    drawn_sums: Floats
    reference: Counts
    reference_sums: Floats
    bucket: Counts
    """Which size the drawn rows have: 0 the usual one, k the usual one over 1.5 to the k."""
    seasonal: bool = False

    @property
    def rows(self) -> Counts:
        """How many values each window holds."""
        found: Counts = self.counts.sum(axis=1)
        return found

    @property
    def values(self) -> Mapping[str, int]:
        """The values whose shares are scored, with the bin of each."""
        return scored_values(self.bins)


def columns_of(
    bins: Sequence[Bins], windows: Sequence[Sequence[Tally]], inside: Sequence[bool]
) -> list[Column]:
    """The columns whose distribution is compared; `windows[i][j]` is window i on `bins[j]`."""
    mask = np.array(inside, dtype=np.bool_)
    return [
        _column(frozen, [window[at] for window in windows], mask)
        for at, frozen in enumerate(bins)
        if frozen.reason is None and frozen.counts
    ]


def column(bins: Bins, counts: Counts, sums: Floats, inside: NDArray[np.bool_]) -> Column:
    """A column from arrays of shape (windows, bins); `sums` has no bins for levels."""
    reference = np.array(bins.counts, dtype=np.int64) - counts * inside[:, None]
    with np.errstate(over="ignore"):
        rest = np.array(bins.sums, dtype=np.float64) - sums * inside[:, None]
    return Column(
        bins=bins, counts=counts, sums=sums, own=np.zeros(len(counts), dtype=np.int64),
        unseen=np.zeros(len(counts), dtype=np.int64), inside=inside, drawn=counts, drawn_sums=sums,
        reference=np.maximum(reference, 0), reference_sums=rest,
        bucket=np.zeros(len(counts), dtype=np.int64),
    )  # fmt: skip


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
    return msgspec.structs.replace(
        found, counts=found.counts[at], sums=found.sums[at], own=found.own[at],
        unseen=found.unseen[at], inside=found.inside[at], drawn=found.drawn[at],
        drawn_sums=found.drawn_sums[at], reference=found.reference[at],
        reference_sums=found.reference_sums[at], bucket=found.bucket[at],
    )  # fmt: skip


def _column(bins: Bins, tallies: Sequence[Tally], inside: NDArray[np.bool_]) -> Column:
    size = len(bins.counts) if bins.kind is Kind.NUMERIC else 0
    counts = np.array([tally.counts for tally in tallies], dtype=np.int64)
    sums = np.array([tally.sums for tally in tallies], dtype=np.float64)
    found = column(bins, counts.reshape(len(tallies), -1), sums.reshape(len(tallies), size), inside)
    return msgspec.structs.replace(
        found, own=np.array([tally.own for tally in tallies]),
        unseen=np.array([tally.unseen for tally in tallies]),
    )  # fmt: skip
