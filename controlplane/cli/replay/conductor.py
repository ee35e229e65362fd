"""The replay itself: history first, then day by day what a serving app and its users would do."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Event
from typing import Final, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from connectors.client import wire
from connectors.client.bulk import send_table
from connectors.client.http import Connection
from controlplane.cli.replay.history import History
from controlplane.cli.replay.patient import patiently
from controlplane.cli.replay.serving import Serving, history_batch, label_batch
from controlplane.domain.errors import Refused

DAY: Final = timedelta(days=1)
INSTANT: Final = timedelta(microseconds=1)
Say = Callable[[str], None]


class Scene(Protocol):
    """Something that happens once model time has reached `at`."""

    @property
    def at(self) -> datetime:
        """When it is due."""
        ...

    def play(self, now: datetime) -> bool:
        """Do it, or say false: not yet, ask again a day later. Done, it changes nothing more."""
        ...


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replay plays: which model of which server, and how it tells of itself."""

    connection: Connection
    model: str
    history: History
    serving: Serving
    say: Say
    stop: Event
    """Set when the replay is to end before its time."""
    speed: float | None = None
    """Days of history a second at most; None: as fast as the work allows."""


def open_with_history(stage: Stage) -> wire.Champion:
    """Send what was known where serving begins; returns once the first version serves."""
    history, split = stage.history, stage.history.split
    rows = history.between(None, split)
    _send(stage, "predictions", history_batch(history, rows))
    labels = history.labelled_between(None, split)
    _send(stage, "labels", label_batch(labels))
    stage.say(f"{rows.num_rows} rows of history, {labels.num_rows} with labels; training v1")
    settled = _announce(stage, split)
    if settled.champion.champion is None:
        raise Refused(_why_no_champion(stage))
    return settled.champion


def play(stage: Stage, scenes: list[Scene]) -> None:
    """Serve the rest of the file, a day at a time, and announce each day's end."""
    waiting = sorted(scenes, key=lambda scene: scene.at)
    before = stage.history.split
    pace = Pace(stage)
    stage.serving.follow(patiently(lambda: stage.connection.champion(stage.model)), before)
    for moment in _steps(stage):
        rows = stage.history.between(before, moment)
        labels = stage.history.labelled_between(before, moment)
        pace.keep(before)
        if not (rows.num_rows or labels.num_rows or waiting):
            continue  # nobody would see what came of a day without rows before the next row
        if moment - DAY > before:
            _follow(stage, _announce(stage, moment - DAY).champion, moment - DAY)
        if rows.num_rows:
            _send(stage, "predictions", stage.serving.batch(rows))
        if labels.num_rows:
            _send(stage, "labels", label_batch(labels))
        told = _announce(stage, moment).champion
        while waiting and waiting[0].at <= moment and waiting[0].play(moment):
            waiting.pop(0)
            told = patiently(lambda: stage.connection.champion(stage.model))
        _follow(stage, told, moment)
        before = moment
    pace.keep(before)
    _end(stage, before)


def _follow(stage: Stage, told: wire.Champion, moment: datetime) -> None:
    if stage.serving.follow(told, moment):
        stage.say(f"{stage.history.told(moment)}  {stage.serving.champion} serves")


class Pace:
    """Tells how far a replay has come, keeps it from going too fast, and stops it when asked."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._first = stage.history.split
        self._days = max((stage.history.rows["at"][-1].as_py() - self._first) / DAY, 1.0)
        self._told = 0
        self._began = time.monotonic()

    def keep(self, moment: datetime) -> None:
        """Wait as long as the speed asks; raises Refused where the replay was stopped."""
        gone = (moment - self._first) / DAY
        tenths = min(int(10 * gone / self._days), 10)
        if tenths > self._told:
            self._told = tenths
            self._stage.say(
                f"{self._stage.history.told(moment)}  {10 * tenths} % of the history has passed"
            )
        wait = 0.0
        if self._stage.speed is not None:
            wait = self._began + gone / self._stage.speed - time.monotonic()
        if self._stage.stop.wait(max(wait, 0.0)):
            message = f"stopped at {self._stage.history.told(moment)}, before the history's end"
            raise Refused(message)


def _end(stage: Stage, last: datetime) -> None:
    """Labels that come after the last row, then the end: the last windows close."""
    known = stage.history.rows["label_known_at"].drop_null()
    latest = max(pc.max(known).as_py() or last, last)
    labels = stage.history.labelled_between(last, latest)
    if labels.num_rows:
        _send(stage, "labels", label_batch(labels))
    stray = latest > stage.history.rows["at"][-1].as_py() + stage.history.delay
    # What came later than labels do is scored when the label day that it came in is over.
    # The end is an instant of its own: at one that is settled nothing more would close.
    _announce(stage, latest + (DAY if stray else INSTANT), final=True)


def _steps(stage: Stage) -> Iterator[datetime]:
    """The ends of the days from serving's beginning until the last row has happened."""
    last = stage.history.rows["at"][-1].as_py()
    moment = stage.history.split
    while moment <= last:
        moment += DAY
        yield moment


def _send(stage: Stage, feed: str, rows: pa.Table) -> None:
    receipt = patiently(lambda: send_table(stage.connection, stage.model, feed, rows))
    if receipt.rejected:
        first = receipt.errors[0].message if receipt.errors else "no reason given"
        stage.say(f"{receipt.rejected} {feed} were rejected: {first}")


def _announce(stage: Stage, moment: datetime, *, final: bool = False) -> wire.Settled:
    return patiently(lambda: stage.connection.announce(stage.model, moment, final=final))


def _why_no_champion(stage: Stage) -> str:
    runs = stage.connection.runs(stage.model).items
    if not runs:
        return "no first version was trained: there are fewer than 50 labelled rows before serving"
    return f"the first training {runs[0].state}: {runs[0].reason}"
