"""On which rows a model is rehearsed: what its next window is compared with, and the windows that
set the thresholds of that."""

from datetime import datetime
from itertools import starmap

import numpy as np
import pyarrow as pa

from controlplane.domain.grid import Grid, boundary, number_at
from controlplane.domain.moving import Cast, Steps, cast, runs
from controlplane.domain.policy import Reference as Asked
from controlplane.domain.references import UNVERSIONED, Reference
from controlplane.monitor.material import Material, Part, gather
from controlplane.monitor.measuring import compared_with
from controlplane.monitor.rows import micros, micros_of
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Known, Snapshot


def ground(view: Snapshot, scope: Scope) -> tuple[Reference, Material] | None:
    """The reference of a window that begins now, with its rows; None where there is none.

    A reference that moves is read as it stands now: the rows before this instant, or this place in
    the seasons before, and the calibration windows that such a window has.
    """
    found = compared_with(view, scope, scope.instant)
    if isinstance(found, Asked):
        return _moving(view, scope, found)
    return None if found is None else (found, gather(view, scope, found))


def _moving(view: Snapshot, scope: Scope, asked: Asked) -> tuple[Reference, Material] | None:
    grid, first = scope.calendar.grid, view.events.counts(scope.name).first_at
    if grid is None or first is None:
        return None
    begin = number_at(grid, scope.instant)
    window = boundary(grid, begin), boundary(grid, begin + scope.calendar.overlap)
    found = cast(asked, scope.calendar, window, first)
    if found is None or not found.sample:
        return None
    spans = tuple((boundary(grid, a), boundary(grid, b)) for a, b in found.sample)
    material = _read(view, scope, grid, found)
    version = scope.champion_at(scope.instant)
    return Reference(
        id=f"{scope.name}/{version or ''}:{asked.kind}", model=scope.name,
        version=version or UNVERSIONED, start=spans[0][0], end=spans[-1][1],
        known_at=scope.instant, rows=material.sample.num_rows, made_at=scope.instant, spans=spans,
    ), material  # fmt: skip


def _read(view: Snapshot, scope: Scope, grid: Grid, found: Cast) -> Material:
    """The rows of a cast, as known by now; of windows without any there is nothing to sow into."""

    def stretch(start: int, end: int) -> pa.Table:
        known = Known(start=boundary(grid, start), end=boundary(grid, end), by=scope.instant)
        return view.events.rows(scope.name, scope.features, known)

    rows = pa.concat_tables(starmap(stretch, runs(found))).combine_chunks()
    at = micros(rows["at"])

    def within(steps: Steps) -> pa.Table:
        bounds: list[datetime] = [boundary(grid, number) for number in steps]
        first, last = np.searchsorted(at, [micros_of(bound) for bound in bounds])
        return rows.slice(int(first), int(last - first))

    cut = [(rank, within(rank.steps)) for rank in found.ranks]
    return Material(
        sample=pa.concat_tables(map(within, found.sample)).combine_chunks(),
        parts=tuple(
            Part(rows=part, inside=rank.inside, unlabelled=None)
            for rank, part in cut if part.num_rows
        ),
        answers=rows.slice(0, 0), answer_parts=(),
    )  # fmt: skip
