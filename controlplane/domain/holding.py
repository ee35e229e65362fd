"""What a condition is, what it follows from, and how it words and cites what it says."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from controlplane.domain.decisions import Evidence
from controlplane.domain.versions import Version
from controlplane.domain.windows import Score


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What holds or not at an instant; `holds` is None where it cannot be told.

    `trigger` is the place in `retrain.when`, None where it only alerts. `window` is the window
    that it rests on, None for what rests on no window.
    """

    name: str
    """performance · drift · stream · quality · volume · label_feed · schema · estimate ·
    concept · together · schedule · new_labels · age · message"""
    trigger: int | None = None
    holds: bool | None
    window: str | None = None
    says: str
    evidence: tuple[Evidence, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the conditions of a model follow from.

    `scores` are revisions 0 and 1 of recent windows, the oldest window first; later revisions
    are passed over. `new_labels` counts the labels that became known since the champion was made
    or a run last asked for; None where nobody counted. `messages` are the triggers that came
    from outside at this instant.
    """

    now: datetime
    champion: Version | None
    scores: tuple[Score, ...] = ()
    new_labels: int | None = None
    false_alarms: tuple["Condition", ...] = ()
    """Whether the budget is kept, by what operators said of the alerts."""
    messages: tuple[str, ...] = ()
    outlook: str | None = None
    """When the first window closes, of a model of which none was scored yet."""


def latest(scores: Sequence[Score]) -> list[Score]:
    """Of each window its revision 1 where there is one, else its revision 0, by event time."""
    found: dict[str, Score] = {}
    for score in sorted(scores, key=lambda s: (s.start, s.end, s.revision)):
        if score.revision in {0, 1}:
            found[score.window] = score
    return list(found.values())


def untold(name: str, says: str) -> Condition:
    return Condition(name=name, holds=None, says=says)


def cite(score: Score, says: str, figures: Mapping[str, float | None]) -> Evidence:
    return Evidence(kind="score", id=score.id, says=says, figures=dict(figures))


def day_of(score: Score) -> str:
    return f"{score.start:%Y-%m-%d %H:%M}"


def figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
