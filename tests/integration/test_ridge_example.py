"""The trainer of examples/ridge, run as the server runs it."""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.contract import ColumnSpec, Ended, Job, ScoreJob, TrainJob
from connectors.trainers.command import CommandTrainer
from controlplane.policy.server_file import settings_from
from controlplane.server import trainers_of
from controlplane.settings import Settings

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ridge"
LIMIT = timedelta(seconds=60)


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandTrainer:
    """As in a shell with the environment activated: its `python` comes first."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    settings = settings_from(EXAMPLE / "leeboard.yaml", Settings(data=tmp_path), os.environ)
    found = trainers_of(settings)["ridge"]
    assert isinstance(found, CommandTrainer)
    return found


def rows(count: int, seed: int) -> pa.Table:
    draws = np.random.default_rng(seed)
    wind, sun = draws.normal(10, 2, count), draws.integers(0, 2, count).astype(bool)
    at = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=k) for k in range(count)]
    gaps = [None if k % 10 == 0 else value for k, value in enumerate(wind.tolist())]
    return pa.table({
        "id": [str(k) for k in range(count)], "at": pa.array(at, pa.timestamp("us", "UTC")),
        "wind": pa.array(gaps, pa.float64()), "sun": sun, "sail": ["jib"] * count,
        "label": 3.0 * wind + 5.0 * sun + 1.0,
    })  # fmt: skip


def done(trainer: CommandTrainer, job: Job, folder: Path) -> Ended:
    folder.mkdir(exist_ok=True)
    trainer.start(job, folder)
    until = time.monotonic() + LIMIT.total_seconds()
    while (ended := trainer.ended(folder)) is None:
        assert time.monotonic() < until, trainer.log(folder)
        time.sleep(0.05)
    return ended


def a_training(folder: Path, task: str = "regression") -> TrainJob:
    pq.write_table(rows(400, 1), folder / "data.parquet")
    pq.write_table(rows(100, 2), folder / "validation.parquet")
    kinds = {"wind": "numeric", "sun": "boolean", "sail": "categorical"}
    return TrainJob(
        model="boats", run="r1", seed=1, task=task, label="label", positive=None, parameters={},
        features=[ColumnSpec(name, kind) for name, kind in kinds.items()],
        data=str(folder / "data.parquet"), validation=str(folder / "validation.parquet"),
        output=str(folder / "train" / "output"),
    )  # fmt: skip


def test_it_trains_and_its_model_scores(trainer: CommandTrainer, tmp_path: Path) -> None:
    ended = done(trainer, a_training(tmp_path), tmp_path / "train")
    assert (ended.code, ended.reason) == (0, None)
    assert b"400 rows, 2 features; mae" in trainer.log(tmp_path / "train")

    pq.write_table(rows(50, 3).drop_columns(["label"]), tmp_path / "input.parquet")
    job = ScoreJob(
        model_directory=str(tmp_path / "train" / "output" / "model"),
        input=str(tmp_path / "input.parquet"), output=str(tmp_path / "scored.parquet"),
    )  # fmt: skip
    assert done(trainer, job, tmp_path / "score").reason is None
    scored = pq.read_table(tmp_path / "scored.parquet")
    error = scored["prediction"].to_numpy() - rows(50, 3)["label"].to_numpy()
    assert scored["id"].to_pylist() == [str(k) for k in range(50)]
    assert np.abs(np.delete(error, range(0, 50, 10))).max() < 0.5


def test_what_it_cannot_do_is_the_runs_reason(trainer: CommandTrainer, tmp_path: Path) -> None:
    ended = done(trainer, a_training(tmp_path, task="binary"), tmp_path / "train")
    assert ended.code == 1
    assert "this trainer does regression; the job is binary" in (ended.reason or "")
