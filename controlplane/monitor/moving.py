"""Measures that go on with the windows: trailing and seasonal references, from panes.

The bins are frozen once for many windows; the reference that a window has is the sum of its
panes, and so are its calibration windows. All of it as was known when the window's rows closed,
so that a later revision is measured as the first was.
"""

from collections.abc import Sequence
from datetime import datetime
from weakref import WeakKeyDictionary

import msgspec
import pyarrow as pa

from controlplane.domain.grid import boundary, number_at
from controlplane.domain.moving import Cast, Rank, cast, runs
from controlplane.domain.names import digest
from controlplane.domain.policy import Reference as Asked
from controlplane.domain.references import UNVERSIONED, Reference
from controlplane.domain.windows import Window
from controlplane.monitor.dates import compared
from controlplane.monitor.joint import calibrating_sums, whole_of
from controlplane.monitor.material import Part
from controlplane.monitor.panes import (
    Look,
    Pane,
    Shelf,
    answers_of,
    forget_before,
    panes_of,
    with_labels,
)
from controlplane.monitor.rows import prediction_columns, samples
from controlplane.monitor.scope import Scope
from controlplane.monitor.yardstick import (
    FORM,
    MOVING_VALUES,
    Counted,
    Measure,
    calibrated,
)
from controlplane.store.ports import Known, Snapshot, Store
from detectors.binning import Bins, Tally, freeze
from detectors.finding import Sample
from detectors.scores import Scores
from detectors.tables import summed
from detectors.tables.summed import Frozen
from detectors.tallies import as_reference, merge

_shelves: "WeakKeyDictionary[Store, dict[str, Shelf]]" = WeakKeyDictionary()
"""One a model; a model whose reference moves on has the bins of one time only."""
_windows: "WeakKeyDictionary[Store, dict[str, Shelf]]" = WeakKeyDictionary()
"""The panes of windows that slide, one a model."""


def moving_measure(
    store: Store, view: Snapshot, scope: Scope, window: Window, asked: Asked
) -> Measure | None:
    """The measure of a window by a reference that moves; None where nothing lies before it."""
    grid, first = scope.calendar.grid, view.events.counts(scope.name).first_at
    if grid is None or first is None:
        return None
    found = cast(asked, scope.calendar, (window.start, window.end), first)
    if found is None or not found.sample:
        return None
    look = Look(view=view, scope=scope, grid=grid, by=min(window.rows_close, scope.instant))
    shelf = _shelf(store, look, found, window)
    for stretch in runs(found):
        panes_of(look, shelf, stretch)
        with_labels(look, shelf, stretch)
    measure = _measured(look, shelf, found, window)
    forget_before(shelf, runs(found)[0][0])
    return measure


def window_panes(
    store: Store, view: Snapshot, scope: Scope, window: Window, measure: Measure
) -> list[Pane]:
    """The panes of a whole window that slides, counted on the bins that it is compared with."""
    grid = scope.calendar.grid
    assert grid is not None
    kept = _windows.setdefault(store, {})
    key = measure.yardstick.made_of
    shelf = kept.get(scope.name)
    if shelf is None or shelf.key != key:
        shelf = kept[scope.name] = Shelf(
            key=key, bins=measure.yardstick.bins, answers=(), version=None, served=True,
            together=measure.together,
            few=_rows_kept(scope), panes={},
        )  # fmt: skip
    steps = (number_at(grid, window.start), number_at(grid, window.end))
    forget_before(shelf, steps[0])
    return panes_of(Look(view=view, scope=scope, grid=grid, by=scope.instant), shelf, steps)


def _rows_kept(scope: Scope) -> int:
    """How many rows a step of a window that slides keeps, for the detectors that read values: all,
    while the window has no more values than a reference that moves."""
    return _most_rows(scope, scope.calendar.overlap)


