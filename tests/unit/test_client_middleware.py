"""The middleware: an app's requests and responses are logged, and pass as they are."""

import asyncio
import json
from typing import Any

import pytest
from litestar import Litestar, post
from litestar.middleware import DefineMiddleware
from litestar.response import Stream
from litestar.testing import TestClient

from connectors.client.middleware import LeeboardMiddleware
from connectors.client.pace import Pace
from connectors.client.serving import Leeboard
from connectors.client.testing import MemoryServer


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
def leeboard(server: MemoryServer) -> Leeboard:
    return Leeboard("http://lee", "bikes", transport=server.transport)


def logged(leeboard: Leeboard, server: MemoryServer) -> list[dict[str, Any]]:
    assert leeboard.flush(20)
    return [{k: v for k, v in row.items() if k not in {"at", "role"}} for row in server.predictions]


class Bare:
    """An ASGI app that answers what it is told to, and remembers what it was asked."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = messages
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            self.asked.append(await receive())
            if not self.asked[-1].get("more_body", False):
                break
        for message in self.messages:
            await send(message)


def answering(document: Any, status: int = 200, **headers: str) -> Bare:
    named = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Bare(
        {"type": "http.response.start", "status": status, "headers": named},
        {"type": "http.response.body", "body": json.dumps(document).encode()},
    )


def asking(app: Any, *parts: bytes, **scope: Any) -> list[dict[str, Any]]:
    """What comes back of a request whose body comes in parts."""
    waiting = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, start=1)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    given = {"type": "http", "method": "POST", "path": "/predict", "headers": [], **scope}
    asyncio.run(app(given, receive, send))
    return sent


ROW = json.dumps({"hour": 8, "temp": 4.5}).encode()


def test_what_was_asked_and_answered_is_a_row_and_the_response_says_its_id(
    server: MemoryServer, leeboard: Leeboard
) -> None:
    bare = answering({"prediction": 7.0, "score": 0.5, "note": "fine"})
    start, body = asking(LeeboardMiddleware(bare, leeboard), ROW[:5], ROW[5:])
    [(name, id_)] = start["headers"]
    assert name == b"x-prediction-id"
    assert logged(leeboard, server) == [
        {"id": id_.decode(), "hour": 8, "temp": 4.5, "prediction": 7.0, "score": 0.5}
    ]
    assert body is bare.messages[1]
    assert [message["body"] for message in bare.asked] == [ROW[:5], ROW[5:]]


def test_an_id_that_the_request_brings_is_kept(server: MemoryServer, leeboard: Leeboard) -> None:
    app = LeeboardMiddleware(answering(7.0), leeboard)
    start, _ = asking(app, ROW, headers=[(b"x-prediction-id", b"r1")])
    assert start["headers"] == [(b"x-prediction-id", b"r1")]
    assert logged(leeboard, server)[0]["id"] == "r1"


def test_parts_are_named_by_paths_or_made_by_functions(
    server: MemoryServer, leeboard: Leeboard
) -> None:
    app = LeeboardMiddleware(
        answering({"out": {"y": 7.0}, "model": "v3"}), leeboard, path=["/a", "/b"], id="meta.id",
        features=lambda document: document["x"], answer="out.y", version="model",
    )  # fmt: skip
    start, _ = asking(app, b'{"meta": {"id": "r1"}, "x": {"hour": 8}}', path="/b")
    assert start["headers"] == []
    assert logged(leeboard, server) == [{"id": "r1", "hour": 8, "prediction": 7.0, "version": "v3"}]


@pytest.mark.parametrize(
    ("options", "body", "ids"),
    [
        ({"id": "id"}, {"instances": [{"id": "a", "x": 1}, {"id": "b", "x": 2}]}, ["a", "b"]),
        ({"id": "ids"}, {"ids": ["a", "b"], "instances": [{"x": 1}, {"x": 2}]}, ["a", "b"]),
        ({}, {"instances": [{"x": 1}, {"x": 2}]}, ["r-0", "r-1"]),
    ],
    ids=["in rows", "beside them", "numbered"],
)
def test_several_rows_are_as_many(
    server: MemoryServer, leeboard: Leeboard, options: Any, body: Any, ids: list[str]
) -> None:
    app = LeeboardMiddleware(
        answering({"predictions": [7.0, 8.0]}), leeboard, features="instances",
        answer="predictions", **options,
    )  # fmt: skip
    asking(app, json.dumps(body).encode(), headers=[(b"x-prediction-id", b"r")])
    assert logged(leeboard, server) == [
        {"id": ids[0], "x": 1, "prediction": 7.0}, {"id": ids[1], "x": 2, "prediction": 8.0}
    ]  # fmt: skip


def test_an_id_among_the_features_is_none_of_them(server: MemoryServer, leeboard: Leeboard) -> None:
    asking(LeeboardMiddleware(answering(7.0), leeboard, id="id"), b'{"id": 5, "x": 1}')
    assert logged(leeboard, server) == [{"id": "5", "x": 1, "prediction": 7.0}]


@pytest.mark.parametrize(
    "scope",
    [{"method": "GET"}, {"path": "/health"}, {"type": "websocket"}, {"type": "lifespan"}],
    ids=["get", "elsewhere", "websocket", "lifespan"],
)
def test_what_is_no_prediction_passes_by(
    server: MemoryServer, leeboard: Leeboard, scope: dict[str, str]
) -> None:
    bare = answering(7.0)
    assert asking(LeeboardMiddleware(bare, leeboard), ROW, **scope) == list(bare.messages)
    assert leeboard.stats.logged == 0


@pytest.mark.parametrize("last", ["complete", "failed"])
def test_what_was_logged_is_sent_before_the_app_says_that_it_has_ended(
    server: MemoryServer, last: str
) -> None:
    leeboard = Leeboard("http://lee", "bikes", transport=server.transport, pace=Pace(every=60))
    there: list[int] = []
    begun = {"type": "lifespan.startup.complete"}
    ended = {"type": f"lifespan.shutdown.{last}"}

    async def send(message: dict[str, Any]) -> None:
        there.append(len(server.predictions))

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    middleware = LeeboardMiddleware(Bare(begun, ended), leeboard)
    leeboard.log_prediction("a", {"x": 1}, 7.0)
    asyncio.run(middleware({"type": "lifespan"}, receive, send))
    assert there == [0, 1]
    leeboard.log_prediction("b", {"x": 1}, 7.0)  # an app that is tested begins again
    assert leeboard.flush(20)
    assert len(server.predictions) == 2


@pytest.mark.parametrize("status", [199, 302, 404, 422, 500])
def test_a_request_that_fails_is_no_prediction(leeboard: Leeboard, status: int) -> None:
    bare = answering({"detail": "no"}, status)
    assert asking(LeeboardMiddleware(bare, leeboard), ROW) == list(bare.messages)
    assert leeboard.stats.logged == 0


def test_errors_of_the_app_are_its_own(leeboard: Leeboard) -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("no model")

    with pytest.raises(LookupError, match="no model"):
        asking(LeeboardMiddleware(failing, leeboard), ROW)
    assert leeboard.stats.logged == 0


FILE = {"type": "http.response.pathsend", "path": "/x"}
START = {"type": "http.response.start", "status": 200, "headers": []}


@pytest.mark.parametrize(
    ("app", "body", "options", "reason"),
    [
        (answering(7.0), b"hello", {}, "the request is not JSON"),
        (answering(7.0), b'"\xff"', {}, "the request is not JSON"),
        (answering(7.0), b"", {}, "the request is not JSON"),
        (answering(7.0), b"[1]", {}, "1 of 1 rows have no names for their values"),
        (answering({"y": 1}), ROW, {}, "the answer has no `prediction`"),
        (answering(7.0, **{"Content-Encoding": "gzip"}), ROW, {},
         "the response is compressed or a file; the middleware belongs inside"),
        (answering(7.0), ROW + b" " * 100, {"most_bytes": 100},
         "the request is longer than 100 bytes"),
        (answering("x" * 200), ROW, {"most_bytes": 100}, "the response is longer than 100 bytes"),
        (answering(7.0), ROW, {"features": "x.y"}, "there is no 'x.y' to be the features"),
        (answering(7.0), ROW, {"id": "x"}, "there is no 'x' to be the id"),
        (answering(7.0), ROW, {"answer": lambda found: found["a"]}, "TypeError"),
        (Bare(START, {**FILE}, {"type": "http.response.body"}), ROW, {},
         "the response is compressed or a file; the middleware belongs inside"),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_row_passes_as_it_is_and_is_counted(
    leeboard: Leeboard, app: Bare, body: bytes, options: Any, reason: str
) -> None:
    sent = asking(LeeboardMiddleware(app, leeboard, **options), body)
    assert sent[1:] == list(app.messages[1:])
    assert [m["body"] for m in app.asked] == [body]
    assert leeboard.stats.dropped == {reason: 1}


def test_a_response_that_is_cut_off_is_no_prediction(leeboard: Leeboard) -> None:
    part = {"type": "http.response.body", "body": b'{"prediction"', "more_body": True}
    assert len(asking(LeeboardMiddleware(Bare(START, part), leeboard), ROW)) == 2
    assert leeboard.stats.logged == 0


def test_a_part_of_a_stream_is_passed_on_before_the_next_is_made(leeboard: Leeboard) -> None:
    passed: list[bytes] = []

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for number in range(3):
            assert len(passed) == number
            part = b"%d" % number
            await send({"type": "http.response.body", "body": part, "more_body": number < 2})

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            passed.append(message["body"])

    given = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
    asyncio.run(LeeboardMiddleware(streaming, leeboard)(given, None, send))
    assert passed == [b"0", b"1", b"2"]


def test_in_litestar_it_is_a_middleware(server: MemoryServer, leeboard: Leeboard) -> None:
    @post("/predict", status_code=200)
    async def predict(data: dict[str, Any]) -> dict[str, float]:
        return {"prediction": data["features"]["hour"] * 2.0}

    @post("/stream", status_code=200)
    async def stream(data: dict[str, Any]) -> Stream:
        return Stream(iter([b'{"predic', b'tion": 3.0}']), media_type="application/json")

    app = Litestar([predict, stream], middleware=[DefineMiddleware(
        LeeboardMiddleware, leeboard=leeboard, path=["/predict", "/stream"], id="id",
        features="features",
    )])  # fmt: skip
    with TestClient(app) as client:
        for path in ("/predict", "/stream"):
            body = {"id": path, "features": {"hour": 8}}
            assert client.post(path, json=body).status_code == 200
        assert client.post("/predict", json={}).status_code == 500
    assert logged(leeboard, server) == [
        {"id": "/predict", "hour": 8, "prediction": 16.0},
        {"id": "/stream", "hour": 8, "prediction": 3.0},
    ]
