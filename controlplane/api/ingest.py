"""Rows in: predictions, labels, references. Answered once they are on disk."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import partial

import msgspec
from anyio import to_thread
from litestar import Response, post

from controlplane.api import wire
from controlplane.api.auth import Scope, needs
from controlplane.api.intake import Intake, Taking
from controlplane.api.keys import key_of
from controlplane.api.parts import Asked, Given, Parts
from controlplane.api.problems import REPLAYED, BadRequest
from controlplane.domain.batches import Receipt, Replayed
from controlplane.domain.errors import AllRejected
from controlplane.domain.models import Model
from controlplane.ingest.batch import MOST_COLUMNS, Feed
from controlplane.ingest.decode import decode
from controlplane.ingest.encoding import decoded
from controlplane.ingest.eventful import rows_of
from controlplane.ingest.formats.cloudevents import Event, events_of, is_event
from controlplane.ingest.halves import Address, layout_in, parted, receive_halves, summed
from controlplane.ingest.media import ARROW, PARQUET, media_type_of
from controlplane.ingest.receive import receive
from controlplane.ingest.storing import in_force
from controlplane.ingest.unfolding import bounded
from controlplane.settings import MIB
from controlplane.store.ports import Known


@post("/v1/models/{model:str}/predictions", guards=[needs(Scope.INGEST)], status_code=200)
async def add_predictions(  # noqa: PLR0913 - the parameters of the query
    request: Asked, parts: Given, intake: Taking, model: str, *, strict: bool = False,
    version: str | None = None, features: str = "", outputs: str = "",
) -> Response[wire.Receipt]:  # fmt: skip
    """Rows of predictions in any of the formats, or the requests and responses of KServe and Seldon.

    `version` is of rows that name none. Of bodies that tell values by place alone, `features` and
    `outputs` name the columns in their order, with commas between them.
    """
    address = Address(features=_names(features), outputs=_names(outputs), version=version)
    receipt = await _taken(
        request, (parts, intake), model, Feed.PREDICTIONS, strict=strict, address=address
    )
    return Response(receipt, headers=_headers(receipt))


@post("/v1/models/{model:str}/labels", guards=[needs(Scope.INGEST)], status_code=200)
async def add_labels(
    request: Asked, parts: Given, intake: Taking, model: str, *, strict: bool = False
) -> Response[wire.Receipt]:
    """Rows of labels, before, with or long after their predictions."""
    receipt = await _taken(request, (parts, intake), model, Feed.LABELS, strict=strict)
    return Response(receipt, headers=_headers(receipt))


@post("/v1/models/{model:str}/kpis", guards=[needs(Scope.INGEST)], status_code=200)
async def add_kpis(
    request: Asked, parts: Given, intake: Taking, model: str, *, strict: bool = False
) -> Response[wire.Receipt]:
    """Business metrics: rows of name, at, value and, if it is one version's, version."""
    receipt = await _taken(request, (parts, intake), model, Feed.KPIS, strict=strict)
    return Response(receipt, headers=_headers(receipt))


@post("/v1/models/{model:str}/reference", guards=[needs(Scope.INGEST)], status_code=201)
async def add_reference(
    request: Asked, parts: Given, intake: Taking, model: str, *, version: str | None = None
) -> Response[wire.ReferenceReceipt]:
    """Rows that windows are compared with; answered with what each column holds."""
    receipt = await _taken(
        request, (parts, intake), model, Feed.REFERENCE, strict=False,
        address=Address(version=version),
    )  # fmt: skip
    columns = await to_thread.run_sync(partial(_summaries, parts, model))
    answer = wire.ReferenceReceipt(
        version=version,
        rows=receipt.accepted + receipt.duplicates,
        rejected=receipt.rejected,
        errors=receipt.errors,
        columns=columns,
    )
    return Response(answer, status_code=201, headers=_headers(receipt))


def _headers(receipt: Receipt) -> dict[str, str]:
    return dict(REPLAYED) if isinstance(receipt, Replayed) else {}


