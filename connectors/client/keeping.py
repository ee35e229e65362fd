"""The calls about the store's upkeep, for `Connection.ask`: erasing, rejected rows, the file."""

from collections.abc import Sequence

import msgspec

from connectors.client import wire
from connectors.client.calls import EVERYTHING, Call, Span, listing, path, post

BACKUP: str = path("backup")


def erase(model: str, ids: Sequence[str], *, reason: str = "") -> Call[wire.Erasure]:
    """Ids to be erased, at most 10,000, with everything that is stored of them."""
    return post(path("models", model, "erasures"), wire.Erasure, {"ids": [*ids], "reason": reason})


def rejected(model: str, span: Span = EVERYTHING) -> Call[wire.Page[wire.RejectedRow]]:
    """Rows that could not be stored, the newest first."""
    return listing(path("models", model, "rejected"), wire.RejectedRow, span)


def rejected_counts(model: str) -> Call[wire.RejectedCounts]:
    """How many there are, by feed and reason."""
    return Call(path=path("models", model, "rejected", "counts"), answer=wire.RejectedCounts)


def resend(model: str, feed: str | None = None) -> Call[wire.Resent]:
    """Rejected rows to be tried again; it may take minutes."""
    asked = post(path("models", model, "rejected", "resend"), wire.Resent)
    return msgspec.structs.replace(asked, query={"feed": feed}, timeout=float("inf"))


def store() -> Call[wire.StoreSpace]:
    """What the store takes."""
    return Call(path=path("store"), answer=wire.StoreSpace)


def compact() -> Call[wire.Compaction]:
    """The store's file written anew; it may take minutes."""
    asked = post(path("store", "compact"), wire.Compaction)
    return msgspec.structs.replace(asked, timeout=float("inf"))
