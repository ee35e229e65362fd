"""A serving app: it runs the champion that Leeboard names and logs what it predicts.

    LEEBOARD_MODEL=bike-demand litestar --app examples.serving_app.app:app run

It serves versions of the built-in trainer; `load` and `scored` are all that would be different for
another one. Where Leeboard is away it goes on with the version that it has.
"""

import logging
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from litestar import Litestar, post
from litestar.exceptions import ServiceUnavailableException
from litestar.params import JSONBody

from connectors.artifacts import BadArtifact
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
    label: float


class Serving:
    """The version that serves, kept up to date by a thread of its own."""

    def __init__(self, leeboard: Leeboard, folder: Path) -> None:
        self._leeboard = leeboard
        self._folder = folder
        self._loaded: tuple[str, Model] | None = None
        self._stopped = threading.Event()

    def follow(self) -> None:
        """Load each new champion until stopped; waiting for one costs a request a half minute."""
        while not self._stopped.is_set():
            try:
                self.refresh(wait=30)
            except (ClientError, BadArtifact, OSError) as error:
                LOG.warning("still serving what there is: %s", error)
                self._stopped.wait(5)

    def refresh(self, wait: float | None = None) -> None:
        """Load the champion if it is a new one; the artifact's hash is checked on the way."""
        wanted = self._leeboard.champion(wait).champion
        if wanted is None:
            self._stopped.wait(5)
        elif self._loaded is None or self._loaded[0] != wanted.version:
            folder = self._leeboard.fetch_artifact(wanted.sha256, self._folder)
            self._loaded = (wanted.version, load(folder))

    def predict(self, asked: Asked) -> dict[str, Any]:
        """Predict, and log it without waiting."""
        if self._loaded is None:
            raise ServiceUnavailableException("there is no champion yet")
        version, model = self._loaded
        row = pa.Table.from_pylist([{**asked.features, "id": asked.id}])
        [answer] = scored(model, row).to_pylist()
        self._leeboard.log_prediction(
            asked.id, asked.features, answer["prediction"], score=answer.get("score"),
            version=version,
        )  # fmt: skip
        return {"version": version, **answer}

    def learn(self, truth: Truth) -> None:
        """Log what turned out true."""
        self._leeboard.log_label(truth.id, truth.label)

    def stop(self) -> None:
        """Send what is waiting and follow no more."""
        self._stopped.set()
        self._leeboard.close()


def serving_app(serving: Serving) -> Litestar:
    """The app around what it serves."""

    @post("/predict", sync_to_thread=True)
    def predict(data: JSONBody[Asked]) -> dict[str, Any]:
        return serving.predict(data)

    @post("/truth", sync_to_thread=False)
    def truth(data: JSONBody[Truth]) -> None:
        serving.learn(data)

    @asynccontextmanager
    async def following(_: Litestar) -> AsyncIterator[None]:
        threading.Thread(target=serving.follow, daemon=True).start()
        yield
        serving.stop()

    return Litestar([predict, truth], lifespan=[following])


def __getattr__(name: str) -> Litestar:
    """`app`, made when it is asked for: importing this module connects to nothing."""
    if name != "app":
        raise AttributeError(name)
    model = os.environ.get("LEEBOARD_MODEL", "bike-demand")
    return serving_app(Serving(Leeboard(None, model), Path("models")))
