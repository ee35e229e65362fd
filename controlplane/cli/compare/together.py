"""What is looked at of several columns of a row at once, gathered while each column is at hand."""

import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.cli.compare.concluding import Measured
from detectors import reading
from detectors.comparison import correlations as together
from detectors.comparison import overview
from detectors.comparison.correlations import Correlations
from detectors.comparison.overview import Folded, Overview
from detectors.comparison.result import ComparedColumn, Rows
from detectors.finding import Kind, Sample
from detectors.profile import hashing
from detectors.profile.hashing import Words
from detectors.reading import Floats

MOST_FOLDED: Final = 20_000_000
"""Values of a side whose rows are looked at for repetitions where no report is asked for."""


class Together:
    """Numbers of evenly spread rows, for correlations, and every row of both sides as one word.

    Columns come from two threads and in any order; a word a row and the rows that are kept are all
    that stays of them. Without `folding` rows are not looked at for repetitions.
    """

    def __init__(self, rows: Rows, columns: int, *, folding: bool) -> None:
        self._rows, self._columns = rows, columns
        self._lock = threading.Lock()
        self._kept: tuple[dict[str, Floats], dict[str, Floats]] = ({}, {})
        self._words: tuple[Words, Words] | None = None
        if folding:
            self._words = (np.zeros(rows.reference, np.uint64), np.zeros(rows.current, np.uint64))
            self._holds = tuple(np.zeros(each.size, np.bool_) for each in self._words)
            self._over: tuple[dict[str, int], dict[str, int]] = ({}, {})

    def see(self, samples: Sequence[Sample]) -> None:
        """Take in a column of both sides, the reference's first."""
        for at, sample in enumerate(samples):
            if sample.kind in {Kind.NUMERIC, Kind.BOOLEAN}:
                values = _numbers(sample)
                with self._lock:
                    self._kept[at][sample.column] = together.kept(values, self._columns)
            if self._words is not None:
                self._fold(at, sample)

    def _fold(self, at: int, sample: Sample) -> None:
        assert self._words is not None, "asked where rows are folded"
        found, known = overview.words(sample)
        word = overview.over_rows(found)
        name = hashing.hashes(pa.array([sample.column]))[0]
        mixed = hashing.mixed(found ^ name)
        with self._lock:
            self._words[at][:] += mixed
            self._holds[at][:] |= known
            self._over[at][sample.column] = word

    def overviews(self, found: Sequence[Measured]) -> tuple[Overview, Overview]:
        """Both sides as tables."""
        columns = [each.whole for each in found]
        one = overview.overview(
            columns, [c.reference for c in columns], self._folded(0, columns), self._rows.reference
        )
        other = overview.overview(
            columns, [c.current for c in columns], self._folded(1, columns), self._rows.current
        )
        return one, other

    def correlations(self, found: Sequence[Measured], level: float) -> Correlations | None:
        """The correlations of columns of numbers, in the order in which they were found."""
        names = [
            each.whole.column for each in found
            if each.whole.note is None and all(each.whole.column in side for side in self._kept)
        ]  # fmt: skip
        one, other = ({name: side[name] for name in names} for side in self._kept)
        return together.correlations(one, other, level=level)

    def _folded(self, at: int, columns: Sequence[ComparedColumn]) -> Folded | None:
        if self._words is None:
            return None
        over = self._over[at]
        named = {c.column: over[c.column] for c in columns if c.column in over}
        return Folded(self._words[at], self._holds[at], named)


def _numbers(sample: Sample) -> Floats:
    if sample.kind is Kind.BOOLEAN:
        codes, levels = overview.coded(sample)
        is_true = pc.equal(levels, "true").cast(pa.int8()).cast(pa.float64())
        found: Floats = np.append(is_true.to_numpy(zero_copy_only=False), np.nan)[codes]
        return found
    return reading.numbers(sample.values)