def _most_rows(scope: Scope, steps: int) -> int:
    """The rows of a step that are kept where so many of them make a window or a reference."""
    return max(MOVING_VALUES // (max(len(scope.schema.features), 1) * steps), 1)


def _shelf(store: Store, look: Look, found: Cast, window: Window) -> Shelf:
    """The shelf on which the model's panes are, new where its bins are of another time."""
    kept = _shelves.setdefault(store, {})
    scope = look.scope
    version = scope.champion_at(window.start)
    known = _frozen_by(look, found, window)
    calendar = scope.calendar
    key = digest(
        "s", FORM, scope.model.created_at, found.frozen_on, version, known, scope.schema.features,
        calendar.origin, calendar.zone, calendar.every, calendar.span,
    )  # fmt: skip
    shelf = kept.get(scope.name)
    if shelf is None or shelf.key != key:
        steps = max(sum(end - start for start, end in found.sample), 1)
        bins, answers, whole = _frozen(look, found, version, known)
        shelf = Shelf(
            key=key, bins=bins, answers=answers, together=whole, version=version, served=False,
            few=_most_rows(scope, steps), panes={},
        )  # fmt: skip
        kept[scope.name] = shelf
    return shelf


def _frozen_by(look: Look, found: Cast, window: Window) -> datetime:
    """As known by when the bins are frozen: when the rows of the first window after them closed."""
    after = boundary(look.grid, found.frozen_on[1])
    first = look.view.ledger.find(Window, model=look.scope.name, since=after, limit=1)
    recorded = first[0] if first and first[0].start <= window.start else window
    return min((window if recorded.id == window.id else recorded).rows_close, look.by)


def _frozen(
    look: Look, found: Cast, version: str | None, by: datetime
) -> tuple[tuple[Bins, ...], tuple[Bins, ...], Frozen | None]:
    """The bins of all features, those of the version's predictions, and what is frozen of features
    together, on the same rows."""
    scope = look.scope
    known: Known = msgspec.structs.replace(look.known(found.frozen_on), by=by)
    rows = look.view.events.rows(scope.name, scope.features, known).combine_chunks()
    answers = answers_of(scope, rows, version)
    features = compared(scope, rows)
    return (
        tuple(freeze(sample) for sample in features.values()),
        tuple(freeze(s) for s in samples(answers, prediction_columns(scope.schema, answers)).values())
        if answers.num_rows else (),
        whole_of(scope, features),
    )  # fmt: skip


def _measured(look: Look, shelf: Shelf, found: Cast, window: Window) -> Measure:
    scope = look.scope
    held = [shelf.panes[n] for steps in found.sample for n in range(*steps)]
    bins = [
        as_reference(frozen, [pane.tallies[at] for pane in held])
        for at, frozen in enumerate(shelf.bins)
    ]
    ranks = [(rank, _panes(shelf, rank)) for rank in found.ranks]
    ranks = [(rank, panes) for rank, panes in ranks if any(pane.rows for pane in panes)]
    answers, answered = _answers(shelf, held, ranks)
    whole = _together(shelf, held)
    counted = Counted(
        bins=bins, windows=[_window(found, rank, panes) for rank, panes in ranks],
        parts=tuple(_part(look, rank, panes) for rank, panes in ranks),
        joint=_joint(scope, whole, found, ranks), answers=answers,
        answer_windows=[window for _, window in answered],
        answer_firsts=[boundary(look.grid, rank.steps[0]) for rank, _ in answered],
    )  # fmt: skip
    start = boundary(look.grid, found.sample[0][0])
    reference = Reference(
        id=_name(scope, shelf, window), model=scope.name, version=shelf.version or UNVERSIONED,
        start=start, end=boundary(look.grid, found.sample[-1][1]), known_at=look.by,
        rows=sum(pane.rows for pane in held), made_at=look.by,
        spans=tuple((boundary(look.grid, a), boundary(look.grid, b)) for a, b in found.sample),
    )  # fmt: skip
    return Measure(
        reference=reference, yardstick=calibrated(scope, counted, shelf.key),
        columns=_shown(scope, shelf, held), together=whole, is_recorded=False,
    )  # fmt: skip


def _name(scope: Scope, shelf: Shelf, window: Window) -> str:
    """The reference's id: its version's, and whose window it is."""
    owner = f"{scope.name}/{shelf.version}" if shelf.version else f"{scope.name}/"
    return f"{owner}:{window.id}"


def _panes(shelf: Shelf, rank: Rank) -> list[Pane]:
    return [shelf.panes[number] for number in range(*rank.steps)]


def _window(found: Cast, rank: Rank, panes: list[Pane]) -> list[Tally]:
    """A calibration window. Levels that came after the bins were frozen are as new to it as they
    are to the window that is judged, whether the reference holds it or not."""
    merged = [merge(each) for each in zip(*(pane.tallies for pane in panes), strict=True)]
    if rank.steps[0] < found.frozen_on[1]:
        return merged
    return [msgspec.structs.replace(tally, own=tally.unseen) for tally in merged]


def _part(look: Look, rank: Rank, panes: list[Pane]) -> Part:
    """A calibration window as far as counts tell of it: how many rows, and where in time."""
    rows = sum(pane.rows for pane in panes)
    labelled = [pane.labelled for pane in panes if pane.labelled is not None]
    unlabelled = max(0.0, 1.0 - sum(labelled) / rows) if len(labelled) == len(panes) else None
    start = pa.scalar(boundary(look.grid, rank.steps[0]), pa.timestamp("us", "UTC"))
    at = pa.table({"at": pa.repeat(start, rows)})
    return Part(rows=at, inside=rank.inside, unlabelled=unlabelled)


def _answers(
    shelf: Shelf, held: list[Pane], ranks: list[tuple[Rank, list[Pane]]]
) -> tuple[list[Bins], list[tuple[Rank, list[Tally]]]]:
    """The version's own predictions over the sample, and over its windows that have any."""
    given = [pane for pane in held if pane.answered]
    if not shelf.answers or not given:
        return [], []
    bins = [
        as_reference(frozen, [pane.answers[at] for pane in given])
        for at, frozen in enumerate(shelf.answers)
    ]
    windows = [
        (
            rank,
            [merge(each) for each in zip(*(p.answers for p in panes if p.answered), strict=True)],
        )
        for rank, panes in ranks
        if rank.inside and any(pane.answered for pane in panes)
    ]
    return bins, windows


def _together(shelf: Shelf, held: list[Pane]) -> Frozen | None:
    """What is usual of rows with all their columns: the sum of the panes."""
    parts = [pane.together for pane in held if pane.together is not None]
    if shelf.together is None:
        return None
    return summed.as_reference(shelf.together, summed.merge(parts))


def _joint(
    scope: Scope, whole: Frozen | None, found: Cast, ranks: list[tuple[Rank, list[Pane]]]
) -> Sequence[Scores]:
    if whole is None:
        return ()
    parts = [[pane.together for pane in panes if pane.together is not None] for _, panes in ranks]
    first, end = found.frozen_on
    return calibrating_sums(
        scope, whole, [summed.merge(each) for each in parts],
        inside=[rank.inside for rank, _ in ranks],
        fitted=[rank.steps[0] < end and rank.steps[1] > first for rank, _ in ranks],
    )  # fmt: skip


def _shown(scope: Scope, shelf: Shelf, held: list[Pane]) -> dict[str, Sample]:
    """The rows that panes keep, for the detectors that read values."""
    few = pa.concat_tables([pane.few for pane in held], promote_options="permissive")
    answers = answers_of(scope, few, shelf.version)
    return {
        **compared(scope, few, [frozen.column for frozen in shelf.bins]),
        **samples(answers, prediction_columns(scope.schema, answers)),
    }
