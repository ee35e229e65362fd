"""What stands before every route that writes: its body is read, its idempotency key is kept.

Rows are not among them: their bodies are read as they come, and their keys kept with them, by
`ingest`.
"""

import asyncio
import hashlib
from functools import partial
from typing import Final

import structlog
from anyio import to_thread
from litestar import Request
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
)

from controlplane.api.auth import Scope as Scopes
from controlplane.api.auth import Who, scope_of
from controlplane.api.intake import Intake
from controlplane.api.keys import key_of
from controlplane.api.messages import again, answer
from controlplane.api.problems import REPLAYED, BadRequest
from controlplane.clock import Clock
from controlplane.domain.errors import LeeboardError
from controlplane.domain.keyed import KeptAnswer, write_id
from controlplane.store.claims import Claim, claimed, known_write, remember
from controlplane.store.ports import Store

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
REMEMBERED: Final = frozenset({200, 201, 202, 409, 422})
"""Answers that are remembered although nothing was written: there was nothing to do, or it was
understood, and refused."""
KINDS: Final = frozenset(
    {"", "application/json", "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml",
     "text/plain", "application/x-tar", "application/octet-stream"}
)  # fmt: skip
"""Content types of bodies that some route takes, rows aside."""

log = structlog.get_logger("leeboard.http")


class Writes:
    """A middleware of Litestar's: inside of what makes problems of exceptions."""

    def __init__(self, app: ASGIApp, *, store: Store, clock: Clock, intake: Intake) -> None:
        self._app = app
        self._store = store
        self._clock = clock
        self._intake = intake
        self._under_way: dict[str, asyncio.Event] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body; or answer it as it was answered before."""
        if scope["type"] == ScopeType.HTTP and _is_write(scope):
            await self._write(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _write(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        handler = scope["route_handler"]
        request: Request[None, Who, State] = Request(scope, receive)
        await handler.authorize_connection(request)
        key = key_of(request)
        async with self._intake.body(request) as body:
            if body:
                _check_kind(request)
            read = again([{"type": "http.request", "body": body, "more_body": False}], receive)
            if key is None:
                await self._app(scope, read, send)
            else:
                await self._once(scope, read, send, claim=self._claim(request, key, body))

    def _claim(self, request: Request[None, Who, State], key: str, body: bytes) -> Claim:
        who, scope = request.auth, request.scope
        told = (scope["query_string"], request.headers.get("content-type", "").encode(), body)
        lengths = b"".join(len(part).to_bytes(8) for part in told)
        sha256 = hashlib.sha256(lengths + b"".join(told)).hexdigest()
        id = write_id(f"{who.name}/{who.id}", scope["method"], scope["path"], key)  # noqa: A001
        return Claim(id, sha256, self._clock.now())

    async def _once(self, scope: HTTPScope, receive: Receive, send: Send, *, claim: Claim) -> None:
        """Answer a request with a key; one that comes while another has it waits for its answer."""
        while (other := self._under_way.get(claim.id)) is not None:
            await other.wait()
        done = self._under_way[claim.id] = asyncio.Event()
        try:
            known = await to_thread.run_sync(partial(self._known, claim))
            if known is not None:
                body = known.body.encode()
                await answer(send, known.status, body, kind=known.media_type, more=REPLAYED)
                return
            held = _Answer()
            with claimed(claim):
                await self._app(scope, receive, held.take)
            await self._remembered(claim, held)
            for message in held.messages:
                await send(message)
        finally:
            del self._under_way[claim.id]
            done.set()

    def _known(self, claim: Claim) -> KeptAnswer | None:
        with self._store.read() as view:
            known = known_write(view.ledger, claim)
        return None if known is None else known.answer

    async def _remembered(self, claim: Claim, answer: "_Answer") -> None:
        """Keep the answer. Where that fails it goes out all the same: what was done is stored with
        the key, and is told again from there."""
        is_done = claim.is_kept and answer.status < 500  # noqa: PLR2004 - our own fault from there
        kept = answer.kept(claim.instead)
        if kept is None or not (is_done or answer.status in REMEMBERED):
            return
        try:
            await to_thread.run_sync(partial(remember, self._store, claim, kept))
        except LeeboardError as error:
            log.warning("answer_not_kept", reason=str(error))


def _is_write(scope: HTTPScope) -> bool:
    return scope["method"] not in READS and scope_of(scope["route_handler"]) is not Scopes.INGEST


def _check_kind(request: Request[None, Who, State]) -> None:
    """Raise BadRequest (415) for a body of a kind that no route takes; which of the others it
    takes is the route's to say."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in KINDS:
        expected = "expected application/json"
        raise BadRequest(f"content type {kind[:80]!r}; {expected}", status=415)
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        message = f"content encoding {coding[:80]!r}; expected none here, it is for rows"
        raise BadRequest(message, status=415)


class _Answer:
    """An answer that is held back until it is kept."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.status = 0

    async def take(self, message: Message) -> None:
        """What the application sends."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.messages.append(message)

    def kept(self, instead: bytes | None) -> KeptAnswer | None:
        """The answer as it is remembered; None of one that is no JSON, as no write's is today."""
        if not self.messages:
            return None
        start, *rest = self.messages
        kind = dict(start["headers"]).get(b"content-type", b"").decode("latin-1")  # type: ignore[typeddict-item]
        if "json" not in kind:
            return None
        body = b"".join(part["body"] for part in rest)  # type: ignore[typeddict-item]
        told = (body if instead is None else instead).decode()
        return KeptAnswer(status=self.status, media_type=kind, body=told)
