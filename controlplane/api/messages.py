"""ASGI's messages, where a request is read or answered before any route has it."""

from collections.abc import Iterable, Mapping

from litestar.types import HTTPReceiveMessage, Receive, ReceiveMessage, Send


def again(taken: Iterable[HTTPReceiveMessage], receive: Receive) -> Receive:
    """What was received already, for whoever is inside, then what comes."""
    left = iter(taken)

    async def read() -> ReceiveMessage:
        found = next(left, None)
        return found if found is not None else await receive()

    return read


async def answer(
    send: Send, status: int, body: bytes, *, kind: str, more: Mapping[str, str]
) -> None:
    """An answer whose body is known whole; `kind` is its content type, `more` further headers."""
    headers = [
        (b"content-type", kind.encode("latin-1")),
        (b"content-length", b"%d" % len(body)),
        *((name.lower().encode(), value.encode()) for name, value in more.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
