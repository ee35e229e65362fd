"""Training runs: list, ask for one, look, read its log, cancel."""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import Parameter
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED

from controlplane.api import encode, wire
from controlplane.api.asking import (
    Cursor,
    Limit,
    Order,
    Query,
    Reason,
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
from controlplane.domain.runs import Run


@get("/v1/models/{model:str}/runs", guards=[needs(Scope.READ)])
@in_thread
def list_runs(
    parts: Given, model: str, limit: Limit = 100, cursor: Cursor = None, order: Order = None
) -> wire.Page[wire.Run]:
    """The training runs of a model, the newest first."""
    query = Query(model=model, newest_first=is_newest(order, "newest"))
    with parts.store.read() as snapshot:
        the_model(snapshot.ledger, model)
        records, following = page(snapshot.ledger, Run, query, limit=limit, cursor=cursor)
    return as_page([encode.run(record) for record in records], following)


@post(
    "/v1/models/{model:str}/runs", guards=[needs(Scope.OPERATE), json_only],
    status_code=HTTP_202_ACCEPTED,
)  # fmt: skip
@in_thread
def start_run(parts: Given, by: By, model: str, data: Reason | None = None) -> wire.Run:
    """Ask for a training run; it starts when the answer is out."""
    reason = data.reason if data else ""
    return encode.run(parts.actions.start_run(model, by=by, reason=reason))


@get("/v1/runs/{run:str}", guards=[needs(Scope.READ)])
@in_thread
def get_run(parts: Given, run: str) -> wire.Run:
    """One training run."""
    with parts.store.read() as snapshot:
        return encode.run(the(snapshot.ledger, Run, run, "run"))


@post(
    "/v1/runs/{run:str}/cancel", guards=[needs(Scope.OPERATE)], status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def cancel_run(parts: Given, by: By, run: str) -> wire.Run:
    """End a run that is not finished."""
    return encode.run(parts.actions.cancel_run(run, by=by))


@get(
    "/v1/runs/{run:str}/log", guards=[needs(Scope.READ)], media_type="text/plain",
)  # fmt: skip
@in_thread
def get_log(
    parts: Given, run: str, offset: Annotated[int, Parameter(ge=0, le=2**53)] = 0
) -> Response[bytes]:
    """What a run printed, from a byte on; `Log-Next-Offset` is where to go on."""
    with parts.store.read() as snapshot:
        the(snapshot.ledger, Run, run, "run")
    text = parts.actions.run_log(run, offset)
    return Response(text, headers={"Log-Next-Offset": str(offset + len(text))})
