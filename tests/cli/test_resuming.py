"""Three failed runs stop retraining, and `leeboard runs resume` says go: on a real server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from connectors.client.calls import Rows
from connectors.client.http import Connection
from tests.cli.conftest import Lee, commanding

START = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 60
TEXT = "model: boats\ntask: regression\nlabel: knots\ntrainer: broken\nfeatures: {wind: numeric}\n"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server whose trainer `broken` fails at once."""
    config = tmp_path / "leeboard.yaml"
    command = json.dumps([sys.executable, "-c", "raise SystemExit('no sail')"])
    config.write_text(
        f"trainers:\n  broken: {{command: {command}, score: {command}, directory: .}}\n"
    )
    words = [sys.executable, "-m", "controlplane.cli", "serve", "--data", tmp_path / "data",
             "--config", config, "--port", "0", "--open"]  # fmt: skip
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        line = next(text for text in server.stderr if "serves" in text)
        yield line.split()[2]
        server.terminate()
        server.stderr.read()


def failing(address: str) -> Lee:
    """A replay that has enough labels to train, and a trainer that cannot."""
    times = [START + timedelta(hours=n) for n in range(ROWS)]
    columns = {"id": [str(n) for n in range(ROWS)], "at": times, "known_at": times}
    predictions = {"columns": {**columns, "wind": [n / 2 for n in range(ROWS)]}}
    labels = {"columns": {"id": columns["id"], "label": list(range(ROWS)), "known_at": times}}
    with Connection(address) as connection:
        connection.apply("boats", TEXT, timing="replay")
        for feed, body in (("predictions", predictions), ("labels", labels)):
            connection.send("boats", Rows(feed=feed, body=msgspec.json.encode(body), key=feed))
        connection.announce("boats", START + timedelta(days=30))
    return commanding(address)


def test_after_three_failures_an_operator_says_go(address: str) -> None:
    lee = failing(address)

    stopped = lee("status", "boats")
    assert stopped.exit_code == 3
    assert "retraining has stopped: leeboard runs resume boats" in stopped.stdout
    runs = json.loads(lee("runs", "boats", "--json").stdout)["items"]
    assert {run["state"] for run in runs} == {"failed"}
    assert "no sail" in lee("runs", "log", runs[0]["id"]).stdout
    [stop] = json.loads(lee("decisions", "boats", "--kind", "stop", "--json").stdout)["items"]
    assert "`leeboard runs resume`" in stop["says"]
    assert [cited["kind"] for cited in stop["evidence"]] == ["run"] * 3

    gone = lee("runs", "resume", "boats")

    assert (gone.exit_code, gone.stdout.splitlines()[0][:25]) == (0, "boats may retrain again; ")
    [resumed] = json.loads(lee("decisions", "boats", "--kind", "resume", "--json").stdout)["items"]
    assert resumed["by"] == "owner"
    story = json.loads(lee("why", stop["id"], "--json").stdout)
    assert story["chapters"][0]["title"] == f"Because of run {stop['evidence'][0]['id']}"
    assert story["chapters"][-1]["ids"]["decision"] == resumed["id"]
    verified = lee("audit", "verify")
    assert (verified.exit_code, verified.stdout[:16]) == (0, "the chain holds:")
