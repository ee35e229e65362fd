"""An application over a store in memory and a lifecycle that remembers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from controlplane.api.app import App, create_app
from controlplane.api.auth import OWNER, Guardian, Scope, Who
from controlplane.api.parts import Parts
from controlplane.domain.models import Generation, Model
from controlplane.domain.policy import Label, Monitors, Performance, Policy, Retrain, Trial
from controlplane.domain.schema import Column, Schema, Task
from controlplane.settings import Settings
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from detectors.finding import Kind
from tests.fakes_actions import T0, FakeActions

TOKEN = "lee_owner"
TOKENS = {TOKEN: OWNER} | {
    f"lee_{scope}": Who(f"only {scope}", frozenset({scope})) for scope in Scope
}


class Stopped:
    """A clock that stands still."""

    def now(self):
        return T0


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


@pytest.fixture
def actions(store: Store) -> FakeActions:
    return FakeActions(store)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, artifacts_from=(tmp_path / "allowed",))


@pytest.fixture
def app(store: Store, actions: FakeActions, settings: Settings) -> App:
    parts = Parts(store=store, clock=Stopped(), settings=settings, actions=actions)
    return create_app(parts, guardian=Guardian(TOKENS))


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8321",
        headers={"authorization": f"Bearer {TOKEN}"},
    ) as found:  # fmt: skip
        yield found


POLICY = Policy(
    model="bikes", task=Task.REGRESSION, label=Label(column="cnt"), retrain=Retrain(when=()),
    monitors=Monitors(drift=None, quality=None, performance=Performance(metric="mae"), stream=None),
    trial=Trial(metric="mae"),
)  # fmt: skip
SCHEMA = Schema(
    task=Task.REGRESSION,
    features=(Column("temp", Kind.NUMERIC), Column("season", Kind.CATEGORICAL)),
)


def a_model(**changes) -> Model:
    facts = {"id": "bikes", "model": "bikes", "generation": 1, "created_at": T0, "schema": SCHEMA}
    return Model(**{**facts, **changes})


def put(store: Store, *records) -> None:
    """Store records."""

    def work(transaction) -> None:
        for record in records:
            transaction.ledger.put(record)
            if isinstance(record, Model) and record.schema is not None:
                transaction.events.prepare(record.id, record.schema)

    store.write(work).result()


@pytest.fixture
def bikes(store: Store) -> Model:
    """A model with its file, in the store."""
    model = a_model()
    generation = Generation(
        id="bikes/1", model="bikes", number=1, policy=POLICY, text="model: bikes\n",
        applied_at=T0, applied_by="owner",
    )  # fmt: skip
    put(store, model, generation)
    return model
