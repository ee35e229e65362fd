"""What the monitors found: windows, findings, metrics, columns."""

from typing import Annotated

import pyarrow as pa
from litestar import get
from litestar.params import Dependency, Parameter

from controlplane.api import columns, fleet, kpis, measured, scored, wire
from controlplane.api.asking import (
    AsOf,
    Cursor,
    From,
    Limit,
    Order,
    Query,
    To,
    as_page,
    is_newest,
    moment,
    page,
    the,
    the_model,
)
from controlplane.api.auth import Scope, needs
from controlplane.api.parts import Given
from controlplane.api.threads import in_thread
from controlplane.domain.errors import NotFound
from controlplane.domain.models import Model
from controlplane.domain.performing import HIGHER_IS_BETTER
from controlplane.domain.references import Reference
from controlplane.domain.windows import Score, Window
from controlplane.monitor.dates import dated_from, levels_of, pictured
from controlplane.monitor.scope import policy_of
from controlplane.store.ports import Known, Snapshot


def span_of(
    *, from_: From = None, to: To = None, as_of: AsOf = None, limit: Limit = 100
) -> scored.Span:
    """A span of event time, and as of when it is looked at."""
    return scored.Span(
        since=moment(from_, "from"), until=moment(to, "to"), as_of=moment(as_of, "as_of"),
        limit=limit,
    )  # fmt: skip


Spanned = Annotated[scored.Span, Dependency(skip_validation=True)]


@get("/v1/models/{model:str}/windows", guards=[needs(Scope.READ)])
@in_thread
def list_windows(
    parts: Given, span: Spanned, model: str, cursor: Cursor = None, order: Order = None
) -> wire.Page[wire.Window]:
    """Windows by event time, the oldest first, each with its latest revision."""
    query = Query(
        model=model, since=span.since, until=span.until, newest_first=is_newest(order, "oldest")
    )
    with parts.store.read() as snapshot:
        the_model(snapshot.ledger, model)
        records, following = page(
            snapshot.ledger, Window, query, limit=span.limit, cursor=cursor,
            keep=lambda window: span.as_of is None or window.start <= span.as_of,
        )  # fmt: skip
        return as_page(scored.windows(snapshot.ledger, records, span.as_of), following)


@get("/v1/windows/{window:str}", guards=[needs(Scope.READ)])
@in_thread
def get_window(parts: Given, window: str, as_of: AsOf = None) -> wire.Window:
    """One window, with its latest revision."""
    with parts.store.read() as snapshot:
        record = the(snapshot.ledger, Window, window, "window")
        return scored.windows(snapshot.ledger, [record], moment(as_of, "as_of"))[0]


@get("/v1/windows/{window:str}/findings", guards=[needs(Scope.READ)])
@in_thread
def get_findings(
    parts: Given, window: str, revision: Annotated[int | None, Parameter(ge=0)] = None,
    as_of: AsOf = None,
) -> wire.WindowFindings:  # fmt: skip
    """Every finding of a window's latest revision, or of the one that is named."""
    with parts.store.read() as snapshot:
        record = the(snapshot.ledger, Window, window, "window")
        return scored.findings(snapshot.ledger, record, revision, moment(as_of, "as_of"))


@get(
    "/v1/models/{model:str}/metrics/{metric:str}", guards=[needs(Scope.READ)],
)  # fmt: skip
@in_thread
def get_metric(
    parts: Given, span: Spanned, model: str, metric: str, segment: str | None = None
) -> wire.Metric:
    """A metric over time: a series for all live rows (`*`) and one a version.

    The followed metric and the task's loss are kept with every window; any other metric of the
    task, and of a segment's part where one is named, is computed from the rows of the newest sixty
    windows. `kpi:NAME` is a business metric, as it was sent.
    """
    direction = "up" if metric in HIGHER_IS_BETTER else "down"
    with parts.store.read() as snapshot:
        record = the_model(snapshot.ledger, model)
        if metric.startswith(kpis.PREFIX):
            return kpis.series(snapshot, record, metric.removeprefix(kpis.PREFIX), span)
        if segment is None:
            found = scored.metric(snapshot.ledger, record, metric, direction, span)
            if any(line.realised for line in found.series) or measured.is_kept(
                snapshot, record, metric
            ):
                return found
        asked = measured.Question(
            since=span.since, until=span.until, as_of=span.as_of, limit=span.limit,
            metric=metric, direction=direction, segment=segment,
        )  # fmt: skip
        return measured.series(snapshot, record, asked)


@get(
    "/v1/models/{model:str}/columns/{column:str}", guards=[needs(Scope.READ)],
)  # fmt: skip
@in_thread
def get_column(
    parts: Given, model: str, column: str, window: str | None = None
) -> wire.ColumnPicture:
    """A feature over the reference and over a window (the latest scored one unless named).

    Of a column of dates, `booked_at`, also what is compared in its stead: `booked_at (age)`, in
    seconds, `booked_at (hour)` and `booked_at (weekday)`.
    """
    with parts.store.read() as snapshot:
        record = the_model(snapshot.ledger, model)
        dated = {} if record.schema is None else dated_from(record.schema)
        source = dated.get(column, column)
        kind = record.schema.kind_of(source) if record.schema else None
        if kind is None:
            raise NotFound(f"model {model} has no feature {column[:100]!r}")
        score = _score(snapshot, record, window)
        reference = _reference(snapshot, record, score)
        rows = [
            None if reference is None else _reference_rows(snapshot, reference, source),
            None if score is None else _window_rows(snapshot, score, source),
        ]
        zone = policy_of(snapshot, record).time_zone
    levels = levels_of(record.schema, column) if record.schema else ()
    values = [None if table is None else table[source] for table in rows]
    if source != column:
        kind, values = pictured(column, source, zone, rows)
    scale, sides = columns.counted(kind, *values, levels=levels)
    return wire.ColumnPicture(
        model=model, column=column, kind=kind, window=score.window if score else None,
        version=reference.version if reference else None, edges=scale.edges,
        levels=scale.levels, reference=sides[0], current=sides[1],
    )  # fmt: skip


def _score(snapshot: Snapshot, model: Model, window: str | None) -> Score | None:
    """The latest revision of a window; of the newest scored one where none is named."""
    ledger = snapshot.ledger
    if window is None:
        return fleet.newest_score(ledger, model)
    record = the(ledger, Window, window, "window")
    if record.model != model.id:
        raise NotFound(f"window {window[:100]} is not one of model {model.id}")
    return ledger.get(Score, f"{record.id}/{record.revision}")


def _reference(snapshot: Snapshot, model: Model, score: Score | None) -> Reference | None:
    """What the window was compared with; else the champion's reference."""
    named = score.reference if score else None
    if named is None and model.champion is not None:
        named = f"{model.id}/{model.champion}"
    return None if named is None else snapshot.ledger.get(Reference, named)


def _reference_rows(snapshot: Snapshot, reference: Reference, column: str) -> pa.Table:
    roles = ("reference",) if reference.uploaded else ("live",)
    found = [
        snapshot.events.rows(
            reference.model, [column], Known(start=start, end=end, by=reference.known_at),
            roles=roles,
        )
        for start, end in reference.spans or [(reference.start, reference.end)]
    ]  # fmt: skip
    return pa.concat_tables(found)


def _window_rows(snapshot: Snapshot, score: Score, column: str) -> pa.Table:
    known = Known(start=score.start, end=score.end, by=score.scored_at)
    return snapshot.events.rows(score.model, [column], known)
