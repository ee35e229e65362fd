"""A column of levels counted once, for everything that is computed from the counts."""

import msgspec
import pyarrow as pa

from detectors import reading
from detectors.finding import Kind, Sample
from detectors.reading import Counts


class Levelled(msgspec.Struct, frozen=True):
    """The distinct levels of a column, a string each, how many rows hold it, and how many none."""

    column: str
    kind: Kind
    names: pa.Array
    counts: Counts
    missing: int

    @property
    def rows(self) -> int:
        """All rows, those without a level with them."""
        return int(self.counts.sum()) + self.missing


def levelled(sample: Sample) -> Levelled:
    """The levels of a sample; raises ValueError where its values cannot be read as levels."""
    names, counts, missing = reading.levels(sample)
    return Levelled(sample.column, sample.kind, names, counts, missing)
