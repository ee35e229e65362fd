"""Alerts and the messages that told of them."""

from typing import Annotated

from litestar import get, post
from litestar.params import Parameter
from litestar.status_codes import HTTP_200_OK

from controlplane.api import encode, wire
from controlplane.api.asking import (
    Asker,
    Cursor,
    Limit,
    Order,
    Query,
    Seen,
    as_page,
    is_newest,
    page,
    the,
)
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import By, Caller, Given
from controlplane.api.threads import in_thread
from controlplane.domain.alerts import Alert, Delivery
from controlplane.domain.states import AlertState, DeliveryState

AlertIn = Annotated[AlertState | None, Parameter(query="state")]
DeliveryIn = Annotated[DeliveryState | None, Parameter(query="state")]


@get("/v1/alerts", guards=[needs(Scope.READ)])
@in_thread
def list_alerts(
    parts: Given, whose: Asker, limit: Limit = 100, cursor: Cursor = None, order: Order = None,
    in_state: AlertIn = None,
) -> wire.Page[wire.Alert]:  # fmt: skip
    """Alerts, the newest first."""
    query = Query(
        model=whose.model, states=None if in_state is None else (in_state,),
        newest_first=is_newest(order, "newest"),
    )  # fmt: skip
    with parts.store.read() as snapshot:
        records, following = page(
            snapshot.ledger, Alert, query, limit=limit, cursor=cursor,
            keep=whose.holds,
        )  # fmt: skip
    return as_page([encode.alert(record) for record in records], following)


@get("/v1/alerts/{alert:str}", guards=[needs(Scope.READ)])
@in_thread
def get_alert(parts: Given, alert: str) -> wire.Alert:
    """One alert."""
    with parts.store.read() as snapshot:
        return encode.alert(the(snapshot.ledger, Alert, alert, "alert"))


@post(
    "/v1/alerts/{alert:str}/acknowledge", guards=[needs(Scope.OPERATE)],
    status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def acknowledge_alert(parts: Given, by: By, alert: str, data: Seen | None = None) -> wire.Alert:
    """Say that somebody is looking at it, and whether it was a true or a false alarm."""
    said = data or Seen()
    return encode.alert(
        parts.actions.acknowledge(alert, by=by, verdict=said.verdict, note=said.note)
    )


@get("/v1/deliveries", guards=[needs(Scope.READ)])
@in_thread
def list_deliveries(
    parts: Given, who: Caller, limit: Limit = 100, cursor: Cursor = None, order: Order = None,
    in_state: DeliveryIn = None,
) -> wire.Page[wire.Delivery]:  # fmt: skip
    """The outbox, dead letters included, the newest first."""
    query = Query(
        states=None if in_state is None else (in_state,), newest_first=is_newest(order, "newest")
    )
    with parts.store.read() as snapshot:
        records, following = page(
            snapshot.ledger, Delivery, query, limit=limit, cursor=cursor,
            keep=lambda delivery: who.sees(delivery.model),
        )  # fmt: skip
    return as_page([encode.delivery(record) for record in records], following)


@post(
    "/v1/deliveries/{delivery:str}/retry", guards=[needs(Scope.OPERATE)],
    status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def retry_delivery(parts: Given, delivery: str) -> wire.Delivery:
    """Put a dead letter back into the queue."""
    return encode.delivery(parts.actions.retry_delivery(delivery))
