"""What connectors and the control plane exchange: protocols and frozen structs, no behaviour."""

from pathlib import Path
from typing import Protocol

import msgspec


class ColumnSpec(msgspec.Struct, frozen=True):
    """A feature as a training job sees it; kinds are numeric, categorical, boolean, datetime."""

    name: str
    kind: str


class ChampionSpec(msgspec.Struct, frozen=True):
    """The version that serves, its `model/` unpacked for reading."""

    version: str
    directory: str


class TrainJob(msgspec.Struct, frozen=True, kw_only=True, tag="train", tag_field="kind"):
    """Train on `data`; `validation` is the tail of the training span. Paths are absolute."""

    model: str
    run: str
    seed: int
    task: str
    features: list[ColumnSpec]
    label: str
    """The column of `data` and `validation` that carries the truth."""
    positive: str | None = None
    parameters: dict[str, str] = {}
    data: str
    validation: str
    champion: ChampionSpec | None = None
    output: str


class ScoreJob(msgspec.Struct, frozen=True, kw_only=True, tag="score", tag_field="kind"):
    """Predict the rows of `input`; write `id, prediction, score` (`score_<class>`) to `output`."""

    model_directory: str
    input: str
    output: str


Job = TrainJob | ScoreJob


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a job's process ended. `code` is None where it was killed or never seen again."""

    code: int | None
    reason: str | None = None
    """None after a clean end; else one sentence."""
    timed_out: bool = False
    seconds: float = 0.0


class Trainer(Protocol):
    """Runs jobs as detached processes that survive a restart of the server.

    A job lives in a directory of its own, which the caller makes and removes; the same directory
    asked for twice is one job.
    """

    def start(self, job: Job, directory: Path) -> None:
        """Start the job unless it was started in this directory before; returns at once."""
        ...

    def ended(self, directory: Path) -> Ended | None:
        """How it ended; None while it runs. A job whose wrapper is gone without a word: Ended
        with no code."""
        ...

    def cancel(self, directory: Path) -> None:
        """End the job and all its processes."""
        ...

    def log(self, directory: Path, offset: int = 0) -> bytes:
        """What the job printed, from byte `offset` on."""
        ...


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver is given: an id that is the same at every attempt, and the body to sign."""

    id: str
    type: str
    body: bytes


class Receiver(Protocol):
    """Somebody else's system that wants to hear of alerts."""

    def send(self, message: Message) -> None:
        """Deliver, or raise DeliveryFailed."""
        ...


class DeliveryFailed(Exception):
    """It did not arrive; `final` where trying again cannot help, `after` seconds to wait."""

    def __init__(self, reason: str, *, final: bool = False, after: float | None = None) -> None:
        super().__init__(reason)
        self.final = final
        self.after = after
