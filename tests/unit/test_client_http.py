"""The typed calls: what is sent, what is read, what goes wrong, and who gets the token."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyarrow as pa
import pytest

from connectors.client import bulk, calls, place, wire
from connectors.client.calls import Span
from connectors.client.http import Connection
from connectors.client.http_async import AsyncConnection
from connectors.client.problems import BadAnswer, ServerAway, ServerSaid

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
DECISION = {"id": "d_1", "model": "m", "model_time": "2024-03-01T12:00:00Z", "a_new_field": 1}


class Server:
    """Answers everything with one response and remembers the requests."""

    def __init__(self, content: object = None, status: int = 200, **headers: str) -> None:
        self.requests: list[httpx.Request] = []
        self._response = lambda: httpx.Response(status, json=content, headers=headers)
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._response()

    @property
    def line(self) -> str:
        """Method and address of the last request."""
        last = self.requests[-1]
        return f"{last.method} {last.url.raw_path.decode()}"


def connected(server: Server) -> Connection:
    return Connection("http://lee/", "secret", transport=server.transport)


PAGE = {"items": [], "next": None}
ASKED: list[tuple[Callable[[Connection], Any], object, str, object]] = [
    (lambda c: c.models(), PAGE, "GET /v1/models?limit=100", None),
    (lambda c: c.windows("m", Span(start=NOON, order="newest", limit=5)), PAGE,
     "GET /v1/models/m/windows?from=2024-03-01T12%3A00%3A00%2B00%3A00&limit=5&order=newest", None),
    (lambda c: c.decisions(model="m", kind="retrain"), PAGE,
     "GET /v1/decisions?limit=100&model=m&kind=retrain", None),
    (lambda c: c.alerts(state="firing"), PAGE, "GET /v1/alerts?limit=100&state=firing", None),
    (lambda c: c.decision("d/1"), DECISION, "GET /v1/decisions/d%2F1", None),
    (lambda c: c.promote("m", "v2", reason="tested"), DECISION,
     "POST /v1/models/m/versions/v2/promote", {"reason": "tested"}),
    (lambda c: c.rollback("m", reason="worse"), DECISION, "POST /v1/models/m/rollback",
     {"reason": "worse"}),
    (lambda c: c.announce("m", NOON, final=True),
     {"model_time": "2024-03-01T12:00:00Z", "champion": {}}, "POST /v1/models/m/time",
     {"known_at": "2024-03-01T12:00:00Z", "final": True}),
    (lambda c: c.stop("m", purge=True), {"model": "m"}, "DELETE /v1/models/m?purge=true", None),
    (lambda c: c.metric("m", "mae", Span(end=NOON, limit=7)), {"model": "m"},
     "GET /v1/models/m/metrics/mae?to=2024-03-01T12%3A00%3A00%2B00%3A00&limit=7", None),
    (lambda c: c.findings("w_1", revision=0), {"window": "w_1", "scored_at": "2024-03-01T12:00:00Z"},
     "GET /v1/windows/w_1/findings?revision=0", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ask", "answer", "line", "body"), ASKED, ids=[line.split("?")[0] for _, _, line, _ in ASKED]
)
def test_a_call_is_sent_as_the_api_has_it(
    ask: Callable[[Connection], Any], answer: object, line: str, body: object
) -> None:
    server = Server(answer)
    with connected(server) as connection:
        ask(connection)
    assert server.line == line
    [request] = server.requests
    assert request.headers["authorization"] == "Bearer secret"
    if body is not None:
        assert msgspec.json.decode(request.content) == body
        assert request.headers["content-type"] == "application/json"


def test_a_model_file_is_sent_as_yaml() -> None:
    server = Server({"model": "m", "changes": ["label"], "applied": False})
    with connected(server) as connection:
        plan = connection.apply("m", "model: m\n", dry_run=True, timing="replay", timed=False)
    assert plan == wire.Plan(model="m", changes=["label"])
    assert server.line == "PUT /v1/models/m?dry_run=true&timing=replay&timed=false"
    assert server.requests[0].content == b"model: m\n"
    assert server.requests[0].headers["content-type"] == "application/yaml"


def test_fields_that_the_client_does_not_know_are_skipped_and_lacking_ones_have_defaults() -> None:
    with connected(Server(DECISION)) as connection:
        decision = connection.decision("d_1")
    assert decision == wire.Decision(id="d_1", model="m", model_time=NOON)


def test_a_problem_is_told_in_full() -> None:
    problem = {
        "type": "about:blank", "title": "Unprocessable", "status": 422, "detail": "no row is right",
        "errors": [{"pointer": "/rows/0/hour", "message": "'x' is not a number"}], "errors_total": 9,
    }  # fmt: skip
    with (
        connected(Server(problem, 422, **{"Retry-After": "7"})) as connection,
        pytest.raises(ServerSaid) as raised,
    ):
        connection.models()
    assert str(raised.value) == (
        "Unprocessable: no row is right\n  /rows/0/hour: 'x' is not a number\n  and 8 more"
    )
    assert raised.value.status == 422
    assert raised.value.after == 7.0


def test_an_error_that_is_no_problem_document_is_told_too() -> None:
    with connected(Server("bad gateway", 502)) as connection, pytest.raises(ServerSaid) as raised:
        connection.models()
    assert str(raised.value) == 'HTTP 502: "bad gateway"'


def test_a_server_that_is_not_there_is_away() -> None:
    with Connection("http://127.0.0.1:9") as connection, pytest.raises(ServerAway) as raised:
        connection.health()
    assert str(raised.value).startswith("no answer from http://127.0.0.1:9: ")
    assert "leeboard serve" in str(raised.value)


def test_an_answer_of_another_shape_is_named() -> None:
    with connected(Server({"items": 7})) as connection, pytest.raises(BadAnswer) as raised:
        connection.models()
    assert "GET /v1/models" in str(raised.value)
    assert "`$.items`" in str(raised.value)


@pytest.mark.parametrize(("status", "raised"), [(200, BadAnswer), (502, ServerSaid)])
def test_an_answer_that_is_no_utf8_is_one_of_the_errors_that_are_named(
    status: int, raised: type[Exception]
) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=b'{"items": "\xe9"}'))
    with Connection("http://lee", transport=transport) as connection, pytest.raises(raised):
        connection.models()


def test_every_walks_all_pages() -> None:
    pages = {"": (["a", "b"], "2"), "2": (["c"], None)}

    def answer(request: httpx.Request) -> httpx.Response:
        names, following = pages[request.url.params.get("cursor", "")]
        return httpx.Response(200, json={"items": [{"name": n} for n in names], "next": following})

    with Connection("http://lee", transport=httpx.MockTransport(answer)) as connection:
        found = [model.name for model in connection.every(connection.models)]
    assert found == ["a", "b", "c"]


def test_a_log_comes_as_bytes() -> None:
    answer = httpx.Response(200, content=b"\xff one\n")
    transport = httpx.MockTransport(lambda _: answer)
    with Connection("http://lee", transport=transport) as connection:
        assert connection.run_log("r_1", 3) == b"\xff one\n"


async def test_the_asynchronous_twin_sends_the_same() -> None:
    server = Server(DECISION)
    async with AsyncConnection("http://lee/", "secret", transport=server.transport) as connection:
        decision = await connection.rollback("m", reason="worse")
        assert decision.id == "d_1"
        assert server.line == "POST /v1/models/m/rollback"
        server._response = lambda: httpx.Response(200, json=PAGE)
        await connection.windows("m", Span(limit=5))
        assert server.line == "GET /v1/models/m/windows?limit=5"
        server._response = lambda: httpx.Response(404, json={"title": "Not Found", "detail": "m"})
        with pytest.raises(ServerSaid, match="Not Found: m"):
            await connection.model("m")


def test_the_servers_own_token_goes_to_this_machine_alone(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("own\n")
    environ = {"LEEBOARD_DATA": str(tmp_path)}
    assert place.token_for("http://127.0.0.1:8321", environ) == "own"
    assert place.token_for("http://[::1]:8321", environ) == "own"
    assert place.token_for("https://lee.example", environ) is None
    assert place.token_for("http://127.0.0.1.evil.example", environ) is None
    given = {**environ, "LEEBOARD_TOKEN": "given"}
    assert place.token_for("https://lee.example", given) == "given"
    assert place.token_for("http://localhost", {"HOME": str(tmp_path)}) is None


def test_the_data_folder_is_where_the_server_has_it() -> None:
    home = {"HOME": "/home/ada"}
    assert place.data_folder(home) == Path("/home/ada/.local/share/leeboard")
    assert place.data_folder({**home, "XDG_DATA_HOME": "/x"}) == Path("/x/leeboard")
    assert place.data_folder({**home, "LEEBOARD_DATA": "/d"}) == Path("/d")


def test_the_server_is_named_or_this_machines() -> None:
    assert place.server_named(None, {}) == "http://127.0.0.1:8321"
    assert place.server_named(None, {"LEEBOARD_SERVER": "http://lee/"}) == "http://lee"
    assert place.server_named("http://other", {"LEEBOARD_SERVER": "http://lee"}) == "http://other"


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(bulk, "sleep", waited.append)
    return waited


def test_a_table_is_sent_in_parts_whose_keys_derive_from_the_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk, "PART_ROWS", 2)
    server = Server({"accepted": 2, "unknown_columns": {"x": 2}})
    table = pa.table({"id": ["1", "2", "3"], "x": [1, 2, 3]})
    with connected(server) as connection:
        for _ in range(2):
            total = bulk.send_table(connection, "m", "predictions", table, known_at=NOON)
    assert (total.accepted, total.unknown_columns) == (4, {"x": 4})
    keys = [request.headers["idempotency-key"] for request in server.requests]
    assert keys[:2] == keys[2:]
    assert keys[0] != keys[1]
    assert server.requests[0].headers["content-type"] == calls.ARROW
    with pa.ipc.open_stream(server.requests[1].content) as stream:
        sent = stream.read_all()
    assert sent.to_pylist() == [{"id": "3", "x": 3, "known_at": NOON}]


def test_a_table_is_sent_again_while_the_server_is_busy(no_waiting: list[float]) -> None:
    server = Server({"accepted": 1})
    answers = [
        httpx.Response(503, json={}, headers={"Retry-After": "3"}),
        httpx.Response(429, json={}),
    ]
    final = httpx.Response(200, json={"accepted": 1})
    server._response = lambda: answers.pop(0) if answers else final
    with connected(server) as connection:
        bulk.send_table(connection, "m", "labels", pa.table({"id": ["1"], "label": [1]}))
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 1
    assert no_waiting == [3.0, 0.5]


def test_a_table_that_is_refused_raises_at_once(no_waiting: list[float]) -> None:
    server = Server({"title": "Unprocessable", "detail": "no"}, 422)
    with connected(server) as connection, pytest.raises(ServerSaid, match="Unprocessable"):
        bulk.send_table(connection, "m", "labels", pa.table({"id": ["1"]}))
    assert len(server.requests) == 1
    assert no_waiting == []
