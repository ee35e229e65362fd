"""On which line of a CSV body each of its records begins."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_STEP: Final = 16 * 2**20
"""Bytes looked at together."""
_QUOTE, _NEWLINE, _RETURN = (ord(sign) for sign in '"\n\r')


def record_lines(body: bytes) -> NDArray[np.int64]:
    """The lines, from 1, on which records that are not blank begin, the header among them.

    A record ends with a newline before which there is an even number of quotes. Where a quote
    stands within a value that is not quoted this finds other records than a reader of CSV does,
    so the caller compares their number. Time and memory of a few passes over 16 MiB at a time.

    >>> record_lines(b'id,said\\n1,"two\\nlines"\\n\\n2,one').tolist()
    [1, 2, 5]
    """
    found: list[NDArray[np.int64]] = []
    odd, line, is_open = False, 1, False
    signs = np.frombuffer(body, np.uint8)
    for start in range(0, len(signs), _STEP):
        part = signs[start : start + _STEP]
        inside = _inside(part, odd=odd)
        newlines = np.flatnonzero(part == _NEWLINE)
        ends = newlines[~inside[newlines]]
        starts = np.concatenate([[0], ends + 1])
        shut = np.append(ends, len(part))
        bare = shut - ((shut > starts) & (part[np.maximum(shut - 1, 0)] == _RETURN))
        full = bare > starts
        lines = line + np.searchsorted(newlines, starts)
        # the first piece goes on with the record that the step before left open
        begun = full.copy()
        begun[0] &= not is_open
        found.append(lines[begun])
        is_open = bool(full[-1]) or (is_open and len(ends) == 0)
        odd = bool(inside[-1]) if len(part) else odd
        line += len(newlines)
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _inside(part: NDArray[np.uint8], *, odd: bool) -> NDArray[np.bool_]:
    """Whether an odd number of quotes stands before each byte or at it, shape (n,)."""
    quotes = part == _QUOTE
    if not quotes.any():
        return np.full(len(part), odd)
    return np.logical_xor.accumulate(quotes) ^ odd
