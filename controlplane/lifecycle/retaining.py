"""Which rows of a model are older than they are to be kept, and which of those are needed still."""

from datetime import datetime
from typing import Final

from controlplane.domain.grid import boundary, number_at
from controlplane.domain.guards import Guard
from controlplane.domain.models import Model
from controlplane.domain.moving import MOVING, reach, trailing
from controlplane.domain.policy import Policy
from controlplane.domain.policy import Reference as Asked
from controlplane.domain.references import UNVERSIONED, WANTED, Reference, calibration_spans
from controlplane.domain.runs import Run
from controlplane.domain.states import GuardState, RunState, TrialState, WindowState
from controlplane.domain.trials import Trial
from controlplane.domain.windows import Calendar, Window, calendar_of
from controlplane.store.keeping import Aged
from controlplane.store.ports import LedgerReader

UNSETTLED: Final = (WindowState.OPEN, WindowState.CLOSED, WindowState.SCORED)
READING: Final = (RunState.QUEUED, RunState.RUNNING)
"""Runs that read rows, or will in a moment."""
BEGINNING: Final = datetime.fromisoformat("0001-01-01T00:00:00+00:00")

Span = tuple[datetime, datetime]


def aged_rows(
    ledger: LedgerReader, model: Model, policy: Policy, *, older_than: datetime,
    first_at: datetime,
) -> Aged | None:  # fmt: skip
    """The rows from before `older_than` that nothing needs; None: none of them, for now.

    Needed are: windows whose labels are open, with what they are compared with where that moves;
    a running trial's and a watching guard's rows; the reference in force (and the one that a
    guard may go back to) with the windows that set its thresholds; everything while a run reads.
    `first_at` is the event time of the model's first row.
    """
    if ledger.find(Run, model=model.id, states=READING, limit=1):
        return None
    calendar = calendar_of(model, policy)
    windows = ledger.find(Window, model=model.id, states=UNSETTLED)
    trials = ledger.find(Trial, model=model.id, states=(TrialState.RUNNING,))
    guards = ledger.find(Guard, model=model.id, states=(GuardState.WATCHING,))
    latest = ledger.find(Window, model=model.id, newest_first=True, limit=1)
    edge = min([older_than, *(w.start for w in windows), *(w.end for w in latest),
                *(t.start for t in trials), *(g.start for g in guards)])  # fmt: skip
    if (asked := _moving(policy, model, calendar)) is not None and calendar.grid is not None:
        edge = _reaching_back(asked, calendar, edge, first_at)
    versions = {model.champion or UNVERSIONED, *(g.previous for g in guards)}
    kept = tuple(
        span
        for reference in _references(ledger, model, policy)
        if reference.version in versions and not reference.uploaded
        for span in _needed(reference, calendar, first_at)
    )
    if edge <= first_at:
        return None
    return Aged(before=edge, kept=kept, rows_kept_from=_first_row(calendar, windows, latest))


def _references(ledger: LedgerReader, model: Model, policy: Policy) -> list[Reference]:
    """What is recorded, and the span that the file names, which may not be yet."""
    found = ledger.find(Reference, model=model.id)
    fixed = policy.reference
    if fixed.start is not None and fixed.end is not None:
        found.append(Reference(
            id="", model=model.id, version=model.champion or UNVERSIONED, start=fixed.start,
            end=fixed.end, known_at=fixed.end, rows=0, made_at=fixed.end,
        ))  # fmt: skip
    return found


def _needed(reference: Reference, calendar: Calendar, first_at: datetime) -> list[Span]:
    """The sample, the windows that set its thresholds, and those that an operator added."""
    if calendar.rows is not None:
        return [(BEGINNING, reference.end), *reference.confirmed]
    spans = calibration_spans(calendar, reference, min(first_at, reference.start))
    start = min([reference.start, *(span.start for span in spans)])
    return [(start, reference.end), *reference.confirmed]


def _moving(policy: Policy, model: Model, calendar: Calendar) -> Asked | None:
    """The reference that moves on with the windows, if that is what they are compared with."""
    if policy.reference.kind in MOVING:
        return policy.reference
    if model.champion is None and calendar.grid is not None:
        return trailing(WANTED, calendar)
    return None


def _reaching_back(
    asked: Asked, calendar: Calendar, edge: datetime, first_at: datetime
) -> datetime:
    """How far back a window that begins at `edge` needs rows: its sample, and the windows that set
    its thresholds. Whole lengths of the sample go, since its bins are cut by where rows begin."""
    grid = calendar.grid
    assert grid is not None
    steps = reach(asked, grid)
    first = number_at(grid, first_at)
    free = number_at(grid, edge) - 2 * steps - WANTED * calendar.overlap - first
    return boundary(grid, first + max(free // steps, 0) * steps) if free > 0 else first_at


def _first_row(calendar: Calendar, windows: list[Window], latest: list[Window]) -> int | None:
    """The number of the first row that counted windows need; None of windows by time."""
    if calendar.rows is None:
        return None
    settled = max((w.rows_last or 0 for w in latest), default=0)
    return min([settled, *(w.rows_first or 0 for w in windows)])
