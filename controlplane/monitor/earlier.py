"""Rows that a window's causes are looked for in: its own, and those of before that tell the usual.

At most 20,000 of each side are taken, off evenly.
"""

from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.versions import Version
from controlplane.domain.windows import Score, Window
from controlplane.monitor.rows import labelled_rows
from controlplane.monitor.scope import Scope
from controlplane.store.counted_rows import own_rows
from controlplane.store.ports import Known, Snapshot

MOST_ROWS: Final = 20_000
FEWEST: Final = 200
"""Rows of each side, below which no loss is compared."""
PROVING: Final = timedelta(days=28)
"""The time after a version began to serve whose rows its later ones are compared with."""
UPLOADED: Final = ("reference",)


def labelled_now(view: Snapshot, scope: Scope, window: Window) -> pa.Table:
    """The labelled rows of a window, with their features."""
    known = Known(start=window.start, end=window.end, by=scope.instant)
    rows = labelled_rows(view, scope, known, scope.features)
    return _thinned(*own_rows(view, window, rows))


def served_now(view: Snapshot, scope: Scope, window: Window) -> pa.Table:
    """The rows of a window that carry a prediction, with their features."""
    known = Known(start=window.start, end=window.end, by=scope.instant)
    rows = view.events.rows(scope.name, scope.features, known)
    rows = rows.filter(pc.is_valid(rows["prediction"]))
    return _thinned(*own_rows(view, window, rows))


def rows_before(
    view: Snapshot, scope: Scope, window: Window, score: Score, *, labelled: bool
) -> tuple[pa.Table, str]:
    """Rows of before that the window's champion predicted, and what there is to say of them.

    The rows of the four weeks after it began to serve; else those that it was tried on before;
    else the reference as it was uploaded.
    """
    version = score.champion
    since = next((r.since for r in scope.reigns if r.version == version), None)
    by = scope.instant
    known = Known(start=since, end=window.start, by=by)
    if since is not None and since + PROVING < window.start:
        known = Known(start=since, end=since + PROVING, by=by)
    rows = labelled_rows(view, scope, known, scope.features)
    if version is not None:
        rows = rows.filter(pc.equal(rows["version"], version))
    if rows.num_rows < FEWEST and version is not None:
        tried = _tried(view, scope, version, window)
        rows = tried if tried.num_rows > rows.num_rows else rows
    if rows.num_rows < FEWEST:
        known = Known(end=window.start, by=by)
        uploaded = view.events.labelled(scope.name, scope.features, known, roles=UPLOADED)
        uploaded = uploaded.filter(pc.is_valid(uploaded["prediction"]))
        rows = uploaded if uploaded.num_rows > rows.num_rows else rows
    if not rows.num_rows:
        return rows, ""
    first, last = (pc.min_max(rows["at"])[end].as_py() for end in ("min", "max"))
    kind = "labelled rows" if labelled else "rows"
    said = f"compared with {rows.num_rows:,} {kind} of {version} from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    return _thinned(rows), said


def _tried(view: Snapshot, scope: Scope, version: str, window: Window) -> pa.Table:
    """Labelled rows with what the version predicted of them before it served, none that it was
    trained on."""
    record = view.ledger.get(Version, f"{scope.name}/{version}")
    known = Known(
        start=None if record is None else record.trained_to, end=window.start, by=scope.instant
    )
    labels = view.events.labelled(scope.name, scope.features, known)
    scored = view.events.scored(scope.name, version, known)
    answers = [name for name in scored.column_names if name not in {"id", "at"}]
    kept = labels.drop_columns([name for name in answers if name in labels.column_names])
    return kept.join(scored, ["id", "at"], join_type="inner").sort_by([("at", "ascending")])


def _thinned(rows: pa.Table) -> pa.Table:
    step = -(-rows.num_rows // MOST_ROWS)
    return rows if step <= 1 else rows.take(pa.array(np.arange(0, rows.num_rows, step)))
