"""Jobs of the replay's own, run by the same trainers as the server's, in folders of their own."""

import threading
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.artifacts import unpack
from connectors.contract import ColumnSpec, Job, ScoreJob, Trainer, TrainJob
from controlplane.cli.replay.history import History
from controlplane.cli.replay.unbroken import unbroken
from controlplane.domain.errors import Refused
from controlplane.domain.schema import Task

PAUSE: Final = 0.02
VALIDATION_SHARE: Final = 0.2


class Bench:
    """A folder in which jobs are run to their end; `close` ends those that still run."""

    def __init__(self, root: Path, trainer: Trainer, stop: Event) -> None:
        self._root = root
        self._trainer = trainer
        self._stop = stop
        self._lock = threading.Lock()
        self._is_closed = False
        root.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """End every job that still runs, and begin no other."""
        with self._lock:
            self._is_closed = True
        for folder in self._root.iterdir():
            if folder.is_dir() and self._trainer.ended(folder) is None:
                self._trainer.cancel(folder)

    def folder(self, name: str) -> Path:
        """A job's folder."""
        path = self._root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def train(self, name: str, history: History, rows: pa.Table, label: pa.ChunkedArray) -> Path:
        """Train on rows with given labels; returns the folder of the model."""
        folder = self.folder(name)
        features = [column.name for column in history.features]
        table = rows.select(["id", "at", *features]).append_column("label", label)
        cut = table.num_rows - int(table.num_rows * VALIDATION_SHARE)
        pq.write_table(table.slice(0, cut), folder / "data.parquet")
        pq.write_table(table.slice(cut), folder / "validation.parquet")
        output = folder / "output"
        output.mkdir(exist_ok=True)
        job = TrainJob(
            model=history.name,
            run=name,
            seed=7,
            task=str(history.task),
            features=[ColumnSpec(c.name, str(c.kind)) for c in history.features],
            label="label",
            positive=history.labels.positive,
            parameters={"event_time": "hour,weekday" if history.timed else "none"},
            data=str(folder / "data.parquet"),
            validation=str(folder / "validation.parquet"),
            output=str(output),
        )
        self._run(job, folder)
        return output / "model"

    def score(self, name: str, model: Path, history: History, rows: pa.Table) -> pa.Table:
        """Predictions of rows, in their order: `prediction` and the scores by class."""
        folder = self.folder(name)
        features = [column.name for column in history.features]
        pq.write_table(rows.select(["id", "at", *features]), folder / "input.parquet")
        output = folder / "scored.parquet"
        job = ScoreJob(
            model_directory=str(model), input=str(folder / "input.parquet"), output=str(output)
        )
        self._run(job, folder)
        return in_order(pq.read_table(output), rows["id"], score_columns(history))

    def unpacked(self, name: str, tar: bytes) -> Path:
        """An artifact's files."""
        folder = self.folder(name) / "model"
        if not folder.is_dir():
            unpack(tar, folder)
        return folder

    def _run(self, job: Job, folder: Path) -> None:
        with self._lock, unbroken():
            if self._is_closed:
                message = "the replay was stopped"
                raise Refused(message)
            self._trainer.start(job, folder)
        while (ended := self._trainer.ended(folder)) is None:
            if self._stop.wait(PAUSE):
                self._trainer.cancel(folder)
                message = "the replay was stopped"
                raise Refused(message)
        if ended.reason is not None:
            tail = self._trainer.log(folder)[-500:].decode(errors="replace")
            message = f"a {type(job).__name__} of the replay failed: {ended.reason}\n{tail}"
            raise Refused(message)


def score_columns(history: History) -> Mapping[str, str]:
    """Class to the column of a scoring's output that carries its score."""
    match history.task:
        case Task.REGRESSION:
            return {}
        case Task.BINARY:
            return {history.labels.positive or "true": "score"}
        case Task.MULTICLASS:
            return {name: f"score_{name}" for name in history.labels.classes}


def in_order(scored: pa.Table, ids: pa.ChunkedArray, scores: Mapping[str, str]) -> pa.Table:
    """A scoring's output in the order of the rows that were asked for."""
    place = pc.index_in(ids, value_set=scored["id"].cast(pa.string()).combine_chunks())
    if place.null_count:
        message = f"the scoring left out {place.null_count} of {len(ids)} rows"
        raise Refused(message)
    kept = {"prediction": scored["prediction"].take(place)}
    for label, column in scores.items():
        if column in scored.column_names:
            kept[label] = scored[column].take(place)
        else:  # a class that the version never saw
            kept[label] = pa.chunked_array([pa.nulls(len(ids), pa.float64())])
    return pa.table(
        {"prediction": kept.pop("prediction"), **{f"score:{k}": v for k, v in kept.items()}}
    )
