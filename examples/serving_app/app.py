"""A serving app: it runs the versions that Leeboard names and logs what it predicts.

    LEEBOARD_MODEL=bike-demand uvicorn examples.serving_app.app:app --workers 2

It serves versions of the built-in trainer; `load` and `scored` are all that would be different for
another one. Where Leeboard is away it goes on with the versions that it has, and its rows wait on
disk (LEEBOARD_SPOOL).
"""

import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from litestar import Litestar, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import ServiceUnavailableException
from litestar.params import JSONBody

from connectors.artifacts import BadArtifact
from connectors.client import wire
from connectors.client.canary import served_by
from connectors.client.pace import Stats
from connectors.client.problems import ClientError
from connectors.client.serving import Leeboard
from connectors.trainers.model import Model, load, scored

LOG = logging.getLogger(__name__)


class Asked(msgspec.Struct):
    """What is to be predicted."""

    id: str
    features: dict[str, Any]


class Truth(msgspec.Struct):
    """What turned out true of a prediction."""

    id: str
    label: float | str | bool


class Told(NamedTuple):
    """What must be served, and the models that this takes."""

    champion: wire.Champion
    models: dict[str, Model]


class Serving:
    """The versions that serve, kept up to date by a thread of its own."""

    def __init__(self, leeboard: Leeboard, folder: Path) -> None:
        self.leeboard = leeboard
        self._folder = folder
        self.told = Told(wire.Champion(), {})
        self._stopped = threading.Event()

    def follow(self) -> None:
        """Load what must be served until stopped; waiting for news costs a request a half minute."""
        while not self._stopped.is_set():
            try:
                self.refresh(wait=30)
            except (ClientError, BadArtifact, OSError) as error:
                LOG.warning("still serving what there is: %s", error)
                self._stopped.wait(5)

    def refresh(self, wait: float | None = None) -> None:
        """Load the versions that are wanted and not here yet; requests see all of it at once."""
        wanted = self.leeboard.champion(wait)
        if wanted.champion is None:
            self._stopped.wait(0 if wait is None else 5)
            return
        names = {wanted.champion.version, *wanted.shadow}
        if wanted.canary is not None:
            names.add(wanted.canary.version)
        models = {name: self.told.models.get(name) or self._load(name) for name in names}
        self.told = Told(wanted, models)

    def predict(self, asked: Asked) -> dict[str, Any]:
        """Predict with the champion, or for its share of ids with the canary; log it."""
        champion, models = self.told
        version, role = served_by(champion, asked.id)
        if version is None:
            raise ServiceUnavailableException("there is no champion yet")
        return self._logged(asked, version, models[version], role)

    def predict_in_the_shadow(self, asked: Asked) -> None:
        """What the versions that are watched would have said; nobody is answered with it."""
        champion, models = self.told
        for version in champion.shadow:
            self._logged(asked, version, models[version], "shadow")

    def stop(self) -> None:
        """Send what is waiting and follow no more."""
        self._stopped.set()
        self.leeboard.close()

    def _load(self, version: str) -> Model:
        return load(self.leeboard.fetch_version(version, self._folder))

    def _logged(self, asked: Asked, version: str, model: Model, role: str) -> dict[str, Any]:
        [answer] = scored(
            model, pa.Table.from_pylist([{**asked.features, "id": asked.id}])
        ).to_pylist()
        self.leeboard.log_prediction(
            asked.id, asked.features, answer["prediction"], score=answer.get("score"),
            version=version, role=role,
        )  # fmt: skip
        return {"version": version, **answer}


def serving_app(serving: Serving) -> Litestar:
    """The app around what it serves."""

    @post("/predict", sync_to_thread=True, status_code=200)
    def predict(data: JSONBody[Asked]) -> Response[dict[str, Any]]:
        shadow = BackgroundTask(serving.predict_in_the_shadow, data)
        return Response(serving.predict(data), background=shadow)

    @post("/truth", sync_to_thread=False)
    def truth(data: JSONBody[Truth]) -> None:
        serving.leeboard.log_label(data.id, data.label)

    @get("/health", sync_to_thread=False)
    def health() -> dict[str, Any]:
        champion = serving.told.champion.champion
        stats: Stats = serving.leeboard.stats
        return {"version": champion and champion.version, "logging": msgspec.structs.asdict(stats)}

    @asynccontextmanager
    async def following(_: Litestar) -> AsyncIterator[None]:
        threading.Thread(target=serving.follow, daemon=True).start()
        yield
        serving.stop()

    return Litestar([predict, truth, health], lifespan=[following])


def __getattr__(name: str) -> Litestar:
    """`app`, made when it is asked for: importing this module connects to nothing."""
    if name != "app":
        raise AttributeError(name)
    model = os.environ.get("LEEBOARD_MODEL", "bike-demand")
    spool = os.environ.get("LEEBOARD_SPOOL", "spool")
    folder = Path(os.environ.get("LEEBOARD_MODELS", "models"))
    return serving_app(Serving(Leeboard(None, model, spool=spool), folder))
