"""What handlers are asked, parsed once: bodies, times, durations, pages."""

import base64
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.params import Dependency, Parameter

from controlplane.api.problems import BadRequest
from controlplane.api.wire import Page, RowError
from controlplane.domain.alerts import AlarmVerdict
from controlplane.domain.errors import NotFound
from controlplane.domain.models import Model
from controlplane.domain.records import Record
from controlplane.domain.tokens import Who
from controlplane.store.ports import LedgerReader

R = TypeVar("R", bound=Record)
W = TypeVar("W")

Limit = Annotated[int, Parameter(ge=1, le=1000, description="At most so many items.")]
Cursor = Annotated[str | None, Parameter(description="The `next` of the page before.")]
Order = Annotated[str | None, Parameter(pattern="^(oldest|newest)$", description="First.")]
TIME: Final = {"format": "date-time"}
From = Annotated[str | None, Parameter(query="from", schema_extra=TIME)]
To = Annotated[str | None, Parameter(query="to", schema_extra=TIME)]
AsOf = Annotated[
    str | None, Parameter(query="as_of", schema_extra=TIME, description="As it was known then.")
]
Zoned = Annotated[datetime, msgspec.Meta(tz=True)]

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_WAIT: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The root of request bodies: a field that is not known is an error."""


class Reason(Body, frozen=True, kw_only=True):
    """Why somebody does something by hand."""

    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class Seen(Body, frozen=True, kw_only=True):
    """What an operator says of an alert."""

    verdict: AlarmVerdict | None = None
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class Recalibration(Body, frozen=True, kw_only=True):
    """Windows in which nothing was wrong; none named: those whose alerts were all false."""

    windows: Annotated[list[str], msgspec.Meta(max_length=1000)] = []


class Announcement(Body, frozen=True, kw_only=True):
    """The model time of a replay; `final` closes the last windows."""

    known_at: Annotated[str, msgspec.Meta(extra_json_schema=TIME)]
    """Text, since a body's number would be read as seconds of Unix time."""
    final: bool = False


class Registration(Body, frozen=True, kw_only=True):
    """A version trained elsewhere, in a folder that leeboard.yaml allows."""

    path: str
    trained_from: Zoned | None = None
    trained_to: Zoned | None = None
    made: bool = False


class TrialAsked(Body, frozen=True, kw_only=True):
    """Which version goes on trial."""

    version: str
    made: bool = False


async def json_only(connection: ASGIConnection, _: BaseRouteHandler) -> None:  # type: ignore[type-arg]
    """A route's guard: a body must be plain JSON."""
    kind = connection.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind.lower() != "application/json":
        raise BadRequest(f"content type {kind[:80]!r}; expected application/json", status=415)
    coding = connection.headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise BadRequest(f"content encoding {coding[:80]!r}; expected none here", status=415)


def moment(text: str | None, name: str) -> datetime | None:
    """A time of the query, in UTC; raises BadRequest where it has no offset or is none."""
    return None if text is None else instant(text, f"?{name}")


def instant(text: str, pointer: str) -> datetime:
    """A time in UTC; raises BadRequest at this place where it has no offset or is none."""
    try:
        # A plus sign that was not escaped arrives as a blank, and a time has no other use for one.
        found = msgspec.convert(text.replace(" ", "+"), Zoned, strict=False)
        return found.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        message = f"{text[:60]!r} is not a time; expected RFC 3339 with an offset"
        place = RowError(pointer=pointer, message=f"{message}, as 2024-03-01T06:00:00Z")
        raise BadRequest(f"{pointer[1:]}: {message}", [place]) from None


def seconds(text: str, name: str, most: float) -> float:
    """A duration of the query such as `30s`, `500ms`, `1m`, cut at `most` seconds."""
    match = _WAIT.fullmatch(text)
    if match is None:
        message = f"{text[:40]!r} is not a duration; expected a number and ms, s, m or h, as 30s"
        raise BadRequest(f"{name}: {message}", [RowError(pointer=f"?{name}", message=message)])
    return min(timedelta(seconds=float(match[1][:12]) * _UNITS[match[2]]).total_seconds(), most)


def the(ledger: LedgerReader, kind: type[R], id: str, word: str) -> R:  # noqa: A002 - as the port
    """The record with this id; raises NotFound, saying what it would have been."""
    found = ledger.get(kind, id)
    if found is None:
        raise NotFound(f"there is no {word} {id[:100]!r}")
    return found


def the_model(ledger: LedgerReader, name: str) -> Model:
    """The model with this name; raises NotFound."""
    return the(ledger, Model, name, "model")


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """Whose records a list of all models holds: those of `model` where the query names one."""

    model: str | None
    who: Who

    def holds(self, record: Record) -> bool:
        """Whether a record is for the eyes of whoever asks."""
        return self.who.sees(record.model)


def whose_of(request: Request[None, Who, State], model: str | None = None) -> Whose:
    """What the query and the token say of whose records are wanted."""
    return Whose(model=model, who=request.auth)


Asker = Annotated[Whose, Dependency(skip_validation=True)]
"""Whose records a list holds, as a handler's argument `whose`."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which records a list holds, and in what order."""

    model: str | None = None
    states: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    newest_first: bool = False


def page(
    ledger: LedgerReader, kind: type[R], query: Query, *, limit: int, cursor: str | None,
    keep: Callable[[R], bool] = lambda _: True,
) -> tuple[list[R], str | None]:  # fmt: skip
    """One page of the records that `keep` wants, and the cursor of the next page, if any."""
    after = None if cursor is None else _decoded(ledger, kind, cursor)
    found: list[R] = []
    for record in _walk(ledger, kind, query, after=after, step=limit + 1):
        if keep(record):
            if len(found) == limit:
                return found, _encoded(found[-1].id)
            found.append(record)
    return found, None


def as_page(items: list[W], following: str | None) -> Page[W]:
    """The answer of a list."""
    return Page(items=items, next=following)


def is_newest(order: str | None, default: str) -> bool:
    """Whether a list begins with the newest."""
    return (order or default) == "newest"


def _walk(
    ledger: LedgerReader, kind: type[R], query: Query, *, after: str | None, step: int
) -> Iterator[R]:
    while True:
        records = ledger.find(
            kind, model=query.model, states=query.states, since=query.since, until=query.until,
            limit=step, newest_first=query.newest_first, after=after,
        )  # fmt: skip
        yield from records
        if len(records) < step:
            return
        after = records[-1].id


def _encoded(id: str) -> str:  # noqa: A002 - as the port
    return base64.urlsafe_b64encode(id.encode()).decode().rstrip("=")


def _decoded(ledger: LedgerReader, kind: type[R], cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        id = base64.b64decode(padded, altchars=b"-_", validate=True).decode()  # noqa: A001
    except ValueError:
        id = ""  # noqa: A001
    if not id or ledger.get(kind, id) is None:
        message = f"{cursor[:60]!r} is not a cursor of this list; expected the `next` of a page"
        raise BadRequest(f"cursor: {message}", [RowError(pointer="?cursor", message=message)])
    return id
