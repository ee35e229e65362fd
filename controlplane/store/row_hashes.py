"""Hashes of rows by which one tells, without asking the database, what was never seen.

They are made here rather than in SQL so that appending a handful of rows costs no statement.
Two rows with one hash only cost a search.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

ID: Final = "id"
"""Of the id alone."""
PLACE: Final = "place"
"""Of id and time."""
ROW: Final = "row"
"""Of what makes a row one that is stored once: id, time, role, and in the shadow the version."""

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
)
_LAST: Final = np.uint64(31)
_SHADOW: Final = "shadow"


def prediction_hashes(rows: pa.Table) -> dict[str, Hashes]:
    """Of rows with `id, at, role, version`: arrays of shape (rows,)."""
    ids = text_hashes(rows["id"])
    times: Hashes = rows["at"].cast(pa.int64()).to_numpy().view(np.uint64)
    places = _mixed(ids ^ _mixed(times))
    shadow = pc.equal(rows["role"], _SHADOW)
    version = pc.if_else(shadow, pc.fill_null(rows["version"].cast(pa.string()), ""), "")
    kind = pc.binary_join_element_wise(rows["role"], version, "/")
    return {ID: ids, PLACE: places, ROW: _mixed(places ^ text_hashes(kind))}


def label_hashes(rows: pa.Table) -> dict[str, Hashes]:
    """Of rows with `id`."""
    return {ID: text_hashes(rows["id"])}


def text_hashes(texts: pa.ChunkedArray) -> Hashes:
    """A 64-bit hash a text, by a polynomial over its bytes; shape (rows,)."""
    parts = [_of_chunk(chunk) for chunk in texts.cast(pa.string()).chunks if len(chunk)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _of_chunk(texts: pa.StringArray) -> Hashes:
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(bounds)
    places = np.arange(bounds[-1] - bounds[0]) - np.repeat(bounds[:-1] - bounds[0], lengths)
    weights = np.full(int(lengths.max()) + 1, _BASE)
    weights[0] = 1
    weights = np.multiply.accumulate(weights)
    letters = np.frombuffer(data or b"", np.uint8)[bounds[0] : bounds[-1]].astype(np.uint64)
    sums = np.zeros(len(letters) + 1, np.uint64)
    np.cumsum((letters + np.uint64(1)) * weights[places], out=sums[1:])
    starts = bounds - bounds[0]
    return _mixed(sums[starts[1:]] - sums[starts[:-1]])


def _mixed(values: Hashes) -> Hashes:
    """Every bit of the result depends on every bit of the value (splitmix64's finish)."""
    for shift, factor in _MIX:
        values = (values ^ (values >> shift)) * factor
    mixed: Hashes = values ^ (values >> _LAST)
    return mixed


def repeated(hashes: Hashes) -> NDArray[np.bool_]:
    """Where a hash stands more than once, shape (n,)."""
    if len(hashes) == 1:
        return np.zeros(1, np.bool_)
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    twice: NDArray[np.bool_] = counts[inverse] > 1
    return twice
