"""How well a window's predictions turned out: a version, and all live rows together."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.grid import DAY, boundary_after
from controlplane.domain.references import UNVERSIONED
from controlplane.domain.windows import FEWEST_DAYS, WEEK, Realised, Window
from controlplane.monitor.rows import Contents, labelled_rows, scores_of
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Known, Snapshot
from detectors import performance

MOMENT: Final = timedelta(microseconds=1)
ALL: Final = "*"


def realised(scope: Scope, found: Contents) -> tuple[Realised, ...]:
    """The followed metric, and the task's loss where that is another, of each version and of all.

    A version's entries stand together, in the order of the versions' names; `*`, all live rows,
    comes last. Nothing where the file switches performance off or no label is known. In a window
    of five days or more, rows of fewer days have no interval: they show those days, not the model.
    """
    monitor = scope.policy.monitors.performance
    if monitor is None or found.labelled.num_rows == 0:
        return ()
    metrics = list(dict.fromkeys([monitor.metric, scope.loss]))
    is_long = found.window.end - found.window.start >= FEWEST_DAYS
    return tuple(
        figure
        for version, rows in _by_version(found.labelled)
        for figure in _figures(scope, version, rows, metrics, bare=is_long)
    )


def lately(view: Snapshot, scope: Scope, window: Window) -> tuple[Realised, ...]:
    """The champion's figures over the week up to a short window's end, days being their units.

    What a single day shows of a model is that day: rain, a holiday, a strike. An interval that
    is to say how well the model does now has to know how much days differ. Of windows shorter
    than a day the last one of each day has them. Nothing where the window is long enough itself.
    """
    monitor = scope.policy.monitors.performance
    if monitor is None or not _is_short(scope, window):
        return ()
    champion = scope.champion_at(window.end) or UNVERSIONED
    week = Known(start=window.end - WEEK, end=window.end, by=scope.instant)
    rows = labelled_rows(view, scope, week)
    rows = rows.filter(pc.equal(rows["version"], champion))
    if rows.num_rows == 0:
        return ()
    metrics = list(dict.fromkeys([monitor.metric, scope.loss]))
    return _figures(scope, champion, rows, metrics)


def _figures(
    scope: Scope, version: str, rows: pa.Table, metrics: list[str], *, bare: bool = True
) -> tuple[Realised, ...]:  # fmt: skip
    """A figure a metric; where `bare`, without interval if the rows are of too few days."""
    found = [figure_of(scope, version, rows, metric) for metric in metrics]
    days = pc.count_distinct(pc.floor_temporal(_on_its_clocks(scope, rows), unit="day")).as_py()
    if bare and days * DAY < FEWEST_DAYS:
        found = [msgspec.structs.replace(figure, interval=None) for figure in found]
    return tuple(found)


def _is_short(scope: Scope, window: Window) -> bool:
    length = window.end - window.start
    if length >= FEWEST_DAYS:
        return False
    ends_a_day = boundary_after(scope.calendar.days, window.end - MOMENT) == window.end
    return (
        (length >= DAY and scope.calendar.overlap == 1)
        or ends_a_day
        or window.rows_last is not None
    )


def losses_of(scope: Scope, rows: pa.Table) -> NDArray[np.float64]:
    """The task's loss of each labelled row; NaN where it cannot be told."""
    return performance.losses(
        str(scope.schema.task), scope.loss, rows["label"], rows["prediction"],
        scores_of(scope.schema, rows),
    )  # fmt: skip


def _by_version(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    names = sorted(pc.unique(rows["version"]).to_pylist())
    for name in names:
        yield name, rows if len(names) == 1 else rows.filter(pc.equal(rows["version"], name))
    yield ALL, rows


def figure_of(scope: Scope, version: str, rows: pa.Table, metric: str) -> Realised:
    """A metric of labelled rows under a version's name, and their mean loss."""
    value, interval, count = performance.realised(
        str(scope.schema.task), metric, rows["label"], rows["prediction"],
        scores_of(scope.schema, rows), _on_its_clocks(scope, rows).to_numpy(),
        positive=scope.schema.positive,
    )  # fmt: skip
    each = losses_of(scope, rows)
    loss = float(np.nanmean(each)) if np.isfinite(each).any() else None
    return Realised(
        version=version, metric=metric, value=value, interval=interval, rows=count, loss=loss
    )


def _on_its_clocks(scope: Scope, rows: pa.Table) -> pa.ChunkedArray:
    """Event times as clocks in the model's time zone showed them: days are its days."""
    return pc.local_timestamp(rows["at"].cast(pa.timestamp("us", scope.calendar.zone)))
