"""The model file that a history asks for, where the user brings none of their own."""

import re
from datetime import timedelta

from controlplane.cli.replay.asked import Asked
from controlplane.cli.replay.history import History
from controlplane.domain.schema import Task
from controlplane.policy.writing import quoted


def model_file(history: History, asked: Asked, *, receiver: str | None) -> str:
    """YAML with everything that was inferred; what it leaves out has its default."""
    alerts = ["alerts:", f"  - {{to: {receiver}, from: info}}"] if receiver else []
    label = f"column: {quoted(asked.label)}{_positive(history)}, delay: {_duration(history.delay)}"
    lines = [
        f"model: {slug(history.name)}",
        f"task: {history.task}",
        f"label: {{{label}}}",
        f"time_zone: {asked.time_zone}",
        *_scores(history),
        "features:",
        *(f"  {quoted(column.name)}: {column.kind}" for column in history.features),
        *alerts,
    ]
    return "\n".join(lines) + "\n"


def slug(name: str) -> str:
    """A legal model name out of a file's name.

    >>> slug("Bike Hours (2011)")
    'bike-hours-2011'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "replay"


def _positive(history: History) -> str:
    chosen = history.labels.positive
    return "" if chosen is None else f", positive: {quoted(chosen)}"


def _scores(history: History) -> list[str]:
    if history.task is not Task.MULTICLASS:
        return []
    return ["score:", *(f"  {quoted(c)}: {quoted(f'score_{c}')}" for c in history.labels.classes)]


def _duration(span: timedelta) -> str:
    """A duration as a model file writes it.

    >>> _duration(timedelta(days=1)), _duration(timedelta(minutes=90))
    ('1d', '90m')
    """
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
