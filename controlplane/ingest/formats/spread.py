"""Columns that are stored in another way than they are read: runs of equal values, UUIDs."""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

UUID_LENGTH: Final = 36
"""Characters of a UUID as text, such as `67e55044-10b1-426f-9247-bb680e5fe0c8`."""
_UUID_BYTES: Final = 16
_DASHES: Final = (8, 13, 18, 23)
_FIGURES: Final = np.frombuffer(b"0123456789abcdef", np.uint8)


def runs_of(column: pa.RunEndEncodedArray) -> NDArray[np.int64]:
    """How many rows of a column each of its runs has, shape (runs,)."""
    ends = column.run_ends.to_numpy().astype(np.int64) - column.offset
    within: NDArray[np.int64] = np.diff(np.clip(ends, 0, len(column)), prepend=0)
    return within


def spread(column: pa.RunEndEncodedArray) -> pa.Array:
    """A column of runs with a value a row; the column must have been validated."""
    runs = runs_of(column)
    return column.values.take(pa.array(np.repeat(np.arange(len(runs)), runs)))


def uuid_texts(column: pa.ExtensionArray) -> pa.StringArray:
    """UUIDs as text, in lower case with dashes.

    >>> import uuid
    >>> one = uuid.UUID("67e55044-10b1-426f-9247-bb680e5fe0c8")
    >>> uuid_texts(pa.array([one.bytes, None], pa.uuid())).to_pylist()
    ['67e55044-10b1-426f-9247-bb680e5fe0c8', None]
    """
    rows, stored = len(column), column.storage
    raw = np.frombuffer(stored.buffers()[1] or b"", np.uint8)
    raw = raw[_UUID_BYTES * stored.offset :][: _UUID_BYTES * rows].reshape(rows, _UUID_BYTES)
    figures = _FIGURES[np.stack([raw >> 4, raw & 15], axis=2).reshape(rows, 2 * _UUID_BYTES)]
    text = np.full((rows, UUID_LENGTH), ord("-"), np.uint8)
    text[:, np.delete(np.arange(UUID_LENGTH), _DASHES)] = figures
    offsets = np.arange(0, UUID_LENGTH * (rows + 1), UUID_LENGTH, dtype=np.int32)
    missing = stored.is_null().to_numpy(zero_copy_only=False)
    made = pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(text))
    known: pa.StringArray = pa.compute.if_else(missing, pa.scalar(None, pa.string()), made)
    return known
