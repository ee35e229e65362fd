"""A command line, and a server on this machine that it talks to."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import structlog
import uvicorn
from click.testing import CliRunner, Result

from controlplane.api.app import create_app
from controlplane.api.auth import OWNER, Guardian
from controlplane.api.parts import Parts
from controlplane.cli.__main__ import main
from controlplane.domain.batches import KeyedBatch
from controlplane.domain.models import Model
from controlplane.settings import Settings
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store, Transaction
from tests.cli.story import tell
from tests.fakes_actions import T0, FakeActions

TOKEN = "lee_owner"

Lee = Callable[..., Result]


class Stopped:
    """A clock that stands still."""

    def now(self):
        return T0


class Hosting(uvicorn.Server):
    """A server in a thread, which leaves the process's signals alone."""

    def __init__(self, app: object) -> None:
        config = uvicorn.Config(
            app, loop="asyncio", lifespan="off", log_config=None, ws="none", interface="asgi3"
        )  # fmt: skip
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets=None) -> None:
        await super().startup(sockets)
        self.up.set()


class Told(msgspec.Struct):
    """A served store with the lifecycle that remembers what it was asked."""

    address: str
    store: Store
    actions: FakeActions


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A server with one model whose whole story is in the ledger; its log goes nowhere."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    store = open_store(None)
    tell(store)
    actions = FakeActions(store)
    settings = Settings(data=tmp_path_factory.mktemp("data"))
    parts = Parts(store=store, clock=Stopped(), settings=settings, actions=actions)
    app = create_app(parts, guardian=Guardian({TOKEN: OWNER}))
    listener = socket.create_server(("127.0.0.1", 0))
    hosting = Hosting(app)
    thread = threading.Thread(target=lambda: asyncio.run(hosting.serve([listener])))
    thread.start()
    assert hosting.up.wait(30)
    yield Told(f"http://127.0.0.1:{listener.getsockname()[1]}", store, actions)
    hosting.should_exit = True
    app.release()
    thread.join()
    listener.close()
    store.close()
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _states(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is noted for later runs is noted elsewhere than for the user who runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("states")))


@pytest.fixture
def actions(served: Told) -> Iterator[FakeActions]:
    """What the lifecycle is asked in this test alone."""
    served.actions.asked.clear()
    yield served.actions
    served.actions.refusal = None


@pytest.fixture
def without_rows(served: Told) -> None:
    """None of the rows that a test before sent."""

    def work(t: Transaction) -> None:
        t.events.drop("bikes")
        t.ledger.remove(KeyedBatch, model="bikes")
        t.events.prepare("bikes", t.ledger.get(Model, "bikes").schema)

    served.store.write(work).result()


@pytest.fixture
def lee(served: Told) -> Lee:
    """The command line: `lee("status", "bikes")`; answers with output and exit status."""
    return commanding(served.address, TOKEN)


def commanding(address: str, token: str | None = None) -> Lee:
    """The command line of a user of the server at an address."""
    environ = {"LEEBOARD_SERVER": address, "LEEBOARD_TOKEN": token, "NO_COLOR": None}

    def run(*words: str | Path, **named: object) -> Result:
        return CliRunner().invoke(
            main, [str(word) for word in words], env=environ, prog_name="leeboard", **named
        )

    return run
