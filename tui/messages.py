"""What can happen in the dashboard, one class each, past tense."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
from textual.message import Message

Known = Mapping[str, object]
"""What the server said, by the name under which it was asked."""


class Objection(msgspec.Struct, frozen=True):
    """The server's answer where it says that something cannot be done, in its words."""

    status: int
    says: str


@dataclass
class Answered(Message):
    """The server said something new."""

    known: Known


@dataclass
class Heard(Message):
    """The server answered; `at` is when."""

    at: datetime


@dataclass
class ServerWentAway(Message):
    """Nobody answers, since when, and in how many seconds it is tried again."""

    server: str
    why: str
    since: datetime
    again_in: float


@dataclass
class ActionDone(Message):
    """The server did what an operator asked for."""

    says: str


@dataclass
class ActionRefused(Message):
    """The server refused what an operator asked for, or could not be reached."""

    asked: str
    says: str


@dataclass
class RowHighlighted(Message):
    """The cursor of a table came to rest on another row."""

    table: str
    key: str | None


@dataclass
class RowOpened(Message):
    """Somebody wants to see what is behind a row."""

    table: str
    key: str


@dataclass
class EndNeared(Message):
    """The cursor of a table came near the last row that is loaded."""

    table: str


@dataclass
class CellHighlighted(Message):
    """The cursor of the heat map moved."""

    window: int
    column: str


@dataclass
class CellOpened(Message):
    """Somebody wants to see the window behind a cell, and the column's findings in it."""

    window: int
    column: str


class Place(msgspec.Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """Something that has a screen: what kind of thing, of which model, which one."""

    kind: str
    model: str = ""
    id: str = ""
    column: str = ""
    """Where in it to look first."""
    detector: str = ""
    segment: str = ""
    """Of a column's findings the one that is looked at."""


@dataclass
class PlaceOpened(Message):
    """Somebody wants to see something; the app knows which screen shows it."""

    place: Place
