"""The values of a sample as NumPy numbers or counted levels; what counts as missing is decided here.

Numbers: null and NaN are missing; infinities stay, their order is defined. Levels: every value is
taken as text exactly as written ("A" and "a" are two levels, "" is one); null and NaN are missing.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from detectors.finding import Kind, Sample

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_TRUE = pa.array(["true", "1"])
_FALSE = pa.array(["false", "0"])


def numbers(values: pa.ChunkedArray) -> Floats:
    """Every row as a double, NaN where it is null or cannot be read as a number.

    Whole numbers, decimals, booleans, durations and numbers written as text are converted.

    >>> numbers(pa.chunked_array([["1.5", "x", None, " 2 "]])).tolist()
    [1.5, nan, nan, 2.0]
    """
    plain = decoded(values)
    kind = plain.type
    if pa.types.is_temporal(kind):
        plain = plain.cast(pa.int64())
    elif _is_text(kind):
        plain = pc.utf8_trim_whitespace(plain.cast(pa.string()))
        readable = pc.match_substring_regex(plain, _NUMBER)
        plain = pc.if_else(readable, plain, pa.scalar(None, pa.string()))
    elif pa.types.is_boolean(kind):
        plain = plain.cast(pa.int8())
    found: Floats = plain.cast(pa.float64(), safe=False).to_numpy()
    return found


def finite(values: Floats) -> Floats:
    """The numbers that are neither NaN nor infinite."""
    return values[np.isfinite(values)]


def present(values: Floats) -> Floats:
    """The numbers that are not NaN; infinities included."""
    return values[~np.isnan(values)]


def missing(values: Floats) -> int:
    """How many are NaN."""
    return int(np.count_nonzero(np.isnan(values)))


def unparsable(values: pa.ChunkedArray, missing: int) -> int:
    """How many of the rows that are missing as numbers hold a text that is none."""
    return missing - values.null_count if _is_text(decoded(values).type) else 0


def texts(sample: Sample) -> pa.ChunkedArray:
    """Every row as text, null where it is missing.

    Whole floats lose their point (1.0 is "1"), and a boolean column's values become "true" and
    "false" whether they came as booleans, as 0 and 1, or as text in whatever case.
    """
    plain = decoded(sample.values)
    kind = plain.type
    if pa.types.is_floating(kind):
        plain = pc.if_else(pc.is_nan(plain), pa.scalar(None, kind), plain)
    if not (_is_text(kind) or pa.types.is_null(kind) or pa.types.is_primitive(kind)
            or pa.types.is_decimal(kind)):  # fmt: skip
        raise ValueError(
            f"column {sample.column} holds {kind}, which cannot be read as levels; "
            "text, numbers, booleans or dictionaries of these can"
        )
    plain = plain.cast(pa.string())
    return _booleans(plain) if sample.kind is Kind.BOOLEAN else plain


def levels(sample: Sample) -> tuple[pa.Array, Counts, int]:
    """The distinct levels, how many rows hold each, and how many rows hold none."""
    counted = pc.value_counts(texts(sample))
    names, counts = counted.field(0), counted.field(1).to_numpy().astype(np.int64)
    valid = pc.is_valid(names).to_numpy(zero_copy_only=False)
    missing = int(counts[~valid].sum())
    return names.drop_null(), counts[valid], missing


def _booleans(plain: pa.ChunkedArray) -> pa.ChunkedArray:
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(plain))
    lower = pc.if_else(pc.is_in(lower, value_set=_TRUE), pa.scalar("true"), lower)
    return pc.if_else(pc.is_in(lower, value_set=_FALSE), pa.scalar("false"), lower)


def decoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values themselves where they came as a dictionary of them."""
    kind = values.type
    return values.cast(kind.value_type) if pa.types.is_dictionary(kind) else values


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )
