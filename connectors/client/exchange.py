"""Calls to requests and responses to answers: what both kinds of connection share; no network."""

import ssl
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import msgspec

from connectors.client import calls, place
from connectors.client.calls import Call
from connectors.client.problems import BadAnswer, ServerAway, ServerSaid, problem_of

Answer = TypeVar("Answer")


def settings_of(
    server: str, token: str | None, timeout: float, ca: str | None = None
) -> dict[str, Any]:
    """How either twin talks to a server: its address, its headers, no proxy to this machine.

    Raises ServerAway where the file of certificates cannot be used.
    """
    token = token or place.token_for(server)
    return {
        "base_url": server,
        "headers": {"Authorization": f"Bearer {token}"} if token else {},
        "timeout": timeout,
        "verify": _trust(server, place.ca_named(ca)),
        "trust_env": not place.is_loopback(server),
    }


def _trust(server: str, ca: str | None) -> ssl.SSLContext | bool:
    """Whose word is taken for the server being itself.

    To this machine's http:// nothing is encrypted and no proxy is in between: the system's
    authorities, which take 20 ms to read, are left alone, and nobody's word would be taken.
    """
    if not server.startswith("https:") and place.is_loopback(server):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None or not server.startswith("https:"):
        return True
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # an SSLError is one
        why = f"{ca} holds no certificates that could vouch for it ({error.strerror or error})"
        raise ServerAway(server, why) from None


def request_of(build: Callable[..., httpx.Request], call: Call[Answer]) -> httpx.Request:
    """The request that sends a call."""
    headers = dict(call.headers)
    if call.body is not None:
        headers["Content-Type"] = call.content_type
    query = {name: calls.text_of(value) for name, value in call.query.items() if value is not None}
    asked: dict[str, Any] = {"params": query, "headers": headers, "content": call.body}
    if call.timeout is not None:
        asked["timeout"] = None if call.timeout == float("inf") else call.timeout
    return build(call.method, call.path, **asked)


def read(call: Call[Answer], response: httpx.Response) -> Answer:
    """The answer to a call; raises ServerSaid where it is a problem, BadAnswer where it is odd."""
    if not response.is_success:
        problem = problem_of(response.status_code, response.content)
        raise ServerSaid(problem, after=seconds_to_wait(response))
    if call.answer is bytes:
        return response.content  # type: ignore[return-value]
    try:
        answer: Answer = msgspec.json.decode(response.content, type=call.answer)
    except ValueError as error:  # no JSON, another one, or not even UTF-8
        message = f"the answer to {call.method} {call.path} is not what was expected: {error}"
        raise BadAnswer(message) from error
    return answer


def seconds_to_wait(response: httpx.Response) -> float | None:
    """What Retry-After asks for: a number of seconds, or a moment, which is read by the server's
    own clock, so that it does not matter what ours says."""
    asked = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        now = parsedate_to_datetime(response.headers.get("date", ""))
        return max(0.0, (parsedate_to_datetime(asked) - now).total_seconds())
    except (ValueError, TypeError):
        return None
