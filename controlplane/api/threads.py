"""Handlers that block, run off the event loop.

Litestar's own `sync_to_thread` wraps a handler again where several methods share a path, and then
answers with a coroutine; it also takes its threads from the loop's default pool, which long
calls may hold for minutes.
"""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import ParamSpec, TypeVar

from anyio import to_thread

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(work: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """The function as a coroutine function that runs it in a worker thread."""

    @wraps(work)
    async def threaded(*args: P.args, **kwargs: P.kwargs) -> T:
        return await to_thread.run_sync(partial(work, *args, **kwargs))

    return threaded
