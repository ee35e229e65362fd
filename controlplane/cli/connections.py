"""HTTP/1.1 connections with bounds: on heads, on waiting for them, on slow readers, on how many.

Without them a few clients that dawdle, by mistake or on purpose, hold sockets and memory for ever.
"""

import asyncio
import fcntl
import json
import sys
from termios import TIOCOUTQ
from typing import Any, Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

LONGEST_HEAD: Final = 2**16
"""Bytes of a request's line and headers, or of what follows the last part of a body."""
MOST_HEADERS: Final = 256
SLICE: Final = 2**14
"""Bytes that are looked at together while a head may be among them: so much longer than allowed a
head may be, at most."""
LINGER_SECONDS: Final = 1.0
"""How long what still comes of a head that was refused is thrown away: where a connection is closed
on bytes that nobody has read, the answer is lost with it."""
HEAD_SECONDS: Final = 15.0
"""Within which the head of a request has to come, from its first byte, or from the connection's
beginning."""
DRAIN_SECONDS: Final = 30.0
"""How often it is looked whether somebody who is sent an answer reads it."""
LEAST_READ: Final = 2**14
"""Bytes that they have to take in that time."""
MOST_CONNECTIONS: Final = 2000
SPARE_FILES: Final = 200
"""Open files that are not connections: the store's, the log, training's."""


def _refusal(status: str, name: str, title: str, detail: str, *more: str) -> bytes:
    """A whole answer, for where there is no request yet that could be answered."""
    problem = {
        "type": f"urn:leeboard:problem:{name}", "title": title, "status": int(status[:3]),
        "detail": detail,
    }  # fmt: skip
    body = json.dumps(problem)
    head = [
        f"HTTP/1.1 {status}", "Content-Type: application/problem+json", "Connection: close",
        f"Content-Length: {len(body)}", *more, "", body,
    ]  # fmt: skip
    return "\r\n".join(head).encode()


TOO_LONG: Final = _refusal(
    "431 Request Header Fields Too Large", "bad-request", "The request cannot be read",
    f"the headers are longer than {LONGEST_HEAD} bytes, or more than {MOST_HEADERS}",
)  # fmt: skip
TOO_SLOW: Final = _refusal(
    "408 Request Timeout", "bad-request", "The request cannot be read",
    f"the head of the request did not come within {HEAD_SECONDS:g} seconds",
)  # fmt: skip
TOO_MANY: Final = _refusal(
    "503 Service Unavailable", "overloaded", "It cannot be taken in now",
    "there are as many connections as the server can hold; try again in a moment",
    "Retry-After: 1",
)  # fmt: skip
NO_HTTP: Final = _refusal(
    "400 Bad Request", "bad-request", "The request cannot be read", "this is not HTTP/1.1"
)


class _TooManyHeadersError(Exception):
    """Ends the parser's work on a head."""


