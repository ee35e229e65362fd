"""What stands before every route: names, request ids, entity tags, the log of requests."""

import hashlib
import re
from itertools import count
from time import perf_counter
from typing import Final

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from controlplane.api.doorplate import Doorplate
from controlplane.api.messages import answer
from controlplane.api.meters import Meters
from controlplane.api.problems import MEDIA_TYPE, REQUEST_ID, problem_of, tell
from controlplane.api.refusals import Forbidden
from controlplane.clock import new_id
from controlplane.domain.tokens import Who

log = structlog.get_logger("leeboard.http")

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that are asked so often that they are not logged."""
NOT_MODIFIED: Final = 304

Headers = list[tuple[bytes, bytes]]


def etag_of(body: bytes) -> str:
    """A weak entity tag: the same content, the same tag."""
    return f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


class Front:
    """The outermost ASGI function."""

    def __init__(self, app: ASGIApp, doorplate: Doorplate, meters: Meters) -> None:
        self._app = app
        self._doorplate = doorplate
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request's names, pass it on, see to its answer's headers."""
        if scope["type"] == ScopeType.HTTP:
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        held = _Answer(scope["method"], headers, send)
        scope.setdefault("state", {})[REQUEST_ID] = held.request_id
        started = perf_counter()
        try:
            self._doorplate.check(_text(headers, b"host"), _text(headers, b"origin"))
            await self._app(scope, receive, held.send)
        except Exception as error:  # noqa: BLE001 - said in the log, and to the client as a problem
            await self._fail(held, error)
        finally:
            seconds = perf_counter() - started
            route = scope.get("path_template") or "unknown"
            self._meters.answered(scope["method"], str(route), held.status, seconds)
            if scope["path"] not in QUIET:
                log.info("answered", **_told(scope), status=held.status,
                         milliseconds=round(seconds * 1000, 1), request_id=held.request_id)  # fmt: skip

    async def _fail(self, held: "_Answer", error: Exception) -> None:
        if not isinstance(error, Forbidden):
            tell(error, held.request_id)
        if held.status:
            return  # too late: the answer has begun, and the server cuts it
        problem, more = problem_of(error)
        body = msgspec.json.encode(problem)
        await answer(held.send, problem.status, body, kind=MEDIA_TYPE, more=more)


def _told(scope: HTTPScope) -> dict[str, str]:
    """What is said of a request in the log: its route and who asked. Its path and query are left
    out, since a path may hold a row's id, and a mistaken one anything."""
    told = {"method": scope["method"][:10], "route": str(scope.get("path_template") or "unknown")}
    if (model := scope.get("path_params", {}).get("model")) is not None:
        told["model"] = str(model)[:80]
    if isinstance(who := scope.get("auth"), Who):
        told["by"] = who.name
    return told


class _Answer:
    """An answer on its way out: holds its start back until the body tells the entity tag."""

    def __init__(self, method: str, headers: dict[bytes, bytes], send: Send) -> None:
        asked = headers.get(b"x-request-id", b"")
        self.request_id = asked.decode() if _SANE_ID.fullmatch(asked) else _next_id()
        self.status = 0
        self._is_read = method == "GET"
        self._known = {tag.strip() for tag in headers.get(b"if-none-match", b"").split(b",")}
        self._send = send
        self._held: Message | None = None

    async def send(self, message: Message) -> None:
        """What the application sends."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self.request_id.encode())]
            headers.append((b"x-content-type-options", b"nosniff"))
            message = {**message, "headers": headers}
            if self._is_read and self.status == 200 and _is_json(headers):  # noqa: PLR2004 - OK
                self._held = message
                return
        elif message["type"] == "http.response.body" and self._held is not None:
            await self._let_go(self._held, message)
            return
        await self._send(message)

    async def _let_go(self, start: Message, body: Message) -> None:
        self._held = None
        if body.get("more_body"):
            await self._send(start)
            await self._send(body)
            return
        tag = etag_of(body.get("body", b"")).encode()  # type: ignore[arg-type]
        headers: Headers = [*start["headers"], (b"etag", tag), (b"cache-control", b"no-cache")]  # type: ignore[typeddict-item]
        if tag in self._known or b"*" in self._known:
            self.status = NOT_MODIFIED
            kept = [h for h in headers if h[0] not in {b"content-length", b"content-type"}]
            await self._send({**start, "status": NOT_MODIFIED, "headers": kept})  # type: ignore[arg-type]
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await self._send({**start, "headers": headers})  # type: ignore[arg-type]
        await self._send(body)


_LIFE: Final = new_id()[:16]
_NUMBERS: Final = count()


def _next_id() -> str:
    """A request id that no other request has: random for the process, then counted."""
    return f"{_LIFE}{next(_NUMBERS):016x}"


def _is_json(headers: Headers) -> bool:
    return any(n == b"content-type" and v.startswith(b"application/json") for n, v in headers)


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
