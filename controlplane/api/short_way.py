"""The short way in: small requests for rows, taken before the routes are asked.

A serving app sends one row a request, so what a request costs matters here and nowhere else. Only
what is plainly in order goes this way; everything else, and whatever turns out not to be good,
takes the route, which says what is wrong. Both give the same answers.
"""

import re
from typing import Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPReceiveMessage,
    HTTPScope,
    Receive,
    Scope,
    Send,
)

from controlplane.api.auth import Guardian
from controlplane.api.auth import Scope as TokenScope
from controlplane.api.intake import HEAVY, Intake
from controlplane.api.keys import LONGEST_KEY
from controlplane.api.messages import again, answer
from controlplane.api.problems import MEDIA_TYPE, REPLAYED, problem_of
from controlplane.clock import Clock
from controlplane.domain.batches import Receipt, Replayed
from controlplane.domain.errors import LeeboardError
from controlplane.domain.tokens import Who
from controlplane.ingest.batch import Feed
from controlplane.ingest.gathering import Arrival
from controlplane.ingest.media import ARROW, media_type_of

_PATH: Final = re.compile(r"/v1/models/([A-Za-z0-9._-]+)/(predictions|labels)")
_OTHER: Final = frozenset(
    {b"content-encoding", b"transfer-encoding", b"expect", b"ce-specversion", b"ce-type"}
)
"""Headers of requests that take the route."""
LARGEST_TABLE: Final = 4 * 2**20
"""Bytes below which an Arrow stream goes this way: it is read in a hundredth of the time that JSON of
its size takes, and ten thousand rows of it are appended the cheaper the more come at once."""
Headers = dict[bytes, bytes]


class ShortWay:
    """An ASGI application in front of the routes."""

    def __init__(self, app: ASGIApp, guardian: Guardian, intake: Intake, clock: Clock) -> None:
        self._app = app
        self._guardian = guardian
        self._intake = intake
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request here if that is plainly possible, else by its route."""
        if scope["type"] == ScopeType.HTTP:
            found = _PATH.fullmatch(scope["path"])
            if found and scope["method"] == "POST" and not scope["query_string"]:
                await self._rows(scope, receive, send, found)
                return
        await self._app(scope, receive, send)

    async def _rows(
        self, scope: HTTPScope, receive: Receive, send: Send, found: re.Match[str]
    ) -> None:
        headers = dict(scope["headers"])
        model, feed = found[1], found[2]
        who = self._who(headers, model)
        length = _length(headers)
        if who is None or length is None:
            await self._app(scope, receive, send)
            return
        scope["auth"], scope["path_params"] = who, {"model": model}
        scope["path_template"] = f"/v1/models/{{model}}/{feed}"
        taken: list[HTTPReceiveMessage] = []
        try:
            receipt = await self._stored(
                _Arriving(headers, model, feed, who), receive, length, taken
            )
        except LeeboardError as error:
            self._intake.meters.received(model, feed, error)
            problem, more = problem_of(error)
            told = msgspec.json.encode(problem)
            await answer(send, problem.status, told, kind=MEDIA_TYPE, more=more)
            return
        if receipt is None:
            await self._app(scope, again(taken, receive), send)
            return
        self._intake.meters.received(model, feed, receipt)
        more = REPLAYED if isinstance(receipt, Replayed) else {}
        await answer(send, 200, msgspec.json.encode(receipt), kind="application/json", more=more)

    def _who(self, headers: Headers, model: str) -> Who | None:
        """Who asks, if they may do this."""
        told = headers.get(b"authorization")
        try:
            who = self._guardian.who(None if told is None else told.decode("latin-1"))
        except LeeboardError:
            return None
        return who if TokenScope.INGEST in who.scopes and who.sees(model) else None

    async def _stored(
        self, arriving: "_Arriving", receive: Receive, length: int, taken: list[HTTPReceiveMessage]
    ) -> Receipt | None:
        async with self._intake.small(receive, length, taken) as body:
            if body is None:
                return None
            return await self._intake.together.stored(arriving.with_body(body, self._clock))


class _Arriving:
    """A request of which the body is to come."""

    def __init__(self, headers: Headers, model: str, feed: str, who: Who) -> None:
        self._headers = headers
        self._model = model
        self._feed = feed
        self._who = who

    def with_body(self, body: bytes, clock: Clock) -> Arrival:
        """The request, whole."""
        key = self._headers.get(b"idempotency-key")
        return Arrival(
            model=self._model, feed=Feed(self._feed), body=body,
            content_type=self._headers[b"content-type"].decode("latin-1"), known_at=clock.now(),
            may_backdate=TokenScope.OPERATE in self._who.scopes,
            key=None if key is None else key.decode("latin-1"),
        )  # fmt: skip


def _length(headers: Headers) -> int | None:
    """The bytes of a body that may go this way; None where it may not."""
    if _OTHER & headers.keys() or b"content-type" not in headers:
        return None
    if not 0 < len(headers.get(b"idempotency-key", b"-")) <= LONGEST_KEY:
        return None
    told = headers.get(b"content-length", b"")
    kind = media_type_of(headers[b"content-type"].decode("latin-1")).kind
    most = LARGEST_TABLE if kind == ARROW else HEAVY
    if not told.isdigit() or len(told) > len(str(most)):
        return None
    return length if 0 < (length := int(told)) < most else None
