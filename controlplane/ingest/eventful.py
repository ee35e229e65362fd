"""CloudEvents whose data are rows of ours: an event a row, or an event with many."""

from collections.abc import Sequence

import msgspec
import pyarrow as pa

from controlplane.domain.errors import BadInput
from controlplane.ingest.batch import Batch, Feed, Shape, Unreadable, Values, batch_of
from controlplane.ingest.coercion import INSTANT
from controlplane.ingest.decode import decode
from controlplane.ingest.formats.cloudevents import Event
from controlplane.ingest.formats.json import turned
from controlplane.ingest.media import JSON
from controlplane.ingest.payloads.block import names

_LONGEST_SHOWN = 1_000


def rows_of(events: Sequence[Event | BadInput], feed: Feed) -> Batch:
    """The rows of some events. A prediction's `id` is by default the event's, its `at` the event's
    time; so is the `at` of a KPI. Raises BadInput, UnsupportedType, TooLarge.

    The data of several events are a JSON row each; those of a single one may be of any format.
    """
    if len(events) == 1:
        return _of_one(events[0], feed)
    rows: list[object] = []
    unreadable: dict[int, Unreadable] = {}
    for place, event in enumerate(events):
        row = _row(event, feed)
        if isinstance(row, Unreadable):
            unreadable[place] = row
        rows.append({} if isinstance(row, Unreadable) else row)
    size = sum(len(event.data) for event in events if isinstance(event, Event))
    return batch_of(turned(rows), Shape.EVENTS, size=size, unreadable=unreadable)


def _of_one(event: Event | BadInput, feed: Feed) -> Batch:
    if isinstance(event, BadInput):
        raise event
    found = decode(event.content_type or JSON, event.data, feed=feed)
    columns: dict[str, Values] = dict(found.columns)
    if feed is Feed.PREDICTIONS and "id" not in columns:
        columns["id"] = pa.chunked_array([pa.array(names(event.id, found.rows), pa.string())])
    if feed in {Feed.PREDICTIONS, Feed.KPIS} and "at" not in columns and event.at is not None:
        columns["at"] = pa.chunked_array([pa.repeat(pa.scalar(event.at, INSTANT), found.rows)])
    return msgspec.structs.replace(found, columns=columns)


def _row(event: Event | BadInput, feed: Feed) -> object:
    if isinstance(event, BadInput):
        return Unreadable(says=str(event), text="")
    try:
        told = msgspec.json.decode(event.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        told, why = None, f": {error}"
    else:
        why = ""
    if not isinstance(told, dict):
        says = f"the data of the event {event.id[:60]!r} are no JSON row{why}; expected an object"
        shown = event.data[:_LONGEST_SHOWN].decode(errors="replace")
        return Unreadable(says=says, text=shown)
    if feed is Feed.PREDICTIONS:
        told.setdefault("id", event.id)
    if feed in {Feed.PREDICTIONS, Feed.KPIS} and event.at is not None:
        told.setdefault("at", event.at.isoformat())
    return told
