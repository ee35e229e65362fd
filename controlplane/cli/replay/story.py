"""What a replay's server recorded, gathered for the report while the server is still there."""

from datetime import datetime
from typing import Final

import msgspec

from connectors.client import wire
from connectors.client.calls import Span
from connectors.client.http import Connection
from controlplane.cli.replay.document import after_the_end, is_alarm
from controlplane.cli.replay.history import History

MOVES: Final = frozenset({"a1", "share", "unseen"})
"""The detectors that say that a column drifted."""
MOST_WINDOWS: Final = 200
"""Windows whose findings are looked at."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A column that drifted, and the windows in which it did."""

    column: str
    windows: tuple[str, ...]
    first: datetime
    last: datetime


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the report tells of; in the order in which it happened."""

    history: History
    label: str
    decisions: list[wire.Decision]
    runs: list[wire.Run]
    trials: list[wire.Trial]
    guards: list[wire.Guard]
    windows: list[wire.Window]
    moved: list[Moved]


def gather(connection: Connection, model: str, history: History, *, label: str) -> Story:
    """Ask the server for all that it recorded of a model."""
    oldest = Span(limit=1000, order="oldest")
    there = list(connection.every(lambda s: connection.windows(model, s), oldest))
    beyond = after_the_end(there, history)
    windows = [window for window in there if window.id not in beyond]
    decisions = connection.every(lambda s: connection.decisions(s, model=model), oldest)
    return Story(
        history=history, label=label, windows=windows, moved=_moved(connection, windows),
        decisions=[d for d in decisions if d.kind != "alert" or is_alarm(d, beyond)],
        runs=list(connection.every(lambda s: connection.runs(model, s), oldest)),
        trials=list(connection.every(lambda s: connection.trials(model, s), oldest)),
        guards=list(connection.every(lambda s: connection.guards(model, s), oldest)),
    )  # fmt: skip


def _moved(connection: Connection, windows: list[wire.Window]) -> list[Moved]:
    """The columns that drifted, those that did most often first."""
    found: dict[str, list[wire.Window]] = {}
    for window in [w for w in windows if w.columns_failed][-MOST_WINDOWS:]:
        failed = [f for f in connection.findings(window.id).findings if f.verdict == "failed"]
        for column in {f.column for f in failed if f.detector in MOVES and f.segment is None}:
            found.setdefault(column, []).append(window)
    moved = [
        Moved(
            column=column, windows=tuple(w.id for w in there), first=there[0].start,
            last=there[-1].start,
        )
        for column, there in found.items()
    ]  # fmt: skip
    return sorted(moved, key=lambda one: (-len(one.windows), one.column))