class Bounded(HttpToolsProtocol):
    """What uvicorn speaks on a connection, with the bounds that it has not."""

    most = MOST_CONNECTIONS
    head_seconds = HEAD_SECONDS
    drain_seconds = DRAIN_SECONDS
    _size = 0
    _is_in_head = False
    _is_in_body = False
    _came_on = False
    """Whether some of the body was in what was looked at last."""
    _wrong = NO_HTTP
    _is_over = False
    _answering: RequestResponseCycle | None = None
    _waiting: asyncio.TimerHandle | None = None
    _draining: asyncio.TimerHandle | None = None
    _lingering: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: Any) -> None:
        """Somebody is there."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            self._refuse(TOO_MANY)
            return
        self._wait_for_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._stop_waiting()
        self._stop_draining()
        if self._lingering is not None:
            self._lingering.cancel()
        self._tell_it_is_over()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Bytes of the connection: a slice at a time, but for a body's, which are counted elsewhere."""
        while data and not (self._is_over or self.transport.is_closing()):
            most = len(data) if self._is_in_body else SLICE
            self._look_at(data[:most])
            data = data[most:]

    def _look_at(self, data: bytes) -> None:
        """Some of them: counted where they end in the midst of a head, or bring a body no further."""
        self._came_on = False
        super().data_received(data)
        if not self._is_in_head and (self._came_on or not self._is_in_body):
            return
        self._size += len(data)
        if self._size > LONGEST_HEAD and not (self._is_over or self.transport.is_closing()):
            self._refuse(TOO_LONG)

    @override
    def on_message_begin(self) -> None:
        """A request begins."""
        self._size, self._is_in_head = 0, True
        self._wait_for_head()
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        """Its head has ended."""
        if len(self.headers) > MOST_HEADERS:
            self._wrong = TOO_LONG
            raise _TooManyHeadersError  # which ends in `send_400_response`
        self._size, self._is_in_head, self._is_in_body = 0, False, True
        self._stop_waiting()
        super().on_headers_complete()
        if not self.pipeline:
            self._answering = self.cycle

    @override
    def on_body(self, body: bytes) -> None:
        """Some of its body."""
        self._size, self._came_on = 0, True
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        """It is whole."""
        self._is_in_body = False
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        """An answer is out; that to the next request of those that came meanwhile begins."""
        if self.pipeline:
            self._answering = self.pipeline[-1][0]
        super().on_response_complete()

    @override
    def pause_writing(self) -> None:
        """They take less than is sent."""
        super().pause_writing()
        self._look_again(self._unread())

    @override
    def resume_writing(self) -> None:
        """They have caught up."""
        self._stop_draining()
        super().resume_writing()

    @override
    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP, or more than is taken."""
        self._refuse(self._wrong)

    def _refuse(self, answer: bytes) -> None:
        """Say what is wrong and end the connection; where the answer to a request that came before
        is still to go out, that alone, lest this be taken for it."""
        self._stop_waiting()
        cycle = self.cycle  # None before the first request
        if cycle is not None and not (cycle.response_complete or cycle.more_body):  # type: ignore[redundant-expr]
            cycle.keep_alive = False
            self._is_over = True
        elif self.pipeline:
            self.transport.close()
        else:
            self._leave(cycle)
            self.transport.write(answer)
            self._end(lingering=answer is TOO_LONG)

    def _end(self, *, lingering: bool) -> None:
        """Say that nothing more comes, at once or after a moment in which nothing is read."""
        if lingering and self.transport.can_write_eof():
            self._is_over = True
            self.transport.write_eof()
            self._lingering = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _tell_it_is_over(self) -> None:
        """To the answer that is on its way: uvicorn tells the request that came last, and the one
        before it would go on writing to nobody, and fail."""
        self._leave(self._answering)

    def _leave(self, cycle: RequestResponseCycle | None) -> None:
        """Let a request that is not answered yet read and write no more."""
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._waiting = self.loop.call_later(self.head_seconds, self._refuse, TOO_SLOW)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _look_again(self, left: int) -> None:
        self._stop_draining()
        self._draining = self.loop.call_later(self.drain_seconds, self._drained, left)

    def _drained(self, before: int) -> None:
        """Cut off whoever has taken next to nothing since the last look."""
        left = self._unread()
        if before - left < LEAST_READ:
            self._tell_it_is_over()
            self.transport.abort()
        else:
            self._look_again(left)

    def _unread(self) -> int:
        """Bytes that are written and not yet taken: here, and in the kernel, which holds megabytes
        and hands them on in bursts."""
        left = int(self.transport.get_write_buffer_size())
        try:
            queued = fcntl.ioctl(
                self.transport.get_extra_info("socket").fileno(), TIOCOUTQ, b"\0" * 4
            )
        except OSError:  # there is no such figure of this kind of socket
            return left
        return left + int.from_bytes(queued, sys.byteorder)

    def _stop_draining(self) -> None:
        if self._draining is not None:
            self._draining.cancel()
            self._draining = None
