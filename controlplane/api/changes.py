"""Tells waiting requests that a model changed."""

import asyncio
import contextlib
import threading


class Changes:
    """A bell a model: commits ring it, long polls wait for it."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._lock = threading.Lock()
        self._is_released = False

    def told(self, models: frozenset[str]) -> None:
        """Wake whoever waits for one of these models; any thread."""
        with self._lock:
            woken = [f for model in models for f in self._waiting.pop(model, ())]
        for future in woken:
            with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_done, future)

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


def _done(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
