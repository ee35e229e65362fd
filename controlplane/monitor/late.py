"""Rows and labels that came after a window's labels had closed: which windows they change."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from controlplane.domain.due import is_label_day
from controlplane.domain.grid import boundary, number_at
from controlplane.domain.states import WindowState
from controlplane.domain.windows import Window
from controlplane.monitor.rows import contents, micros, micros_of
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Snapshot, Store

LONGEST = timedelta(days=92)
"""How far before a row its window may begin, where the calendar does not say."""


def changed_windows(store: Store, scope: Scope) -> list[Window]:
    """The matured windows with rows or labels newer than their last revision, oldest first.

    Looked for only when a label day closes, so that a window has at most one further revision
    a day, among what became known since the label day before.
    """
    if not is_label_day(scope.calendar, scope.instant):
        return []
    with store.read() as view:
        at = _news(view, scope)
        if not at.size:
            return []
        return [
            window
            for window in _around(view, scope, at)
            if _holds(window, at) and _is_newer(view, scope, window)
        ]


def _news(view: Snapshot, scope: Scope) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Event times, in order, of what became known since the label day before."""
    days, delay = scope.calendar.days, scope.calendar.delay
    before = boundary(days, number_at(days, scope.instant - delay) - 1) + delay
    labels = view.events.new_labels(scope.name, before, scope.instant)["at"]
    rows = view.events.new_rows(scope.name, before, scope.instant)["at"]
    return np.sort(np.concatenate([micros(labels), micros(rows)]))


def _around(
    view: Snapshot, scope: Scope, at: "np.ndarray[tuple[int], np.dtype[np.int64]]"
) -> list[Window]:
    first, last = (pa.scalar(int(t), pa.timestamp("us", "UTC")).as_py() for t in (at[0], at[-1]))
    since: datetime = first - (scope.calendar.length or LONGEST) - timedelta(days=1)
    found = view.ledger.find(
        Window, model=scope.name, states=[WindowState.MATURED], since=since,
        until=last + timedelta(microseconds=1),
    )  # fmt: skip
    return [w for w in found if w.scored_at is not None and w.scored_at < scope.instant]


def _holds(window: Window, at: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> bool:
    begin, end = np.searchsorted(at, [micros_of(window.start), micros_of(window.end)])
    return bool(end > begin)


def _is_newer(view: Snapshot, scope: Scope, window: Window) -> bool:
    known = contents(view, scope, window, scope.instant).last_known
    return known is not None and window.scored_at is not None and known > window.scored_at
