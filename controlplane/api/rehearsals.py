"""Rehearsals: drifts of known kind and size sown into a copy of a model's own rows."""

from typing import Annotated

import msgspec
from litestar import post
from litestar.status_codes import HTTP_200_OK

from controlplane.api import wire
from controlplane.api.asking import Body, json_only, the_model
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import Given
from controlplane.api.threads import in_thread
from controlplane.monitor.rehearsal.card import MOST_WINDOWS, Card, Quiet, rehearse
from controlplane.monitor.rehearsal.listening import Listened
from controlplane.monitor.rehearsal.plan import Sown


class RehearsalAsked(Body, frozen=True, kw_only=True):
    """Which features; null: all of them. `quiet` asks for what windows say as they are."""

    columns: list[str] | None = None
    quiet: bool = True
    windows: Annotated[int, msgspec.Meta(ge=1, le=MOST_WINDOWS)] = 20


@post(
    "/v1/models/{model:str}/rehearsals", guards=[needs(Scope.OPERATE), json_only],
    status_code=HTTP_200_OK,
)  # fmt: skip
@in_thread
def rehearse_model(parts: Given, model: str, data: RehearsalAsked) -> wire.Rehearsal:
    """Sow drifts into a copy of the model's own rows and tell what its monitors find.

    Nothing is stored. It takes a while, in proportion to columns and windows: ask for a column at
    a time to see it go on.
    """
    with parts.store.read() as snapshot:
        record = the_model(snapshot.ledger, model)
    return _card(
        rehearse(
            parts.store, model, record.stepped or parts.clock.now(), asked=data.columns,
            quiet=data.quiet, windows=data.windows,
        )
    )  # fmt: skip


def _card(card: Card) -> wire.Rehearsal:
    return wire.Rehearsal(
        model=card.model, version=card.version, reference=card.reference, windows=card.windows,
        rows=card.rows, windows_a_period=card.a_period, false_alarms=card.count,
        drifts=[_drifted(sown) for sown in card.sown],
        stream=None if card.stream is None else _stream(card.stream),
        quiet=None if card.quiet is None else _quiet(card.quiet), notes=list(card.notes),
    )  # fmt: skip


def _drifted(sown: Sown) -> wire.Drifted:
    drift, interval = sown.drift, sown.interval
    return wire.Drifted(
        kind=str(drift.kind), column=drift.column, other=drift.other, size=drift.size,
        unit=sown.unit, windows=sown.windows, found=sown.found, power=sown.power,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high, delay=sown.delay, by=list(sown.by),
    )  # fmt: skip


def _stream(stream: Listened) -> wire.RehearsedStream:
    return wire.RehearsedStream(
        detector=stream.detector, on=stream.on, windows=stream.windows, alarmed=stream.alarmed,
        expected=stream.expected, refused=stream.refused,
        drifts=[_drifted(sown) for sown in stream.sown],
    )  # fmt: skip


def _quiet(quiet: Quiet) -> wire.Quiet:
    return wire.Quiet(
        windows=quiet.windows, alarmed=quiet.alarmed, expected=quiet.expected,
        spans=quiet.spans, worse=quiet.worse,
    )  # fmt: skip
