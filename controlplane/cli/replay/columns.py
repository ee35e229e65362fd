"""A column of any Arrow type in one of the few that the rest of a replay knows."""

from typing import Final

import pyarrow as pa

from controlplane.domain.errors import BadInput

MOSTLY: Final = 0.9
"""The share of a text column's values that have to be numbers for it to be numeric."""
FEW_NUMBERS: Final = 10
"""A column of words among which so few different ones are numbers stays one of words."""


class NoFeature(BadInput):
    """A column that no column of a model can hold; the text says what it holds."""


def plain_column(table: pa.Table, name: str, what: str) -> pa.ChunkedArray:
    """A column that is asked for by name, in one of the few types."""
    try:
        return plain(table[name])
    except NoFeature as found:
        message = f"column {name!r} {what} holds {found}"
        raise BadInput(message) from None


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without dictionary, extension, long offsets or run lengths; bytes as the text that
    they are. Raises NoFeature for what no column of a model can hold."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        kind = column.type
    column = _unpacked(column)
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_interval(kind):
        raise NoFeature(f"values of several parts ({kind})")
    if _is_bytes(kind):
        return _decoded(column)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def _unpacked(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without dictionary or run lengths."""
    kind = column.type
    if pa.types.is_run_end_encoded(kind):
        import pyarrow.compute as pc  # noqa: PLC0415 - few files need it, and small ones feel it

        return pa.chunked_array(list(map(pc.run_end_decode, column.chunks)), kind.value_type)
    if pa.types.is_dictionary(kind):
        if pa.types.is_nested(kind.value_type):
            raise NoFeature(f"values of several parts ({kind.value_type})")
        return column.cast(kind.value_type)
    return column


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind)
    )  # fmt: skip


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        raise NoFeature("bytes that are no text") from None


def numbers_among_words(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The numbers of a text column that is nearly all numbers, the rest null; else None."""
    import pyarrow.compute as pc  # noqa: PLC0415 - few files need it, and small ones feel it

    present = len(column) - column.null_count
    number = pc.match_substring_regex(column, r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$")
    count = int(pc.sum(number).as_py() or 0)
    if present == 0 or count < MOSTLY * present:
        return None
    texts = pc.utf8_trim_whitespace(pc.if_else(number, column, pa.scalar(None, pa.string())))
    values = texts.cast(pa.float64())
    return values if pc.count_distinct(values).as_py() > FEW_NUMBERS else None
