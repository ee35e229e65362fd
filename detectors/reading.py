"""The values of a sample as NumPy numbers or counted levels; what counts as missing is decided here.

Numbers: null and NaN are missing; infinities stay, their order is defined. Levels: every value is
taken as text exactly as written ("A" and "a" are two levels, "" is one); null and NaN are missing.
Arrow's functions are imported where values have to be converted: plain doubles and dictionaries of
texts, what files mostly hold, need none of them.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from detectors.finding import Kind, Sample

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_MOST_ENTRIES = 100_000
"""Of a dictionary whose codes are counted; a longer one is counted as the texts it stands for."""
_TRUE = pa.array(["true", "1"], pa.string())
_FALSE = pa.array(["false", "0"], pa.string())


def numbers(values: pa.ChunkedArray) -> Floats:
    """Every row as a double, NaN where it is null or cannot be read as a number.

    Whole numbers, decimals, booleans, durations, dates and numbers written as text are converted;
    dates and times count in their own unit.

    >>> numbers(pa.chunked_array([["1.5", "x", None, " 2 "]])).tolist()
    [1.5, nan, nan, 2.0]
    """
    plain = decoded(values)
    kind = plain.type
    if pa.types.is_float64(kind):
        plain_doubles: Floats = plain.to_numpy()
        return plain_doubles
    if pa.types.is_temporal(kind):
        narrow = pa.types.is_date32(kind) or pa.types.is_time32(kind)
        plain = (plain.cast(pa.int32()) if narrow else plain).cast(pa.int64())
    elif _is_text(kind):
        plain = _readable(plain)
    elif pa.types.is_boolean(kind):
        plain = plain.cast(pa.int8())
    found: Floats = plain.cast(pa.float64(), safe=False).to_numpy()
    return found


def _readable(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts that are numbers, null for the others."""
    import pyarrow.compute as pc  # noqa: PLC0415 - see the module's docstring

    plain = pc.utf8_trim_whitespace(values.cast(pa.string()))
    readable = pc.match_substring_regex(plain, _NUMBER)
    return pc.if_else(readable, plain, pa.scalar(None, pa.string()))


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
    import pyarrow.compute as pc  # noqa: PLC0415 - see the module's docstring

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
    as_words = sample.kind is Kind.BOOLEAN and not pa.types.is_boolean(kind)
    return _booleans(plain) if as_words else plain  # of booleans Arrow's texts are those words


def levels(sample: Sample) -> tuple[pa.Array, Counts, int]:
    """The distinct levels, how many rows hold each, and how many rows hold none."""
    values = sample.values
    if sample.kind is Kind.CATEGORICAL and pa.types.is_dictionary(values.type):
        values = values.unify_dictionaries()
        if values.num_chunks and _is_plain(values.chunk(0).dictionary):
            return _coded(values)
    import pyarrow.compute as pc  # noqa: PLC0415 - see the module's docstring

    counted = pc.value_counts(texts(sample))
    names, counts = counted.field(0), counted.field(1).to_numpy().astype(np.int64)
    valid = pc.is_valid(names).to_numpy(zero_copy_only=False)
    missing = int(counts[~valid].sum())
    return names.drop_null(), counts[valid], missing


def _is_plain(dictionary: pa.Array) -> bool:
    """Whether a dictionary's entries are levels as they stand: texts, none of them twice."""
    if not pa.types.is_string(dictionary.type) or dictionary.null_count:
        return False
    few = len(dictionary) <= _MOST_ENTRIES
    return few and len(set(dictionary.to_pylist())) == len(dictionary)


def _coded(values: pa.ChunkedArray) -> tuple[pa.Array, Counts, int]:
    """Levels counted by their codes; all parts have the same dictionary."""
    dictionary = values.chunk(0).dictionary
    counts = np.zeros(len(dictionary), dtype=np.int64)
    for part in values.chunks:
        codes = part.indices.to_numpy(zero_copy_only=False)
        if part.indices.null_count:
            codes = codes[~np.isnan(codes)].astype(np.int64)
        counts += np.bincount(codes, minlength=counts.size)
    missing = len(values) - int(counts.sum())
    held = np.flatnonzero(counts)
    if held.size == counts.size:
        return dictionary, counts, missing
    names = dictionary.to_pylist()
    return pa.array([names[at] for at in held], pa.string()), counts[held], missing


def _booleans(plain: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc  # noqa: PLC0415 - see the module's docstring

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
