"""Metrics that are computed when they are asked for: those that are not followed, and of segments."""

from typing import Final

from controlplane.api import scored, wire
from controlplane.api.fleet import ALL_ROWS
from controlplane.domain.errors import NotFound
from controlplane.domain.models import Generation, Model
from controlplane.domain.windows import Realised, Score, Window
from controlplane.monitor.asked import figures, scope_of
from controlplane.policy.faults import nearest
from controlplane.policy.metrics import Outputs
from controlplane.store.ports import Snapshot

MOST_WINDOWS: Final = 60
"""Windows that are computed at one request, the newest of those asked for."""


class Question(scored.Span, frozen=True, kw_only=True):
    """A metric over a span, of a segment's part where one is named."""

    metric: str
    direction: str
    segment: str | None = None


def is_kept(snapshot: Snapshot, model: Model, metric: str) -> bool:
    """Whether every window keeps a metric: the one that is followed, and the task's loss."""
    found = snapshot.ledger.get(Generation, f"{model.id}/{model.generation}")
    if found is None:
        return True
    followed = found.policy.monitors.performance
    return metric == found.policy.trial.metric or (
        followed is not None and metric == followed.metric
    )


def series(snapshot: Snapshot, model: Model, asked: Question) -> wire.Metric:
    """A metric's series, each window's figure kept with it or computed now from its rows.

    Raises NotFound for a metric that the model's task does not have.
    """
    if model.schema is None:
        return _answer(model, asked, {})
    _check(model, asked.metric)
    lines: dict[str, list[wire.Point]] = {}
    for window, score in reversed(_windows(snapshot, model, asked)):
        kept = [
            r for r in score.by_segment if (r.segment, r.metric) == (asked.segment, asked.metric)
        ]
        found: list[Realised] = kept or figures(
            snapshot, model, window, score, metric=asked.metric, segment=asked.segment
        )
        for each in found:
            lines.setdefault(each.version, []).append(scored.point(score, each))
    if asked.segment is not None and not lines:
        _explain(snapshot, model, asked)
    return _answer(model, asked, lines)


def _windows(snapshot: Snapshot, model: Model, asked: Question) -> list[tuple[Window, Score]]:
    """The newest scored windows of a span with their latest revision known by then."""
    newest = snapshot.ledger.find(
        Window, model=model.id, since=asked.since, until=asked.until, newest_first=True,
        limit=min(asked.limit, MOST_WINDOWS),
    )  # fmt: skip
    scores = scored.latest_of(snapshot.ledger, newest, asked.as_of)
    return [(window, scores[window.id]) for window in newest if window.id in scores]


def _check(model: Model, metric: str) -> None:
    assert model.schema is not None
    task = model.schema.task
    known = Outputs(task).metrics
    if metric not in known:
        meant = nearest(metric, known)
        hint = f" (did you mean {meant}?)" if meant else ""
        raise NotFound(f"no metric {metric[:60]!r} for task {task}; expected one of "
                       f"{', '.join(known)}{hint}")  # fmt: skip


def _explain(snapshot: Snapshot, model: Model, asked: Question) -> None:
    """Raise NotFound where the model file names no such segment."""
    windows = _windows(snapshot, model, asked)
    if not windows:
        return
    names = [s.name for s in scope_of(snapshot, model, windows[0][1]).policy.segments]
    base = (asked.segment or "").partition("=")[0]
    if base not in names and asked.segment not in names:
        listed = ", ".join(names) or "none"
        raise NotFound(f"the model file has no segment {base[:60]!r}; it has {listed}")


def _answer(model: Model, asked: Question, lines: dict[str, list[wire.Point]]) -> wire.Metric:
    ordered = {ALL_ROWS: lines.get(ALL_ROWS, []), **lines}
    return wire.Metric(
        model=model.id, metric=asked.metric, direction=asked.direction, segment=asked.segment,
        series=[wire.Series(version=v, realised=points) for v, points in ordered.items()],
    )  # fmt: skip
