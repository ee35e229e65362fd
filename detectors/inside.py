"""A detector inside segments: whether what moves as a whole moves in one part, or in another way."""

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors import reading
from detectors.finding import Finding, Sample

LARGEST: Final = 5
"""So many of the reference's largest segments are looked into."""


class Split(msgspec.Struct, frozen=True):
    """A column, and the column of the same rows whose levels are the segments."""

    values: Sample
    segments: Sample


def inside(
    detector: Callable[[Sample, Sample], Finding],
    reference: Split,
    window: Split,
    *,
    largest: int = LARGEST,
) -> list[Finding]:
    """What a detector says of a column within each of the reference's largest segments.

    A finding a segment, the largest first, named `column=level`; rows without a segment are in
    none. A prediction or a score split by the columns that matter shows drift that the whole
    averages away. Costs the detector's own for every segment. Raises ValueError where a column
    and its segments have different numbers of rows.

    >>> from detectors.finding import Kind
    >>> from detectors.moments import mean_shift
    >>> def split(here, there):
    ...     values = np.concatenate([np.arange(40.0) + here, np.arange(40.0) + there])
    ...     return Split(Sample("score", Kind.NUMERIC, pa.chunked_array([values])),
    ...                  Sample("shop", Kind.CATEGORICAL, pa.chunked_array([["a"] * 40 + ["b"] * 40])))
    >>> found = inside(mean_shift, split(0, 0), split(10, -10))
    >>> [(f.column, f.segment, round(f.effect, 2)) for f in found]
    [('score', 'shop=a', 0.86), ('score', 'shop=b', -0.86)]
    """
    for split in (reference, window):
        if len(split.values.values) != len(split.segments.values):
            raise ValueError(
                f"{split.values.column} has {len(split.values.values)} rows and "
                f"{split.segments.column} {len(split.segments.values)}; expected as many"
            )
    then, now = reading.texts(reference.segments), reading.texts(window.segments)
    return [
        msgspec.structs.replace(
            detector(_within(reference.values, then, level), _within(window.values, now, level)),
            segment=f"{reference.segments.column}={level}",
        )
        for level in _largest(reference.segments, largest)
    ]


def _largest(segments: Sample, most: int) -> list[str]:
    names, counts, _ = reading.levels(segments)
    alphabetical = pc.array_sort_indices(names).to_numpy()
    order = alphabetical[np.argsort(-counts[alphabetical], kind="stable")][:most]
    found: list[str] = names.take(pa.array(order)).to_pylist()
    return found


def _within(sample: Sample, levels: pa.ChunkedArray, level: str) -> Sample:
    return Sample(sample.column, sample.kind, sample.values.filter(pc.equal(levels, level)))
