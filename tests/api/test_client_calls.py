"""The client's calls against the real application: every path, query and body is understood."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from connectors.client import calls, wire
from connectors.client.calls import Rows, Span, path
from connectors.client.http import Connection
from connectors.client.http_async import AsyncConnection
from connectors.client.problems import ServerSaid
from tests.api.conftest import TOKEN
from tests.fakes_actions import T0

CALLS: list[Callable[[Connection], Any]] = [
    lambda c: c.health(),
    lambda c: c.models(),
    lambda c: c.model("bikes"),
    lambda c: c.apply("bikes", "model: bikes\n", dry_run=True, timing="replay", timed=False),
    lambda c: c.apply("bikes", "model: bikes\n"),
    lambda c: c.stop("bikes", purge=True),
    lambda c: c.resume("bikes"),
    lambda c: c.champion("bikes"),
    lambda c: c.announce("bikes", T0, final=True),
    lambda c: c.versions("bikes"),
    lambda c: c.register("bikes", b"tar", trained_from=T0, made=True),
    lambda c: c.promote("bikes", "v2", reason="tested"),
    lambda c: c.rollback("bikes", reason="worse"),
    lambda c: c.windows("bikes", Span(start=T0, end=T0, as_of=T0, order="newest")),
    lambda c: c.metric("bikes", "mae", Span(start=T0)),
    lambda c: c.column("bikes", "temp"),
    lambda c: c.runs("bikes", Span(order="oldest")),
    lambda c: c.start_run("bikes", reason="now"),
    lambda c: c.start_run("bikes"),
    lambda c: c.trials("bikes"),
    lambda c: c.open_trial("bikes", "v2", made=True),
    lambda c: c.decisions(Span(limit=5), model="bikes", kind="retrain"),
    lambda c: c.alerts(model="bikes", state="firing"),
    lambda c: c.deliveries(state="dead"),
    lambda c: c.audit(model="bikes"),
    lambda c: c.verify_audit(),
    lambda c: c.send("bikes", A_ROW),
    lambda c: c.send("bikes", msgspec.structs.replace(A_LABEL, strict=True)),
    lambda c: c.send_reference("bikes", A_ROW, version="v1"),
]
A_ROW = Rows(
    feed="predictions", key="k1",
    body=b'{"columns":{"id":["1"],"at":["2024-03-01T00:00:00Z"],"temp":[1.5],"prediction":[7]}}',
)  # fmt: skip
A_LABEL = Rows(feed="labels", key="k2", body=b'{"columns":{"id":["1"],"label":[7]}}')


class Recorder(Connection):
    """Keeps what it is asked instead of sending it."""

    asked: calls.Call[Any] | None = None

    def ask(self, call: calls.Call[Any]) -> Any:
        """Keep the call."""
        self.asked = call


def named(call: Callable[[Connection], Any]) -> str:
    """What a call is, for the test's id."""
    with Recorder("http://lee") as recorder:
        call(recorder)
    assert recorder.asked is not None
    return f"{recorder.asked.method} {recorder.asked.path} {CALLS.index(call)}"


@pytest.fixture
def connection(app: Any) -> AsyncConnection:
    return AsyncConnection("http://127.0.0.1:8321", TOKEN, transport=httpx.ASGITransport(app))


@pytest.mark.usefixtures("bikes")
@pytest.mark.parametrize("call", CALLS, ids=named)
async def test_the_server_understands_the_call(
    connection: AsyncConnection, call: Callable[[Connection], Any]
) -> None:
    with Recorder("http://lee") as recorder:
        call(recorder)
    assert recorder.asked is not None
    refusal: ServerSaid | None = None
    try:
        await connection.ask(recorder.asked)
    except ServerSaid as error:
        refusal = error
    await connection.close()
    # The lifecycle in these tests knows no versions; all else is understood.
    assert refusal is None or (refusal.status == 404 and "version" in str(refusal))


async def test_a_model_that_is_not_there_is_told_in_words(connection: AsyncConnection) -> None:
    with pytest.raises(ServerSaid, match="there is no model 'boats'"):
        await connection.model("boats")
    await connection.close()


async def test_a_wrong_token_is_told_in_words(app: Any) -> None:
    async with AsyncConnection(
        "http://127.0.0.1:8321", "wrong", transport=httpx.ASGITransport(app)
    ) as stranger:
        with pytest.raises(ServerSaid) as raised:
            await stranger.models()
    assert raised.value.status == 401


@pytest.mark.usefixtures("bikes")
async def test_a_run_that_was_asked_for_is_read(connection: AsyncConnection) -> None:
    run = await connection.ask(calls.post(path("models", "bikes", "runs"), wire.Run))
    assert run.model == "bikes"
    await connection.close()
