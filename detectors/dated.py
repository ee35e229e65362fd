"""The bounds of a column of dates, whatever their unit and however far they lie."""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa


def bounds(values: pa.ChunkedArray) -> tuple[date | str | None, date | str | None]:
    """The first and the last of dates or timestamps, None where there is none. O(n).

    Nanoseconds are cut to microseconds; times of a zone come in UTC. What lies outside the years 1 to 9999 comes as text in
    ISO 8601, in UTC where the column has a zone.
    """
    import pyarrow.compute as pc  # noqa: PLC0415 - half of a short comparison's time

    limits = pc.min_max(values)
    return _moment(limits["min"]), _moment(limits["max"])


def _moment(scalar: pa.Scalar) -> date | str | None:
    kind = scalar.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        scalar = scalar.cast(pa.timestamp("us", kind.tz), safe=False)
    try:
        found: date | None = scalar.as_py()
    except (OverflowError, ValueError):
        return str(np.int64(scalar.value).astype(f"datetime64[{_unit(scalar.type)}]"))
    return found.astimezone(UTC) if isinstance(found, datetime) and found.tzinfo else found


def _unit(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return str(kind.unit)
    return "ms" if pa.types.is_date64(kind) else "D"
