"""Tells waiting requests that models changed."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from controlplane.domain.errors import Overloaded

MOST_FOLLOWERS = 200
"""Streams at once."""


class Changes:
    """A bell a model: commits ring it, long polls wait for it; streams follow all of them."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._followers: set[Followed] = set()
        self._lock = threading.Lock()
        self._is_released = False

    def told(self, models: frozenset[str]) -> None:
        """Wake whoever waits for one of these models; any thread."""
        with self._lock:
            woken = [f for model in models for f in self._waiting.pop(model, ())]
            followers = tuple(self._followers)
        for future in woken:
            with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_done, future)
        for follower in followers:
            follower.told(models)

    def release(self) -> None:
        """Wake everybody and let nobody wait again: the server stops."""
        self._is_released = True
        self.told(frozenset(self._waiting))

    def listen(self, model: str) -> "asyncio.Future[None]":
        """A future that is done at the model's next change. Take it before looking at the state,
        so that nothing is missed in between; cancel it where it is not wanted any more."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._is_released:
            future.set_result(None)
            return future
        with self._lock:
            self._waiting.setdefault(model, set()).add(future)
        future.add_done_callback(lambda done: self._forget(model, done))
        return future

    @contextlib.contextmanager
    def followed(self) -> Iterator["Followed"]:
        """What changes of any model while the block lasts."""
        follower = Followed()
        with self._lock:
            self._followers.add(follower)
        try:
            yield follower
        finally:
            with self._lock:
                self._followers.discard(follower)

    def check_room(self) -> None:
        """Raise Overloaded where as many streams are open as may be."""
        with self._lock:
            if len(self._followers) >= MOST_FOLLOWERS:
                message = f"{MOST_FOLLOWERS} streams are open already; close one, or try later"
                raise Overloaded(message)

    @property
    def is_released(self) -> bool:
        """Whether the server stops."""
        return self._is_released

    def _forget(self, model: str, future: "asyncio.Future[None]") -> None:
        with self._lock:
            waiting = self._waiting.get(model)
            if waiting is not None:
                waiting.discard(future)
                if not waiting:
                    del self._waiting[model]


class Followed:
    """The models that changed since somebody last took them; made in the loop that waits."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._models: set[str] = set()
        self._changed = asyncio.Event()

    def told(self, models: frozenset[str]) -> None:
        """These changed, or the server stops; any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody follows any more
            self._loop.call_soon_threadsafe(self._add, models)

    async def wait(self, seconds: float) -> None:
        """Until something changed, or the time is over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    def take(self) -> set[str]:
        """What changed since the last time."""
        models, self._models = self._models, set()
        self._changed.clear()
        return models

    def _add(self, models: frozenset[str]) -> None:
        self._models |= models
        self._changed.set()


def _done(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
