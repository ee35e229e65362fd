"""Samples of one column, written shortly."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from detectors.binning import Bins, Tally, freeze, tally
from detectors.finding import Kind, Sample


def numeric(values: Iterable[object], column: str = "x") -> Sample:
    return Sample(column, Kind.NUMERIC, chunked(values))


def levels(values: Iterable[object], column: str = "c") -> Sample:
    return Sample(column, Kind.CATEGORICAL, chunked(values))


def booleans(values: Iterable[object], column: str = "b") -> Sample:
    return Sample(column, Kind.BOOLEAN, chunked(values))


def chunked(values: Iterable[object]) -> pa.ChunkedArray:
    if isinstance(values, pa.ChunkedArray):
        return values
    array = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=False)
    return pa.chunked_array([array])


def joined(windows: list[Sample]) -> Sample:
    """The windows as one reference sample."""
    chunks = [chunk for window in windows for chunk in window.values.chunks]
    return Sample(windows[0].column, windows[0].kind, pa.chunked_array(chunks))


def frozen(columns: list[list[Sample]]) -> tuple[list[Bins], list[list[Tally]]]:
    """Bins of the pooled windows `columns[i][j]`, window i of column j, and every window's tallies."""
    bins = [freeze(joined([window[j] for window in columns])) for j in range(len(columns[0]))]
    return bins, [[tally(b, s) for b, s in zip(bins, window, strict=True)] for window in columns]


def normals(
    generator: np.random.Generator, rows: int, columns: int, shift: float = 0.0
) -> list[Sample]:
    """A window of independent standard normal columns x0, x1 …; the first is shifted."""
    values = generator.normal(size=(columns, rows))
    values[0] += shift
    return [numeric(row, f"x{j}") for j, row in enumerate(values)]
