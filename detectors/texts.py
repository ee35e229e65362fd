"""Texts that are no levels, such as names and identifiers: their lengths and how many differ."""

from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors import answers, jensen_shannon, reading
from detectors.answers import Figures
from detectors.finding import Finding, Kind, Reason, Sample
from detectors.reading import Counts

TEXT_LENGTH: Final = "text_length"
DISTINCT: Final = "distinct"
_LENGTHS: Final = np.array([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 48, 64, 128, 256, 1024])
"""Where bins of lengths begin: fixed, so that windows' counts add up; the first bin is length 0."""


class TextParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = TextParams()


def text_length(reference: Sample, sample: Sample, params: TextParams = _DEFAULT) -> Finding:
    """The Jensen–Shannon distance of the lengths of texts, in [0, 1].

    For columns whose levels are not compared, identifiers among them: another format has other
    lengths. Lengths are counted in characters over fixed bins, so counts of windows add up. The
    effect is the change of the mean length in characters, signed. O(n + m).

    >>> a, b = (Sample("id", Kind.CATEGORICAL, pa.chunked_array([[f"{i:0{width}}" for i in range(90)]]))
    ...         for width in (6, 9))
    >>> found = text_length(a, b)
    >>> found.statistic, found.effect
    (1.0, 3.0)
    """
    if {sample.kind, reference.kind} != {Kind.CATEGORICAL}:
        return answers.unjudged(TEXT_LENGTH, sample.column, Reason.NOT_APPLICABLE)
    then, now = _lengths(reference), _lengths(sample)
    figures = Figures(rows=now.size, rows_reference=then.size)
    if min(then.size, now.size) > 1:
        first, second = (histogram(lengths) for lengths in (then, now))
        figures = msgspec.structs.replace(
            figures,
            statistic=float(jensen_shannon.distance(first, second)),
            effect=float(now.mean() - then.mean()),
        )
    return answers.answer(TEXT_LENGTH, sample, figures, params.threshold)


def distinct(reference: Sample, sample: Sample, params: TextParams = _DEFAULT) -> Finding:
    """How the share of different values among as many rows has changed.

    Of the larger side as many rows are read, evenly spread, as the smaller has: in more rows fewer
    differ. The effect is the change of distinct values a row, in [-1, 1], signed; the statistic
    its size. Identifiers that begin to repeat, and levels that stop to, show here. O(n + m), exact.

    >>> a, b = (Sample("id", Kind.CATEGORICAL, pa.chunked_array([[str(i % most) for i in range(90)]]))
    ...         for most in (90, 45))
    >>> distinct(a, b).effect
    -0.5
    """
    if {sample.kind, reference.kind} != {Kind.CATEGORICAL}:
        return answers.unjudged(DISTINCT, sample.column, Reason.NOT_APPLICABLE)
    then, now = (reading.texts(s).drop_null() for s in (reference, sample))
    figures = Figures(rows=len(now), rows_reference=len(then))
    rows = min(len(then), len(now))
    if rows > 1:
        first, second = (pc.count_distinct(_spread(values, rows)).as_py() for values in (then, now))
        change = (second - first) / rows
        figures = msgspec.structs.replace(figures, statistic=abs(change), effect=change)
    return answers.answer(DISTINCT, sample, figures, params.threshold)


def histogram(lengths: Counts) -> Counts:
    """How many lengths lie in each of the fixed bins."""
    at = _LENGTHS.searchsorted(lengths, side="right")
    return np.bincount(at, minlength=_LENGTHS.size + 1).astype(np.int64)


def _lengths(sample: Sample) -> Counts:
    found: Counts = pc.utf8_length(reading.texts(sample)).drop_null().to_numpy().astype(np.int64)
    return found


def _spread(values: pa.ChunkedArray, rows: int) -> pa.ChunkedArray:
    if len(values) == rows:
        return values
    return values.take(pa.array(np.linspace(0, len(values) - 1, rows).astype(np.int64)))
