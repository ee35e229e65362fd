"""Rejected rows sent again, once the schema is mended: what is stored now leaves their list."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

import msgspec

from controlplane.domain.batches import Receipt
from controlplane.domain.errors import BadInput, Conflict
from controlplane.ingest.batch import Feed
from controlplane.ingest.checking import Terms
from controlplane.ingest.decode import decode
from controlplane.ingest.storing import (
    Outcome,
    checked_of,
    in_force,
    request_of,
    settled,
    store_rows,
)
from controlplane.store.keeping import RejectedRow
from controlplane.store.ports import Store, Transaction

LINES: Final = "application/x-ndjson"
AT_ONCE: Final = 1_000
"""Rejected rows that are sent again in one transaction."""
RESENDABLE: Final = frozenset({Feed.PREDICTIONS, Feed.LABELS, Feed.KPIS})
"""Feeds whose rows say all of themselves; a reference's do not say whose it is."""


class Resent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of rejected rows. `kept` are those that could not be sent again."""

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    kept: int = 0

    def and_also(self, other: "Resent") -> "Resent":
        """Both together."""
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        names = self.__struct_fields__
        return Resent(**{n: a + b for n, a, b in zip(names, mine, theirs, strict=True)})


def resend(store: Store, model: str, *, feed: Feed | None, at: datetime) -> Resent:
    """Send a model's rejected rows again, as if they came now from a token with `operate`.

    Each run of rows leaves the list and is stored in one transaction; a row that is rejected
    anew comes back with the reason of now. Killed in the midst, it goes on where it was when it
    is called again. Raises NotFound, Conflict where somebody else sends them too.
    """
    done = Resent()
    for rows in _pages(store, model):
        for kind, run in groupby(rows, key=lambda row: row.feed):
            if feed is None or kind == feed:
                done = done.and_also(_sent(store, model, Feed(kind), list(run), at))
    return done


def _pages(store: Store, model: str) -> Iterator[list[RejectedRow]]:
    """The rejected rows that there are now, the newest first."""
    before: int | None = None
    while True:
        with store.read() as view:
            in_force(view.ledger, model)
            rows = view.upkeep.rejected_page(model, before=before, limit=AT_ONCE)
        if not rows:
            return
        before = rows[-1].number
        yield rows


def _sent(
    store: Store, model: str, feed: Feed, rows: Sequence[RejectedRow], at: datetime
) -> Resent:
    whole = [row for row in rows if is_resendable(row)]
    kept = sum(row.rows for row in rows) - len(whole)
    if not whole:
        return Resent(kept=kept)
    batch = decode(LINES, b"\n".join(row.text.encode() for row in reversed(whole)), feed=feed)
    if batch.rows != len(whole):
        raise BadInput(f"{len(whole)} rejected rows of {model} were read as {batch.rows} rows")
    with store.read() as view:
        record, policy = in_force(view.ledger, model)
        terms = Terms(feed=feed, known_at=at, may_backdate=True)
        request = request_of(view.ledger, record, policy, batch, terms)
    checked = checked_of(request, settled(request, record))

    def work(t: Transaction) -> Outcome:
        if t.upkeep.take_rejected(model, [row.number for row in whole]) != len(whole):
            raise Conflict("somebody else sends these rejected rows again, or has erased some")
        return store_rows(t, request, checked)

    receipt: Receipt = store.write(work, size=batch.size).result().receipt
    return Resent(
        sent=len(whole), accepted=receipt.accepted, duplicates=receipt.duplicates,
        rejected=receipt.rejected, kept=kept,
    )  # fmt: skip


def is_resendable(row: RejectedRow) -> bool:
    """Whether a rejected row can be sent again: its text is whole, and says all of it."""
    return row.whole and row.feed in RESENDABLE and "\n" not in row.text
