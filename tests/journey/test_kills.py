"""A server that is killed at random moments of a replay comes out with the same decisions."""

import contextlib
import json
import os
import signal
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from controlplane.cli.replay import run
from controlplane.cli.replay.asked import Asked
from controlplane.cli.replay.run import Outcome, Replay, replay

BIKE = Path(__file__).resolve().parents[2] / "examples" / "bike"


class Killer:
    """Kills the server of a data folder, again and again, at moments drawn from a seed."""

    def __init__(self, data: Path, seed: int) -> None:
        self.kills = 0
        self._data = data
        self._draws = np.random.default_rng(seed)
        self._over = Event()
        self._thread = Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.wait(float(self._draws.uniform(0.5, 4.0))) and self.kills < 12:
            with contextlib.suppress(OSError, ValueError):
                pid = json.loads((self._data / "server.json").read_text())["pid"]
                os.kill(pid, signal.SIGKILL)
                self.kills += 1


def most_of_a_year(folder: Path) -> Path:
    """The bikes of 2011 until the last champion has served for ten weeks: enough for a candidate
    that loses its trial and for two that are promoted. The last three quarters are served."""
    hours = pq.read_table(BIKE / "hours.parquet")
    until = pa.scalar(np.datetime64("2011-12-08", "us"), pa.timestamp("us")).cast(hours["ts"].type)
    path = folder / "hours.parquet"
    pq.write_table(hours.filter(pc.less(hours["ts"], until)), path)
    return path


def replayed(folder: Path) -> Outcome:
    folder.mkdir(exist_ok=True)
    asked = Replay(
        file=most_of_a_year(folder), asked=Asked(label="cnt", time="ts"), data=folder, say=print,
        model_file=BIKE / "model.yaml",
    )  # fmt: skip
    return replay(asked, Event())


def told(outcome: Outcome) -> list[tuple[object, ...]]:
    """What must be the same: kind, subject, model time, state and verdict of every decision."""
    return [(d.kind, d.subject, d.model_time, d.state, d.verdict) for d in outcome.decisions]


@pytest.mark.journey
@pytest.mark.slow
def test_a_server_killed_again_and_again_decides_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a training every four weeks would have brought is reckoned beside the server, in
    # processes of their own that nobody kills; `test_demo.py` has them.
    monkeypatch.setattr(run, "FOUR_WEEKS", timedelta(days=3650))
    calm = replayed(tmp_path / "calm")
    with Killer(tmp_path / "killed", seed=20261124) as killer:
        killed = replayed(tmp_path / "killed")

    assert killer.kills >= 4
    assert told(killed) == told(calm)
    assert killed.document.summary == calm.document.summary
    assert {d.kind for d in calm.decisions} >= {"first", "retrain", "trial", "promote", "reject"}
