"""Rows as parcels: at once where they are alike, otherwise one by one, so that none costs another.

Nothing is raised: a row that cannot be sent is counted, with the reason.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec

from connectors.client import columnar
from connectors.client.rows import FEEDS, RESERVED, Columns, Label, Parcel, Prediction
from connectors.client.values import UnfitError, encoded, identity_of, instant_of

_UNWRITABLE: Final = "cannot be written as JSON"


class Packed(NamedTuple):
    """Rows in one or more parcels, and how many can never be sent, by reason."""

    parcels: tuple[Parcel, ...]
    dropped: dict[str, int]


class _Sound(NamedTuple):
    """A row's own columns by name and its features, both fit to be columns."""

    own: dict[str, Any]
    features: dict[str, Any]


class _Body(NamedTuple):
    """The JSON of rows, and of how many."""

    rows: int
    content: bytes
    dropped: dict[str, int]


def packed(feed: str, rows: Sequence[Any], names: Columns, most_bytes: int) -> Packed:
    """The rows of a feed as parcels of at most so many bytes, in their order; raises nothing."""
    body = _at_once(feed, rows, names) or _one_by_one(feed, rows, names)
    if len(body.content) > most_bytes and len(rows) > 1:
        middle = len(rows) // 2
        first = packed(feed, rows[:middle], names, most_bytes)
        second = packed(feed, rows[middle:], names, most_bytes)
        dropped = Counter(first.dropped) + Counter(second.dropped)
        return Packed(first.parcels + second.parcels, dict(dropped))
    if not body.rows:
        return Packed((), body.dropped)
    key = secrets.token_hex(16)
    parcel = Parcel(feed=feed, key=key, rows=body.rows, body=body.content)
    return Packed((parcel,), body.dropped)


def halves(parcel: Parcel) -> tuple[Parcel, Parcel]:
    """A parcel of two rows or more as two, whose keys and bytes derive from it alone."""
    columns: dict[str, list[Any]] = msgspec.json.decode(parcel.body)["columns"]
    middle = parcel.rows // 2

    def half(which: int, part: slice, rows: int) -> Parcel:
        some = {name: values[part] for name, values in columns.items()}
        body = msgspec.json.encode({"columns": some})
        return Parcel(feed=parcel.feed, key=f"{parcel.key}.{which}", rows=rows, body=body)

    return half(0, slice(middle), middle), half(1, slice(middle, None), parcel.rows - middle)


def _at_once(feed: str, rows: Sequence[Any], names: Columns) -> _Body | None:
    """All rows; None where there is anything unusual about any of them."""
    try:
        is_first = feed == FEEDS[0]
        columns = columnar.predictions(rows, names) if is_first else columnar.labels(rows)
        return _Body(len(rows), encoded(columns), {})
    except Exception:  # noqa: BLE001 - whatever a value of the app's own does
        return None


def _one_by_one(feed: str, rows: Sequence[Any], names: Columns) -> _Body:
    sound: list[_Sound] = []
    dropped: Counter[str] = Counter()
    own_of: Callable[[Any, Columns], _Sound] = _prediction if feed == FEEDS[0] else _label
    for row in rows:
        try:
            sound.append(own_of(row, names))
        except UnfitError as unfit:
            dropped[str(unfit)] += 1
        except Exception as error:  # noqa: BLE001 - as above
            dropped[type(error).__name__] += 1
    misnamed = [_misnaming(row) for row in sound]
    dropped.update(why for why in misnamed if why is not None)
    sound = [row for row, why in zip(sound, misnamed, strict=True) if why is None]
    if any(not _is_writable(row) for row in sound):
        kept = [row for row in sound if _is_writable(row)]
        dropped[_UNWRITABLE] += len(sound) - len(kept)
        sound = kept
    return _Body(len(sound), _json(sound), dict(dropped))


def _json(rows: Sequence[_Sound]) -> bytes:
    own, features = [row.own for row in rows], [row.features for row in rows]
    columns = {
        name: [row.get(name) for row in own] for name in dict.fromkeys(chain.from_iterable(own))
    }
    for name in dict.fromkeys(chain.from_iterable(features)):
        values = [row.get(name) for row in features]
        if name in columns:  # one row's score is another row's feature
            values = [row.own.get(name, value) for row, value in zip(rows, values, strict=True)]
        columns[name] = values
    return encoded(columns)


def _is_writable(row: _Sound) -> bool:
    try:
        _json([row])
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def _prediction(row: Prediction, names: Columns) -> _Sound:
    own = {
        "id": identity_of(row.id), "at": instant_of(row.at), names.prediction: row.prediction,
        "role": row.role,
    }  # fmt: skip
    if row.version is not None:
        own["version"] = row.version
    if row.score is not None:
        own[names.score] = row.score
    for label, value in (row.scores or {}).items():
        own[names.scores.get(label, f"score_{label}")] = value
    return _Sound(own, row.features)


def _misnaming(row: _Sound) -> str | None:
    if taken := (RESERVED | row.own.keys()).intersection(row.features):
        return f"a feature is called {min(taken)!r}"
    if not all(type(name) is str for name in row.features):
        return "a feature's name is not a text"
    return None


def _label(row: Label, _: Columns) -> _Sound:
    return _Sound({"id": identity_of(row.id), "label": row.label, "at": instant_of(row.at)}, {})
