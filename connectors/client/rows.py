"""Rows as they are logged, and many of them as the columns that the server takes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

RESERVED: Final = frozenset({"id", "at", "known_at", "version", "role", "label"})
"""Columns that every event has; no feature may be called so."""


class Row(NamedTuple):
    """A row: its own columns, and the features of a prediction."""

    columns: dict[str, Any]
    features: Mapping[str, Any] = {}


def encoded(rows: Sequence[Row]) -> tuple[bytes, int]:
    """The JSON of a batch, and how many rows were left out as nothing that JSON can say.

    NumPy's and Arrow's scalars are written as the numbers and texts that they are; a NaN as null.
    """
    try:
        return _json(rows), 0
    except Exception:  # noqa: BLE001 - whatever a value of the app's own does; it is counted
        sound = [row for row in rows if _is_sound(row)]
        return _json(sound), len(rows) - len(sound)


def _json(rows: Sequence[Row]) -> bytes:
    names = dict.fromkeys(name for row in rows for name in (*row.columns, *row.features))
    columns = {
        name: [row.columns.get(name, row.features.get(name)) for row in rows] for name in names
    }
    return msgspec.json.encode({"columns": columns}, enc_hook=_plain)


def _is_sound(row: Row) -> bool:
    try:
        _json([row])
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def _plain(value: object) -> object:
    """A scalar of NumPy, Arrow or a like library as Python's own."""
    for name in ("item", "as_py"):
        if (convert := getattr(value, name, None)) is not None:
            return convert()
    message = f"{type(value).__name__} is not a number, a text, a truth or a time"
    raise TypeError(message)


def fault(id_: object, at: datetime | None, features: Mapping[str, Any]) -> str | None:
    """Why a row cannot be logged as it is; None where it can."""
    if not isinstance(id_, str) or not id_:
        return "the id is not a text"
    if at is not None and at.tzinfo is None:
        return "the time has no offset"
    if not RESERVED.isdisjoint(features):
        return f"a feature is called {min(RESERVED.intersection(features))!r}"
    return None
