"""An ASGI application under uvicorn: its parts started before, stopped in good order after."""

import inspect
import resource
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any, Final, Protocol

import uvicorn
from typing_extensions import override

from controlplane.cli.connections import MOST_CONNECTIONS, SPARE_FILES, Bounded

OPEN_FILES: Final = 8192
PATIENCE: Final = 5
"""Seconds that requests under way are given when the server stops."""


class Application(Protocol):
    """An ASGI application that can let its waiting requests go."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer."""
        ...

    def release(self) -> None:
        """Let no request wait any longer."""
        ...


class Hosted(Protocol):
    """A built server: its face, and what begins and ends with it."""

    @property
    def app(self) -> Application:
        """Its face."""
        ...

    def start(self) -> Awaitable[None] | None:
        """Begin; in the loop."""
        ...

    def stop(self) -> Awaitable[None] | None:
        """End: finish what is queued, close; in the loop."""
        ...


def most_connections() -> int:
    """How many connections there may be at once, after asking for enough open files: where they
    run out, the store could not open its own any more. Half of them are left, for connections that
    are not counted yet, as those whose TLS is still being agreed upon."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        soft = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    limit = OPEN_FILES if soft == resource.RLIM_INFINITY else soft
    return max(10, min(MOST_CONNECTIONS, (limit - SPARE_FILES) // 2))


class Host(uvicorn.Server):
    """Runs what `build` makes on a bound socket until a signal comes.

    `up` is called when requests are taken, `down` when everything has ended. Signals end with
    this: the process goes on after `run`, with its own exit status.
    """

    def __init__(
        self, build: Callable[[], Hosted], listener: socket.socket, *,
        up: Callable[[], None], down: Callable[[], None], tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._hosted = build()
        self._listener = listener
        self._up, self._down = up, down
        self._failure: Exception | None = None
        super().__init__(
            uvicorn.Config(
                self._face,
                loop="uvloop",
                http=Bounded,
                ws="none",
                interface="asgi3",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=PATIENCE,
            )
        )
        Bounded.most = most_connections()
        self.config.load()
        self.config.ssl = tls

    @override
    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve; raises what kept the parts from starting or from ending."""
        super().run(sockets or [self._listener])
        if self._failure is not None:
            raise self._failure

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take requests, and say so."""
        await super().startup(sockets)
        if self.started:
            self._up()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, end those that wait, then the parts."""
        self._hosted.app.release()
        await super().shutdown(sockets)

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A first signal asks for the end; a second Ctrl-C does not wait for it."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def _face(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._hosted.app(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Start and stop the parts inside the loop, as the server asks."""
        await receive()
        if not await self._done(self._hosted.start):
            await send({"type": "lifespan.startup.failed"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._done(self._hosted.stop)
        self._down()
        await send({"type": "lifespan.shutdown.complete"})

    async def _done(self, step: Callable[[], Awaitable[None] | None]) -> bool:
        """Whether a step ended well; what it raised is raised again by `run`."""
        try:
            waiting = step()
            if inspect.isawaitable(waiting):
                await waiting
        except Exception as error:  # noqa: BLE001 - kept, and raised when the loop has ended
            self._failure = error
            return False
        return True
