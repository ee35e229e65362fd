"""One parcel to the server: what became of its rows, or why it has to wait."""

import secrets
from typing import Final, NamedTuple, Protocol

from connectors.client import wire
from connectors.client.packing import halves
from connectors.client.problems import ServerSaid
from connectors.client.rows import Parcel

LONGEST_ASKED: Final = 3600.0
"""Seconds for which a server may ask to be left alone; more is not believed."""
_TOO_LARGE: Final = 413
_AGAIN: Final = frozenset({408, 425, 429})
_TO_BE_MENDED: Final = frozenset({401, 403, 404})


class Send(Protocol):
    """Sends one parcel; raises ServerAway, ServerSaid or BadAnswer."""

    def __call__(self, parcel: Parcel) -> wire.Receipt:
        """What became of the rows."""
        ...


class Delivered(NamedTuple):
    """What became of a parcel that need not be sent again."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    """Refused by the server, one by one or all of them."""
    error: str | None = None
    """Of the first that was rejected."""


class HeldError(Exception):
    """A parcel that was not delivered and may fare better later; the text says why."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause) or type(cause).__name__)
        asked = getattr(cause, "after", None)
        self.after = None if asked is None else min(float(asked), LONGEST_ASKED)
        """Seconds that the server asks to wait; None: it does not say."""
        self.is_hopeless = isinstance(cause, ServerSaid) and needs_mending(cause.status)
        """Trying again helps only once somebody has mended something."""


def deliver(send: Send, parcel: Parcel) -> Delivered:
    """Send a parcel, halved where the server or a proxy finds it too large. Raises HeldError.

    Sent again after that, whole or in the same halves, nothing is stored twice.
    """
    try:
        return _told(send(parcel))
    except ServerSaid as error:
        if error.status == _TOO_LARGE and parcel.rows > 1:
            first, second = halves(parcel)
            return _summed(deliver(send, first), deliver(send, second))
        if _may_fare_better(error.status):
            raise HeldError(error) from error
        return Delivered(rejected=parcel.rows, error=str(error))
    except Exception as error:
        raise HeldError(error) from error


def pause_before(attempt: int, first: float, longest: float, asked: float | None) -> float:
    """Seconds before the attempt of this number, from 1 on: doubled each time, half to one and a
    half of it by chance, and no less than the server asks."""
    pause = min(first * 2.0 ** min(attempt - 1, 30), longest)
    return max(pause * (0.5 + secrets.randbelow(1000) / 1000), asked or 0.0)


def needs_mending(status: int) -> bool:
    """Whether an answer says that nothing of this app gets in as things are: a token that is not
    valid, a model that is not there, an address that has moved."""
    return status in _TO_BE_MENDED or 300 <= status < 400  # noqa: PLR2004 - HTTP's


def _may_fare_better(status: int) -> bool:
    return status >= 500 or status in _AGAIN or needs_mending(status)  # noqa: PLR2004 - HTTP's


def _told(receipt: wire.Receipt) -> Delivered:
    error = None
    if receipt.rejected:
        first = receipt.errors[0] if receipt.errors else None
        error = f"{first.pointer}: {first.message}" if first else "rows were rejected"
    return Delivered(receipt.accepted, receipt.duplicates, receipt.rejected, error)


def _summed(one: Delivered, other: Delivered) -> Delivered:
    return Delivered(
        accepted=one.accepted + other.accepted,
        duplicates=one.duplicates + other.duplicates,
        rejected=one.rejected + other.rejected,
        error=one.error or other.error,
    )
