"""Logs what an ASGI app predicts, seen from outside: for FastAPI, Starlette, Litestar and the like.

app.add_middleware(LeeboardMiddleware, leeboard=leeboard, path="/predict")          # FastAPI
Litestar(…, middleware=[DefineMiddleware(LeeboardMiddleware, leeboard=leeboard)])   # Litestar

Requests and responses pass as they are. Their bodies are copied on the way, and read when the
response has gone.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from functools import partial
from typing import Any, Final

import msgspec

from connectors.client.unfolding import (
    Logging,
    Unloggable,
    log_answers,
    new_id,
    rows_of,
    safely,
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Pick = str | Callable[[Any], Any] | None
"""Which part of a JSON document: the value at a dotted path, what a function makes of the
document, or all of it."""

_BODIES: Final = frozenset({"http.request", "http.response.body"})
_PASSING: Final = frozenset({"http.response.start", "http.response.trailers", "http.disconnect"})
"""What else may come; anything more is a body of another kind, such as a file that the server
sends by itself."""
_HEADER: Final = b"x-prediction-id"
_ENDS: Final = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed"})
"""What an app says last; its requests are answered by then."""


class LeeboardMiddleware:
    """Logs each successful POST to `path` (one, or several): what was asked and what was answered.

    `features` is the part of the request that holds the features, of one row or a list of rows;
    `answer` the part of the response that holds the prediction, or a mapping with `prediction` and
    if wished `score`, `scores` and `version`, or a list of either. `id` is the part of the request
    (or, where that has no such part, of each row) that names the rows; without it the name is the
    request's header `x-prediction-id`, or a new one, which the response then carries in that
    header: several rows have their numbers behind it, `<id>-0`, `<id>-1` and so on. `version` is
    the part of the response that says which version predicted.

    Bodies above `most_bytes`, streams that never end, and what is no JSON pass through and are
    counted in `stats.dropped`. Nothing is raised, and nothing waits but the app's end, where it is
    told of it (as in FastAPI and Starlette): what was logged is sent then, within five seconds.
    """

    def __init__(  # noqa: PLR0913 - all but the first two by name
        self, app: App, leeboard: Logging, *, path: str | Collection[str] = "/predict",
        features: Pick = None, answer: Pick = None, id: Pick = None, version: Pick = None,  # noqa: A002
        most_bytes: int = 256 * 2**10,
    ) -> None:  # fmt: skip
        self._app = app
        self._leeboard = leeboard
        self._paths = {path} if isinstance(path, str) else {*path}
        self._features = features
        self._answer = answer
        self._id = id
        self._version = version
        self._most_bytes = most_bytes

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401 - ASGI's
        """Pass a request on, and what comes back."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, partial(self._said_last, send))
            return
        if not self._is_wanted(scope):
            await self._app(scope, receive, send)
            return
        id_ = None if self._id is not None else _asked_id(scope) or new_id()
        asked, told = _Body(self._most_bytes), _Body(self._most_bytes)

        async def receiving() -> Message:
            message = await receive()
            asked.add(message)
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                told.begin(message)
                if id_ is not None and told.is_success:
                    headers = [*message.get("headers", []), (_HEADER, id_.encode("latin-1"))]
                    message = {**message, "headers": headers}
            await send(message)
            told.add(message)
            if told.is_whole and told.is_success:
                safely(self._leeboard, partial(self._log, asked, told, id_))

        await self._app(scope, receiving, sending)

    async def _said_last(self, send: Send, message: Message) -> None:
        """What an app says of its life; nothing else goes on any more where it says its last."""
        if message["type"] in _ENDS:
            self._leeboard.flush_at_end()
        await send(message)

    def _is_wanted(self, scope: Mapping[str, Any]) -> bool:
        return (
            scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in self._paths
        )

    def _log(self, asked: "_Body", told: "_Body", id_: str | None) -> list[str]:
        request, response = asked.document("request"), told.document("response")
        found = rows_of(_picked(request, self._features, "features"))
        version = None if self._version is None else _picked(response, self._version, "version")
        answer = _picked(response, self._answer, "answer")
        return log_answers(self._leeboard, found, answer, id_ or self._ids(request, found), version)

    def _ids(self, request: object, found: list[dict[str, Any]] | dict[str, Any]) -> object:
        """The ids in the request, which are no features, or in its rows."""
        rows = found if isinstance(found, list) else [found]
        if isinstance(self._id, str) and all(self._id in row for row in rows):
            ids = [row.pop(self._id) for row in rows]
            return ids if isinstance(found, list) else ids[0]
        return _picked(request, self._id, "id")


class _Body:
    """A copy of a body as it passes, as long as it is not too long."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._parts: list[bytes] = []
        self._size = 0
        self._is_encoded = False
        self._is_odd = False
        self.is_success = False
        self.is_whole = False

    def begin(self, message: Message) -> None:
        """How a response begins."""
        self.is_success = 200 <= message["status"] < 300  # noqa: PLR2004 - HTTP's
        names = {bytes(name).lower() for name, _ in message.get("headers", [])}
        self._is_encoded = b"content-encoding" in names

    def add(self, message: Message) -> None:
        """What a message carries of the body, if it carries any."""
        kind = message["type"]
        if kind not in _BODIES:
            self._is_odd = self._is_odd or kind not in _PASSING
            return
        part = message.get("body", b"")
        self._size += len(part)
        if self._size <= self._most_bytes:
            self._parts.append(bytes(part))
        else:
            self._parts.clear()
        self.is_whole = not message.get("more_body", False)

    def document(self, name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The body's JSON. Raises Unloggable."""
        if self._size > self._most_bytes:
            raise Unloggable(f"the {name} is longer than {self._most_bytes:,} bytes")
        if self._is_encoded or self._is_odd:
            raise Unloggable(f"the {name} is compressed or a file; the middleware belongs inside")
        try:
            return msgspec.json.decode(b"".join(self._parts))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unloggable(f"the {name} is not JSON") from error


def _asked_id(scope: Mapping[str, Any]) -> str | None:
    for name, value in scope["headers"]:
        if name == _HEADER and value:
            text: str = value.decode("latin-1")
            return text
    return None


def _picked(document: Any, pick: Pick, what: str) -> Any:  # noqa: ANN401 - as above
    if pick is None:
        return document
    if callable(pick):
        return pick(document)
    for name in pick.split("."):
        if not isinstance(document, Mapping) or name not in document:
            raise Unloggable(f"there is no {pick!r} to be the {what}")
        document = document[name]
    return document
