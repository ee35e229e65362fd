"""Causes of a window, looked for when they are asked for."""

import msgspec
from litestar import get, post
from litestar.status_codes import HTTP_202_ACCEPTED

from controlplane.api import wire
from controlplane.api.asking import the
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import By, Given
from controlplane.api.threads import in_thread
from controlplane.domain.errors import NotFound
from controlplane.domain.importances import Importance, importance_id
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
        notes=list(found.notes), importance_rests_on=found.importance_rests_on,
        importance_state=found.importance_state,
    )  # fmt: skip


@get("/v1/windows/{window:str}/importance", guards=[needs(Scope.READ)])
@in_thread
def get_importance(parts: Given, window: str) -> wire.Importance:
    """How much the window's version depends on each feature, as far as it was asked."""
    with parts.store.read() as snapshot:
        record = the(snapshot.ledger, Window, window, "window")
        score = snapshot.ledger.get(Score, f"{record.id}/{record.revision}")
        version = "" if score is None else score.champion or ""
        found = snapshot.ledger.get(Importance, importance_id(record.id, version))
    if found is None:
        raise NotFound(f"the version of window {record.id} was not asked; POST here asks it")
    return _importance(found)


@post(
    "/v1/windows/{window:str}/importance", guards=[needs(Scope.OPERATE)],
    status_code=HTTP_202_ACCEPTED,
)  # fmt: skip
@in_thread
def ask_importance(parts: Given, by: By, window: str) -> wire.Importance:
    """Ask the version that served in a window how much it depends on each feature.

    It scores a sample of the window's rows with one feature after the other shuffled, in a process
    of its own, which may take minutes; the answer says how far that is, at once. Asked once a
    window and version, and again where it failed or labels came since.
    """
    with parts.store.read() as snapshot:
        the(snapshot.ledger, Window, window, "window")
    return _importance(parts.actions.ask_importance(window, by=by))


def _importance(found: Importance) -> wire.Importance:
    columns = [
        wire.Reliance(column=name, value=value, error=found.errors.get(name, 0.0))
        for name, value in sorted(found.values.items(), key=lambda pair: -abs(pair[1]))
    ]
    return wire.Importance(
        window=found.window, model=found.model, version=found.version, state=str(found.state),
        asked_at=found.asked_at, made_at=found.made_at, rests_on=found.rests_on,
        metric=found.metric, rows=found.rows, repeats=found.repeats, columns=columns,
        reason=found.reason,
    )  # fmt: skip


def _slice(cause: Cause) -> wire.WorseSlice:
    found = cause.slice
    return wire.WorseSlice(
        slice=cause.name, rows=found.rows, rows_reference=found.rows_reference, loss=found.loss,
        loss_reference=found.loss_reference, within=found.within, mix=found.mix,
        effect=found.effect, p_value=found.p_value,
    )  # fmt: skip
