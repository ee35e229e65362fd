"""What is expected of a window before its labels are in, and how far that and the truth part.

A version's estimator is learned once, from labelled rows that the version was not trained on, and
kept in memory while the store is open: after a restart the same rows teach the same again.
"""

from datetime import timedelta
from typing import Final
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.budget import Family
from controlplane.domain.estimates import Estimated, together
from controlplane.domain.grid import DAY
from controlplane.domain.names import digest, seed_of
from controlplane.domain.policy import Performance
from controlplane.domain.windows import Score
from controlplane.monitor import estimator as estimators
from controlplane.monitor.estimator import ASSUMPTION, MAIN, Estimator, Told, learned, usable
from controlplane.monitor.rows import Contents, micros, micros_of, served
from controlplane.monitor.scope import Scope
from controlplane.monitor.unseen import FEWEST, unseen_rows
from controlplane.store.ports import Known, Snapshot, Store
from detectors.estimation import residual
from detectors.estimation.figures import Estimated as Figure
from detectors.estimation.residual import ESTIMATE, RESIDUAL, Usual, cohort_means, usual
from detectors.finding import Finding

MICROSECOND: Final = timedelta(microseconds=1)
MOST_KEPT: Final = 16
OWN: Final = frozenset({ESTIMATE, RESIDUAL})
"""The detectors whose findings are made here, anew at each revision."""
FEWEST_IN_COHORT: Final = 20
OWN_COHORTS: Final = 30
"""The first cohorts that a version serves, by which its estimates are judged where another fit
stood in for it."""
COHORTS: Final = 14
"""Into so many cohorts the reference is cut where windows are counted by rows."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What a revision holds of estimates: the figures, and the findings on them."""

    figures: tuple[Estimated, ...] = ()
    findings: tuple[Finding, ...] = ()


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """A version's estimator, with what its losses and their misses were by cohort.

    `size` is how many rows make a cohort where windows are counted, 0 where time does; without an
    estimator `why` says why.
    """

    key: str
    estimator: Estimator | None = None
    estimate: Usual | None = None
    residual: Usual | None = None
    own: bool = True
    """Whether the version itself scored what it was learned from, or gives no scores."""
    size: int = 0
    why: str | None = None


Answer = tuple[list[Estimated], pa.Table, Told | None]
"""A version's figures, the rows that can be used, and what is expected of them."""

_laws: "WeakKeyDictionary[Store, dict[str, Usual]]" = WeakKeyDictionary()
_kept: "WeakKeyDictionary[Store, dict[str, Learned]]" = WeakKeyDictionary()


def expectation(
    store: Store, view: Snapshot, scope: Scope, found: Contents, before: Score | None
) -> Expectation:
    """The estimates of a window's versions and of all its rows, and what they are judged as.

    At revision 0 and later; what no new row changed is kept from the revision `before`. The
    champion's estimated loss is judged at once, what was realised beyond it once labels close:
    both within the label-free family's part of the false-alarm budget.
    """
    monitor = scope.policy.monitors.performance
    if monitor is None or not monitor.estimate or not found.rows.num_rows:
        return Expectation()
    rows = _with_features(view, scope, found)
    names = sorted(pc.unique(rows["version"]).to_pylist())
    champion = scope.champion_at(min(found.window.end, scope.instant)) or names[0]
    known = {name: _learned(store, view, scope, monitor, name) for name in names}
    told = {
        name: _told(scope, known[name], found, _of_version(rows, name), monitor) for name in names
    }
    figures = [figure for name in names for figure in told[name][0]]
    law = _law(store, view, scope, known.get(champion), found, champion)
    findings = _judged(scope, found, before, law, told.get(champion), champion)
    return Expectation(
        figures=(*figures, *_overall(figures, monitor, scope)), findings=tuple(findings),
    )  # fmt: skip


def metrics_of(scope: Scope, monitor: Performance) -> tuple[str, ...]:
    """The followed metric first, then the main ones of the task."""
    return tuple(dict.fromkeys([monitor.metric, *MAIN[scope.schema.task]]))


