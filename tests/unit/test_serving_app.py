"""The example of a serving app, with the server in memory."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from litestar.testing import TestClient

from connectors.artifacts import pack
from connectors.client import wire
from connectors.client.problems import ServerAway
from connectors.client.serving import Leeboard
from connectors.client.testing import MemoryServer
from connectors.trainers.model import Facts, Model, save
from examples.serving_app.app import Serving, serving_app


def tar_of(version: str, value: float, folder: Path) -> bytes:
    """A version that always predicts the same."""
    save(Model(facts=Facts(task="regression", constant=(value,))), folder / version)
    pack(folder / version, folder / f"{version}.tar")
    return (folder / f"{version}.tar").read_bytes()


def a_serving(server: MemoryServer, folder: Path) -> Serving:
    leeboard = Leeboard("http://lee", "bikes", transport=server.transport)
    return Serving(leeboard, folder / "models")


def test_the_app_serves_the_champion_and_logs_what_it_predicts(tmp_path: Path) -> None:
    server = MemoryServer()
    serving = a_serving(server, tmp_path)
    server.publish("v1", tar_of("v1", 7.0, tmp_path))
    serving.refresh()
    with TestClient(serving_app(serving)) as client:
        asked = {"id": "1", "features": {"hour": 8}}
        assert client.post("/predict", json=asked).json()["prediction"] == 7.0
        server.publish("v2", tar_of("v2", 9.0, tmp_path))
        serving.refresh()
        answer = client.post("/predict", json={**asked, "id": "2"}).json()
        assert (answer["version"], answer["prediction"]) == ("v2", 9.0)
        assert client.post("/truth", json={"id": "1", "label": 6.5}).status_code == 201
        health = client.get("/health").json()
        assert (health["version"], health["logging"]["logged"]) == ("v2", 3)
    assert [(row["version"], row["prediction"], row["hour"]) for row in server.predictions] == [
        ("v1", 7.0, 8),
        ("v2", 9.0, 8),
    ]
    assert [row["label"] for row in server.labels] == [6.5]


def test_a_canary_gets_its_share_and_shadows_answer_nobody(tmp_path: Path) -> None:
    server = MemoryServer()
    serving = a_serving(server, tmp_path)
    server.publish("v1", tar_of("v1", 7.0, tmp_path))
    server.register("v2", tar_of("v2", 9.0, tmp_path))
    server.register("v0", tar_of("v0", 5.0, tmp_path))
    server.champion = msgspec.structs.replace(
        server.champion, canary=wire.Canary(version="v2", weight=0.3), shadow=["v0"]
    )
    serving.refresh()
    with TestClient(serving_app(serving)) as client:
        answers = {
            str(n): client.post("/predict", json={"id": str(n), "features": {"hour": n}}).json()
            for n in range(40)
        }
    assert Counter(answer["version"] for answer in answers.values()) == {"v1": 22, "v2": 18}
    logged = {(row["id"], row["role"]): row for row in server.predictions}
    assert len(logged) == 80
    for id_, answer in answers.items():
        role = "canary" if answer["version"] == "v2" else "live"
        assert logged[id_, role]["version"] == answer["version"]
        assert logged[id_, role]["prediction"] == answer["prediction"]
        assert (logged[id_, "shadow"]["version"], logged[id_, "shadow"]["prediction"]) == (
            "v0",
            5.0,
        )


def test_the_app_keeps_its_version_while_the_server_is_away(tmp_path: Path) -> None:
    server = MemoryServer()
    serving = a_serving(server, tmp_path)
    with TestClient(serving_app(serving)) as client:
        body = {"id": "1", "features": {}}
        assert client.post("/predict", json=body).status_code == 503
        server.publish("v1", tar_of("v1", 7.0, tmp_path))
        serving.refresh()
        server.be_away(3)
        with pytest.raises(ServerAway):
            serving.refresh()
        assert client.post("/predict", json=body).json()["version"] == "v1"
