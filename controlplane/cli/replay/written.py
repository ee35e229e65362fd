"""Times as people and programs write them, beside ISO 8601: told apart by a whole column."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_DAYS: Final = (
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"\d{8}", ("%Y%m%d",)),
    (r"\d{1,2}-[A-Za-z]{3}-\d{4}", ("%d-%b-%Y",)),
    (r"\d{1,2} [A-Za-z]{3} \d{4}", ("%d %b %Y",)),
    (r"[A-Za-z]{3} \d{1,2}, \d{4}", ("%b %d, %Y",)),
    (r"\d{1,2}/\d{1,2}/\d{2}", ("%d/%m/%y", "%m/%d/%y")),
)
_CLOCKS: Final = (
    ("", ""),
    (r"[ T]\d{1,2}:\d{2}", " %H:%M"),
    (r"[ T]\d{1,2}:\d{2}:\d{2}(\.\d+)?", " %H:%M:%S"),
    (r" \d{1,2}:\d{2} ?[AaPp][Mm]", " %I:%M %p"),
    (r" \d{1,2}:\d{2}:\d{2} ?[AaPp][Mm]", " %I:%M:%S %p"),
)
ISO: Final = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?( ?(Z|[+-]\d{2}:?\d{2}))?$"
NUMBER: Final = r"^[-+]?\d+(\.\d+)?$"
_BEGINS: Final = r"^(\d|[A-Za-z]{3} \d)"
"""As all of these begin; most columns of texts are told by this alone."""
MOSTLY: Final = 0.9
"""The share of the values of a column that have to be of a form."""
LOOKED_AT: Final = 5_000
"""Values that decide whether a column is worth reading as times at all."""


def as_written(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A text column as times without an offset, or as the text it is where that is ISO 8601.

    None where it holds no times. Of 1/2/2024 the day comes first unless a column's values say
    otherwise: where one of them can be read only the other way, all of them are.
    """
    present = column.drop_null()
    if len(present) == 0:
        return None
    sample = present.slice(0, LOOKED_AT)
    if _share(sample, _BEGINS) < MOSTLY:
        return None
    if _share(sample, ISO) >= MOSTLY:
        return column
    for day, formats in _DAYS:
        for clock, spelled in _CLOCKS:
            if _share(sample, f"^{day}{clock}$") >= MOSTLY:
                return _best(column, formats, spelled)
    return None


def in_one_way(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A text column with null where a value is not written as most of those are that are times;
    None where none is one."""
    present = column.drop_null()
    sample = present.slice(0, LOOKED_AT)
    if not len(sample):
        return None
    patterns = [ISO, NUMBER, *(f"^{day}{clock}$" for day, _ in _DAYS for clock, _ in _CLOCKS)]
    usual = max(patterns, key=lambda pattern: _share(sample, pattern))
    if not _share(sample, usual):
        return None
    written = pc.fill_null(pc.match_substring_regex(column, usual), fill_value=False)
    return pc.if_else(written, column, pa.scalar(None, column.type))


def _share(sample: pa.ChunkedArray, pattern: str) -> float:
    return (pc.sum(pc.match_substring_regex(sample, pattern)).as_py() or 0) / len(sample)


def _best(column: pa.ChunkedArray, formats: tuple[str, ...], clock: str) -> pa.ChunkedArray | None:
    """The reading in which most values are times; none where it is not most of them."""
    text = pc.replace_substring_regex(column, r"(\d)T(\d)", r"\1 \2")
    text = pc.replace_substring_regex(text, r"(\d{2}:\d{2}:\d{2})\.\d+", r"\1")
    text = pc.replace_substring_regex(text, r"(\d) ?([AaPp][Mm])$", r"\1 \2")
    readings = [
        pc.strptime(text, format=day + clock, unit="us", error_is_null=True) for day in formats
    ]
    best = min(readings, key=lambda reading: reading.null_count)
    present = len(column) - column.null_count
    return best if len(best) - best.null_count >= MOSTLY * present else None
