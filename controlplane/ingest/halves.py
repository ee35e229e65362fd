"""Predictions that a serving system logs in halves: the request, and the response to it.

A half is on disk before it is answered. When the other one comes, hours later if need be, the two
become rows in the very transaction that takes them out of waiting. What cannot be made rows of is
kept as rejected, with the reason: nobody would send it again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from controlplane.domain.batches import Receipt
from controlplane.domain.errors import BadInput, RowError
from controlplane.domain.models import Model
from controlplane.domain.names import digest
from controlplane.ingest.batch import Batch, Feed, Shape, as_values, batch_of
from controlplane.ingest.checking import Terms
from controlplane.ingest.formats.cloudevents import Event
from controlplane.ingest.layout import Columns, Layout, inputs, layout_of, outputs
from controlplane.ingest.payloads.block import Payload, names
from controlplane.ingest.payloads.reading import read_payload
from controlplane.ingest.rejection import LONGEST_TEXT, MOST_ERRORS
from controlplane.ingest.storing import Request, checked_in, in_force, request_of, store_rows
from controlplane.store.beside import Half, Side
from controlplane.store.ports import LedgerReader, Store, Transaction

WAIT: Final = timedelta(days=7)
"""So long a half waits for the other one."""
SIDES: Final = {
    "org.kubeflow.serving.inference.request": Side.REQUEST,
    "org.kubeflow.serving.inference.response": Side.RESPONSE,
    "io.seldon.serving.inference.request": Side.REQUEST,
    "io.seldon.serving.inference.response": Side.RESPONSE,
}
"""The types of events that KServe's and Seldon's loggers send."""
_LOGGERS: Final = ("org.kubeflow.serving.", "io.seldon.serving.")
_ROLES: Final = frozenset({"canary", "shadow"})
_GOOD: Final = ("", "200")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """What the address says of bodies that name no columns, and of the version that answers."""

    features: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    version: str | None = None


class _Envelope(msgspec.Struct, frozen=True):
    """What is kept of an event beside its body."""

    at: datetime | None
    role: str | None
    address: Address


class _Came(msgspec.Struct, frozen=True):
    """A half, its envelope, and what its body holds or what is wrong with it."""

    half: Half
    envelope: _Envelope
    payload: Payload | BadInput


def parted(
    events: Sequence[Event | BadInput], feed: Feed
) -> tuple[list[Event], list[Event | BadInput]]:
    """The requests and responses among events, and the others, whose data are rows. Raises BadInput
    for halves that are sent as anything but predictions, and for other events of their loggers, of
    which no rows can be made."""
    halves: list[Event] = []
    others: list[Event | BadInput] = []
    for event in events:
        if isinstance(event, BadInput) or not event.type.startswith(_LOGGERS):
            others.append(event)
            continue
        if event.type not in SIDES or feed is not Feed.PREDICTIONS:
            message = f"events of the type {event.type[:80]} are not taken as {feed}"
            raise BadInput(message)
        halves.append(event)
    return halves, others


def receive_halves(
    store: Store, model: Model, events: Sequence[Event], address: Address, known_at: datetime
) -> Receipt:
    """Store halves, and rows of those whose other half is there; answers once it is on disk.

    What cannot be read is counted as rejected and never raised. Raises NotFound, Overloaded,
    StorageError.
    """
    came = [_read(model.id, event, address, known_at) for event in events]
    terms = Terms(feed=Feed.PREDICTIONS, known_at=known_at, version=address.version)

    def asked(ledger: LedgerReader) -> Request:
        return request_of(ledger, *in_force(ledger, model.id), _NOTHING, terms)

    request = store.ask(asked)
    size = sum(len(event.data) for event in events)
    return store.write(lambda t: _all(t, request, came), size=size).result()


def layout_in(store: Store, model: str, address: Address) -> Layout:
    """Which column is which, as a model stands now. Raises NotFound."""
    current, policy = store.ask(partial(in_force, name=model))
    return layout_of(policy, current.schema, address.features, address.outputs)


def forget_halves(store: Store, now: datetime) -> int:
    """Give up the halves that have waited for seven days; how many."""
    return store.write(lambda t: t.events.halves.forget(now - WAIT), quiet=True).result()


_NOTHING: Final = Batch(columns={}, rows=0, shape=Shape.ROW)


def _read(model: str, event: Event, address: Address, known_at: datetime) -> _Came:
    told = event.attributes
    key = (event.source, told.get("requestid", event.id), told.get("modelid", ""))
    role = told.get("endpoint", "").lower()
    envelope = _Envelope(event.at, role if role in _ROLES else None, address)
    half = Half(
        event=digest("h", model, event.type.rpartition(".")[0], *key), side=SIDES[event.type],
        id=key[1], known_at=known_at, envelope=msgspec.json.encode(envelope).decode(),
        content=event.data,
    )  # fmt: skip
    return _Came(half, envelope, _payload(event))


def _payload(event: Event) -> Payload | BadInput:
    status = event.attributes.get("statuscode", "")
    if status not in _GOOD:
        return BadInput(f"the response has the status {status[:20]}, so nothing was predicted")
    try:
        return read_payload(event.data)
    except BadInput as error:
        return error


def _all(t: Transaction, request: Request, came: Sequence[_Came]) -> Receipt:
    total = Receipt(accepted=0)
    for one in came:
        total = summed(total, _one(t, request, one))
    return total


def _one(t: Transaction, request: Request, came: _Came) -> Receipt:
    halves, half = t.events.halves, came.half
    if halves.is_known(request.model, half):
        return Receipt(accepted=0, duplicates=1)
    if isinstance(came.payload, BadInput):
        halves.close(request.model, half)
        return _rejected(t, request, str(came.payload), [half])
    other = halves.meet(request.model, half)
    if other is None:
        return Receipt(accepted=0, waiting=1)
    try:
        told = msgspec.json.decode(other.envelope, type=_Envelope)
        pair = {
            half.side: (came.envelope, came.payload),
            other.side: (told, read_payload(other.content)),
        }
        batch = _joined(t, request, pair, half.id)
        joined = msgspec.structs.replace(request, batch=batch)
        checked = checked_in(t, joined)
    except BadInput as error:
        return _rejected(t, request, str(error), [other, half])
    return store_rows(t, joined, checked).receipt


def _joined(
    t: Transaction, request: Request, pair: Mapping[Side, tuple[_Envelope, Payload]], name: str
) -> Batch:
    """The rows of a request and its response. Raises BadInput."""
    envelopes, (asked, answered) = zip(
        *(pair[s] for s in (Side.REQUEST, Side.RESPONSE)), strict=True
    )
    if asked.rows != answered.rows:
        message = f"the request has {asked.rows} rows and its response {answered.rows}"
        raise BadInput(message)
    model = t.ledger.get(Model, request.model)
    address = envelopes[0].address
    layout = layout_of(
        request.policy, None if model is None else model.schema, address.features, address.outputs
    )
    columns: Columns = {**inputs(layout, asked), **outputs(layout, answered)}
    columns.pop("known_at", None)  # when it became known is ours to say
    columns.setdefault("id", list(names(name, asked.rows)))
    at = envelopes[0].at or envelopes[1].at or request.terms.known_at
    columns["at"] = [at.isoformat()] * asked.rows
    for key, value in (
        ("role", envelopes[0].role or envelopes[1].role),
        ("version", address.version),
    ):
        if value is not None:
            columns[key] = [value] * asked.rows
    return batch_of({n: as_values(v) for n, v in columns.items()}, Shape.ROWS, size=0)


def _rejected(t: Transaction, request: Request, why: str, halves: Sequence[Half]) -> Receipt:
    """A pair, or a half, of which no rows can be made, kept with its reason."""
    most = LONGEST_TEXT // len(halves)
    text = "\n".join(half.content[:most].decode(errors="replace") for half in halves)
    reason = f"{halves[-1].side} {halves[-1].id[:100]}: {why}"
    t.events.append_rejected(
        request.model, str(Feed.PREDICTIONS), request.terms.known_at, [(reason, text)]
    )
    return Receipt(accepted=0, rejected=1, errors=[RowError(pointer="", message=reason)])


def summed(one: Receipt, other: Receipt) -> Receipt:
    """What became of the rows of both."""
    unknown = {
        name: one.unknown_columns.get(name, 0) + other.unknown_columns.get(name, 0)
        for name in one.unknown_columns | other.unknown_columns
    }
    return Receipt(
        accepted=one.accepted + other.accepted, duplicates=one.duplicates + other.duplicates,
        reused_ids=one.reused_ids + other.reused_ids, late=one.late + other.late,
        rejected=one.rejected + other.rejected, waiting=one.waiting + other.waiting,
        unknown_columns=unknown, errors=[*one.errors, *other.errors][:MOST_ERRORS],
        watermark=other.watermark or one.watermark,
    )  # fmt: skip
