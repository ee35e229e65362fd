"""Fakes with memory: a clock that is told its time, a trainer, a receiver, and a store that dies."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.contract import DeliveryFailed, Ended, Job, Message, ScoreJob, TrainJob
from controlplane.domain.errors import Overloaded
from controlplane.store.ports import Snapshot, Store, Transaction

T = TypeVar("T")


class FixedClock:
    """Stands still until it is told to go on."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """The time it was told."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Go on; returns the new time."""
        self._now += by
        return self._now


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a training job. `off` is what the version adds to half the wind."""

    off: float = 0.0
    ended: Ended = Ended(code=0)
    leaves: bool = True
    """False: no file in `output/model/`."""
    scores: str = "well"
    """What its scorings write: well · nothing · no_prediction · words · other_rows · twice ·
    infinite · exits_badly"""


class FakeTrainer:
    """Trains versions that predict `wind / 2 + off`; remembers jobs, as processes outlive a server.

    The n-th run that was asked for follows the n-th plan, the last one from then on. A job is done
    after its end was asked about `looks` times.
    """

    def __init__(self, *plans: Plan, looks: int = 0) -> None:
        self.plans = plans or (Plan(),)
        self.looks = looks
        self.runs: list[str] = []
        self.jobs: dict[Path, Job] = {}
        self.cancelled: list[Path] = []
        self._asked: defaultdict[Path, int] = defaultdict(int)

    def start(self, job: Job, directory: Path) -> None:
        """Do all the work at once, unless the directory's job was started before."""
        if directory in self.jobs and (directory / "started").exists():
            return
        self.jobs[directory] = job
        self._asked.pop(directory, None)
        (directory / "started").write_text("")
        if isinstance(job, TrainJob):
            self._train(job)
        else:
            _score(job)

    def ended(self, directory: Path) -> Ended | None:
        """None for the first `looks` questions, then as planned."""
        job = self.jobs.get(directory)
        if job is None:
            return Ended(code=None, reason="vanished: it was never started in this directory")
        self._asked[directory] += 1
        if self._asked[directory] <= self.looks:
            return None
        if isinstance(job, TrainJob):
            return self._plan(job.run).ended
        if _model_of(job).scores == "exits_badly":
            return Ended(code=3, reason="exited with 3")
        return Ended(code=0)

    def cancel(self, directory: Path) -> None:
        """Remember that it was asked to end."""
        self.cancelled.append(directory)

    def log(self, directory: Path, offset: int = 0) -> bytes:
        """A line a job."""
        return b"worked\n"[offset:] if directory in self.jobs else b""

    def _plan(self, run: str) -> Plan:
        if run not in self.runs:
            self.runs.append(run)
        return self.plans[min(self.runs.index(run), len(self.plans) - 1)]

    def _train(self, job: TrainJob) -> None:
        plan = self._plan(job.run)
        assert pq.read_table(job.data).num_rows >= pq.read_table(job.validation).num_rows
        if plan.leaves:
            model = Path(job.output) / "model"
            model.mkdir(exist_ok=True)
            (model / "model.json").write_bytes(msgspec.json.encode(plan))


def files_of(folder: Path, plan: Plan) -> Path:
    """A `model/` directory as the fake trainer leaves it, for versions from outside."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_bytes(msgspec.json.encode(plan))
    return folder


def _model_of(job: ScoreJob) -> Plan:
    return msgspec.json.decode((Path(job.model_directory) / "model.json").read_bytes(), type=Plan)


def _score(job: ScoreJob) -> None:
    rows, plan = pq.read_table(job.input), _model_of(job)
    predicted = pc.add(pc.divide(rows["wind"], 2.0), plan.off)
    table = pa.table({"id": rows["id"], "prediction": predicted})
    if plan.scores in {"nothing", "exits_badly"}:
        return
    if plan.scores == "no_prediction":
        table = table.drop_columns(["prediction"])
    if plan.scores == "words":
        table = table.set_column(1, "prediction", pa.array(["fast"] * rows.num_rows))
    if plan.scores == "other_rows":
        table = table.set_column(0, "id", pa.array(["x"] * rows.num_rows))
    if plan.scores == "twice":
        table = pa.concat_tables([table.slice(0, 1), table.slice(0, rows.num_rows - 1)])
    if plan.scores == "infinite":
        table = table.set_column(1, "prediction", pa.array([float("inf")] * rows.num_rows))
    pq.write_table(table, job.output)


class FakeReceiver:
    """Remembers what it was sent; raises the answers that it was given, in their order."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.heard: list[Message] = []

    def send(self, message: Message) -> None:
        """Take a message, or fail as told."""
        self.heard.append(message)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer


REFUSED = DeliveryFailed("the receiver answered 500")


class Killed(Exception):
    """What a process that ends in the midst of its work never sees."""


class MortalStore:
    """A store whose process dies at chosen writes: `dies_at` is asked with the number of each.

    It answers `before` (nothing of the write is stored), `after` (it is stored, and nobody hears
    of it), `overloaded` (it lives on and is refused) or None.
    """

    def __init__(self, store: Store, dies_at: Callable[[int], str | None]) -> None:
        self._store = store
        self._dies_at = dies_at
        self.writes = 0

    @contextmanager
    def read(self) -> Iterator[Snapshot]:
        """A snapshot."""
        with self._store.read() as view:
            yield view

    def write(
        self, work: Callable[[Transaction], T], *, size: int = 0, quiet: bool = False
    ) -> "Future[T]":
        """Run the work, or die before or after it."""
        self.writes += 1
        when = self._dies_at(self.writes)
        if when == "before":
            raise Killed(self.writes)
        if when == "overloaded":
            raise Overloaded("the queue is full")
        future = self._store.write(work, size=size, quiet=quiet)
        if when == "after":
            future.exception()
            raise Killed(self.writes)
        return future

    def subscribe(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Pass it on."""
        self._store.subscribe(listener)

    def close(self) -> None:
        """Close what is underneath."""
        self._store.close()
