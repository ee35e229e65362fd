"""A model under watch, and its file as applied at each generation."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

import msgspec
from typing_extensions import override

from controlplane.domain.policy import Policy
from controlplane.domain.records import Record
from controlplane.domain.schema import Schema


class Timing(StrEnum):
    """Whose clock a model's time follows."""

    LIVE = "live"
    REPLAY = "replay"


class Model(Record, frozen=True, kw_only=True):
    """A name under which versions serve; `id` and `model` are the name.

    `announced` is the model time that a replay was told; `stepped` the instant up to which
    everything due is settled; `serving_from` the event time at which windows begin, None until
    something was served; `origin` the instant to which windows are aligned. `champion` moves
    only together with `moves`, which counts the moves.
    """

    TABLE: ClassVar[str] = "models"

    timing: Timing = Timing.LIVE
    timed: bool = True
    """False: a file without a time column; a day is 24 rows and reports speak of rows."""
    generation: int
    schema: Schema | None = None
    created_at: datetime
    announced: datetime | None = None
    final: bool = False
    stepped: datetime | None = None
    settling: datetime | None = None
    """The instant that is being settled; later than `stepped` where that was broken off."""
    serving_from: datetime | None = None
    origin: datetime | None = None
    every_seconds: float | None = None
    """The length of a window, once the file or the data have decided it."""
    champion: str | None = None
    moves: int = 0
    retraining_stopped: str | None = None
    """Why no further run starts until an operator says go; None while it may."""
    frozen: str | None = None
    """Why all actions are switched off while monitoring goes on; None while they are on."""
    versions: int = 0
    """How many versions were ever made; the next is called `v{versions + 1}`."""

    @property
    @override
    def filed_at(self) -> datetime:
        """Models are listed in the order in which they were made."""
        return self.created_at


class Generation(Record, frozen=True, kw_only=True):
    """A model file as it was applied; `id` is `{model}/{number}`."""

    TABLE: ClassVar[str] = "generations"

    number: int
    policy: Policy
    text: str
    """The file as it was sent."""
    applied_at: datetime
    applied_by: str
    changes: tuple[str, ...] = ()

    @property
    @override
    def filed_at(self) -> datetime:
        """Generations are listed by when they were applied."""
        return self.applied_at


class LossScale(msgspec.Struct, frozen=True, kw_only=True):
    """What a version's losses are measured against, from rows it was not trained on."""

    reference_loss: float
    loss_cap: float
    """The 99.5 % quantile of its losses on those rows."""
    rows: int
    metric: str = ""
    """By whose loss they are; not known of scales of before."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What applying a model file changes, or would change: one readable line a change.

    `generation` is the one that is in force afterwards; `applied` is false for a dry run.
    """

    model: str
    generation: int
    created: bool
    changes: tuple[str, ...]
    applied: bool
