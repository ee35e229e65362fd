"""The one writing thread: a bounded queue in, commits of several pieces at once, futures out."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

import msgspec

from controlplane.domain.errors import Overloaded
from controlplane.store.ports import Transaction

T = TypeVar("T")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much may wait, and how much shares one commit; sizes in bytes."""

    entries: int = 10_000
    size: int = 256 * 2**20
    group_entries: int = 256
    group_size: int = 64 * 2**20
    rest_seconds: float = 2.0
    """So long without work counts as idle."""


class Piece(Generic[T]):
    """A piece of work and the future of its answer."""

    __slots__ = ("future", "is_quiet", "size", "work")

    def __init__(self, work: Callable[[Transaction], T], size: int, *, quiet: bool) -> None:
        self.work = work
        self.size = size
        self.is_quiet = quiet
        self.future: Future[T] = Future()


class Engine(Protocol):
    """What the thread drives. Neither method raises."""

    def commit(self, pieces: Sequence[Piece[object]]) -> None:
        """Run the pieces, commit, resolve their futures."""
        ...

    def rest(self, *, idle: bool) -> None:
        """Between two commits: checkpoint if it is time."""
        ...


class Writer:
    """The thread and its queue."""

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits
        self._changed = threading.Condition()
        self._waiting: deque[Piece[object]] = deque()
        self._size = 0
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="leeboard-writer", daemon=True)
        self._thread.start()

    def submit(
        self, work: Callable[[Transaction], T], *, size: int, quiet: bool = False
    ) -> "Future[T]":
        """Queue a piece of work. Raises Overloaded where the queue is full, and once the store
        closes. A single piece larger than the queue is taken when nothing else waits."""
        piece = Piece(work, size, quiet=quiet)
        with self._changed:
            if self._closing:
                raise Overloaded("the server is ending; send it again to the restarted one")
            full = self._size + size > self._limits.size and self._waiting
            if full or len(self._waiting) >= self._limits.entries:
                message = (
                    f"{len(self._waiting)} writes of {self._size} bytes wait already; nothing of "
                    "this one was stored, send it again in a moment"
                )
                raise Overloaded(message)
            self._waiting.append(piece)  # type: ignore[arg-type]
            self._size += size
            self._changed.notify_all()
        return piece.future

    @property
    def waiting(self) -> tuple[int, int]:
        """How many pieces wait, and their bytes; any thread."""
        with self._changed:
            return len(self._waiting), self._size

    def close(self) -> None:
        """Finish what is queued and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            pieces = self._taken()
            if pieces is None:
                return
            running = [piece for piece in pieces if piece.future.set_running_or_notify_cancel()]
            if running:
                self._engine.commit(running)
            is_idle = not pieces
            del pieces, running  # else the rows of a large one are held until the next
            self._engine.rest(idle=is_idle)

    def _taken(self) -> list[Piece[object]] | None:
        """What goes into the next commit; empty after a rest without work, None at the end."""
        with self._changed:
            if not self._waiting and not self._closing:
                self._changed.wait(self._limits.rest_seconds)
            if not self._waiting:
                return None if self._closing else []
            taken: list[Piece[object]] = []
            size = 0
            while self._waiting and len(taken) < self._limits.group_entries:
                if taken and size + self._waiting[0].size > self._limits.group_size:
                    break
                taken.append(self._waiting.popleft())
                size += taken[-1].size
            self._size -= size
            return taken
