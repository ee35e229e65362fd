"""The memory of requests for rows that carried an idempotency key."""

from datetime import datetime

import msgspec

from controlplane.domain.batches import KEY_LIFETIME, KeyedBatch, Receipt, Replayed, batch_id
from controlplane.domain.errors import Conflict
from controlplane.ingest.batch import Feed
from controlplane.store.ports import Store


class Key(msgspec.Struct, frozen=True):
    """An idempotency key of a model's feed, and a hash of the body that came with it."""

    id: str
    model: str
    said: str
    body_sha256: str

    def answered(self, receipt: Receipt, now: datetime) -> KeyedBatch:
        """What is remembered of it."""
        return KeyedBatch(
            id=self.id, model=self.model, receipt=receipt, body_sha256=self.body_sha256,
            answered_at=now,
        )  # fmt: skip


def key_of(model: str, feed: Feed, said: str, body_sha256: str) -> Key:
    """The key that a request for rows of a model's feed came with."""
    return Key(batch_id(model, str(feed), said), model, said, body_sha256)


def answer_before(known: KeyedBatch, key: Key, now: datetime) -> Replayed | None:
    """What a key that is known was answered; None where that is too long ago. Raises Conflict
    where it came with another body."""
    if known.answered_at <= now - KEY_LIFETIME:
        return None
    if known.body_sha256 != key.body_sha256:
        message = (
            f"the Idempotency-Key {key.said!r} came before with another body or query; use a new key for "
            "new rows"
        )
        raise Conflict(message)
    return Replayed(**msgspec.structs.asdict(known.receipt))


def forget_keys(store: Store, now: datetime) -> int:
    """Delete the keys whose 7 days are over; how many."""
    before = now - KEY_LIFETIME
    return store.write(lambda t: t.ledger.prune(KeyedBatch, before=before), quiet=True).result()
