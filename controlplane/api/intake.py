"""How much is taken in at once: bodies while they are read, and the threads that store them.

Without a bound a few senders could fill the memory, or take every thread from those who read.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Final, TypeVar, cast

from anyio import CapacityLimiter, to_thread
from litestar.exceptions import InternalServerException
from litestar.params import Dependency
from litestar.types import HTTPReceiveMessage, Receive

from controlplane.api.gatherer import Gatherer
from controlplane.api.meters import Meters
from controlplane.api.parts import Asked
from controlplane.api.problems import BadRequest
from controlplane.domain.errors import LeeboardError, Overloaded
from controlplane.store.ports import Store

MOST_HELD: Final = 128 * 2**20
"""Bytes of all bodies that are being read or stored; a single one is taken whatever is held."""
PATIENCE: Final = 30.0
"""Seconds within which more of a body must come."""
LONGEST: Final = 600.0
"""Seconds within which a whole body must come."""
HEAVY: Final = 2**20
"""A body of this size, or one that is packed, shares a few threads with its like."""

LAST_PATIENCE: Final = 1.0
"""The same where the server ends."""

T = TypeVar("T")


class Intake:
    """Reads bodies and has them stored."""

    def __init__(self, store: Store, meters: Meters) -> None:
        self.meters = meters
        self.together = Gatherer(store)
        self._held = 0
        self._few, self._many = CapacityLimiter(4), CapacityLimiter(64)
        self._reading: set[asyncio.Timeout] = set()
        self._is_released = False

    @asynccontextmanager
    async def body(self, request: Asked) -> AsyncIterator[bytes]:
        """A request's body, counted while the block lasts.

        Raises Overloaded where too much is held already or the server ends, BadRequest (408) where no more of it
        comes, and (400) where the sender went away in its midst.
        """
        parts: list[bytes] = []
        size = 0
        try:
            async for part in self._parts(request):
                if self._held + len(part) > MOST_HELD and self._held > size:
                    message = (
                        f"{self._held} bytes of other requests are being taken in; nothing of "
                        "this one was stored, send it again in a moment"
                    )
                    raise Overloaded(message)
                size += len(part)
                self._held += len(part)
                parts.append(part)
            yield b"".join(parts)
        finally:
            self._held -= size

    @asynccontextmanager
    async def small(
        self, receive: Receive, length: int, taken: list[HTTPReceiveMessage]
    ) -> AsyncIterator[bytes | None]:
        """A body of a known length, counted while the block lasts, and its messages in `taken`;
        None where it does not come as it should, which its route will say."""
        if self._is_released or self._held + length > MOST_HELD:
            yield None
            return
        self._held += length
        try:
            whole = await self._soon(receive, taken)
            while whole and taken[-1].get("more_body"):
                whole = await self._soon(receive, taken)
            body = b"".join(m["body"] for m in taken if m["type"] == "http.request")
            yield body if whole and len(body) == length else None
        finally:
            self._held -= length

    async def _soon(self, receive: Receive, taken: list[HTTPReceiveMessage]) -> bool:
        """One more message of a body; whether it is one."""
        end = asyncio.timeout(PATIENCE)
        self._reading.add(end)
        try:
            async with end:
                message = await receive()
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            self._reading.discard(end)
        taken.append(cast("HTTPReceiveMessage", message))
        return message["type"] == "http.request"

    def release(self) -> None:
        """The server stops: wait for no body any longer than a moment; in the loop."""
        self._is_released = True
        for reading in self._reading:
            reading.reschedule(asyncio.get_running_loop().time() + LAST_PATIENCE)

    async def store(self, work: Callable[[], T], *, size: int, is_packed: bool) -> T:
        """Run what blocks in a thread of its own kind.

        A refusal comes without the frames that it was raised in: they lead back to it, so that
        all that they hold, an unpacked body say, would stay until the collector passes by.
        """
        limiter = self._few if is_packed or size >= HEAVY else self._many
        try:
            return await to_thread.run_sync(work, limiter=limiter)
        except LeeboardError as error:
            raise error.with_traceback(None) from None

    async def _parts(self, request: Asked) -> AsyncIterator[bytes]:
        stream = request.stream()
        loop = asyncio.get_running_loop()
        last = loop.time() + LONGEST
        while True:
            patience = LAST_PATIENCE if self._is_released else min(PATIENCE, last - loop.time())
            end = asyncio.timeout(patience)
            self._reading.add(end)
            try:
                async with end:
                    part = await anext(stream)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise self._too_slow() from None
            except InternalServerException:
                raise BadRequest("the sender went away; nothing was stored") from None
            finally:
                self._reading.discard(end)
            yield part

    def _too_slow(self) -> Exception:
        if self._is_released:
            return Overloaded("the server is ending; send it again to the restarted one")
        message = (
            f"no more of the body came within {PATIENCE:g} seconds, or not all of it within "
            f"{LONGEST:g}; nothing was stored"
        )
        return BadRequest(message, status=408)


Taking = Annotated[Intake, Dependency(skip_validation=True)]
"""The intake, as a handler's argument `intake`."""
