"""Erasing ids: everything stored of their rows goes, and rows that still come are refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.errors import BadInput, NotFound, RowError
from controlplane.domain.models import Model
from controlplane.ingest.checking import LONGEST_ID, Checked
from controlplane.ingest.rejection import MOST_ERRORS
from controlplane.store.keeping import Erased
from controlplane.store.ports import Store, Transaction

MOST_IDS: Final = 10_000
"""Ids of one erasure."""
KIND: Final = "erased"
"""The journal's word."""


def erase(store: Store, model: str, ids: Sequence[str], *, at: datetime, by: str,
          reason: str = "") -> Erased:  # fmt: skip
    """Erase ids of a model, with an entry in the journal in the same transaction; the entry holds
    hashes and figures alone. Doing it again changes nothing. Raises NotFound, BadInput."""
    if not ids or len(ids) > MOST_IDS:
        message = f"{len(ids)} ids came; expected 1 to {MOST_IDS} in one request"
        raise BadInput(message)
    if any(not 0 < len(id) <= LONGEST_ID for id in ids):  # noqa: A001 - as rows call it
        raise BadInput(f"an id is empty or too long; expected 1 to {LONGEST_ID} characters")

    def work(t: Transaction) -> Erased:
        if t.ledger.get(Model, model) is None:
            raise NotFound(f"there is no model called {model!r}")
        erased = t.upkeep.erase(model, ids, at=at, by=by)
        if erased.hashes or erased.rows:
            t.ledger.journal(model=model, at=at, kind=KIND, subject=model, by=by, facts={
                "ids": erased.ids, "unknown": erased.unknown, "rows": dict(erased.rows),
                "hashes": list(erased.hashes), "reason": reason,
            })  # fmt: skip
        return erased

    return store.write(work).result()


def without_erased(t: Transaction, model: str, checked: Checked) -> tuple[Checked, int]:
    """The rows whose ids were not erased, and how many were: those count as rejected, but nothing
    of them is kept."""
    rows, found = _spared(t, model, checked.rows)
    labels, told = _spared(t, model, checked.labels)
    count = found if checked.rows is not None else told
    if not found and not told:
        return checked, 0
    rejection = checked.rejection
    error = RowError(
        pointer="/id",
        message=f"{count} of the rows have an id that was erased; such rows are not taken",
    )
    told_of = msgspec.structs.replace(
        rejection, rows=rejection.rows + count, errors=(*rejection.errors[: MOST_ERRORS - 1], error)
    )
    return msgspec.structs.replace(checked, rows=rows, labels=labels, rejection=told_of), count


def _spared(t: Transaction, model: str, rows: pa.Table | None) -> tuple[pa.Table | None, int]:
    if rows is None or not rows.num_rows:
        return rows, 0
    erased = t.upkeep.erased(model, rows["id"])
    if erased is None:
        return rows, 0
    gone = pa.array(erased)
    return rows.filter(pc.invert(gone)), int(erased.sum())
