"""One column as a picture: reference and window counted on the same bins or levels."""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.api import wire
from controlplane.domain.schema import Column
from detectors.finding import Kind

BINS: Final = 20
LEVELS: Final = 20
"""The most frequent levels of the reference are shown; the others are counted together."""
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_EDGES: Final = (0.005, 0.995)
"""Bins span these quantiles; what lies beyond is counted in the outermost ones."""

Values: TypeAlias = pa.ChunkedArray
Sides: TypeAlias = tuple[wire.ColumnSide | None, wire.ColumnSide | None]


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """What both sides are counted on: the edges of bins, or levels."""

    edges: list[float] = []
    levels: list[str] = []


def counted(
    kind: Kind, reference: Values | None, current: Values | None, *, levels: Sequence[str] = ()
) -> tuple[Scale, Sides]:
    """Both sides of a column, counted on one scale; None where a side is not there.

    `levels` are those of a column that has an order of its own, none of which is left out.
    """
    if kind in {Kind.CATEGORICAL, Kind.BOOLEAN}:
        return _by_level(reference, current, levels)
    return _by_bin(reference, current)


def _by_bin(reference: Values | None, current: Values | None) -> tuple[Scale, Sides]:
    first = None if reference is None else _floats(reference)
    second = None if current is None else _floats(current)
    edges = _edges(first if first is not None and _finite(first).size else second)
    return Scale(edges=edges.tolist()), (
        None if first is None else _numeric_side(first, edges),
        None if second is None else _numeric_side(second, edges),
    )


def _by_level(
    reference: Values | None, current: Values | None, levels: Sequence[str]
) -> tuple[Scale, Sides]:
    basis = reference if reference is not None and len(reference) else current
    names = [*levels] or ([] if basis is None else _frequent(basis))
    return Scale(levels=names), (
        None if reference is None else _level_side(reference, names),
        None if current is None else _level_side(current, names),
    )


def _floats(values: Values) -> NDArray[np.float64]:
    """The values as doubles, missing ones NaN; times as seconds since 1970."""
    if pa.types.is_temporal(values.type):
        values = pc.divide(pc.cast(pc.cast(values, pa.timestamp("us", "UTC")), pa.int64()), 1e6)
    return np.asarray(pc.cast(values, pa.float64()).to_numpy(), dtype=np.float64)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]


def _edges(values: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Edges of equal bins; empty where there is no number at all."""
    if values is None or not (finite := _finite(values)).size:
        return np.empty(0)
    low, high = np.quantile(finite, _EDGES)
    if not low < high:
        low, high = low - 0.5, high + 0.5
    return np.unique(np.linspace(low, high, BINS + 1))


def _numeric_side(values: NDArray[np.float64], edges: NDArray[np.float64]) -> wire.ColumnSide:
    finite = _finite(values)
    counted = edges.size > 1
    clipped = np.clip(finite, edges[0], edges[-1]) if counted else finite
    counts = np.histogram(clipped, edges)[0].tolist() if counted else []
    missing = int(np.isnan(values).sum())
    marks = np.quantile(finite, QUANTILES).tolist() if finite.size else []
    return wire.ColumnSide(
        rows=values.size,
        missing=missing / values.size if values.size else 0.0,
        counts=counts,
        other=values.size - missing - sum(counts),
        mean=float(finite.mean()) if finite.size else None,
        quantiles=dict(zip(map(str, QUANTILES), marks, strict=False)),
    )


def _texts(values: Values) -> Values:
    return pc.cast(values, pa.string())


def _frequent(values: Values) -> list[str]:
    """The most frequent levels, ties by name."""
    counted = _counted(values)
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return [name for name, _ in ordered[:LEVELS]]


def _counted(values: Values) -> dict[str, int]:
    found = pc.value_counts(pc.drop_null(_texts(values)))
    names, counts = found.field("values").to_pylist(), found.field("counts").to_pylist()
    return dict(zip(names, counts, strict=True))


def _level_side(values: Values, names: Sequence[str]) -> wire.ColumnSide:
    counted = _counted(values)
    counts = [counted.get(name, 0) for name in names]
    rows = len(values)
    return wire.ColumnSide(
        rows=rows,
        missing=values.null_count / rows if rows else 0.0,
        counts=counts,
        other=rows - values.null_count - sum(counts),
    )


def summary_of(column: Column, values: Values) -> wire.ColumnSummary:
    """What a column of a reference holds, in a few figures."""
    rows = len(values)
    present = values.drop_null()
    numeric = column.kind is Kind.NUMERIC
    bounds = pc.min_max(present) if numeric and len(present) else None
    return wire.ColumnSummary(
        name=column.name,
        kind=str(column.kind),
        rows=rows,
        missing=values.null_count / rows if rows else 0.0,
        distinct=int(pc.count_distinct(present).as_py()),
        minimum=bounds["min"].as_py() if bounds is not None else None,
        maximum=bounds["max"].as_py() if bounds is not None else None,
        mean=pc.mean(present).as_py() if numeric and len(present) else None,
    )
