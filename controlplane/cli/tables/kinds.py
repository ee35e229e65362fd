"""What the values of a column of a file are, by their type and, of texts, by the first of them."""

from typing import Final

import pyarrow as pa

from detectors.finding import Kind

LOOKED_AT: Final = 50_000
_OF_CALENDARS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "nan", "inf",
)  # fmt: skip
_PLAIN_TEXTS: Final = 20
"""Texts of a column that tell whether it may hold numbers or dates."""


def kind_of(values: pa.ChunkedArray) -> Kind:
    """The kind of a column's values; the first 50,000 tell what a column of texts holds.

    Texts that are numbers in nine of ten are numbers, those that are times in nine of ten dates.
    """
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_boolean(kind):
        return Kind.BOOLEAN
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Kind.DATETIME
    if not pa.types.is_string(kind):
        return Kind.NUMERIC
    first = values.slice(0, LOOKED_AT)
    if first.null_count == len(first) or are_words(first):
        return Kind.CATEGORICAL
    first = first.cast(kind)
    # Where there are words alone, Arrow's functions are never imported.
    from controlplane.cli.replay.columns import numbers_among_words  # noqa: PLC0415
    from controlplane.cli.replay.written import as_written  # noqa: PLC0415

    if numbers_among_words(first) is not None:
        return Kind.NUMERIC
    return Kind.CATEGORICAL if as_written(first) is None else Kind.DATETIME


def are_words(values: pa.ChunkedArray) -> bool:
    """Whether texts all begin with a letter, as no number does, and with no month or day.

    Told by twenty of them, evenly spread: numbers or dates would be nine of ten.
    """
    places = {len(values) * at // _PLAIN_TEXTS for at in range(_PLAIN_TEXTS)} if len(values) else ()
    known = [text.strip().lower() for at in places if (text := values[at].as_py())]
    return bool(known) and all(
        text[:1].isalpha() and not text.startswith(_OF_CALENDARS) for text in known
    )
