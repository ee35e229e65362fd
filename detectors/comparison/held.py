"""What is kept of one side of a column while it is compared: its values in order, or its counts."""

import msgspec
import pyarrow as pa

from detectors import dated
from detectors import ordered as in_order
from detectors.finding import Kind, Sample
from detectors.levelled import Levelled, levelled
from detectors.ordered import Ordered


class Dates(msgspec.Struct, frozen=True):
    """A column of dates: they always move on, so only their bounds and gaps are looked at."""

    column: str
    rows: int
    missing: int
    first: str | None
    last: str | None


Held = Ordered | Levelled | Dates


def held(sample: Sample) -> Held:
    """A sample prepared once for all that is computed of it; raises ValueError where it cannot be.

    One sort of numbers, O(n log n); one count of levels, O(n).
    """
    match sample.kind:
        case Kind.NUMERIC:
            return in_order.ordered(sample)
        case Kind.CATEGORICAL | Kind.BOOLEAN:
            return levelled(sample)
        case Kind.DATETIME:
            return dates(sample)


def dates(sample: Sample) -> Dates:
    """The bounds of a column of dates, O(n)."""
    values = sample.values
    plain = values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values
    first, last = map(_written, dated.bounds(plain))
    return Dates(sample.column, len(values), values.null_count, first, last)


def _written(moment: object) -> str | None:
    return None if moment is None else str(moment).replace(" ", "T", 1)
