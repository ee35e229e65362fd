"""Columns of texts, as a format without types holds them, to what they would be with types.

So that a row says the same however it was sent: `3`, `3.0` and `True` of a CSV file are the number
and the truth value that JSON would carry, and `007` stays the text that it is.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_TRUTHS: Final = pa.array(["true", "True", "TRUE", "false", "False", "FALSE"])
_TRUE: Final = _TRUTHS[:3]
_FIRST: Final = 64
"""Values that are tried before all of them are."""
_ZERO, _NINE, _MINUS, _HEX = (ord(sign) for sign in "09-x")


def typed(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of texts as truth values, whole numbers or doubles, where all of its values are.

    Numbers that would be written another way, by leading zeros or beyond 64 bits, leave the
    column as it is. An empty text among numbers or truth values is a missing one, since writers
    that quote everything say it so.

    >>> typed(pa.chunked_array([["1", None, "2.50"]])).to_pylist()
    [1.0, None, 2.5]
    >>> typed(pa.chunked_array([["007", "1"]])).to_pylist()
    ['007', '1']
    """
    blank = pc.equal(texts, "")
    known = texts
    if pc.any(blank).as_py():
        known = pc.if_else(blank, pa.scalar(None, pa.string()), texts)
    found = _of_one_kind(known) if known.null_count < len(known) else None
    return texts if found is None else found


def _of_one_kind(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Texts, of which there is one at least, as what all of them are; None for words."""
    first = texts.drop_null()[0]
    if pc.is_in(first, _TRUTHS).as_py():
        known = pc.or_kleene(pc.is_in(texts, _TRUTHS), pc.is_null(texts))
        if pc.all(known).as_py():
            return pc.if_else(pc.is_valid(texts), pc.is_in(texts, _TRUE), None)
        return None
    for kind in (pa.int64(), pa.float64()):
        try:
            texts.slice(0, _FIRST).cast(kind)  # each value that will not go costs its message
            found = texts.cast(kind)
        except pa.ArrowInvalid:
            continue
        return None if _is_written_otherwise(texts, found) else found
    return None


def _is_written_otherwise(texts: pa.ChunkedArray, numbers: pa.ChunkedArray) -> bool:
    """Whether a text would be another one if it were made of its number: `007`, `0x1f`, or more
    digits than a double holds."""
    if any(_has_leading_zero(part).any() for part in texts.chunks):
        return True
    if not pa.types.is_floating(numbers.type):
        return False
    whole = pc.fill_null(pc.greater_equal(pc.abs(numbers), 2.0**63), fill_value=False)
    return bool(pc.any(pc.and_(whole, pc.is_finite(numbers))).as_py()) and _are_digits(texts)


def _are_digits(texts: pa.ChunkedArray) -> bool:
    """Whether some text of 19 and more characters is nothing but digits."""
    long = pc.greater_equal(pc.utf8_length(texts), 19)
    return bool(pc.any(pc.and_(long, pc.utf8_is_digit(texts))).as_py())


def _has_leading_zero(texts: pa.Array) -> NDArray[np.bool_]:
    """Texts such as `007`, `-01` and `0x1f`, shape (n,)."""
    _, starts, content = texts.buffers()
    if content is None:
        return np.zeros(len(texts), np.bool_)
    offsets = np.frombuffer(starts, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    signs = np.frombuffer(content, np.uint8)
    begins, lengths = offsets[:-1].copy(), np.diff(offsets)
    signed = (lengths > 1) & (signs[np.minimum(begins, signs.size - 1)] == _MINUS)
    begins, lengths = begins + signed, lengths - signed
    enough = lengths > 1
    begins, lengths = begins[enough], lengths[enough]
    second = signs[begins + 1]
    found = np.zeros(len(texts), np.bool_)
    digit = ((second >= _ZERO) & (second <= _NINE)) | ((second | 0x20) == _HEX)
    found[np.flatnonzero(enough)] = (signs[begins] == _ZERO) & digit
    return found
