"""The sequential detector of one reign: what it was set up with, and how far it has read."""

from datetime import datetime
from typing import ClassVar, Final

import msgspec
from typing_extensions import override

from controlplane.domain.budget import Line, family_of
from controlplane.domain.records import Record
from detectors.streaming.state import State

ERROR: Final = "error"
SCORE: Final = "score"
PREDICTION: Final = "prediction"
AUTO: Final = "auto"
PART: Final = 0.5
"""The part of its family's alarms that a stream may use; the rest is the windows' and guards'."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream's values are measured with, frozen when the reign began to be read.

    A value is read as (value - low)/(high - low), clipped to [0, 1]; `mean` is the reference's,
    in those units, over `rows` rows (0: the mean alone is known, of the version's record).
    `span_seconds` makes means over spans of so many seconds in place of values. `share` is how
    many false alarms a budget period it may have, `alarms` what was measured on the reference
    over `periods` drawn from it; None where there was nothing to measure on. `refused` says why
    nothing is read.
    """

    low: float = 0.0
    high: float = 1.0
    mean: float | None = None
    rows: int = 0
    span_seconds: float | None = None
    share: float
    alarms: float | None = None
    periods: float = 0.0
    notes: tuple[str, ...] = ()
    refused: str | None = None


class Stream(Record, frozen=True, kw_only=True):
    """A reign's stream; `id` is `{reign}/{on}`. Changes with the score of each window that it read.

    `detector` is the detector's state; its `last_event_id` names the newest row that was read, as
    `{microseconds} {id}`: rows up to it are passed over. `recent` are the newest values before
    now, oldest first, of `total` and `read` since the last alarm.
    """

    TABLE: ClassVar[str] = "streams"

    version: str
    reign: str
    made_of: str
    """What it was set up for: another reign, file or model begins afresh."""
    on: str
    setup: Setup
    detector: State
    recent: tuple[float, ...] = ()
    total: float = 0.0
    read: int = 0
    begun_at: datetime

    @property
    @override
    def filed_at(self) -> datetime:
        """Streams are listed by when they began."""
        return self.begun_at


def line_of(stream: Stream, count: float) -> Line | None:
    """A stream's line of the ledger of a budget of `count` false alarms a period.

    One that is refused is not read, so it costs nothing, and its line says why. None where nothing
    was measured: what it may have is a part of what its family is designed for.
    """
    setup = stream.setup
    if setup.alarms is None and setup.refused is None:
        return None
    alarms = 0.0 if setup.refused is not None else setup.alarms or 0.0
    return Line(
        family=family_of(stream.on), detector=stream.detector.detector,
        share=setup.share / count, alarms=alarms, is_measured=setup.refused is None,
        says=ledger_line(stream),
    )  # fmt: skip


def ledger_line(stream: Stream) -> str:
    """What a stream takes of the false-alarm budget, for a person."""
    setup, name = stream.setup, f"stream {stream.detector.detector} on {stream.on}"
    allowed = f"{setup.share:.3g} false alarms a period"
    if setup.refused is not None:
        return f"{name}: not read, {setup.refused}"
    if setup.alarms is None:
        return f"{name}: may have {allowed}; not measured, no rows of a reference"
    return (
        f"{name}: may have {allowed}, had {setup.alarms:.3g} over {setup.periods:.3g} periods of "
        "the reference drawn again"
    )
