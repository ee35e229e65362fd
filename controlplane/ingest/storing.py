"""Rows of one request into the store, within the transaction that is theirs."""

from datetime import datetime, timedelta

import msgspec

from controlplane.domain.batches import Receipt, Replayed
from controlplane.domain.errors import AllRejected, NotFound
from controlplane.domain.models import Generation, Model, Timing
from controlplane.domain.policy import Policy
from controlplane.domain.reigns import Reign
from controlplane.domain.schema import Schema
from controlplane.domain.windows import calendar_of
from controlplane.ingest.batch import Batch, Feed
from controlplane.ingest.checking import FURTHEST, Checked, Terms, check
from controlplane.ingest.erasing import without_erased
from controlplane.ingest.inference import schema_of
from controlplane.ingest.kpi_names import within_names
from controlplane.ingest.reigning import with_versions
from controlplane.store.ports import LedgerReader, Received, Transaction

SETTLING: frozenset[Feed] = frozenset({Feed.PREDICTIONS, Feed.REFERENCE})
"""Feeds whose first rows settle the model's schema."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about some rows that their transaction needs to know."""

    model: str
    batch: Batch
    terms: Terms
    policy: Policy
    reigns: tuple[Reign, ...]
    lateness: timedelta
    strict: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the transaction did; `refused` tells of rows of which none was stored."""

    receipt: Receipt
    refused: AllRejected | None = None


def in_force(ledger: LedgerReader, name: str) -> tuple[Model, Policy]:
    """A model and what its file says. Raises NotFound."""
    model = ledger.get(Model, name)
    generation = ledger.get(Generation, f"{name}/{model.generation}") if model else None
    if model is None or generation is None:
        message = f"there is no model called {name!r}; `leeboard apply FILE` makes one"
        raise NotFound(message)
    return model, generation.policy


def request_of(
    ledger: LedgerReader, model: Model, policy: Policy, batch: Batch, terms: Terms
) -> Request:
    """What the transaction of some rows needs to know: `terms` are the sender's, to which the
    model's own are added."""
    terms = msgspec.structs.replace(
        terms, label=policy.label.column, is_live=model.timing is Timing.LIVE
    )
    return Request(
        model=model.id, batch=batch, terms=terms, policy=policy,
        reigns=tuple(ledger.find(Reign, model=model.id)),
        lateness=calendar_of(model, policy).lateness,
    )  # fmt: skip


def settled(request: Request, model: Model) -> Schema:
    """The model's schema, or what its first rows make it. Labels alone decide no features."""
    if model.schema is not None:
        return model.schema
    if request.terms.feed not in SETTLING:
        return Schema(task=request.policy.task)
    return schema_of(request.policy, request.batch.columns)


def checked_of(request: Request, schema: Schema) -> Checked:
    """The rows checked, those of predictions with the versions that they were made by."""
    checked = check(request.batch, schema, request.terms)
    if checked.rows is None or request.terms.feed is Feed.REFERENCE:
        return checked
    return msgspec.structs.replace(checked, rows=with_versions(checked.rows, request.reigns))


def checked_in(t: Transaction, request: Request) -> Checked:
    """Rows checked within the transaction, by the schema as it is there. Raises NotFound, BadInput."""
    model, _ = in_force(t.ledger, request.model)
    return checked_of(request, settled(request, model))


def store_rows(t: Transaction, request: Request, checked: Checked) -> Outcome:
    """The schema if these are the first rows, rows, rejected rows. Raises NotFound."""
    model = t.ledger.get(Model, request.model)
    if model is None:
        message = f"the model {request.model!r} was deleted meanwhile"
        raise NotFound(message)
    schema = settled(request, model)
    if schema != checked.schema:
        checked = checked_of(request, schema)
    checked = within_names(t, request.model, request.batch, checked)
    checked, erased = without_erased(t, request.model, checked)
    rejection = checked.rejection
    none = Receipt(accepted=0, rejected=rejection.rows, errors=list(rejection.errors))
    refused = refusal(request, none)
    if refused is not None and request.strict:
        return Outcome(receipt=none, refused=refused)
    if rejection.rows > erased:
        t.events.append_rejected(
            request.model, str(request.terms.feed), request.terms.known_at, rejection.kept,
            unnamed=rejection.unnamed - erased,
        )  # fmt: skip
    if refused is not None and rejection.rows == request.batch.rows:
        return Outcome(receipt=none, refused=refused)
    if model.schema is None and request.terms.feed in SETTLING:
        t.ledger.put(msgspec.structs.replace(model, schema=schema))
    if request.terms.feed is not Feed.KPIS:
        t.events.prepare(request.model, schema)
    return Outcome(receipt=_appended(t, request, checked))


def _appended(t: Transaction, request: Request, checked: Checked) -> Receipt:
    received = Received()
    if checked.rows is not None:
        before = watermark(t, request) if request.terms.feed is Feed.PREDICTIONS else None
        received = t.events.append_predictions(request.model, checked.rows, watermark=before)
    if checked.labels is not None:
        told = t.events.append_labels(request.model, checked.labels)
        received = told if checked.rows is None else received
    if checked.kpis is not None:
        stored, known = t.events.kpis.append(request.model, checked.kpis)
        received = Received(accepted=stored, duplicates=known)
    return Receipt(
        accepted=received.accepted, duplicates=received.duplicates,
        reused_ids=received.reused_ids, late=received.late, rejected=checked.rejection.rows,
        unknown_columns=checked.unknown, errors=list(checked.rejection.errors),
        watermark=watermark(t, request),
    )  # fmt: skip


def watermark(t: Transaction, request: Request) -> datetime | None:
    """The greatest event time seen less the allowed lateness. Of a live model rows do not count
    that the clock has not reached: they came while it was ahead."""
    terms = request.terms
    last = t.events.last_at(request.model, by=terms.known_at + FURTHEST if terms.is_live else None)
    return None if last is None else last - request.lateness


def refusal(request: Request, receipt: Receipt) -> AllRejected | None:
    """What is said where rows were rejected and none was stored; None where some were."""
    if not receipt.rejected or receipt.accepted or receipt.duplicates:
        return None
    rows, rejected = request.batch.rows, receipt.rejected
    message = f"all {rejected} rows were rejected, none was stored"
    if rejected < rows:
        message = (
            f"{rejected} of {rows} rows were rejected, so with strict=true none is stored unless "
            "all are"
        )
    first = f": {receipt.errors[0].message}" if receipt.errors else ""
    return AllRejected(
        message + first, tuple(receipt.errors), rejected, is_replayed=isinstance(receipt, Replayed)
    )
