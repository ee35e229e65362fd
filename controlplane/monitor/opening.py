"""Windows come into being as event time goes on."""

from datetime import datetime

import pyarrow.compute as pc

from controlplane.domain.models import Model
from controlplane.domain.states import WindowState
from controlplane.domain.windows import Counted, Window, counted, opened
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Snapshot, Store, Transaction

UNSETTLED = (WindowState.OPEN, WindowState.CLOSED, WindowState.SCORED)


def unsettled(store: Store, scope: Scope) -> list[Window]:
    """The windows whose labels are still open, oldest first, those among them that begin now.

    New ones are stored at once. A replay that has ended opens none after its last row.
    """
    with store.read() as view:
        windows = view.ledger.find(Window, model=scope.name, states=UNSETTLED)
        fresh = _fresh(view, scope)
    if fresh:
        store.write(lambda t: _add(t, fresh)).result()
    if scope.ended_at is not None:
        with store.read() as view:
            last_at = view.events.counts(scope.name).last_at
        windows = [w for w in windows if last_at is not None and w.start <= last_at]
    return sorted([*windows, *fresh], key=lambda window: window.number)


def _fresh(view: Snapshot, scope: Scope) -> list[Window]:
    recorded = view.ledger.find(Window, model=scope.name, newest_first=True, limit=1)
    last = recorded[0] if recorded else None
    if scope.calendar.rows is not None:
        return _counted(view, scope)
    start = scope.model.serving_from
    assert start is not None, "a scope is open only where windows have a beginning"
    until = scope.instant
    if scope.ended_at is not None:
        last_at = view.events.counts(scope.name).last_at
        until = min(until, start if last_at is None else last_at)
    return list(opened(scope.calendar, serving_from=start, last=last, until=until))


def _counted(view: Snapshot, scope: Scope) -> list[Window]:
    """The windows that are full by now; at the end of a replay the rest makes one more."""
    every = view.ledger.find(Window, model=scope.name)
    number = len(every)
    begin = max((w.rows_last or 0 for w in every), default=0)
    size = scope.calendar.rows
    assert size is not None
    found: list[Window] = []
    while (window := _next(view, scope, begin, number + len(found) + 1)) is not None:
        found.append(window)
        begin += size
    return found


def _next(view: Snapshot, scope: Scope, begin: int, number: int) -> Window | None:
    size = scope.calendar.rows
    assert size is not None
    rows = view.events.row_numbers(scope.name, begin, begin + size)
    known = rows.filter(pc.less_equal(rows["known_at"], scope.instant))
    if known.num_rows == 0 or (known.num_rows < size and scope.ended_at is None):
        return None
    bounds = pc.min_max(known["at"]).as_py()
    last: datetime = pc.max(known["known_at"]).as_py()
    return counted(
        scope.calendar, number,
        Counted(first=begin, rows=known.num_rows, least_at=bounds["min"],
                greatest_at=bounds["max"], known_at=last),
    )  # fmt: skip


def _add(t: Transaction, windows: list[Window]) -> None:
    if t.ledger.get(Model, windows[0].model) is None:
        return
    for window in windows:
        t.ledger.add(window)
