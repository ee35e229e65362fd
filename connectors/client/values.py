"""Values of any library as JSON says them, and what can be no id and no time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import msgspec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Final = frozenset({"NaTType", "NAType"})
"""What pandas calls its missing values."""


class UnfitError(Exception):
    """Why a row cannot be sent."""


def encoded(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns as the body of a request. Raises whatever a value of the app's own does.

    Scalars of NumPy, Arrow and pandas are written as the numbers and texts that they are, NaN and
    the infinities as null.
    """
    body = _encoder.encode({"columns": columns})
    if b"NaN" in body or b"Infinity" in body:  # as decimals are written; perhaps in a text alone
        finite = {name: [_finite(value) for value in values] for name, values in columns.items()}
        body = _encoder.encode({"columns": finite})
    return body


def identity_of(value: object) -> str:
    """A row's id as a text. Raises UnfitError."""
    if type(value) is str and value:
        return value
    plain = _plain(value) if hasattr(value, "item") or hasattr(value, "as_py") else value
    is_named = isinstance(plain, (str, int, UUID)) and not isinstance(plain, bool)
    if is_named and (text := str(plain)):
        return text
    raise UnfitError("the id is not a text or a whole number")


def instant_of(value: object) -> datetime | str:
    """A time, or nanoseconds since 1970 as its text in UTC. Raises UnfitError."""
    if type(value) is int:
        second, rest = divmod(value, 10**9)
        return f"{_second(second)}.{rest // 1000:06d}Z"
    if not isinstance(value, datetime):
        raise UnfitError("the time is not a datetime")
    if value.tzinfo is None:
        raise UnfitError("the time has no offset")
    return value


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    """Rows of one second share most of the text of their time."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


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
