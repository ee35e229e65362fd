"""Tables of any size, as Arrow: in parts whose keys derive from the rows, so that a resent part
does no harm."""

import hashlib
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from time import sleep
from typing import TYPE_CHECKING, Final

from connectors.client import wire
from connectors.client.calls import ARROW, Rows
from connectors.client.http import Connection
from connectors.client.problems import ServerAway, ServerSaid

if TYPE_CHECKING:
    import pyarrow as pa

PART_ROWS: Final = 50_000
_PAUSES: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
_BUSY: Final = frozenset({408, 429, 503, 507})


def send_table(
    connection: Connection, model: str, feed: str, table: "pa.Table",
    *, known_at: datetime | None = None, version: str | None = None,
) -> wire.Receipt:  # fmt: skip
    """Send the rows of a table in their order and add up what became of them.

    With `known_at` every row gets it as its column of that name. The feed `reference` takes a
    `version`, whose reference it is; of what was stored its receipt says no more. A server that is away or busy is
    asked again a few times; then ServerAway or ServerSaid is raised, and the parts before are in.
    """
    total = wire.Receipt()
    for body in _parts(table, known_at):
        named = f"{model}/{feed}/{version or ''}".encode()
        key = hashlib.sha256(named + body).hexdigest()
        rows = Rows(feed=feed, body=body, key=key, content_type=ARROW)
        total = summed(total, _patiently(partial(_sent, connection, model, rows, version)))
    return total


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


def _parts(table: "pa.Table", known_at: datetime | None) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - only who sends tables needs it

    for start in range(0, table.num_rows, PART_ROWS):
        part = table.slice(start, PART_ROWS)
        if known_at is not None:
            instants = pa.repeat(pa.scalar(known_at, pa.timestamp("us", "UTC")), part.num_rows)
            part = part.append_column("known_at", instants)
        file = io.BytesIO()
        with pa.ipc.new_stream(file, part.schema) as stream:
            stream.write_table(part)
        yield file.getvalue()


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
