"""Figures of a scored window that are not kept with it: another metric, or one of a segment."""

import msgspec
import pyarrow.compute as pc

from controlplane.domain.models import Model
from controlplane.domain.references import Reference
from controlplane.domain.reigns import Reign
from controlplane.domain.windows import Realised, Score, Window, calendar_of
from controlplane.monitor.performance import ALL, figure_of
from controlplane.monitor.rows import labelled_rows
from controlplane.monitor.scope import Scope, policy_of
from controlplane.monitor.segments import parts_of
from controlplane.store.counted_rows import own_rows
from controlplane.store.ports import Known, Snapshot
from detectors.bins import Bins


class Frozen(msgspec.Struct, frozen=True):
    """Of what is kept of a reference, the bins that segments are cut by."""

    bins: tuple[Bins, ...] = ()


def scope_of(view: Snapshot, model: Model, score: Score) -> Scope:
    """The model, under its file as it is now, at the time when a window was scored."""
    assert model.schema is not None
    policy = policy_of(view, model)
    reigns = [r for r in view.ledger.find(Reign, model=model.id) if r.since <= score.scored_at]
    return Scope(
        model=model, policy=policy, schema=model.schema, calendar=calendar_of(model, policy),
        reigns=tuple(reigns), instant=score.scored_at,
    )  # fmt: skip


def figures(
    view: Snapshot, model: Model, window: Window, score: Score, *, metric: str, segment: str | None
) -> list[Realised]:
    """A metric over the labelled rows of a window, as they were known when it was scored: of each
    version and of all live rows (`*`); of a segment's part, of all live rows alone.

    Nothing where no row has a label, or the window has no such part. One question to the store.
    """
    scope = scope_of(view, model, score)
    known = Known(start=window.start, end=window.end, by=score.scored_at)
    rows = labelled_rows(view, scope, known, scope.segment_columns if segment else ())
    (rows,) = own_rows(view, window, rows)
    if not rows.num_rows:
        return []
    if segment is not None:
        parts = parts_of(scope, _bins(view, score), rows)
        return [
            msgspec.structs.replace(figure_of(scope, ALL, part, metric), segment=name)
            for name, part in parts
            if name == segment
        ]
    versions = sorted(pc.unique(rows["version"]).to_pylist())
    return [
        *(
            figure_of(scope, version, rows.filter(pc.equal(rows["version"], version)), metric)
            for version in versions
        ),
        figure_of(scope, ALL, rows, metric),
    ]


def _bins(view: Snapshot, score: Score) -> tuple[Bins, ...]:
    """The bins of the reference that the window was compared with; none where they are not kept."""
    reference = None if score.reference is None else view.ledger.get(Reference, score.reference)
    if reference is None or reference.calibration is None:
        return ()
    try:
        return msgspec.json.decode(reference.calibration, type=Frozen).bins
    except msgspec.MsgspecError:
        return ()
