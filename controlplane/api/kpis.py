"""Business metrics as they were sent: how a model's stand, and one of them over time."""

from typing import Final

from controlplane.api import scored, wire
from controlplane.api.fleet import ALL_ROWS, policy_of
from controlplane.domain.errors import NotFound
from controlplane.domain.models import Model
from controlplane.policy.faults import nearest
from controlplane.store.ports import Known, Snapshot

PREFIX: Final = "kpi:"
"""Before a KPI's name, where metrics are asked for."""


def series(snapshot: Snapshot, model: Model, name: str, asked: scored.Span) -> wire.Metric:
    """A KPI over time, the newest values: a series a version, `*` of those that name none.

    Raises NotFound for one of which there is no value.
    """
    known = Known(start=asked.since, end=asked.until, by=asked.as_of)
    found = snapshot.events.kpis.series(model.id, name, known, most=asked.limit)
    if not found.num_rows:
        _explain(snapshot, model, name)
    lines: dict[str, list[wire.Point]] = {}
    for row in found.to_pylist():
        point = wire.Point(
            window="", start=row["at"], end=row["at"], value=row["value"], interval=None, rows=1
        )
        lines.setdefault(row["version"] or ALL_ROWS, []).append(point)
    return wire.Metric(
        model=model.id, metric=PREFIX + name, direction=_directions(snapshot, model).get(name, "up"),
        series=[wire.Series(version=version, realised=points) for version, points in lines.items()],
    )  # fmt: skip


def listed(snapshot: Snapshot, model: Model) -> list[wire.Kpi]:
    """Every KPI that has a value or stands in the model file, by name."""
    told = {kpi.name: kpi for kpi in snapshot.events.kpis.all(model.id)}
    directions = _directions(snapshot, model)
    return [
        wire.Kpi(
            name=name, direction=directions.get(name),
            values=told[name].values if name in told else 0,
            last_at=told[name].last_at if name in told else None,
            last_value=told[name].last_value if name in told else None,
        )
        for name in sorted(told.keys() | directions.keys())
    ]  # fmt: skip


def _directions(snapshot: Snapshot, model: Model) -> dict[str, str]:
    generation = policy_of(snapshot.ledger, model)
    return {} if generation is None else generation.policy.monitors.kpis


def _explain(snapshot: Snapshot, model: Model, name: str) -> None:
    """Raise NotFound where a KPI has no value at all and the model file names none."""
    known = [kpi.name for kpi in listed(snapshot, model)]
    if name not in known:
        meant = nearest(name, known)
        hint = f" (did you mean {meant}?)" if meant else ""
        message = (
            f"model {model.id} has no KPI {name[:60]!r}{hint}; it has {', '.join(known) or 'none'}"
        )
        raise NotFound(message)
