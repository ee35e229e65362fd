"""Rows into the store: checked, in one transaction with their key, and answered."""

from datetime import datetime

import msgspec

from controlplane.domain.batches import KeyedBatch, Receipt
from controlplane.domain.models import Model
from controlplane.ingest.batch import Batch, Feed
from controlplane.ingest.checking import Checked, Terms
from controlplane.ingest.keyed import Key, answer_before, key_of
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
        key = key_of(model.id, Feed(feed), *idempotency)
    outcome = store.write(lambda t: _store(t, request, checked, key), size=batch.size).result()
    if outcome.refused is not None:
        raise outcome.refused
    return outcome.receipt


def _store(t: Transaction, request: Request, checked: Checked, key: Key | None) -> Outcome:
    """One transaction: the key, and what it protects."""
    if key is None:
        return store_rows(t, request, checked)
    now = request.terms.known_at
    known = t.ledger.get(KeyedBatch, key.id)
    before = None if known is None else answer_before(known, key, now)
    if before is not None:
        return Outcome(receipt=before, refused=refusal(request, before))
    outcome = store_rows(t, request, checked)
    t.ledger.put(key.answered(outcome.receipt, now))
    return outcome
