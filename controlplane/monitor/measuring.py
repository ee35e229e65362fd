"""By which measure a window is judged: a champion's reference, a fixed one, or one that moves."""

from datetime import datetime

from controlplane.domain.moving import MOVING, trailing
from controlplane.domain.names import digest
from controlplane.domain.policy import Reference as Asked
from controlplane.domain.references import UNVERSIONED, WANTED, Reference
from controlplane.domain.versions import Version
from controlplane.domain.windows import MOMENT, Window
from controlplane.monitor.material import reference_in_force
from controlplane.monitor.moving import moving_measure
from controlplane.monitor.scope import Scope
from controlplane.monitor.yardstick import Measure, measure_of
from controlplane.store.ports import Snapshot, Store


def measure_for(store: Store, view: Snapshot, scope: Scope, window: Window) -> Measure | None:
    """The measure of what a window is compared with; None where there is nothing yet."""
    found = compared_with(view, scope, window.start)
    if isinstance(found, Asked):
        return moving_measure(store, view, scope, window, found)
    return None if found is None else measure_of(store, view, scope, found)


def compared_with(view: Snapshot, scope: Scope, moment: datetime) -> Reference | Asked | None:
    """What a window that begins at a moment is compared with: a reference, or how one that moves
    is asked for; None where there is nothing yet.

    The file's own reference first; else the rows that were sent as one; else the champion's
    training rows; else, of a model that is trained elsewhere, the sixty windows before.
    """
    asked = scope.policy.reference
    if asked.kind in MOVING:
        return asked
    name = scope.champion_at(moment)
    found = uploaded(view, scope, name) if asked.kind == "training" else None
    if found is None:
        found = _fixed(view, scope) if name is None else reference_in_force(view, scope, moment)
    if found is not None:
        return found
    if name is None and scope.calendar.grid is not None:
        return trailing(WANTED, scope.calendar)
    return None


def uploaded(view: Snapshot, scope: Scope, name: str | None) -> Reference | None:
    """The rows that were sent as a version's reference; those that name no version are of one that
    nobody knows the training rows of."""
    version = None if name is None else view.ledger.get(Version, f"{scope.name}/{name}")
    untold = version is None or version.trained_from is None
    for owner in [name, None] if untold and name is not None else [name]:
        sent = view.events.reference_rows(scope.name, owner)
        first, last, known = sent.first_at, sent.last_at, sent.last_known_at
        if first is None or last is None or known is None or known > scope.instant:
            continue
        named = digest("u", owner, sent.predictions, first.isoformat(), known.isoformat())
        reference = Reference(
            id=f"{_owner(scope, name)}:{named}", model=scope.name, version=name or UNVERSIONED,
            start=first, end=last + MOMENT, known_at=known, rows=sent.predictions, uploaded=True,
            made_at=known,
        )  # fmt: skip
        return view.ledger.get(Reference, reference.id) or reference
    return None


def _fixed(view: Snapshot, scope: Scope) -> Reference | None:
    """The span that the file names, for a model without a champion, once it is over."""
    start, end = scope.policy.reference.start, scope.policy.reference.end
    begins = scope.model.serving_from
    if start is None or end is None or begins is None:
        return None
    known = max(end + scope.calendar.lateness, begins)
    if known > scope.instant:
        return None
    named = digest("r", start.isoformat(), end.isoformat())
    reference = Reference(
        id=f"{_owner(scope, None)}:{named}", model=scope.name, version=UNVERSIONED, start=start,
        end=end, known_at=known, rows=0, made_at=known,
    )  # fmt: skip
    return view.ledger.get(Reference, reference.id) or reference


def _owner(scope: Scope, version: str | None) -> str:
    return f"{scope.name}/{version or ''}"
