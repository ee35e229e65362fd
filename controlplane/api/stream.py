"""Every change as it happens, as server-sent events.

`journal` events are the entries of the journal, numbered: whoever comes back with the last number
that they saw misses none, whatever happened to the connection or the server. A `changed` event
says that something of a model is not as it was, rows, windows and runs included: read it again.
They are sent for every model at the beginning, since what changed before is not known.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Final

import msgspec
from anyio import to_thread
from litestar import get
from litestar.params import Dependency, Parameter
from litestar.response import Stream

from controlplane.api import encode
from controlplane.api.auth import Guardian, Scope, needs
from controlplane.api.changes import Changes, Followed
from controlplane.api.parts import Asked, Bells, Caller, Given, Parts
from controlplane.api.problems import BadRequest
from controlplane.api.refusals import Unauthenticated
from controlplane.api.wire import RowError
from controlplane.domain.journal import Entry
from controlplane.domain.models import Model
from controlplane.domain.tokens import Who

HEARTBEAT: Final = 15.0
"""Seconds after which a comment says that the connection is there still."""
GATHER: Final = 0.25
"""Seconds for which changes are gathered: what many commits change is told once."""
STRIDE: Final = 500
"""Entries that are read at a time."""
RETRY_MILLISECONDS: Final = 2000
EVENTS: Final = "text/event-stream"
_ID: Final = re.compile(r"\d{12}")
_FIRST: Final = "0" * 12

LastId = Annotated[
    str | None, Parameter(header="Last-Event-ID", description="The last `id` that was seen.")
]
Since = Annotated[
    str | None,
    Parameter(description="The same where no header can be sent; zeros: from the first."),
]
Doors = Annotated[Guardian, Dependency(skip_validation=True)]


@get("/v1/stream", guards=[needs(Scope.READ)], media_type=EVENTS)
async def follow_changes(  # noqa: PLR0913, PLR0917 - what is asked, and who may hear it
    request: Asked, parts: Given, changes: Bells, who: Caller, guardian: Doors,
    last: LastId = None, since: Since = None,
) -> Stream:  # fmt: skip
    """Every change as it happens: `journal` entries by number, and which models to read again."""
    changes.check_room()
    after = await to_thread.run_sync(partial(_place, parts, last or since))
    told = _Telling(parts, who, after)
    still = partial(guardian.who, request.headers.get("authorization"))
    return Stream(
        _events(told, changes, still), media_type=EVENTS,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )  # fmt: skip


class _Telling:
    """What one stream has told, and what is next."""

    def __init__(self, parts: Parts, who: Who, after: str | None) -> None:
        self._store = parts.store
        self._who = who
        self._after = after

    def models(self) -> set[str]:
        """Every model that the stream is about."""
        with self._store.read() as view:
            return {model.id for model in view.ledger.find(Model)}

    def changed(self, models: set[str]) -> list[bytes]:
        """That these models changed, as far as they are for the listener."""
        return [_event("changed", {"model": m}) for m in sorted(models) if m and self._who.sees(m)]

    def entries(self) -> tuple[list[bytes], bool]:
        """The next entries of the journal, and whether there may be more."""
        with self._store.read() as view:
            found = view.ledger.find(Entry, limit=STRIDE, after=self._after)
        if found:
            self._after = found[-1].id
        told = [
            _event("journal", encode.entry(entry), entry.id)
            for entry in found
            if self._who.sees(entry.model)
        ]
        return told, len(found) == STRIDE


async def _events(telling: _Telling, changes: Changes, still: partial[Who]) -> AsyncIterator[bytes]:
    with changes.followed() as followed:
        yield b"retry: %d\n\n" % RETRY_MILLISECONDS
        told = telling.changed(await to_thread.run_sync(telling.models))
        while not changes.is_released:
            if not _is_welcome(still):
                return
            more = True
            while more:
                entries, more = await to_thread.run_sync(telling.entries)
                told = [*told, *entries]
                if told:
                    yield b"".join(told)
                    told = []
            told = telling.changed(await _next(followed)) or [b": here\n\n"]


async def _next(followed: Followed) -> set[str]:
    """What changed next; nothing where nothing does for long."""
    await followed.wait(HEARTBEAT)
    await asyncio.sleep(GATHER)
    return followed.take()


def _is_welcome(still: partial[Who]) -> bool:
    """Whether the token opens anything still: it may have been revoked, or have ended."""
    try:
        still()
    except Unauthenticated:
        return False
    return True


def _place(parts: Parts, told: str | None) -> str | None:
    """After which entry to begin; the newest where nothing is said. Raises BadRequest for a number
    that the journal has not."""
    with parts.store.read() as view:
        newest = view.ledger.find(Entry, limit=1, newest_first=True)
        if told is None:
            return newest[0].id if newest else None
        if told == _FIRST:
            return None
        if not _ID.fullmatch(told) or view.ledger.get(Entry, told) is None:
            last = newest[0].id if newest else _FIRST
            message = f"{told[:40]!r} is no event of this server; its last is {last}"
            raise BadRequest(message, [RowError(pointer="?since", message=message)])
    return told


def _event(kind: str, data: object, id: str | None = None) -> bytes:  # noqa: A002 - its name there
    head = f"id: {id}\n" if id else ""
    return f"{head}event: {kind}\ndata: {msgspec.json.encode(data).decode()}\n\n".encode()
