"""Rows cut by the values of a column: its levels, or ranges between the reference's quantiles."""

from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors import reading
from detectors.bins import Bins
from detectors.finding import Kind, Sample
from detectors.reading import Counts, Floats

LEVELS: Final = 20
OTHERS: Final = "(others)"
MISSING: Final = "(missing)"


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How the rows of a column are cut: by `edges` (the lower one belongs to its range), or by
    `levels`; frozen with the reference, so that all windows are cut alike.

    After the `names` come a part for all other levels, and one for missing values.
    """

    column: str
    kind: Kind
    names: tuple[str, ...]
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """What every part is called, in the order of the codes."""
        return (*self.names, OTHERS, MISSING)


def scale(bins: Bins, *, levels: int = LEVELS, parts: int = 4) -> Scale | None:
    """The most frequent levels of a reference, or `parts` ranges of about as many rows each.

    Numbers with a bin for each value are cut by value where these are at most `levels`. None for
    what has no bins: dates, and columns without a value.
    """
    if not bins.counts:
        return None
    if bins.kind is not Kind.NUMERIC:
        order = np.argsort(
            -np.array(bins.counts[: len(bins.levels)], dtype=np.int64), kind="stable"
        )
        named = tuple(sorted(bins.levels[at] for at in order[:levels]))
        return Scale(column=bins.column, kind=bins.kind, names=named, levels=named)
    if bins.exact and len(bins.atoms) <= levels:
        edges = np.array(bins.atoms[1:])
        return Scale(
            column=bins.column, kind=bins.kind, names=tuple(_plain(a) for a in bins.atoms),
            edges=tuple(edges.tolist()),
        )  # fmt: skip
    edges = _edges(bins, parts)
    bounds = [_plain(edge) for edge in edges]
    if not bounds:
        return Scale(column=bins.column, kind=bins.kind, names=("(all)",))
    between = [f"{low} to {high}" for low, high in pairwise(bounds)]
    names = (f"below {bounds[0]}", *between, f"{bounds[-1]} or above")
    return Scale(column=bins.column, kind=bins.kind, names=names, edges=tuple(edges.tolist()))


def codes(cut: Scale, values: pa.ChunkedArray) -> Counts:
    """The part of each row, from 0: one of the names, then the others, then the missing ones."""
    if cut.kind is Kind.NUMERIC:
        numbers = reading.numbers(values)
        found = np.searchsorted(np.array(cut.edges), numbers, side="right").astype(np.int64)
        found[np.isnan(numbers)] = len(cut.names) + 1
        return found
    texts = reading.texts(Sample(cut.column, cut.kind, values))
    index = pc.index_in(texts, value_set=pa.array(cut.levels, pa.string()))
    places: Counts = pc.fill_null(index, len(cut.names)).to_numpy().astype(np.int64)
    places[pc.is_null(texts).to_numpy()] = len(cut.names) + 1
    return places


def _edges(bins: Bins, parts: int) -> Floats:
    """Those of the bins' edges that come nearest to cutting the reference into equal parts."""
    whole = max(sum(bins.counts), 1)
    upto = np.cumsum(bins.counts)[:-1] / whole
    if not upto.size:
        return np.empty(0)
    picked = {int(np.argmin(np.abs(upto - k / parts))) for k in range(1, parts)}
    inside = [at for at in sorted(picked) if 0.0 < upto[at] < 1.0]
    found: Floats = np.array(bins.edges)[inside]
    return found


def _plain(value: float) -> str:
    return f"{value:.6g}"
