"""Rows in: predictions, labels, references. Answered once they are on disk."""

import hashlib
from datetime import datetime
from functools import partial
from typing import Final

from anyio import to_thread
from litestar import Response, post

from controlplane.api import wire
from controlplane.api.auth import Scope, needs
from controlplane.api.intake import Intake, Taking
from controlplane.api.parts import Asked, Given, Parts
from controlplane.api.problems import REPLAYED, BadRequest
from controlplane.domain.batches import Receipt, Replayed
from controlplane.domain.errors import NotFound
from controlplane.domain.models import Model
from controlplane.ingest.batch import Feed
from controlplane.ingest.decode import decode
from controlplane.ingest.encoding import decoded
from controlplane.ingest.receive import receive
from controlplane.store.ports import Known

LONGEST_KEY: Final = 255
"""Characters of an Idempotency-Key."""


@post("/v1/models/{model:str}/predictions", guards=[needs(Scope.INGEST)], status_code=200)
async def add_predictions(
    request: Asked, parts: Given, intake: Taking, model: str, *, strict: bool = False
) -> Response[wire.Receipt]:
    """Rows of predictions, as JSON columns, rows or one row, as JSON lines, or as an Arrow stream."""
    receipt = await _taken(request, (parts, intake), model, Feed.PREDICTIONS, strict=strict)
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
        request, (parts, intake), model, Feed.REFERENCE, strict=False, version=version
    )
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
    version: str | None = None,
) -> Receipt:  # fmt: skip
    """The body read, then decoded, checked and stored off the event loop."""
    parts, intake = given
    encoding, kind = request.headers.get("content-encoding"), request.headers.get("content-type")
    async with intake.body(request) as body:
        work = partial(
            _stored, parts, model, feed, body, encoding=encoding, kind=kind or "",
            terms=_Terms(
                now=parts.clock.now(), may_backdate=Scope.OPERATE in request.auth.scopes,
                strict=strict, version=version, key=_key(request),
            ),
        )  # fmt: skip
        return await intake.store(work, size=len(body), is_packed=encoding is not None)


def _key(request: Asked) -> str | None:
    """The request's Idempotency-Key. Raises BadRequest for one that is too long to be kept."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        message = f"the Idempotency-Key has {len(key)} characters; expected 1 to {LONGEST_KEY}"
        raise BadRequest(message)
    return key


class _Terms:
    """What holds for all rows of a request."""

    def __init__(
        self, *, now: datetime, may_backdate: bool, strict: bool, version: str | None,
        key: str | None,
    ) -> None:  # fmt: skip
        self.now = now
        self.may_backdate = may_backdate
        self.strict = strict
        self.version = version
        self.key = key


def _stored(  # noqa: PLR0913 - what HTTP tells of a request
    parts: Parts, model: str, feed: Feed, body: bytes, *, encoding: str | None, kind: str,
    terms: _Terms,
) -> Receipt:  # fmt: skip
    with parts.store.read() as view:
        record = view.ledger.get(Model, model)
    if record is None:
        message = f"there is no model called {model!r}; `leeboard apply FILE` makes one"
        raise NotFound(message)
    named = (terms.key, hashlib.sha256(body).hexdigest()) if terms.key else None
    batch = decode(kind, decoded(encoding, body), feed=feed)
    return receive(
        parts.store, record, feed, batch, known_at=terms.now, may_backdate=terms.may_backdate,
        strict=terms.strict, idempotency=named, version=terms.version,
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
