"""What the values of a column of a file are, by their type and, of texts, by the first of them."""

from typing import Final

import pyarrow as pa

from controlplane.cli.replay.columns import numbers_among_words
from controlplane.cli.replay.written import as_written
from detectors.finding import Kind

LOOKED_AT: Final = 50_000


def kind_of(values: pa.ChunkedArray) -> Kind:
    """The kind of a column's values; the first 50,000 tell what a column of texts holds.

    Texts that are numbers in nine of ten are numbers, those that are times in nine of ten dates.
    """
    kind = values.type
    if pa.types.is_boolean(kind):
        return Kind.BOOLEAN
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Kind.DATETIME
    if not pa.types.is_string(kind):
        return Kind.NUMERIC
    first = values.slice(0, LOOKED_AT)
    if first.null_count == len(first):
        return Kind.CATEGORICAL
    if numbers_among_words(first) is not None:
        return Kind.NUMERIC
    return Kind.CATEGORICAL if as_written(first) is None else Kind.DATETIME
