"""Steps of event time as counts, each read from the store once and added up for many windows.

A pane holds what is known of one step: its rows counted on bins that many windows share, and a
few of its rows for the detectors that read values. What is kept is checked by its count of rows:
where rows came since, the step that they belong to is read again, and no other.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.grid import Grid, boundary
from controlplane.domain.moving import Steps
from controlplane.monitor.dates import compared
from controlplane.monitor.rows import micros, micros_of, prediction_columns, samples, served
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Known, Snapshot
from detectors.binning import Bins, Tally, tally
from detectors.finding import Sample
from detectors.tables.summed import Frozen, Sums, counted
from detectors.tables.table import Table

MOST_AT_ONCE: Final = 200_000
"""Rows that are read in one go, unless a single step has more."""


class Pane(msgspec.Struct, frozen=True, kw_only=True):
    """A step's rows as counts, a tally a column in the order of the bins; `answers` counts what the
    version in question predicted, `answered` how many rows that was; `together` are the sums over
    rows with all their columns, where these are compared; `few` are some of the rows.

    `labelled` are the rows that had a label when the step's labels closed; None before.
    """

    rows: int
    tallies: tuple[Tally, ...]
    answers: tuple[Tally, ...]
    answered: int
    together: Sums | None
    few: pa.Table
    labelled: int | None = None


class Shelf(msgspec.Struct, kw_only=True):
    """The panes on one set of bins, and on what was frozen of whole rows with them (`together`).
    `key` names all that they depend on but the rows themselves;
    `version` is whose predictions are counted, None: all; `few` how many rows a pane keeps."""

    key: str
    bins: tuple[Bins, ...]
    answers: tuple[Bins, ...]
    together: Frozen | None
    version: str | None
    served: bool
    few: int
    panes: dict[int, Pane]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Whence panes are read, and as known by when."""

    view: Snapshot
    scope: Scope
    grid: Grid
    by: datetime

    def known(self, steps: Steps) -> Known:
        """The event time of some steps, as known by then."""
        return Known(
            start=boundary(self.grid, steps[0]), end=boundary(self.grid, steps[1]), by=self.by
        )


def panes_of(look: Look, shelf: Shelf, steps: Steps) -> list[Pane]:
    """The panes of some steps, those read that are missing or have other rows by now."""
    _refresh(look, shelf, steps)
    return [shelf.panes[number] for number in range(*steps)]


def with_labels(look: Look, shelf: Shelf, steps: Steps) -> list[Pane]:
    """The same with how many rows had a label when the labels of each step closed."""
    delay = look.scope.calendar.delay
    missing = [
        number
        for number in range(*steps)
        if shelf.panes[number].labelled is None
        and boundary(look.grid, number + 1) + delay <= look.by
    ]
    if missing:
        _count_labels(look, shelf, missing, delay)
    return [shelf.panes[number] for number in range(*steps)]


def forget_before(shelf: Shelf, step: int) -> None:
    """Let go of the panes that no later window asks for."""
    for number in [n for n in shelf.panes if n < step]:
        del shelf.panes[number]


def _refresh(look: Look, shelf: Shelf, steps: Steps) -> None:
    start, end = steps
    if start >= end:
        return
    rows = look.view.events.count(look.scope.name, look.known(steps), served=shelf.served)
    held = [shelf.panes[number] for number in range(start, end) if number in shelf.panes]
    if len(held) == end - start and sum(pane.rows for pane in held) == rows:
        return
    if end - start == 1 or (not held and rows <= MOST_AT_ONCE):
        _read(look, shelf, steps)
        return
    middle = (start + end) // 2
    _refresh(look, shelf, (start, middle))
    _refresh(look, shelf, (middle, end))


def _read(look: Look, shelf: Shelf, steps: Steps) -> None:
    scope = look.scope
    rows = look.view.events.rows(scope.name, scope.features, look.known(steps)).combine_chunks()
    rows = served(scope, rows) if shelf.served else rows
    for number, part in zip(range(*steps), cut(look.grid, steps, rows), strict=True):
        shelf.panes[number] = _pane(scope, shelf, part)


def cut(grid: Grid, steps: Steps, rows: pa.Table) -> list[pa.Table]:
    """Rows in order of time cut by the steps that they lie in."""
    bounds = [micros_of(boundary(grid, number)) for number in range(steps[0], steps[1] + 1)]
    places = np.searchsorted(micros(rows["at"]), bounds).tolist()
    return [rows.slice(a, b - a) for a, b in pairwise(places)]


def _pane(scope: Scope, shelf: Shelf, part: pa.Table) -> Pane:
    mine = answers_of(scope, part, shelf.version)
    columns = samples(mine, prediction_columns(scope.schema, mine))
    known = all(frozen.column in columns for frozen in shelf.answers)
    features = compared(scope, part, [frozen.column for frozen in shelf.bins])
    pace = max(-(-part.num_rows // max(shelf.few, 1)), 1)
    return Pane(
        rows=part.num_rows, tallies=_counted(shelf.bins, features),
        answers=_counted(shelf.answers, columns) if known else (),
        answered=mine.num_rows if known else 0,
        together=None if shelf.together is None
        else counted(shelf.together, Table(tuple(features.values()))),
        few=part.take(pa.array(range(0, part.num_rows, pace), pa.int64())).combine_chunks(),
    )  # fmt: skip


def answers_of(scope: Scope, rows: pa.Table, version: str | None) -> pa.Table:
    """The rows that a version predicted; of None, all that anybody did."""
    rows = served(scope, rows)
    if version is None:
        return rows
    return rows.filter(pc.equal(rows["version"], version))


def _counted(bins: Sequence[Bins], columns: Mapping[str, Sample]) -> tuple[Tally, ...]:
    return tuple(tally(frozen, columns[frozen.column]) for frozen in bins)


def _count_labels(look: Look, shelf: Shelf, missing: list[int], delay: timedelta) -> None:
    """One question for the stretch that lacks them; each step by when its own labels closed."""
    steps = (missing[0], missing[-1] + 1)
    known = look.known(steps)
    told = look.view.events.labelled(look.scope.name, [], known)
    for number, part in zip(range(*steps), cut(look.grid, steps, told), strict=True):
        closed = boundary(look.grid, number + 1) + delay
        if closed > look.by:
            continue
        in_time = pc.less_equal(part["label_known_at"], pa.scalar(closed))
        labelled = int(pc.sum(in_time).as_py() or 0)
        pane = shelf.panes[number]
        shelf.panes[number] = msgspec.structs.replace(pane, labelled=labelled)
