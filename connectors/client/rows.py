"""Rows as they are logged, and many of them as the columns that the server takes.

What a row costs its app is its making; whether it can be sent is looked at later, by the thread
that sends it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import msgspec

RESERVED: Final = frozenset({"id", "at", "known_at", "version", "role", "label"})
"""Columns that every event has; no feature may be called so."""
FEEDS: Final = ("predictions", "labels")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Final = frozenset({"NaTType", "NAType"})
"""What pandas calls its missing values."""
_UNWRITABLE: Final = "cannot be written as JSON"


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


class Packed(NamedTuple):
    """Rows in one or more parcels, and how many can never be sent, by reason."""

    parcels: tuple[Parcel, ...]
    dropped: dict[str, int]


class _Sound(NamedTuple):
    """A row's own columns by name and its features, both fit to be columns."""

    own: dict[str, Any]
    features: dict[str, Any]


class _UnfitError(Exception):
    """Why a row cannot be sent."""


def packed(feed: str, rows: Sequence[Any], names: Columns, most_bytes: int) -> Packed:
    """The rows of a feed as parcels of at most so many bytes, in their order; raises nothing.

    Scalars of NumPy, Arrow and pandas are written as the numbers and texts that they are, NaN and
    the infinities as null.
    """
    sound: list[_Sound] = []
    dropped: Counter[str] = Counter()
    own_of: Callable[[Any, Columns], _Sound] = _prediction if feed == FEEDS[0] else _label
    for row in rows:
        try:
            sound.append(own_of(row, names))
        except _UnfitError as unfit:
            dropped[str(unfit)] += 1
        except Exception as error:  # noqa: BLE001 - whatever a value of the app's own does
            dropped[type(error).__name__] += 1
    misnamed = _misnamed(sound)
    dropped.update(misnamed.values())
    sound = [row for place, row in enumerate(sound) if place not in misnamed]
    try:
        bodies = list(_bodies(sound, most_bytes))
    except Exception:  # noqa: BLE001 - as above
        kept = [row for row in sound if _is_writable(row)]
        dropped[_UNWRITABLE] += len(sound) - len(kept)
        bodies = list(_bodies(kept, most_bytes))
    parcels = (Parcel(feed=feed, key=uuid4().hex, rows=n, body=body) for n, body in bodies)
    return Packed(tuple(parcels), {reason: n for reason, n in dropped.items() if n})


def halves(parcel: Parcel) -> tuple[Parcel, Parcel]:
    """A parcel of two rows or more as two, whose keys and bytes derive from it alone."""
    columns: dict[str, list[Any]] = msgspec.json.decode(parcel.body)["columns"]
    middle = parcel.rows // 2

    def half(which: int, part: slice, rows: int) -> Parcel:
        some = {name: values[part] for name, values in columns.items()}
        body = msgspec.json.encode({"columns": some})
        return Parcel(feed=parcel.feed, key=f"{parcel.key}.{which}", rows=rows, body=body)

    return half(0, slice(middle), middle), half(1, slice(middle, None), parcel.rows - middle)


def _bodies(rows: Sequence[_Sound], most_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Numbers of rows and their JSON, halved as long as they come to too much."""
    if not rows:
        return
    body = _json(rows)
    if len(body) <= most_bytes or len(rows) == 1:
        yield len(rows), body
        return
    middle = len(rows) // 2
    yield from _bodies(rows[:middle], most_bytes)
    yield from _bodies(rows[middle:], most_bytes)


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
    body = _encoder.encode({"columns": columns})
    if b"NaN" in body or b"Infinity" in body:  # as decimals are written; perhaps in a text alone
        columns = {name: [_finite(value) for value in values] for name, values in columns.items()}
        body = _encoder.encode({"columns": columns})
    return body


def _is_writable(row: _Sound) -> bool:
    try:
        _json([row])
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def _prediction(row: Prediction, names: Columns) -> _Sound:
    own = {
        "id": _id(row.id), "at": _instant(row.at), names.prediction: row.prediction,
        "role": row.role,
    }  # fmt: skip
    if row.version is not None:
        own["version"] = row.version
    if row.score is not None:
        own[names.score] = row.score
    for label, value in (row.scores or {}).items():
        own[names.scores.get(label, f"score_{label}")] = value
    return _Sound(own, row.features)


def _misnamed(rows: Sequence[_Sound]) -> dict[int, str]:
    """Which rows have a feature that cannot be called so, and why."""
    called = dict.fromkeys(chain.from_iterable(row.features for row in rows))
    owned = RESERVED.union(*{tuple(row.own): row.own for row in rows}.values())
    if owned.isdisjoint(called) and all(type(name) is str for name in called):
        return {}
    return {place: why for place, row in enumerate(rows) if (why := _misnaming(row))}


def _misnaming(row: _Sound) -> str | None:
    if taken := (RESERVED | row.own.keys()).intersection(row.features):
        return f"a feature is called {min(taken)!r}"
    if not all(type(name) is str for name in row.features):
        return "a feature's name is not a text"
    return None


def _label(row: Label, _: Columns) -> _Sound:
    return _Sound({"id": _id(row.id), "label": row.label, "at": _instant(row.at)}, {})


def _id(value: object) -> str:
    if type(value) is str and value:
        return value
    plain = _plain(value) if hasattr(value, "item") or hasattr(value, "as_py") else value
    is_named = isinstance(plain, (str, int, UUID)) and not isinstance(plain, bool)
    if is_named and (text := str(plain)):
        return text
    raise _UnfitError("the id is not a text or a whole number")


def _instant(value: object) -> datetime:
    if type(value) is int:
        return _EPOCH + timedelta(microseconds=value // 1000)
    if not isinstance(value, datetime):
        raise _UnfitError("the time is not a datetime")
    if value.tzinfo is None:
        raise _UnfitError("the time has no offset")
    return value


def _finite(value: object) -> object:
    return None if isinstance(value, Decimal) and not value.is_finite() else value


def _plain(value: object) -> object:
    """A scalar of NumPy, Arrow, pandas or a like library as Python's own."""
    kind = type(value).__name__
    if kind in _NOTHING:
        return None
    if isinstance(value, (str, float, int)):  # a subclass, as NumPy's float64 is
        base = next(base for base in (str, float, int) if isinstance(value, base))
        return base.__str__(value) if base is str else base(value)
    if isinstance(value, datetime):  # as pandas' Timestamp is
        return datetime.combine(value.date(), value.timetz())
    if kind == "datetime64":
        value = value.astype("datetime64[us]")  # type: ignore[attr-defined]  # else .item() is a number
    return _unwrapped(value)


def _unwrapped(value: Any) -> object:  # noqa: ANN401 - whatever an app logs
    for name in ("item", "as_py"):
        if (convert := getattr(value, name, None)) is not None:
            found: object = convert()
            is_same = type(found) is type(value)  # an extended float, which has no other form
            return float(value) if is_same else found
    message = f"{type(value).__name__} is not a number, a text, a truth or a time"
    raise TypeError(message)


_encoder: Final = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number")
