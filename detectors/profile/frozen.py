"""The bins that a profile is counted on, from its own runs, points or levels."""

import hashlib
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from detectors import level_bins, numeric_bins
from detectors.bins import Bins, Tally
from detectors.finding import Kind, Reason
from detectors.profile.form import ColumnProfile
from detectors.profile.names import MOST_LEVELS
from detectors.profile.runs import Runs
from detectors.reading import Counts, Floats

_GEOMETRY: Final = (
    "column", "kind", "reason", "edges", "atoms", "exact", "coarse", "levels", "rare", "mean",
    "minimum", "maximum",
)  # fmt: skip


def of_gathered(found: ColumnProfile) -> Bins:
    """The bins of a column that was gathered in parts: exact while its points or names are."""
    if found.kind is Kind.NUMERIC and found.points is not None:
        return of_runs(found, found.points.runs)
    if found.names is None:
        return empty(found)
    names = pa.array(found.names.names, pa.string())
    bins = of_levels(found, (names, np.array(found.names.held, dtype=np.int64)))
    if found.names.exact:
        return bins
    distinct = found.names.distinct
    identifier = distinct > level_bins.IDENTIFIER_SHARE * found.valid
    return msgspec.structs.replace(
        bins,
        rows=found.rows,
        counts=(*bins.counts[:-2], found.valid - sum(bins.counts[:-2]), 0),
        reason=str(Reason.NOT_APPLICABLE) if identifier else None,
        rare=None,
        rare_counts=(),
        distinct=distinct,
        once=0,
    )


def of_levels(found: ColumnProfile, levels: tuple[pa.Array, Counts]) -> Bins:
    """The bins of a column whose distinct levels and the rows of each are given."""
    return level_bins.frozen(
        found.column, found.kind, levels, missing=found.missing, most_rare=MOST_LEVELS
    )


def of_runs(found: ColumnProfile, runs: Runs) -> Bins:
    """The bins of a numeric column: cut at the 63 inner quantiles k/64 and the nine deciles.

    Values that hold a 64th have a bin of their own, and so have few values, as in the bins of a
    reference. The coarse groups are the ten between the deciles.
    """
    if not runs.rows or found.moments is None:
        return empty(found)
    values = runs.values
    exact = numeric_bins.is_few(values)
    atoms = values if exact else _standing_out(runs)
    parts = (numeric_bins.BINS, numeric_bins.COARSE_BINS)
    inner = values[:0] if exact else np.concatenate([_quantiles(runs, part) for part in parts])
    edges = numeric_bins.edges_around(inner, atoms)
    moments = found.moments
    counts, sums = counted(edges, runs)
    return Bins(
        column=found.column,
        kind=found.kind,
        rows=found.rows,
        missing=found.missing,
        counts=tuple(counts.tolist()),
        edges=tuple(edges.tolist()),
        atoms=tuple(atoms.tolist()),
        exact=exact,
        coarse=tuple(range(counts.size)) if exact else _coarse(edges, runs),
        sums=tuple(sums.tolist()),
        mean=moments.mean,
        std=moments.std,
        kurtosis=moments.kurtosis,
        minimum=moments.minimum,
        maximum=moments.maximum,
        distinct=int(values.size),
        once=values.size if runs.rows == values.size else int(np.count_nonzero(runs.held == 1)),
    )


def counted(edges: Floats, runs: Runs) -> tuple[Counts, Floats]:
    """Rows in each of the `len(edges) + 1` bins and the sums of their values; one pass."""
    counts = np.diff(runs.below(edges), prepend=0, append=runs.rows)
    sums = np.zeros(counts.size)
    if runs.rows:
        places = runs.values.searchsorted(edges, side="left")
        starts = np.concatenate([[0], places])
        some = np.diff(np.append(starts, runs.values.size)) > 0
        with np.errstate(over="ignore", invalid="ignore"):
            single = runs.rows == runs.values.size
            weighed = runs.values if single else runs.values * runs.held
            sums[some] = np.add.reduceat(weighed, starts[some])
    return counts, numeric_bins.bounded(sums)


def empty(found: ColumnProfile) -> Bins:
    """The bins of a column whose distribution is not compared."""
    return Bins(
        column=found.column,
        kind=found.kind,
        rows=found.rows,
        missing=found.missing,
        reason=str(Reason.NOT_APPLICABLE),
    )


def version(bins: Bins) -> str:
    """A short hash of where bins lie, which names their make; the counts on them do not matter."""
    where = [getattr(bins, name) for name in _GEOMETRY]
    return hashlib.sha256(msgspec.json.encode(where)).hexdigest()[:16]


def unvalued(bins: Bins, found: ColumnProfile) -> Tally:
    """The tally of a column on bins that compare no distribution: rows and missing ones."""
    return Tally(column=bins.column, rows=found.rows, missing=found.missing)


def _quantiles(runs: Runs, parts: int) -> Floats:
    """The inner quantiles, as those of the rows in order, linear between neighbours."""
    at = np.arange(1, parts) * ((runs.rows - 1) / parts)
    lower = np.floor(at).astype(np.int64)
    below = runs.at(lower)
    above = runs.at(np.minimum(lower + 1, runs.rows - 1))
    weight = at - lower
    # Between equal values rounding would leave the value, and its rows another bin.
    found: Floats = np.where(below == above, below, below * (1.0 - weight) + above * weight)
    return found


def _standing_out(runs: Runs) -> Floats:
    """The values that hold a 64th of the rows or more: every 64th row meets all of them."""
    step = max(runs.rows // numeric_bins.BINS, 1)
    places = np.unique(runs.ends.searchsorted(np.arange(0, runs.rows, step), side="right"))
    return runs.values[places[runs.held_at(places) * numeric_bins.BINS >= runs.rows]]


def _coarse(edges: Floats, runs: Runs) -> tuple[int, ...]:
    """The first bin of each group between the distinct deciles."""
    deciles = np.unique(_quantiles(runs, numeric_bins.COARSE_BINS))
    if deciles.size == 1:
        # Nine of ten rows hold one value, which has edges at both its sides.
        deciles = numeric_bins.edges_around(deciles[:0], deciles)
    return (0, *(edges.searchsorted(deciles, side="left") + 1).tolist())
