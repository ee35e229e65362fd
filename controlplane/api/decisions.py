"""Decisions with their evidence, and the say of an operator where approval is asked."""

from litestar import get, post
from litestar.status_codes import HTTP_200_OK

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
    the,
)
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import By, Given
from controlplane.api.threads import in_thread
from controlplane.domain.decisions import Decision, DecisionKind


@get("/v1/decisions", guards=[needs(Scope.READ)])
@in_thread
def list_decisions(
    parts: Given, whose: Asker, limit: Limit = 100, cursor: Cursor = None, order: Order = None,
    kind: DecisionKind | None = None,
) -> wire.Page[wire.Decision]:  # fmt: skip
    """Decisions, the newest first."""
    query = Query(model=whose.model, newest_first=is_newest(order, "newest"))
    with parts.store.read() as snapshot:
        records, following = page(
            snapshot.ledger, Decision, query, limit=limit, cursor=cursor,
            keep=lambda found: whose.holds(found) and (kind is None or found.kind is kind),
        )  # fmt: skip
    return as_page([encode.decision(record) for record in records], following)


@get("/v1/decisions/{decision:str}", guards=[needs(Scope.READ)])
@in_thread
def get_decision(parts: Given, decision: str) -> wire.Decision:
    """One decision, with the facts it rests on."""
    with parts.store.read() as snapshot:
        return encode.decision(the(snapshot.ledger, Decision, decision, "decision"))


@post(
    "/v1/decisions/{decision:str}/approve", guards=[needs(Scope.OPERATE)],
    status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def approve_decision(parts: Given, by: By, decision: str) -> wire.Decision:
    """Let a decision that waits for approval be performed."""
    return encode.decision(parts.actions.approve(decision, by=by))


@post(
    "/v1/decisions/{decision:str}/reject", guards=[needs(Scope.OPERATE)],
    status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def reject_decision(parts: Given, by: By, decision: str) -> wire.Decision:
    """Refuse a decision that waits for approval."""
    return encode.decision(parts.actions.reject(decision, by=by))