def _told(
    scope: Scope, known: Learned, found: Contents, rows: pa.Table, monitor: Performance
) -> Answer:
    """A version's figures, and what is expected of each of its rows that can be used."""
    task, version = scope.schema.task, rows["version"][0].as_py()
    metrics = metrics_of(scope, monitor)
    if known.estimator is None:
        return [_blank(version, monitor.metric, rows.num_rows, known.why or "")], rows, None
    able = usable(scope.schema, rows)
    possible = [m for m in metrics if estimators.impossible(task, m, 0) is None]
    seed = seed_of(f"estimate {found.window.id} {version}")
    told = known.estimator.tell(able, possible, seed)
    figures = [_recorded(version, figure) for figure in told.figures]
    lacking = [estimators.impossible(task, m, able.num_rows) for m in metrics]
    figures += [_recorded(version, each) for each in lacking if each is not None]
    return figures, able, told


def _overall(figures: list[Estimated], monitor: Performance, scope: Scope) -> list[Estimated]:
    found = [
        together(metric, [f for f in figures if f.metric == metric])
        for metric in metrics_of(scope, monitor)
    ]
    return [figure for figure in found if figure is not None]


def _judged(
    scope: Scope, found: Contents, before: Score | None, known: Learned | None,
    told: Answer | None, champion: str,
) -> list[Finding]:  # fmt: skip
    """The champion's expected loss and, once labels have closed, what came beyond it."""
    if known is None or told is None or known.estimate is None:
        return []
    figures, rows, expected = told
    if expected is None:
        return []
    alpha = scope.budget().alpha(Family.LABEL_FREE) / 2.0
    cohort = _cohorts(scope, known.size, rows)
    means = cohort_means(expected.usual, cohort)
    hidden = all(figure.value is None for figure in figures)
    findings = [] if hidden else [
        residual.judged(ESTIMATE, known.estimate, means, alpha=alpha, rows=rows.num_rows)
    ]  # fmt: skip
    if before is None or known.residual is None:
        return findings
    labelled = usable(scope.schema, _of_version(found.labelled, champion))
    found_at = pc.index_in(labelled["id"], value_set=rows["id"].combine_chunks())
    place = pc.fill_null(found_at, -1).to_numpy().astype(np.int64)
    there = place >= 0
    realised = estimators.losses_of_rows(scope.schema, scope.loss, labelled)[there]
    missed = realised - expected.losses[place[there]]
    series = cohort_means(missed, cohort[place[there]])
    findings.append(
        residual.judged(RESIDUAL, known.residual, series, alpha=alpha, rows=int(there.sum()))
    )
    return findings


def _law(
    store: Store, view: Snapshot, scope: Scope, known: Learned | None, found: Contents,
    champion: str,
) -> Learned | None:  # fmt: skip
    """With what is expected of a version's cohorts as long as nothing changes.

    Where another fit stood in for the version, its scores are spread otherwise than the version's
    own, and with them what is expected of rows. What is usual is then taken from the cohorts that
    the version served first, before the window; with too few of them nothing is judged.
    """
    if known is None or known.own or known.estimator is None:
        return known
    kept = _laws.setdefault(store, {})
    name = f"{scope.name}/{champion} {known.key}"
    if (usual_so_far := kept.get(name)) is None:
        since = next((r.since for r in scope.reigns if r.version == champion), None)
        span = Known(start=since, end=found.window.start, by=scope.instant)
        served_rows = served(scope, view.events.rows(scope.name, scope.features, span))
        rows = usable(scope.schema, _of_version(served_rows, champion))
        means = cohort_means(known.estimator.usual(rows), _cohorts(scope, known.size, rows))
        assert known.residual is not None
        usual_so_far = usual(means[:OWN_COHORTS], loss=known.residual.loss, rows=rows.num_rows)
        if means.size >= OWN_COHORTS:
            kept[name] = usual_so_far
            while len(kept) > MOST_KEPT:
                kept.pop(next(iter(kept)))
    return msgspec.structs.replace(known, estimate=usual_so_far)


