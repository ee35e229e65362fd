"""Tables of any size, as Arrow: in parts whose keys derive from the rows, so that a resent part
does no harm."""

import hashlib
import io
from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import sleep
from typing import TYPE_CHECKING, Final

import msgspec

from connectors.client import wire
from connectors.client.calls import ARROW, JSON_LINES, Rows
from connectors.client.http import Connection
from connectors.client.problems import ServerAway, ServerSaid

if TYPE_CHECKING:
    import pyarrow as pa

PART_ROWS: Final = 50_000
_PAUSES: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
_BUSY: Final = frozenset({408, 429, 503, 507})
_TOO_LARGE: Final = 413
_ALL_REJECTED: Final = 422


def send_table(  # noqa: PLR0913 - all but the first four by name
    connection: Connection, model: str, feed: str, table: "pa.Table",
    *, known_at: datetime | None = None, version: str | None = None, purpose: str = "",
) -> wire.Receipt:  # fmt: skip
    """Send the rows of a table in their order and add up what became of them.

    With `known_at` every row gets it as its column of that name. The feed `reference` takes a
    `version`, whose reference it is; of what was stored its receipt says no more. A server that is
    away or busy is asked again a few times; then ServerAway or ServerSaid is raised, and the parts
    before are in. A part that is too large for it, or for a proxy before it, goes in halves; one
    of which every row is rejected counts as rejected, and the others go on. With another `purpose`
    the keys are others, so that rows that are there are answered as duplicates.
    """
    total = wire.Receipt()
    named = f"{model}/{feed}/{version or ''}{purpose and '/'}{purpose}".encode()

    def send(body: bytes) -> wire.Receipt:
        key = hashlib.sha256(named + body).hexdigest()
        rows = Rows(feed=feed, body=body, key=key, content_type=ARROW)
        return _told(partial(_sent, connection, model, rows, version))

    for start in range(0, table.num_rows, PART_ROWS):
        total = summed(total, _whole_or_halved(table.slice(start, PART_ROWS), known_at, send))
    return total


def send_lines(connection: Connection, model: str, feed: str, lines: bytes) -> wire.Receipt:
    """Send JSON lines as they are, such as captured data of SageMaker's; at most as many as one
    request may hold. Where the server rejects every one of them, that is the receipt. Raises
    ServerAway, ServerSaid as `send_table` does.
    """
    key = hashlib.sha256(f"{model}/{feed}/lines".encode() + lines).hexdigest()
    rows = Rows(feed=feed, body=lines, key=key, content_type=JSON_LINES)
    return _told(partial(connection.send, model, rows))


def _told(send: Callable[[], wire.Receipt]) -> wire.Receipt:
    """The receipt of a request, also where all of its rows were rejected."""
    try:
        return _patiently(send)
    except ServerSaid as error:
        told = error.problem
        if error.status != _ALL_REJECTED or not told.errors:
            raise
        return wire.Receipt(
            rejected=max(told.errors_total, len(told.errors)), errors=list(told.errors)
        )


def _whole_or_halved(
    part: "pa.Table", known_at: datetime | None, send: Callable[[bytes], wire.Receipt]
) -> wire.Receipt:
    try:
        return send(_body(part, known_at))
    except ServerSaid as error:
        if error.status != _TOO_LARGE or part.num_rows < 2:  # noqa: PLR2004 - no halves
            raise
    middle = part.num_rows // 2
    first = _whole_or_halved(part.slice(0, middle), known_at, send)
    second = _whole_or_halved(part.slice(middle), known_at, send)
    moved = [
        msgspec.structs.replace(e, row=None if e.row is None else e.row + middle)
        for e in second.errors
    ]
    return summed(first, msgspec.structs.replace(second, errors=moved))


def _sent(connection: Connection, model: str, rows: Rows, version: str | None) -> wire.Receipt:
    if rows.feed != "reference":
        return connection.send(model, rows)
    found = connection.send_reference(model, rows, version=version)
    return wire.Receipt(accepted=found.rows, rejected=found.rejected, errors=found.errors)


def _patiently(send: Callable[[], wire.Receipt]) -> wire.Receipt:
    """Try a few times, as long as the server is away or busy."""
    for pause in _PAUSES:
        try:
            return send()
        except ServerAway:
            sleep(pause)
        except ServerSaid as error:
            if error.status not in _BUSY:
                raise
            sleep(max(pause, error.after or 0.0))
    return send()


def _body(part: "pa.Table", known_at: datetime | None) -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - only who sends tables needs it

    if known_at is not None:
        instants = pa.repeat(pa.scalar(known_at, pa.timestamp("us", "UTC")), part.num_rows)
        part = part.append_column("known_at", instants)
    file = io.BytesIO()
    with pa.ipc.new_stream(file, part.schema) as stream:
        stream.write_table(part)
    return file.getvalue()


def summed(one: wire.Receipt, other: wire.Receipt) -> wire.Receipt:
    """What became of the rows of two requests together."""
    unknown = {
        name: one.unknown_columns.get(name, 0) + other.unknown_columns.get(name, 0)
        for name in one.unknown_columns | other.unknown_columns
    }
    return wire.Receipt(
        accepted=one.accepted + other.accepted,
        duplicates=one.duplicates + other.duplicates,
        reused_ids=one.reused_ids + other.reused_ids,
        late=one.late + other.late,
        rejected=one.rejected + other.rejected,
        unknown_columns=unknown,
        errors=[*one.errors, *other.errors][:20],
        watermark=other.watermark,
    )