async def _taken(
    request: Asked, given: tuple[Parts, Intake], model: str, feed: Feed, *, strict: bool,
    address: Address = Address(),  # noqa: B008 - it is frozen
) -> Receipt:  # fmt: skip
    """The body read, then decoded, checked and stored off the event loop."""
    parts, intake = given
    encoding = request.headers.get("content-encoding")
    async with intake.body(request) as body:
        work = partial(
            _stored, parts, model, feed, body, headers=_headers_of(request),
            terms=_Terms(
                now=parts.clock.now(), may_backdate=Scope.OPERATE in request.auth.scopes,
                strict=strict, address=address, key=key_of(request),
                query=request.scope["query_string"],
            ),
        )  # fmt: skip
        try:
            receipt = await intake.store(
                work, size=len(body), is_packed=encoding is not None or _unfolds(request)
            )
        except AllRejected as error:
            intake.meters.received(model, str(feed), error)
            raise
    intake.meters.received(model, str(feed), receipt)
    return receipt


def _unfolds(request: Asked) -> bool:
    """Whether a body may be far smaller than its rows."""
    return media_type_of(request.headers.get("content-type", "")).kind in {ARROW, PARQUET}


def _headers_of(request: Asked) -> dict[str, str]:
    """The headers that say what a body is, by their names in small letters."""
    return {
        name: value
        for name, value in request.headers.items()
        if name.startswith(("ce-", "content-"))
    }


def _names(told: str) -> tuple[str, ...]:
    """Names with commas between them. Raises BadRequest for too many."""
    found = tuple(name.strip() for name in told.split(",")) if told.strip() else ()
    if len(found) > MOST_COLUMNS or len(set(found)) < len(found) or "" in found:
        message = f"{len(found)} names came, some empty or twice; expected at most {MOST_COLUMNS}"
        raise BadRequest(message)
    return found


class _Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all rows of a request."""

    now: datetime
    may_backdate: bool
    strict: bool
    address: Address
    key: str | None
    query: bytes

    def named(self, body: bytes) -> tuple[str, str] | None:
        """The idempotency key, and a hash of what came with it; None where none came."""
        if self.key is None:
            return None
        said = body if not self.query else self.query + b"\0" + body
        return self.key, hashlib.sha256(said).hexdigest()


def _stored(
    parts: Parts, model: str, feed: Feed, body: bytes, *, headers: Mapping[str, str],
    terms: _Terms,
) -> Receipt:  # fmt: skip
    with bounded(parts.settings.unfolded_mib * MIB):
        return _stored_in_turn(parts, model, feed, body, headers, terms)


def _stored_in_turn(
    parts: Parts, model: str, feed: Feed, body: bytes, headers: Mapping[str, str], terms: _Terms
) -> Receipt:
    record, _ = parts.store.ask(partial(in_force, name=model))
    content_type = headers.get("content-type", "")
    encoding = headers.get("content-encoding")
    halves: list[Event] = []
    # What was unpacked has no name here, so that it goes as soon as its columns are there.
    if is_event(content_type, headers):
        halves, events = parted(events_of(content_type, decoded(encoding, body), headers), feed)
        batch = rows_of(events, feed) if events else None
    else:
        layout = partial(layout_in, parts.store, model, terms.address)
        batch = decode(content_type, decoded(encoding, body), feed=feed, layout=layout)
    total = None
    if halves:
        total = receive_halves(parts.store, record, halves, terms.address, terms.now)
    if batch is not None:
        receipt = receive(
            parts.store, record, feed, batch, known_at=terms.now, may_backdate=terms.may_backdate,
            strict=terms.strict, idempotency=terms.named(body), version=terms.address.version,
        )  # fmt: skip
        total = receipt if total is None else summed(total, receipt)
    return total or Receipt(accepted=0)


def _summaries(parts: Parts, model: str) -> list[wire.ColumnSummary]:
    """What the columns of the stored reference rows hold."""
    from controlplane.api.columns import summary_of  # noqa: PLC0415 - it needs the detectors

    with parts.store.read() as view:
        record = view.ledger.get(Model, model)
        if record is None or record.schema is None:
            return []
        names = [column.name for column in record.schema.features]
        rows = view.events.rows(model, names, Known(), roles=("reference",))
    return [summary_of(column, rows[column.name]) for column in record.schema.features]
