"""A server in memory for the dashboard: answers what it was given, remembers what it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from connectors.client.http_async import AsyncConnection
from tui.feed import Feed

NOON = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
ADDRESS = "http://127.0.0.1:8321"


@dataclass
class Double:
    """Paths (with `?kind=` and the like where that matters) to answers; `sent` is what was to change something."""

    answers: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, Any] = field(default_factory=dict)
    """Answers to POST, by path."""
    is_away: bool = False
    asked: list[str] = field(default_factory=list)
    sent: list[tuple[str, Any]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer, as the transport of a connection."""
        if self.is_away:
            raise httpx.ConnectError("connection refused", request=request)
        if request.method == "POST":
            body = msgspec.json.decode(request.content) if request.content else None
            self.sent.append((request.url.path, body))
            return response_of(self.replies.get(request.url.path, problem(404, "no such thing")))
        self.asked.append(request.url.path)
        return response_of(self._answer(request.url.path, request.url.params))

    def _answer(self, path: str, params: Mapping[str, str]) -> Any:
        for name in ("kind", "cursor", "offset", "segment"):
            if (told := f"{path}?{name}={params.get(name)}") in self.answers:
                return self.answers[told]
        if "kind" in params:
            return page()
        return self.answers.get(path, problem(404, f"there is nothing at {path}"))

    def feed(self, *, is_read_only: bool = False) -> Feed:
        """A feed that asks this server, at noon."""
        transport = httpx.MockTransport(self)
        connection = AsyncConnection(ADDRESS, "token", transport=transport)
        return Feed(connection, lambda: NOON, is_read_only=is_read_only)


def response_of(answer: Any) -> httpx.Response:
    """An answer as HTTP."""
    if isinstance(answer, httpx.Response):
        return httpx.Response(answer.status_code, content=answer.content)
    if isinstance(answer, bytes):
        return httpx.Response(200, content=answer)
    return httpx.Response(200, content=msgspec.json.encode(answer))


def problem(status: int, detail: str) -> httpx.Response:
    """A refusal in the server's words."""
    told = {"type": "about:blank", "title": "No", "status": status, "detail": detail}
    return httpx.Response(status, content=msgspec.json.encode(told))


def page(*items: Any, following: str | None = None) -> dict[str, Any]:
    """A page of a list."""
    return {"items": list(items), "next": following}
