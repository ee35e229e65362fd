"""Rows in: predictions, labels, references. Answered once they are on disk."""

import hashlib
from datetime import datetime
from functools import partial

from anyio import to_thread
from litestar import Response, post

from controlplane.api import wire
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import Asked, Given, Parts
from controlplane.domain.batches import Receipt, Replayed
from controlplane.domain.errors import NotFound
from controlplane.domain.models import Model
from controlplane.ingest.batch import Feed
from controlplane.ingest.decode import decode
from controlplane.ingest.encoding import decoded
from controlplane.ingest.receive import receive
from controlplane.store.ports import Known

REPLAYED = {"Idempotent-Replayed": "true"}


@post("/v1/models/{model:str}/predictions", guards=[needs(Scope.INGEST)], status_code=200)
async def add_predictions(
    request: Asked, parts: Given, model: str, *, strict: bool = False
) -> Response[wire.Receipt]:
    """Rows of predictions, as JSON columns, rows or one row, or as an Arrow stream."""
    receipt = await _taken(request, parts, model, Feed.PREDICTIONS, strict=strict)
    return Response(receipt, headers=_headers(receipt))


@post("/v1/models/{model:str}/labels", guards=[needs(Scope.INGEST)], status_code=200)
async def add_labels(
    request: Asked, parts: Given, model: str, *, strict: bool = False
) -> Response[wire.Receipt]:
    """Rows of labels, before, with or long after their predictions."""
    receipt = await _taken(request, parts, model, Feed.LABELS, strict=strict)
    return Response(receipt, headers=_headers(receipt))


@post("/v1/models/{model:str}/reference", guards=[needs(Scope.INGEST)], status_code=201)
async def add_reference(
    request: Asked, parts: Given, model: str, *, version: str | None = None
) -> Response[wire.ReferenceReceipt]:
    """Rows that windows are compared with; answered with what each column holds."""
    receipt = await _taken(request, parts, model, Feed.REFERENCE, strict=False, version=version)
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
    return REPLAYED if isinstance(receipt, Replayed) else {}


async def _taken(
    request: Asked, parts: Parts, model: str, feed: Feed, *, strict: bool,
    version: str | None = None,
) -> Receipt:  # fmt: skip
    """The body read, then decoded, checked and stored off the event loop."""
    body = await request.body()
    headers = request.headers
    key = headers.get("idempotency-key")
    named = (key, hashlib.sha256(body).hexdigest()) if key else None
    work = partial(
        _stored, parts, model, feed, body,
        encoding=headers.get("content-encoding"), kind=headers.get("content-type", ""),
        terms=_Terms(
            now=parts.clock.now(), may_backdate=Scope.OPERATE in request.auth.scopes,
            strict=strict, version=version, named=named,
        ),
    )  # fmt: skip
    return await to_thread.run_sync(work)


class _Terms:
    """What holds for all rows of a request."""

    def __init__(
        self, *, now: datetime, may_backdate: bool, strict: bool, version: str | None,
        named: tuple[str, str] | None,
    ) -> None:  # fmt: skip
        self.now = now
        self.may_backdate = may_backdate
        self.strict = strict
        self.version = version
        self.named = named


def _stored(  # noqa: PLR0913 - what HTTP tells of a request
    parts: Parts, model: str, feed: Feed, body: bytes, *, encoding: str | None, kind: str,
    terms: _Terms,
) -> Receipt:  # fmt: skip
    with parts.store.read() as view:
        record = view.ledger.get(Model, model)
    if record is None:
        message = f"there is no model called {model!r}; `leeboard apply FILE` makes one"
        raise NotFound(message)
    batch = decode(kind, decoded(encoding, body), feed=feed)
    return receive(
        parts.store, record, feed, batch, known_at=terms.now, may_backdate=terms.may_backdate,
        strict=terms.strict, idempotency=terms.named, version=terms.version,
    )  # fmt: skip


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
