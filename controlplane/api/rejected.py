"""Rows that could not be stored: listed, counted, sent again."""

from litestar import get, post
from litestar.status_codes import HTTP_200_OK

from controlplane.api import wire
from controlplane.api.asking import Cursor, Limit, the_model
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import Given
from controlplane.api.problems import BadRequest
from controlplane.api.threads import in_thread
from controlplane.domain.errors import RowError
from controlplane.ingest.batch import Feed
from controlplane.ingest.resending import is_resendable, resend


@get("/v1/models/{model:str}/rejected", guards=[needs(Scope.READ)])
@in_thread
def list_rejected(
    parts: Given, model: str, limit: Limit = 100, cursor: Cursor = None
) -> wire.Page[wire.RejectedRow]:
    """Rejected rows with their reason and their text, the newest first."""
    before = None if cursor is None else _number(cursor)
    with parts.store.read() as view:
        the_model(view.ledger, model)
        rows = view.upkeep.rejected_page(model, before=before, limit=limit + 1)
    items = [
        wire.RejectedRow(
            number=row.number, known_at=row.known_at, feed=row.feed, reason=row.reason,
            text=row.text, rows=row.rows, resendable=is_resendable(row),
        )
        for row in rows[:limit]
    ]  # fmt: skip
    following = str(items[-1].number) if len(rows) > limit else None
    return wire.Page(items=items, next=following)


@get("/v1/models/{model:str}/rejected/counts", guards=[needs(Scope.READ)])
@in_thread
def count_rejected(parts: Given, model: str) -> wire.RejectedCounts:
    """How many rows were rejected, by feed and reason, the most frequent first."""
    with parts.store.read() as view:
        the_model(view.ledger, model)
        reasons = [
            wire.RejectedCount(
                feed=each.feed, reason=each.reason, rows=each.rows, resendable=each.resendable,
                newest=each.newest,
            )
            for each in view.upkeep.rejected_counts(model)
        ]  # fmt: skip
    return wire.RejectedCounts(
        rows=sum(each.rows for each in reasons),
        resendable=sum(each.resendable for each in reasons), reasons=reasons,
    )  # fmt: skip


@post(
    "/v1/models/{model:str}/rejected/resend", guards=[needs(Scope.OPERATE)],
    status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def resend_rejected(parts: Given, model: str, feed: Feed | None = None) -> wire.Resent:
    """Try rejected rows again, as if they came now; those that are stored leave the list."""
    done = resend(parts.store, model, feed=feed, at=parts.clock.now())
    return wire.Resent(
        sent=done.sent, accepted=done.accepted, duplicates=done.duplicates,
        rejected=done.rejected, kept=done.kept,
    )  # fmt: skip


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):  # noqa: PLR2004 - 64 bits
        message = f"{cursor[:60]!r} is not a cursor of this list; expected the `next` of a page"
        raise BadRequest(f"cursor: {message}", [RowError(pointer="?cursor", message=message)])
    return int(cursor)
