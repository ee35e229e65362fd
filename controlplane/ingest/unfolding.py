"""Bodies that unfold to far more than came: one at a time, so that a few cannot fill the memory.

A request that unfolds to little never waits. One that passes `LARGE` waits until the one before it
is done with, its commit included, since what it unfolded to lives that long; for a while, then it
is told to come again.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pyarrow as pa

from controlplane.domain.errors import Overloaded, TooLarge

LARGE: Final = 16 * 2**20
"""Bytes that any request may unfold to beside others."""

WHOLE: Final = 3
"""A body whose values are made all at once, as objects, counts so many times its bytes."""
PATIENCE_SECONDS: Final = 20.0
"""How long a request waits for its turn."""

_turn = threading.Lock()


class _Mine(threading.local):
    """What this thread is doing."""

    is_bounded = False
    is_large = False
    most: int | None = None


_mine = _Mine()


@contextmanager
def bounded(most: int | None = None) -> Iterator[None]:
    """Within the block this thread waits for its turn before it unfolds to much, and unfolds to no
    more than `most` bytes; None: whatever each format has for its bound."""
    _mine.is_bounded, _mine.most = True, most
    try:
        yield
    finally:
        _mine.is_bounded, _mine.most = False, None
        if _mine.is_large:
            _mine.is_large = False
            try:
                _give_back()
            finally:
                _turn.release()


def _give_back() -> None:
    """Memory that is free to the system, before the next large body comes: Arrow keeps it, and
    glibc a part of it for each thread; other C libraries have no such call."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def unfolds_to(size: int, *, times: int = 1) -> None:
    """So many bytes are about to be made, or were so far; what becomes of them takes `times` as
    much. Raises TooLarge, and Overloaded where others take too long."""
    if _mine.most is not None and size > _mine.most:
        message = f"the body unfolds to more than {_mine.most} bytes; send it in several requests"
        raise TooLarge(message)
    if size * times > LARGE and _mine.is_bounded and not _mine.is_large:
        if not _turn.acquire(timeout=PATIENCE_SECONDS):
            message = (
                f"other large bodies are being taken in for {PATIENCE_SECONDS:g} seconds; nothing "
                "of this one was stored, send it again in a moment"
            )
            raise Overloaded(message)
        _mine.is_large = True
