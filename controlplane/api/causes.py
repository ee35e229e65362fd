"""Causes of a window, looked for when they are asked for."""

import msgspec
from litestar import get

from controlplane.api import wire
from controlplane.api.asking import the
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import Given
from controlplane.api.threads import in_thread
from controlplane.domain.errors import NotFound
from controlplane.domain.models import Model
from controlplane.domain.windows import Score, Window
from controlplane.monitor.causes import Cause, causes


@get("/v1/windows/{window:str}/causes", guards=[needs(Scope.READ)])
@in_thread
def get_causes(parts: Given, window: str) -> wire.Causes:
    """Why a scored window is as it is: what moved, where the loss rose, inputs or answers.

    Computed from the stored rows, a second or two; nothing is stored.
    """
    with parts.store.read() as snapshot:
        record = the(snapshot.ledger, Window, window, "window")
        model = the(snapshot.ledger, Model, record.model, "model")
        score = snapshot.ledger.get(Score, f"{record.id}/{record.revision}")
        if score is None or model.schema is None:
            raise NotFound(f"window {record.id} is not scored yet")
        found = causes(snapshot, model, record, score)
    return wire.Causes(
        window=record.id, model=record.model, start=record.start, end=record.end,
        version=found.version, metric=found.metric, expected=found.expected, rows=found.rows,
        rows_reference=found.rows_reference, loss=found.loss, loss_reference=found.loss_reference,
        moved=[msgspec.convert(row, wire.MovedColumn, from_attributes=True) for row in found.moved],
        slices=[_slice(cause) for cause in found.slices],
        credit=None if found.credit is None
        else msgspec.convert(found.credit, wire.Credit, from_attributes=True),
        notes=list(found.notes),
    )  # fmt: skip


def _slice(cause: Cause) -> wire.WorseSlice:
    found = cause.slice
    return wire.WorseSlice(
        slice=cause.name, rows=found.rows, rows_reference=found.rows_reference, loss=found.loss,
        loss_reference=found.loss_reference, within=found.within, mix=found.mix,
        effect=found.effect, p_value=found.p_value,
    )  # fmt: skip
