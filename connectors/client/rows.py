"""Rows as they are logged, and as they are sent.

What a row costs its app is its making; whether it can be sent is looked at later (`packing`), by
the thread that sends it.
"""

from typing import Any, Final

import msgspec

RESERVED: Final = frozenset({"id", "at", "known_at", "version", "role", "label"})
"""Columns that every event has; no feature may be called so."""
FEEDS: Final = ("predictions", "labels")


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """What the model file calls the columns of the prediction and of its scores."""

    prediction: str = "prediction"
    score: str = "score"
    scores: dict[str, str] = {}
    """A class to its column; a class that is not named has `score_<class>`."""


class Prediction(msgspec.Struct, gc=False):
    """A prediction as it was logged; `at` in nanoseconds since 1970 where the app gave no time.

    Out of the garbage collector's sight: nothing that it holds can hold it.
    """

    id: Any
    at: Any
    features: dict[str, Any]
    prediction: Any
    score: Any
    scores: dict[str, Any] | None
    version: str | None
    role: str


class Label(msgspec.Struct, gc=False):
    """What turned out true of a prediction; `at` as of a prediction."""

    id: Any
    label: Any
    at: Any


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """Rows as they are sent, under the key that makes sending them again harmless."""

    feed: str
    key: str
    rows: int
    body: bytes
