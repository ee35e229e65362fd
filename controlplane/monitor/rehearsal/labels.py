"""Labels that no longer follow from the features as they did: whether performance tells."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.conditions import ALERT_WORSE_BY
from controlplane.domain.performing import as_loss
from controlplane.domain.policy import Policy, TriggerKind
from controlplane.domain.references import UNVERSIONED
from controlplane.domain.states import WindowState
from controlplane.domain.versions import Version
from controlplane.domain.windows import FEWEST_DAYS, WEEK, Window
from controlplane.monitor.performance import figure_of
from controlplane.monitor.rehearsal.plan import FLIPS, Sown, delay_of
from controlplane.monitor.rows import labelled_rows
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Known, Snapshot
from detectors import reading
from detectors.sowing import Drift, Sowing, flipped

PERFORMANCE: Final = "performance"
FEWEST_LABELS: Final = 30


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The champion's labelled rows over the spans that its performance was judged over."""

    spans: tuple[pa.Table, ...]
    limit: float
    """The loss beyond which a performance condition holds."""
    spread: float
    """The standard deviation of numeric labels; 0 of classes."""
    calm: tuple[pa.Table, ...] = ()
    """Those of the spans in which the condition does not hold as they are: in the others it would
    hold whatever was sown."""


def judged_spans(
    view: Snapshot, scope: Scope, features: Sequence[str], *, windows: int
) -> Judged | None:
    """What performance was judged over lately: windows, or the weeks that end with short ones.

    None where there is nothing to rehearse on: no labels, or no loss to compare with.
    """
    champion = scope.champion_at(scope.instant) or UNVERSIONED
    version = view.ledger.get(Version, f"{scope.name}/{champion}")
    if version is None or version.scale is None or scope.policy.monitors.performance is None:
        return None
    matured = view.ledger.find(
        Window, model=scope.name, states=[WindowState.MATURED], newest_first=True, limit=windows
    )
    found = [_labelled(view, scope, window, champion, features) for window in matured[::-1]]
    spans = tuple(rows for rows in found if rows.num_rows >= FEWEST_LABELS)
    if not spans:
        return None
    judged = Judged(
        spans=spans,
        limit=version.scale.reference_loss * (1.0 + _worse_by(scope.policy)),
        spread=spread_of(spans),
    )
    calm = tuple(rows for rows in spans if not _holds(scope, judged, rows, rows["label"]))
    return msgspec.structs.replace(judged, calm=calm)


def spread_of(windows: Sequence[pa.Table]) -> float:
    """The standard deviation of the numeric labels of some rows; 0 of classes."""
    labels = pa.concat_tables(windows)["label"]
    numeric = pa.types.is_floating(labels.type)
    return float(np.nanstd(reading.numbers(labels))) if numeric else 0.0


def unit_of_flips(spread: float) -> str:
    """What the size of a concept flip counts, where labels have such a spread."""
    return "standard deviations of the label" if spread else "of the labels"


def labelled_windows(
    view: Snapshot, scope: Scope, features: Sequence[str], *, windows: int
) -> list[pa.Table]:
    """The champion's labelled rows in the newest windows whose labels are closed, in order of time;
    none overlaps another, and those without any are left out."""
    champion = scope.champion_at(scope.instant) or UNVERSIONED
    matured = view.ledger.find(
        Window, model=scope.name, states=[WindowState.MATURED], newest_first=True,
        limit=windows * scope.calendar.overlap,
    )  # fmt: skip
    found: list[pa.Table] = []
    begin = scope.instant
    for window in matured:
        if window.end <= begin and len(found) < windows:
            begin = window.start
            known = Known(start=begin, end=window.end, by=scope.instant + timedelta(microseconds=1))
            rows = labelled_rows(view, scope, known, features)
            found.append(rows.filter(pc.equal(rows["version"], champion)))
    return [rows for rows in found[::-1] if rows.num_rows]


def flips_of(scope: Scope, judged: Judged, column: str) -> list[Sown]:
    """Concept flips along one numeric feature, at every size, in the calm spans; none without."""
    return [_flip(scope, judged, column, size) for size in FLIPS] if judged.calm else []


def _flip(scope: Scope, judged: Judged, column: str, size: float) -> Sown:
    found = [
        _holds(scope, judged, rows, flipped(
            rows["label"], reading.numbers(rows[column]), size, spread=judged.spread,
        ))
        for rows in judged.calm
    ]  # fmt: skip
    return Sown(
        drift=Drift(kind=Sowing.CONCEPT_FLIP, column=column, size=size),
        unit=unit_of_flips(judged.spread),
        windows=len(found),
        found=sum(found), delay=delay_of(found), by=(PERFORMANCE,) if any(found) else (),
    )  # fmt: skip


def _holds(scope: Scope, judged: Judged, rows: pa.Table, labels: pa.ChunkedArray) -> bool:
    place = rows.schema.get_field_index("label")
    sown = rows.set_column(place, "label", labels.cast(rows["label"].type))
    interval = as_loss(scope.loss, figure_of(scope, "rehearsal", sown, scope.loss).interval)
    return interval is not None and interval.low > judged.limit


def _labelled(
    view: Snapshot, scope: Scope, window: Window, champion: str, features: Sequence[str]
) -> pa.Table:
    is_short = window.end - window.start < FEWEST_DAYS
    start = window.end - WEEK if is_short else window.start
    known = Known(start=start, end=window.end, by=scope.instant + timedelta(microseconds=1))
    rows = labelled_rows(view, scope, known, features)
    return rows.filter(pc.equal(rows["version"], champion))


def _worse_by(policy: Policy) -> float:
    """The least worsening that somebody hears of."""
    asked = [t.amount for t in policy.retrain.when if t.kind is TriggerKind.WORSE_BY]
    return min(asked, default=ALERT_WORSE_BY)
