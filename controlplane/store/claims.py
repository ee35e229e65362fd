"""A request's idempotency key, stored in the transaction of the first write made for it.

Whoever answers a request opens a claim; the first piece of work that is handed to the store while
it is open takes the key with it. Where the key is there already, the work is not done again, and
what it gave back then is given back again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Final, TypeVar, cast

import msgspec

from controlplane.domain.batches import KEY_LIFETIME
from controlplane.domain.errors import Conflict, NotFound
from controlplane.domain.keyed import KeptAnswer, KeyedWrite
from controlplane.domain.models import Plan
from controlplane.domain.records import Record
from controlplane.store.ports import LedgerReader, Store, Transaction

T = TypeVar("T")

VALUES: Final = {"plan": Plan}
"""What writes give back that is no record: kept as JSON."""
_UNTOLD: Final = "?"
"""The kind of anything else, which cannot be given again."""


class Claim:
    """The key of one request, and whether a write was made under it."""

    def __init__(self, id: str, request_sha256: str, asked_at: datetime) -> None:  # noqa: A002
        self.id = id
        self.request_sha256 = request_sha256
        self.asked_at = asked_at
        self.is_taken = False
        self.is_kept = False
        """Whether the key is in the store: it was, or a write took it there."""
        self.instead: bytes | None = None
        """The body that is remembered in place of the answer's, which holds a secret."""


_CLAIM: ContextVar[Claim | None] = ContextVar("claim", default=None)


@contextmanager
def claimed(claim: Claim) -> Iterator[None]:
    """Let the first write in the block, in whatever thread, take the key with it."""
    before = _CLAIM.set(claim)
    try:
        yield
    finally:
        _CLAIM.reset(before)


def remember_instead(body: bytes) -> None:
    """Have this remembered in place of the answer of the request that is being answered."""
    claim = _CLAIM.get()
    if claim is not None:
        claim.instead = body


def keyed(work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
    """The work with the key of the request that it is done for; the work itself where it has none
    left to take."""
    claim = _CLAIM.get()
    if claim is None or claim.is_taken:
        return work
    claim.is_taken = True

    def both(t: Transaction) -> T:
        known = known_write(t.ledger, claim)
        if known is None:
            result = work(t)
            kind, made = _named(result)
            t.ledger.put(KeyedWrite(
                id=claim.id, request_sha256=claim.request_sha256, kind=kind, made=made,
                asked_at=claim.asked_at,
            ))  # fmt: skip
        else:
            result = cast("T", _given_back(t.ledger, known))
        claim.is_kept = True
        return result

    return both


def known_write(ledger: LedgerReader, claim: Claim) -> KeyedWrite | None:
    """What was asked under the claim's key before. Raises Conflict where it was something else."""
    known = ledger.get(KeyedWrite, claim.id)
    if known is None or known.asked_at <= claim.asked_at - KEY_LIFETIME:
        return None
    if known.request_sha256 != claim.request_sha256:
        raise Conflict(
            "the Idempotency-Key came before with another query or body; use a new key for "
            "something new"
        )
    return known


def remember(store: Store, claim: Claim, answer: KeptAnswer) -> None:
    """Keep the answer of a claim, to be given again; the first that is kept stays."""

    def work(t: Transaction) -> None:
        known = known_write(t.ledger, claim)
        if known is None:
            known = KeyedWrite(
                id=claim.id, request_sha256=claim.request_sha256, asked_at=claim.asked_at
            )
        if known.answer is None:
            t.ledger.put(msgspec.structs.replace(known, answer=answer))

    store.write(work, quiet=True).result()


def forget_writes(store: Store, now: datetime) -> int:
    """Delete the keys of writes whose 7 days are over; how many."""
    before = now - KEY_LIFETIME
    return store.write(lambda t: t.ledger.prune(KeyedWrite, before=before), quiet=True).result()


def _named(result: object) -> tuple[str, str]:
    if result is None:
        return "", ""
    if isinstance(result, Record):
        return result.TABLE, result.id
    kind = next((kind for kind, value in VALUES.items() if isinstance(result, value)), None)
    return (_UNTOLD, "") if kind is None else (kind, msgspec.json.encode(result).decode())


def _given_back(ledger: LedgerReader, known: KeyedWrite) -> object:
    """What the write gave back, as it stands now."""
    if not known.kind:
        return None
    if known.kind in VALUES:
        return msgspec.json.decode(known.made, type=VALUES[known.kind])
    kind = next((k for k in Record.__subclasses__() if known.kind == k.TABLE), None)
    if kind is None:
        raise Conflict(
            "this was done already under its Idempotency-Key, and the server ended before it had "
            "told: look at what is there"
        )
    found = ledger.get(kind, known.made)
    if found is None:
        raise NotFound(f"what was done under this Idempotency-Key, {known.made}, is deleted since")
    return found
