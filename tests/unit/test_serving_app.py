"""The example of a serving app, with the server in memory."""

from pathlib import Path

import pytest
from litestar.testing import TestClient

from connectors.artifacts import pack
from connectors.client.problems import ServerAway
from connectors.client.serving import Leeboard
from connectors.client.testing import MemoryServer
from connectors.trainers.model import Facts, Model, save
from examples.serving_app.app import Serving, serving_app


def publish(server: MemoryServer, version: str, value: float, folder: Path) -> None:
    """Make a version champion that always predicts the same."""
    save(Model(facts=Facts(task="regression", constant=(value,))), folder / version)
    pack(folder / version, folder / f"{version}.tar")
    server.publish(version, (folder / f"{version}.tar").read_bytes())


def test_the_app_serves_the_champion_and_logs_what_it_predicts(tmp_path: Path) -> None:
    server = MemoryServer()
    leeboard = Leeboard("http://lee", "bikes", transport=server.transport)
    serving = Serving(leeboard, tmp_path / "models")
    publish(server, "v1", 7.0, tmp_path)
    serving.refresh()
    with TestClient(serving_app(serving)) as client:
        asked = {"id": "1", "features": {"hour": 8}}
        assert client.post("/predict", json=asked).json()["prediction"] == 7.0
        publish(server, "v2", 9.0, tmp_path)
        serving.refresh()
        answer = client.post("/predict", json={**asked, "id": "2"}).json()
        assert (answer["version"], answer["prediction"]) == ("v2", 9.0)
        assert client.post("/truth", json={"id": "1", "label": 6.5}).status_code == 201
    assert [(row["version"], row["prediction"], row["hour"]) for row in server.predictions] == [
        ("v1", 7.0, 8),
        ("v2", 9.0, 8),
    ]
    assert [row["label"] for row in server.labels] == [6.5]


def test_the_app_keeps_its_version_while_the_server_is_away(tmp_path: Path) -> None:
    server = MemoryServer()
    serving = Serving(Leeboard("http://lee", "bikes", transport=server.transport), tmp_path / "m")
    with TestClient(serving_app(serving)) as client:
        body = {"id": "1", "features": {}}
        publish(server, "v1", 7.0, tmp_path)
        serving.refresh()
        server.be_away(3)
        with pytest.raises(ServerAway):
            serving.refresh()
        assert client.post("/predict", json=body).json()["version"] == "v1"
