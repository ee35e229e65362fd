"""Rows into the store: checked, in one transaction with their key, and answered."""

from datetime import datetime

import msgspec

from controlplane.domain.batches import KEY_LIFETIME, KeyedBatch, Receipt, Replayed, batch_id
from controlplane.domain.errors import Conflict
from controlplane.domain.models import Model
from controlplane.ingest.batch import Batch, Feed
from controlplane.ingest.checking import Checked, Terms
from controlplane.ingest.storing import (
    Outcome,
    Request,
    checked_of,
    in_force,
    refusal,
    request_of,
    settled,
    store_rows,
)
from controlplane.store.ports import LedgerReader, Store, Transaction


class _Key(msgspec.Struct, frozen=True):
    """An idempotency key of a model's feed, and a hash of the body that came with it."""

    name: str
    said: str
    body_sha256: str


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

    def asked(ledger: LedgerReader) -> tuple[Model, Request]:
        current, policy = in_force(ledger, model.id)
        terms = Terms(
            feed=Feed(feed), known_at=known_at, may_backdate=may_backdate, version=version
        )
        request = request_of(ledger, current, policy, batch, terms)
        return current, msgspec.structs.replace(request, strict=strict)

    current, request = store.ask(asked)
    checked = checked_of(request, settled(request, current))
    key = None
    if idempotency is not None:
        key = _Key(batch_id(model.id, str(Feed(feed)), idempotency[0]), *idempotency)
    outcome = store.write(lambda t: _store(t, request, checked, key), size=batch.size).result()
    if outcome.refused is not None:
        raise outcome.refused
    return outcome.receipt


def forget_keys(store: Store, now: datetime) -> int:
    """Delete the keys whose 7 days are over; how many."""
    before = now - KEY_LIFETIME
    return store.write(lambda t: t.ledger.prune(KeyedBatch, before=before), quiet=True).result()


def _store(t: Transaction, request: Request, checked: Checked, key: _Key | None) -> Outcome:
    """One transaction: the key, and what it protects."""
    if key is None:
        return store_rows(t, request, checked)
    known = _answered(t, key, request.terms.known_at)
    if known is not None:
        return Outcome(receipt=known, refused=refusal(request, known))
    outcome = store_rows(t, request, checked)
    t.ledger.put(KeyedBatch(
        id=key.name, model=request.model, receipt=outcome.receipt, body_sha256=key.body_sha256,
        answered_at=request.terms.known_at,
    ))  # fmt: skip
    return outcome


def _answered(t: Transaction, key: _Key, now: datetime) -> Replayed | None:
    """What the key was answered before. Raises Conflict where it came with another body."""
    known = t.ledger.get(KeyedBatch, key.name)
    return None if known is None else answer_before(known, key.said, key.body_sha256, now)


def answer_before(known: KeyedBatch, key: str, body_sha256: str, now: datetime) -> Replayed | None:
    """What a key that is known was answered; None where that is too long ago. Raises Conflict
    where it came with another body."""
    if known.answered_at <= now - KEY_LIFETIME:
        return None
    if known.body_sha256 != body_sha256:
        message = (
            f"the Idempotency-Key {key!r} came before with another body; use a new key for new rows"
        )
        raise Conflict(message)
    return Replayed(**msgspec.structs.asdict(known.receipt))
