"""Trials: list, look, put a version on trial; and the guards that follow a promotion."""

from litestar import get, post

from controlplane.api import encode, wire
from controlplane.api.asking import (
    Cursor,
    Limit,
    Order,
    Query,
    TrialAsked,
    as_page,
    is_newest,
    json_only,
    page,
    the,
    the_model,
)
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import By, Given
from controlplane.api.threads import in_thread
from controlplane.domain.guards import Guard
from controlplane.domain.trials import Trial


@get("/v1/models/{model:str}/trials", guards=[needs(Scope.READ)])
@in_thread
def list_trials(
    parts: Given, model: str, limit: Limit = 100, cursor: Cursor = None, order: Order = None
) -> wire.Page[wire.Trial]:
    """The trials of a model, the newest first."""
    query = Query(model=model, newest_first=is_newest(order, "newest"))
    with parts.store.read() as snapshot:
        the_model(snapshot.ledger, model)
        records, following = page(snapshot.ledger, Trial, query, limit=limit, cursor=cursor)
    return as_page([encode.trial(record) for record in records], following)


@post(
    "/v1/models/{model:str}/trials", guards=[needs(Scope.OPERATE), json_only],
)  # fmt: skip
@in_thread
def open_trial(parts: Given, by: By, model: str, data: TrialAsked) -> wire.Trial:
    """Put a registered version on trial against the champion."""
    return encode.trial(parts.actions.open_trial(model, data.version, by=by, made=data.made))


@get("/v1/trials/{trial:str}", guards=[needs(Scope.READ)])
@in_thread
def get_trial(parts: Given, trial: str) -> wire.Trial:
    """One trial, with its confidence sequence."""
    with parts.store.read() as snapshot:
        return encode.trial(the(snapshot.ledger, Trial, trial, "trial"))


@get("/v1/models/{model:str}/guards", guards=[needs(Scope.READ)])
@in_thread
def list_guards(
    parts: Given, model: str, limit: Limit = 100, cursor: Cursor = None, order: Order = None
) -> wire.Page[wire.Guard]:
    """The watches over the promotions of a model, the newest first."""
    query = Query(model=model, newest_first=is_newest(order, "newest"))
    with parts.store.read() as snapshot:
        the_model(snapshot.ledger, model)
        records, following = page(snapshot.ledger, Guard, query, limit=limit, cursor=cursor)
    return as_page([encode.guard(record) for record in records], following)
