"""What an id names: the kind is in its first letter, and a beginning that fits one thing is enough."""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from connectors.client.calls import Span
from connectors.client.http import Connection
from connectors.client.problems import ServerSaid
from controlplane.cli.terminal import LARGEST_PAGE, NOT_FOUND, Terminal, cannot, nearest

NEWEST: Final = Span(limit=LARGEST_PAGE, order="newest")
EXPECTED: Final = (
    "expected the id of a decision (d_…), an alert (a_…), a run (r_…), a trial (t_…) or a window "
    "(w_…), or a version as MODEL/v7"
)


class Subject(msgspec.Struct, frozen=True):
    """One thing that can be asked about."""

    kind: str
    id: str
    model: str


def subject_of(terminal: Terminal, text: str) -> Subject:
    """What a text names; ends the command where it names nothing or several things."""
    model, slash, version = text.partition("/")
    if slash and model[:2] != "w_":
        return Subject("version", version, model)
    if text[:1] == "v" and text[1:].isdigit():
        return Subject("version", text, _only_model(terminal, text))
    look = KINDS.get(text[:2])
    if look is None:
        cannot(f"{text!r} names nothing here; {EXPECTED}")
    kind, one, several = look
    try:
        return Subject(kind, text, one(terminal.connection, text.partition("/")[0]))
    except ServerSaid as said:
        if said.status != NOT_FOUND:
            raise
    found = {id_: of for id_, of in several(terminal.connection) if id_.startswith(text)}
    if len(found) != 1:
        near = nearest(text, [id_ for id_, _ in several(terminal.connection)])
        many = f"; {len(found)} begin like that: {', '.join(list(found)[:4])}" if found else near
        cannot(f"there is no {kind} {text!r}{many}; `leeboard {kind}s --help` says how to list them"
               if kind != "window" else f"there is no window {text!r}{many}")  # fmt: skip
    [(id_, of)] = found.items()
    return Subject(kind, id_, of)


def _only_model(terminal: Terminal, text: str) -> str:
    models = [model.name for model in terminal.connection.models().items]
    if len(models) != 1:
        cannot(f"which model's {text}? Expected MODEL/{text}; there are: {', '.join(models)}")
    return models[0]


def _decisions(connection: Connection) -> Iterable[tuple[str, str]]:
    return [(found.id, found.model) for found in connection.decisions(NEWEST).items]


def _alerts(connection: Connection) -> Iterable[tuple[str, str]]:
    return [(found.id, found.model) for found in connection.alerts(NEWEST).items]


def _runs(connection: Connection) -> Iterable[tuple[str, str]]:
    models = connection.models().items
    return [(run.id, m.name) for m in models for run in connection.runs(m.name, NEWEST).items]


def _trials(connection: Connection) -> Iterable[tuple[str, str]]:
    models = connection.models().items
    return [(found.id, m.name) for m in models for found in connection.trials(m.name, NEWEST).items]


def _windows(connection: Connection) -> Iterable[tuple[str, str]]:
    models = connection.models().items
    return [
        (found.id, m.name) for m in models for found in connection.windows(m.name, NEWEST).items
    ]


One = Callable[[Connection, str], str]
Several = Callable[[Connection], Iterable[tuple[str, str]]]

KINDS: Final[dict[str, tuple[str, One, Several]]] = {
    "d_": ("decision", lambda c, text: c.decision(text).model, _decisions),
    "a_": ("alert", lambda c, text: c.alert(text).model, _alerts),
    "r_": ("run", lambda c, text: c.run(text).model, _runs),
    "t_": ("trial", lambda c, text: c.trial(text).model, _trials),
    "w_": ("window", lambda c, text: c.window(text).model, _windows),
}
"""By the beginning of an id: what it is of, whose it is, and all ids with their models."""
