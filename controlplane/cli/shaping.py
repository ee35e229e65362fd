"""A part of a file as the server takes it: its own names, times with an offset."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import click
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.cli.asked_rows import Asked
from controlplane.cli.replay.times import STAMP, Sent

OF_LABELS: Final = ("id", "label", "at", "known_at")
OF_KPIS: Final = ("name", "at", "value", "version", "known_at")
LABEL_KNOWN_AT: Final = "label_known_at"
"""Of a past with labels among its rows: the column of when each was known, if there is one."""

Read = Callable[[pa.ChunkedArray, str, str], Sent]
"""A column of times, its name in the file, a time zone."""


def feeds(
    part: pa.Table, asked: Asked, read: Read, now: datetime
) -> Iterator[tuple[str, pa.Table]]:
    """What is sent of a part: its rows; of a past with labels among them those too.

    A value that is no time goes as it is: the server says of which row it is. Raises what reading
    a column of times raises.
    """
    rows, _ = _shaped(part, asked, read, now)
    label = None if asked.past is None else asked.past.label
    if label is None or asked.feed != "predictions" or label not in part.column_names:
        yield asked.feed, rows
        return
    told = asked.columns.get("known_at", "known_at")
    apart = part.drop_columns([told]) if told in part.column_names else part
    labels, at = _shaped(apart, msgspec.structs.replace(
        asked, feed="labels", columns={**asked.columns, "label": label, "known_at": LABEL_KNOWN_AT},
    ), read, now)  # fmt: skip
    kept = [n for n in rows.column_names if n not in {label, "label", LABEL_KNOWN_AT}]
    yield "predictions", rows.select(kept)
    there = labels["label"].is_valid()
    if at is not None and at.lost is not None:
        there = pc.and_(there, pc.invert(at.lost))  # the row itself is told of already
    yield "labels", labels.filter(there)


def _shaped(
    part: pa.Table, asked: Asked, read: Read, now: datetime
) -> tuple[pa.Table, Sent | None]:
    """A part under the server's names without columns too many; and its event times, if it has
    any."""
    called = {theirs: own for own, theirs in asked.columns.items()}
    kept = [name for name in part.column_names if name not in asked.drop]
    part = part.select(kept).rename_columns([called.get(name, name) for name in kept])
    if asked.feed in {"labels", "kpis"}:
        known = OF_LABELS if asked.feed == "labels" else OF_KPIS
        part = part.select([name for name in known if name in part.column_names])
    times: dict[str, Sent] = {}
    for place, name in enumerate(part.column_names):
        if name in {"at", "known_at"}:
            theirs = asked.columns.get(name, name)
            times[name] = read(part[name], theirs, asked.time_zone)
            part = part.set_column(place, name, times[name].values)
    at = times.get("at")
    if asked.past is not None and "known_at" not in part.column_names:
        part = part.append_column("known_at", _known(at, asked, now))
    if (
        asked.feed in {"predictions", "kpis"}
        and asked.version
        and "version" not in part.column_names
    ):
        part = part.append_column("version", pa.repeat(pa.scalar(asked.version), part.num_rows))
    return part, at


def _known(at: Sent | None, asked: Asked, now: datetime) -> pa.ChunkedArray:
    """When rows of the past were known: predictions at their time, labels the delay later.

    Those of the last days came sooner, since they are here: the server says when they were known.
    """
    assert asked.past is not None
    if at is None:
        message = "labels of the past need a time: say --time, or --known-at, with its column"
        raise click.UsageError(message)
    if asked.feed != "labels":
        return at.times
    known = pc.add(at.times, pa.scalar(asked.past.delay, pa.duration("us")))
    is_past = pc.less_equal(known, pa.scalar(now, STAMP))
    return pc.if_else(is_past, known, pa.scalar(None, STAMP))
