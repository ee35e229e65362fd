"""The hash-chained journal, and whether its chain holds."""

from collections.abc import Iterator
from typing import Final

from litestar import get

from controlplane.api import encode, wire
from controlplane.api.asking import (
    Asker,
    Cursor,
    Limit,
    Order,
    Query,
    as_page,
    is_newest,
    page,
)
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import Given
from controlplane.api.threads import in_thread
from controlplane.domain.journal import Entry, first_break
from controlplane.store.ports import LedgerReader

STRIDE: Final = 5000


@get("/v1/audit", guards=[needs(Scope.READ)])
@in_thread
def list_entries(
    parts: Given, whose: Asker, limit: Limit = 100, cursor: Cursor = None, order: Order = None,
) -> wire.Page[wire.JournalEntry]:  # fmt: skip
    """The journal, the newest entry first."""
    query = Query(model=whose.model, newest_first=is_newest(order, "newest"))
    with parts.store.read() as snapshot:
        records, following = page(
            snapshot.ledger, Entry, query, limit=limit, cursor=cursor,
            keep=whose.holds,
        )  # fmt: skip
    return as_page([encode.entry(record) for record in records], following)


@get("/v1/audit/verify", guards=[needs(Scope.READ)])
@in_thread
def verify_chain(parts: Given) -> wire.Chain:
    """Reckon every hash of the journal again."""
    with parts.store.read() as snapshot:
        entries = snapshot.ledger.count(Entry)
        broken_at = first_break(_all(snapshot.ledger))
    return wire.Chain(holds=broken_at is None, entries=entries, broken_at=broken_at)


def _all(ledger: LedgerReader) -> Iterator[Entry]:
    after: str | None = None
    while records := ledger.find(Entry, limit=STRIDE, after=after):
        yield from records
        after = records[-1].id
