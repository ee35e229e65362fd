"""Rows into the store: checked, in one transaction with their key, and answered."""

from datetime import datetime, timedelta

import msgspec

from controlplane.domain.batches import KEY_LIFETIME, KeyedBatch, Receipt, Replayed, batch_id
from controlplane.domain.errors import AllRejected, Conflict, NotFound
from controlplane.domain.models import Generation, Model
from controlplane.domain.policy import Policy
from controlplane.domain.reigns import Reign
from controlplane.domain.schema import Schema
from controlplane.domain.windows import calendar_of
from controlplane.ingest.batch import Batch, Feed
from controlplane.ingest.checking import Checked, Terms, check
from controlplane.ingest.erasing import without_erased
from controlplane.ingest.inference import schema_of
from controlplane.ingest.reigning import with_versions
from controlplane.store.ports import Received, Snapshot, Store, Transaction


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a request that its transaction needs to know."""

    model: str
    batch: Batch
    terms: Terms
    policy: Policy
    reigns: tuple[Reign, ...]
    lateness: timedelta
    strict: bool
    key: str | None
    body_sha256: str


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the transaction did; `refused` tells of rows of which none was stored."""

    receipt: Receipt
    refused: AllRejected | None = None


def receive(  # noqa: PLR0913 - what HTTP tells of a request
    store: Store, model: Model, feed: Feed | str, batch: Batch, *, known_at: datetime,
    may_backdate: bool, strict: bool, idempotency: tuple[str, str] | None = None,
    version: str | None = None,
) -> Receipt:  # fmt: skip
    """Store the rows of a batch; answers once they are on disk.

    `known_at` is the server's clock; rows may name another where `may_backdate`. With `strict`
    all rows are stored or none. `idempotency` is a key and a hash of the body: the same again
    gives the first receipt as `Replayed`. `version` is whose reference it is. Raises AllRejected,
    Conflict (the key with another body), Refused, NotFound, Overloaded, StorageError.
    """
    key, body_sha256 = idempotency or (None, "")
    with store.read() as view:
        current, policy = _in_force(view, model.id)
        terms = Terms(
            feed=Feed(feed), known_at=known_at, may_backdate=may_backdate, version=version,
            label=policy.label.column,
        )  # fmt: skip
        request = _Request(
            model=model.id, batch=batch, terms=terms, policy=policy, strict=strict, key=key,
            body_sha256=body_sha256, reigns=tuple(view.ledger.find(Reign, model=model.id)),
            lateness=calendar_of(current, policy).lateness,
        )  # fmt: skip
    checked = _checked(request, _schema(request, current))
    outcome = store.write(lambda t: _store(t, request, checked), size=batch.size).result()
    if outcome.refused is not None:
        raise outcome.refused
    return outcome.receipt


def forget_keys(store: Store, now: datetime) -> int:
    """Delete the keys whose 7 days are over; how many."""
    before = now - KEY_LIFETIME
    return store.write(lambda t: t.ledger.prune(KeyedBatch, before=before), quiet=True).result()


def _in_force(view: Snapshot, name: str) -> tuple[Model, Policy]:
    model = view.ledger.get(Model, name)
    generation = view.ledger.get(Generation, f"{name}/{model.generation}") if model else None
    if model is None or generation is None:
        message = f"there is no model called {name!r}; `leeboard apply FILE` makes one"
        raise NotFound(message)
    return model, generation.policy


def _schema(request: _Request, model: Model) -> Schema:
    """The model's schema, or what its first rows make it. Labels alone decide no features."""
    if model.schema is not None:
        return model.schema
    if request.terms.feed is Feed.LABELS:
        return Schema(task=request.policy.task)
    return schema_of(request.policy, request.batch.columns)


def _checked(request: _Request, schema: Schema) -> Checked:
    checked = check(request.batch, schema, request.terms)
    if checked.rows is None or request.terms.feed is Feed.REFERENCE:
        return checked
    return msgspec.structs.replace(checked, rows=with_versions(checked.rows, request.reigns))


def _store(t: Transaction, request: _Request, checked: Checked) -> _Outcome:
    """One transaction: the key, the schema if these are the first rows, rows, rejected rows."""
    known = _answered(t, request)
    if known is not None:
        return _Outcome(receipt=known, refused=_refusal(request, known))
    model = t.ledger.get(Model, request.model)
    if model is None:
        message = f"the model {request.model!r} was deleted meanwhile"
        raise NotFound(message)
    schema = _schema(request, model)
    if schema != checked.schema:
        checked = _checked(request, schema)
    checked, erased = without_erased(t, request.model, checked)
    rejection = checked.rejection
    none = Receipt(accepted=0, rejected=rejection.rows, errors=list(rejection.errors))
    refused = _refusal(request, none)
    if refused is not None and request.strict:
        _remember(t, request, none)
        return _Outcome(receipt=none, refused=refused)
    if rejection.rows > erased:
        t.events.append_rejected(
            request.model, str(request.terms.feed), request.terms.known_at, rejection.kept,
            unnamed=rejection.unnamed - erased,
        )  # fmt: skip
    if refused is not None and rejection.rows == request.batch.rows:
        _remember(t, request, none)
        return _Outcome(receipt=none, refused=refused)
    if model.schema is None and request.terms.feed is not Feed.LABELS:
        t.ledger.put(msgspec.structs.replace(model, schema=schema))
    t.events.prepare(request.model, schema)
    receipt = _appended(t, request, checked)
    _remember(t, request, receipt)
    return _Outcome(receipt=receipt)


def _appended(t: Transaction, request: _Request, checked: Checked) -> Receipt:
    received = Received()
    if checked.rows is not None:
        before = _watermark(t, request) if request.terms.feed is Feed.PREDICTIONS else None
        received = t.events.append_predictions(request.model, checked.rows, watermark=before)
    if checked.labels is not None:
        told = t.events.append_labels(request.model, checked.labels)
        received = told if checked.rows is None else received
    return Receipt(
        accepted=received.accepted, duplicates=received.duplicates,
        reused_ids=received.reused_ids, late=received.late, rejected=checked.rejection.rows,
        unknown_columns=checked.unknown, errors=list(checked.rejection.errors),
        watermark=_watermark(t, request),
    )  # fmt: skip


def _watermark(t: Transaction, request: _Request) -> datetime | None:
    """The greatest event time seen less the allowed lateness."""
    last = t.events.last_at(request.model)
    return None if last is None else last - request.lateness


def _answered(t: Transaction, request: _Request) -> Replayed | None:
    """What the key was answered before. Raises Conflict where it came with another body."""
    if request.key is None:
        return None
    known = t.ledger.get(KeyedBatch, _name(request, request.key))
    if known is None or known.answered_at <= request.terms.known_at - KEY_LIFETIME:
        return None
    if known.body_sha256 != request.body_sha256:
        message = (
            f"the Idempotency-Key {request.key!r} came before with another body; "
            "use a new key for new rows"
        )
        raise Conflict(message)
    return Replayed(**msgspec.structs.asdict(known.receipt))


def _remember(t: Transaction, request: _Request, receipt: Receipt) -> None:
    if request.key is None:
        return
    t.ledger.put(KeyedBatch(
        id=_name(request, request.key), model=request.model, receipt=receipt,
        body_sha256=request.body_sha256, answered_at=request.terms.known_at,
    ))  # fmt: skip


def _name(request: _Request, key: str) -> str:
    return batch_id(request.model, str(request.terms.feed), key)


def _refusal(request: _Request, receipt: Receipt) -> AllRejected | None:
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
