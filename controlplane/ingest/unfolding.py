"""Bodies that unfold to far more than came: one at a time, so that a few cannot fill the memory.

A request that unfolds to little never waits. One that passes `LARGE` waits until the one before it
is done with, its commit included, since what it unfolded to lives that long.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LARGE: Final = 16 * 2**20
"""Bytes that any request may unfold to beside others."""

_turn = threading.Lock()


class _Mine(threading.local):
    """What this thread is doing."""

    is_bounded = False
    is_large = False


_mine = _Mine()


@contextmanager
def bounded() -> Iterator[None]:
    """Within the block this thread waits for its turn before it unfolds to much."""
    _mine.is_bounded = True
    try:
        yield
    finally:
        _mine.is_bounded = False
        if _mine.is_large:
            _mine.is_large = False
            _turn.release()


def unfolds_to(size: int) -> None:
    """So many bytes are about to be made, or were so far."""
    if size > LARGE and _mine.is_bounded and not _mine.is_large:
        _turn.acquire()
        _mine.is_large = True
