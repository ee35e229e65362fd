"""Labelled rows with a version's predictions that it was not trained on: what estimates rest on."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.estimates import measured_name
from controlplane.domain.grid import boundary_after
from controlplane.domain.references import Reference
from controlplane.domain.versions import Version
from controlplane.monitor.rows import labelled_rows
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Known, Snapshot

FEWEST: Final = 200
"""With fewer labelled rows nothing is estimated."""
MOST_READ: Final = 200_000
"""Of more rows the newest are used."""
MOMENT: Final = timedelta(microseconds=1)


class Unseen(msgspec.Struct, frozen=True):
    """Labelled rows, and whether the version itself made their predictions: a first one's are of
    a fit that was thrown away."""

    rows: pa.Table
    own: bool


def unseen_rows(view: Snapshot, scope: Scope, version: str) -> Unseen:
    """`id, at, label, prediction, score:<class>…` and the features, by (at, id); fewer than 200
    where there are no more yet.

    What was known when the version came into force: the rows of its trial; of a first version
    those that measured it; a reference that was uploaded with predictions. Where that is too
    little, the rows that it served since, up to the end of the label day by which there were
    enough: so a restart finds the same rows again.
    """
    record = view.ledger.get(Version, f"{scope.name}/{version}")
    reference = view.ledger.get(Reference, f"{scope.name}/{version}")
    before = _before(view, scope, version, record, reference)
    if before is not None and before.rows.num_rows >= FEWEST:
        return Unseen(_newest(before.rows), before.own)
    served = _served_since(view, scope, version, record)
    if served.num_rows >= FEWEST:
        return Unseen(_newest(served), own=True)
    return Unseen(served, own=True) if before is None or not before.rows.num_rows else before


def _before(
    view: Snapshot, scope: Scope, version: str, record: Version | None,
    reference: Reference | None,
) -> Unseen | None:  # fmt: skip
    if reference is None:
        return None
    if reference.uploaded:
        known = Known(start=reference.start, end=reference.end, by=reference.known_at)
        rows = view.events.labelled(scope.name, scope.features, known, roles=("reference",))
        return Unseen(_shaped(rows.filter(pc.is_valid(rows["prediction"]))), own=True)
    if record is None or record.trained_to is None:
        return None
    first = view.events.scored(scope.name, measured_name(version), Known(by=reference.known_at))
    if first.num_rows:
        return Unseen(_joined(view, scope, first, reference.known_at), own=False)
    known = Known(start=record.trained_to, end=reference.known_at, by=reference.known_at)
    scored = view.events.scored(scope.name, version, known)
    return Unseen(_joined(view, scope, scored, reference.known_at), own=True)


def _joined(view: Snapshot, scope: Scope, scored: pa.Table, by: datetime) -> pa.Table:
    """Scored rows with their features and labels as they were known."""
    if not scored.num_rows:
        return _shaped(scored.append_column("label", pa.nulls(0, pa.string())))
    bounds = pc.min_max(scored["at"]).as_py()
    known = Known(start=bounds["min"], end=bounds["max"] + MOMENT, by=by)
    labels = view.events.labelled(scope.name, scope.features, known)
    kept = [n for n in labels.column_names if n in {"id", "label", *scope.features}]
    return _shaped(scored.join(labels.select(kept), "id", join_type="inner"))


def _served_since(view: Snapshot, scope: Scope, version: str, record: Version | None) -> pa.Table:
    known = Known(start=None if record is None else record.trained_to, by=scope.instant)
    rows = labelled_rows(view, scope, known)
    rows = rows.filter(pc.equal(rows["version"], version))
    if rows.num_rows < FEWEST:
        return _shaped(rows)
    order = pc.sort_indices(rows["label_known_at"])
    enough: datetime = rows["label_known_at"][order[FEWEST - 1].as_py()].as_py()
    cut = boundary_after(scope.calendar.days, enough)
    if cut > scope.instant:
        return _shaped(rows.slice(0, 0))
    found = labelled_rows(view, scope, Known(start=known.start, by=cut), scope.features)
    return _shaped(found.filter(pc.equal(found["version"], version)))


def _shaped(rows: pa.Table) -> pa.Table:
    unwanted = {"known_at", "label_known_at", "version", "role"}
    rows = rows.select([n for n in rows.column_names if n not in unwanted])
    rows = rows.filter(pc.is_valid(rows["label"]))
    return rows.sort_by([("at", "ascending"), ("id", "ascending")]).combine_chunks()


def _newest(rows: pa.Table) -> pa.Table:
    return rows.slice(max(rows.num_rows - MOST_READ, 0))
