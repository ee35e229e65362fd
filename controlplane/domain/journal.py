"""The hash chain over everything that was decided and done."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Final

from controlplane.domain.records import Record

GENESIS: Final = "0" * 64


class Entry(Record, frozen=True, kw_only=True):
    """One line of the journal; `id` is its place in the chain as twelve digits.

    `text` is what happened, as JSON; `hash` is that of `previous` and everything else in it.
    """

    TABLE: ClassVar[str] = "journal"

    at: datetime
    kind: str
    subject: str
    by: str
    text: str
    previous: str
    hash: str
    # `filed_at` stays the same for all: entries are listed in the order of the chain, and `at` is
    # model time of one model and the clock's of another.


def entry_hash(entry: Entry) -> str:
    """SHA-256 over the entry's fields but `hash`, separated by a byte that none contains."""
    parts = (
        entry.previous, entry.id, entry.model, entry.at.isoformat(), entry.kind,
        entry.subject, entry.by, entry.text,
    )  # fmt: skip
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def first_break(entries: Iterable[Entry]) -> str | None:
    """The id of the first entry that does not follow from the one before; None: it holds."""
    previous = GENESIS
    for number, entry in enumerate(entries, start=1):
        if entry.id != f"{number:012d}" or entry.previous != previous:
            return entry.id
        if entry_hash(entry) != entry.hash:
            return entry.id
        previous = entry.hash
    return None