def _learned(
    store: Store, view: Snapshot, scope: Scope, monitor: Performance, version: str
) -> Learned:
    """What is known of a version; learned where nothing usable is kept."""
    kept = _kept.setdefault(store, {})
    key = digest(
        "e", scope.model.created_at, version, scope.schema, metrics_of(scope, monitor), scope.loss,
        scope.calendar.every, scope.calendar.rows,
    )  # fmt: skip
    name = f"{scope.name}/{version}"
    if (found := kept.get(name)) is not None and found.key == key and found.estimator is not None:
        return found
    made = _learn(view, scope, monitor, version, key)
    kept[name] = made
    while len(kept) > MOST_KEPT:
        kept.pop(next(iter(kept)))
    return made


def _learn(view: Snapshot, scope: Scope, monitor: Performance, version: str, key: str) -> Learned:
    unseen = unseen_rows(view, scope, version)
    rows = unseen.rows
    if (why := estimators.why_none(scope.schema, rows)) is not None:
        return Learned(key=key, why=why)
    rows = usable(scope.schema, rows)
    if rows.num_rows < FEWEST:
        why = (
            f"{rows.num_rows} labelled rows that it was not trained on are known by now; "
            f"{FEWEST} are needed"
        )
        return Learned(key=key, why=why)
    made = learned(
        scope.schema, rows, metrics_of(scope, monitor), scope.loss, seed_of(f"estimator {key}"),
        own=unseen.own,
    )  # fmt: skip
    losses = estimators.losses_of_rows(scope.schema, scope.loss, rows)
    size = 0
    if scope.calendar.rows is not None:
        size = min(scope.calendar.rows, max(rows.num_rows // COHORTS, FEWEST_IN_COHORT))
    cohort = _cohorts(scope, size, rows)
    loss = float(np.nanmean(losses))
    return Learned(
        key=key, estimator=made, size=size,
        own=unseen.own or not scope.schema.scores,
        estimate=usual(cohort_means(made.apart, cohort), loss=loss, rows=rows.num_rows),
        residual=usual(cohort_means(losses - made.apart, cohort), loss=loss, rows=rows.num_rows),
    )  # fmt: skip


def _cohorts(scope: Scope, size: int, rows: pa.Table) -> NDArray[np.int64]:
    """The cohort of each row: its label day, its window where that is shorter, or so many rows."""
    if size:
        return np.arange(rows.num_rows, dtype=np.int64) // size
    every = scope.calendar.every or DAY
    step = min(every, DAY) // MICROSECOND
    found: NDArray[np.int64] = (micros(rows["at"]) - micros_of(scope.calendar.origin)) // step
    return found


def _with_features(view: Snapshot, scope: Scope, found: Contents) -> pa.Table:
    """The window's rows with the features, which windows that slide do not hold."""
    if all(name in found.rows.column_names for name in scope.features):
        return found.rows
    known = Known(start=found.window.start, end=found.window.end, by=scope.instant)
    inputs = view.events.rows(scope.name, scope.features, known).select(["id", *scope.features])
    joined = found.rows.join(inputs, "id", join_type="inner")
    return joined.sort_by([("at", "ascending"), ("id", "ascending")])


def _of_version(rows: pa.Table, version: str) -> pa.Table:
    return rows.filter(pc.equal(rows["version"], version))


def _blank(version: str, metric: str, rows: int, why: str) -> Estimated:
    return Estimated(
        version=version, metric=metric, value=None, interval=None, rows=rows, method="",
        assumption=ASSUMPTION, hidden=why,
    )  # fmt: skip


def _recorded(version: str, figure: Figure) -> Estimated:
    return Estimated(
        version=version,
        **{name: getattr(figure, name) for name in figure.__struct_fields__},
    )
