"""The one place that reads the wall clock and makes ids and tokens out of chance."""

import secrets
import uuid
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Whoever needs to know what time it is gets one of these."""

    def now(self) -> datetime:
        """The time, in UTC, to the microsecond."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time, in UTC, to the microsecond."""
        return datetime.now(UTC)


def new_id() -> str:
    """32 hexadecimal digits that nobody has used before."""
    return uuid.uuid4().hex


def new_token() -> str:
    """A bearer token of 256 random bits, fit for a URL."""
    return f"lee_{secrets.token_urlsafe(32)}"
