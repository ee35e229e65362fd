"""Models: the fleet, one model, its file, what serves it, its time."""

import asyncio
from functools import partial
from typing import Annotated, Final

import anyio
import msgspec
from anyio import to_thread
from litestar import Response, delete, get, post, put
from litestar.params import Dependency
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from controlplane.api import fleet, halves, kpis, wire
from controlplane.api.asking import (
    Announcement,
    Cursor,
    Limit,
    Query,
    as_page,
    instant,
    json_only,
    page,
    seconds,
    the_model,
)
from controlplane.api.auth import Scope, must_carry, needs
from controlplane.api.front import etag_of
from controlplane.api.parts import Asked, Bells, By, Caller, Given, Parts
from controlplane.api.problems import BadRequest
from controlplane.api.threads import in_thread
from controlplane.domain.models import Model, Timing
from controlplane.domain.names import model_name

LONGEST_WAIT: Final = 60.0
"""Seconds of a long poll."""
FILE_TYPES: Final = frozenset(
    {"", "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain",
     "application/json"}
)  # fmt: skip


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a model file is to be applied."""

    dry_run: bool
    timing: Timing | None
    timed: bool | None


def manner_of(
    *, dry_run: bool = False, timing: Timing | None = None, timed: bool | None = None
) -> Manner:
    """How a model file is to be applied; `timing` and `timed` count where it makes a model."""
    return Manner(dry_run=dry_run, timing=timing, timed=timed)


How = Annotated[Manner, Dependency(skip_validation=True)]


@get("/v1/models", guards=[needs(Scope.READ)])
@in_thread
def list_models(
    parts: Given, who: Caller, limit: Limit = 100, cursor: Cursor = None
) -> wire.Page[wire.ModelSummary]:
    """The fleet, in the order in which the models were made, as far as the token is for it."""
    with parts.store.read() as snapshot:
        records, following = page(
            snapshot.ledger, Model, Query(), limit=limit, cursor=cursor,
            keep=lambda model: who.sees(model.id),
        )  # fmt: skip
        return as_page([fleet.summary(snapshot, model) for model in records], following)


@get("/v1/models/{model:str}", guards=[needs(Scope.READ)])
@in_thread
def get_model(parts: Given, model: str) -> wire.ModelDetail:
    """One model: its file, and how it stands."""
    with parts.store.read() as snapshot:
        the_model(snapshot.ledger, model)
    conditions = parts.actions.conditions(model)
    with parts.store.read() as snapshot:
        record = the_model(snapshot.ledger, model)
        found = fleet.detail(snapshot, record, conditions, parts.clock.now())
        return msgspec.structs.replace(
            found, kpis=kpis.listed(snapshot, record), halves=halves.told(snapshot, record)
        )


@put("/v1/models/{model:str}", guards=[needs(Scope.OPERATE)], status_code=HTTP_200_OK)
async def put_model(
    request: Asked, parts: Given, by: By, how: How, model: str
) -> Response[wire.Plan]:
    """Apply a model file, in YAML or JSON; with `dry_run` say what it would change."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FILE_TYPES:
        raise BadRequest(f"content type {kind[:80]!r}; expected application/yaml", status=415)
    name, text = model_name(model), (await request.body()).decode("utf-8")
    apply = partial(
        parts.actions.apply, name, text, dry_run=how.dry_run, timing=how.timing,
        timed=how.timed, by=by,
    )  # fmt: skip
    plan = await to_thread.run_sync(apply)
    return Response(
        msgspec.convert(plan, wire.Plan, from_attributes=True),
        status_code=HTTP_201_CREATED if plan.created and plan.applied else HTTP_200_OK,
    )


@delete(
    "/v1/models/{model:str}", guards=[needs(Scope.OPERATE)], status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def delete_model(
    request: Asked, parts: Given, by: By, model: str, *, purge: bool = False
) -> wire.Stopped:
    """Stop a model; with `purge`, which takes the scope `admin`, delete its data too."""
    with parts.store.read() as snapshot:
        the_model(snapshot.ledger, model)
    if purge:
        must_carry(request.auth, Scope.ADMIN)
        parts.actions.purge(model, by=by)
    else:
        parts.actions.stop(model, by=by)
    return wire.Stopped(model=model, purged=purge)


@post(
    "/v1/models/{model:str}/resume", guards=[needs(Scope.OPERATE)], status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def resume_model(parts: Given, by: By, model: str) -> wire.ModelSummary:
    """An operator's go, after retraining or all actions were stopped."""
    parts.actions.resume(model, by=by)
    with parts.store.read() as snapshot:
        return fleet.summary(snapshot, the_model(snapshot.ledger, model))


@get("/v1/models/{model:str}/champion", guards=[needs(Scope.READ)])
async def get_champion(
    request: Asked, parts: Given, changes: Bells, model: str, wait: str | None = None
) -> wire.Champion:
    """What serving must run. With `wait` and `If-None-Match` the answer comes when it changes,
    or, as 304, when the time is over."""
    left = 0.0 if wait is None else seconds(wait, "wait", LONGEST_WAIT)
    known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
    until = anyio.current_time() + left
    while True:
        changed = changes.listen(model)
        try:
            found = await to_thread.run_sync(partial(_champion, parts, model))
            left = until - anyio.current_time()
            unchanged = etag_of(msgspec.json.encode(found)) in known
            if not unchanged or left <= 0 or changes.is_released:
                return found
            await asyncio.wait((changed,), timeout=left)
        finally:
            changed.cancel()


@post(
    "/v1/models/{model:str}/time", guards=[needs(Scope.OPERATE), json_only],
    status_code=HTTP_200_OK,
)  # fmt: skip
async def announce_time(parts: Given, model: str, data: Announcement) -> wire.Settled:
    """Tell a replayed model its time; answers when everything due by then is settled."""
    known_at = instant(data.known_at, "/known_at")
    settled = await parts.actions.announce(model, known_at, final=data.final)
    champion = await to_thread.run_sync(partial(_champion, parts, model))
    return wire.Settled(model_time=settled, champion=champion)


def _champion(parts: Parts, model: str) -> wire.Champion:
    with parts.store.read() as snapshot:
        return fleet.champion(snapshot.ledger, the_model(snapshot.ledger, model))
