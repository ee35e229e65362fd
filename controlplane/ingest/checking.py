"""Row by row: stored or rejected, and why; but column by column wherever that is enough."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.errors import BadInput, Refused
from controlplane.domain.schema import Schema, Task
from controlplane.ingest.batch import LONGEST_NAME, Batch, Feed, Values
from controlplane.ingest.coercion import (
    COERCIONS,
    INSTANT,
    classes,
    finite_numbers,
    instants,
    present_numbers,
)
from controlplane.ingest.ids import ids
from controlplane.ingest.rejection import Rejection, rejection_of
from controlplane.ingest.taking import Taker, count_of

AHEAD: Final = timedelta(minutes=5)
"""How far `at` may lie after `known_at`, and that after the server's clock: clocks differ."""
FURTHEST: Final = 2 * AHEAD
"""How far after the server's clock a row of a live model can have happened."""
LONGEST_ID: Final = 1_000
"""Characters."""
ROLES: Final = ("live", "shadow", "canary")
_TIME: Final = "a time with an offset, such as 2024-03-01T06:00:00Z"
_NOT_AHEAD: Final = {
    "at": "a time at most 5 minutes after it became known",
    "known_at": "a time at most 5 minutes after the server's clock",
}


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Under which rows are taken. `known_at` is the server's clock."""

    feed: Feed
    known_at: datetime
    may_backdate: bool = False
    version: str | None = None
    """The version that a reference belongs to."""
    label: str = "label"
    """The model's own name for the label's column."""
    is_live: bool = True
    """Whether the model's time is the server's clock, which no row may then be ahead of."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Rows ready for the store: `rows` as predictions, `labels` as labels, `kpis` as business
    metrics, None where the feed has none. `unknown` counts the values of each column that is
    stored nowhere."""

    schema: Schema
    rows: pa.Table | None
    labels: pa.Table | None
    kpis: pa.Table | None = None
    rejection: Rejection
    unknown: dict[str, int]
    good: NDArray[np.bool_] | None = None
    """Which rows of the batch are those; None where all are."""

    def only(self, kept: NDArray[np.bool_]) -> "Checked":
        """Those of the rows that are marked, shape (rows,); of no reference, which has fewer labels
        than rows."""
        mask = pa.array(kept)
        rows, labels, kpis = (
            None if table is None else table.filter(mask)
            for table in (self.rows, self.labels, self.kpis)
        )
        return msgspec.structs.replace(self, rows=rows, labels=labels, kpis=kpis)


def check(batch: Batch, schema: Schema, terms: Terms) -> Checked:
    """Sort the rows of a batch. Raises Refused (known_at), BadInput (a reference of no feature)."""
    if not terms.may_backdate and _some(batch.columns.get("known_at")):
        message = "known_at may be set only by a token with the scope operate; leave it out"
        raise Refused(message)
    taker = Taker(batch)
    taken = {"known_at": _known_at(taker, terms)}
    table = labels = kpis = None
    if terms.feed is Feed.LABELS:
        labels = _labels(taker, schema, terms, taken)
    elif terms.feed is Feed.KPIS:
        kpis = _kpis(taker, terms, taken)
    else:
        if terms.feed is Feed.REFERENCE and batch.rows:
            _need_a_feature(batch, schema)
        table = _predictions(taker, schema, terms, taken)
        labels = _told(taker, table, schema, terms) if terms.feed is Feed.REFERENCE else None
    good = taker.good()
    rejection = rejection_of(batch, taker.faults, good)
    if not good.all():
        kept = pa.array(good)
        table, labels, kpis = (None if t is None else t.filter(kept) for t in (table, labels, kpis))
    if labels is not None and terms.feed is Feed.REFERENCE:
        labels = labels.filter(pc.is_valid(labels["label"]))
    return Checked(
        schema=schema, rows=table, labels=labels, kpis=kpis, rejection=rejection,
        unknown=taker.unknown(), good=None if good.all() else good,
    )  # fmt: skip


def _predictions(
    taker: Taker, schema: Schema, terms: Terms, taken: dict[str, pa.ChunkedArray]
) -> pa.Table:
    reference = terms.feed is Feed.REFERENCE
    rows = taker.batch.rows
    columns: dict[str, object] = {
        "id": _ids(taker, terms), "at": _at(taker, taken["known_at"], needed=not reference),
        **taken,
        "version": _versions(taker, terms), "role": _repeat("reference", rows) if reference else _roles(taker),
        "prediction": _outcome(taker, schema.prediction, schema, needed=False),
    }  # fmt: skip
    for label, name in schema.scores.items():
        values = taker.take(name, present_numbers, "a number")
        columns[f"score:{label}"] = pa.nulls(rows, pa.float64()) if values is None else values
    for column in schema.features:
        coerce, expected = COERCIONS[column.kind]
        values = taker.take(column.name, coerce, expected)
        if values is not None:
            columns[column.name] = values
    return pa.table(columns)


def _labels(
    taker: Taker, schema: Schema, terms: Terms, taken: dict[str, pa.ChunkedArray]
) -> pa.Table:
    at = taker.take("at", instants, _TIME)
    if at is not None:
        _not_ahead(taker, "at", at, taken["known_at"])
    return pa.table({
        "id": _ids(taker, terms),
        "label": _outcome(taker, _label_name(taker, terms), schema, needed=True),
        "known_at": taken["known_at"],
        "at": pa.nulls(taker.batch.rows, INSTANT) if at is None else at,
    })  # fmt: skip


def _kpis(taker: Taker, terms: Terms, taken: dict[str, pa.ChunkedArray]) -> pa.Table:
    """Business metrics: what they are called, when, how much, of which version if of one."""
    names = taker.take("name", classes, "the name of a KPI")
    taker.need("name", names, "the name of a KPI")
    value = taker.take("value", finite_numbers, "a finite number")
    taker.need("value", value, "a finite number")
    if names is None:
        names = _repeat(None, taker.batch.rows, pa.string())
    if value is None:
        value = _repeat(None, taker.batch.rows, pa.float64())
    length = pc.fill_null(pc.utf8_length(names), 0)
    taker.fault("name", pc.equal(length, 0).to_numpy(), "the name of a KPI")
    long = pc.greater(length, LONGEST_NAME).to_numpy()
    taker.fault("name", long, f"at most {LONGEST_NAME} characters")
    return pa.table({
        "name": names, "at": _at(taker, taken["known_at"], needed=True), **taken,
        "version": _versions(taker, terms), "value": value,
    })  # fmt: skip


def _need_a_feature(batch: Batch, schema: Schema) -> None:
    wanted = [column.name for column in schema.features]
    if wanted and batch.columns.keys().isdisjoint(wanted):
        message = f"the columns are {', '.join(batch.columns)[:200]}; expected features, such as {wanted[0]}"
        raise BadInput(message)


def _told(taker: Taker, rows: pa.Table, schema: Schema, terms: Terms) -> pa.Table:
    """The labels that reference rows carry; each names its own row's time."""
    label = _outcome(taker, _label_name(taker, terms), schema, needed=False)
    return rows.select(["id", "known_at", "at"]).append_column("label", label)


def _label_name(taker: Taker, terms: Terms) -> str:
    return "label" if "label" in taker.batch.columns else terms.label


def _ids(taker: Taker, terms: Terms) -> pa.ChunkedArray:
    if terms.feed is Feed.REFERENCE and "id" not in taker.batch.columns:
        named = f"reference-{taker.batch.digest}-"
        return pa.chunked_array([[f"{named}{row}" for row in range(taker.batch.rows)]], pa.string())
    found = taker.take("id", ids, "a text or a whole number")
    if found is None:
        taker.need("id", None, "an id")
        return pa.chunked_array([pa.nulls(taker.batch.rows, pa.string())])
    length = pc.fill_null(pc.utf8_length(found), 0)
    taker.fault("id", pc.equal(length, 0).to_numpy(), "an id")
    taker.fault("id", pc.greater(length, LONGEST_ID).to_numpy(), f"at most {LONGEST_ID} characters")
    return found


def _at(taker: Taker, known_at: pa.ChunkedArray, *, needed: bool) -> pa.ChunkedArray:
    """Event times; of a reference that has none, when it became known."""
    at = taker.take("at", instants, _TIME)
    if needed:
        taker.need("at", at, _TIME)
    if at is None:
        return known_at
    _not_ahead(taker, "at", at, known_at)
    return at if needed else pc.coalesce(at, known_at)


def _not_ahead(taker: Taker, name: str, times: pa.ChunkedArray, clock: pa.ChunkedArray) -> None:
    limit = pc.add(clock, pa.scalar(AHEAD, pa.duration("us")))
    ahead = pc.fill_null(pc.greater(times, limit), fill_value=False).to_numpy()
    taker.fault(name, ahead, _NOT_AHEAD[name])


def _known_at(taker: Taker, terms: Terms) -> pa.ChunkedArray:
    now = _repeat(terms.known_at, taker.batch.rows, INSTANT)
    told = taker.take("known_at", instants, _TIME)
    if told is None:
        return now
    if terms.is_live:
        _not_ahead(taker, "known_at", told, now)
    return pc.coalesce(told, now)


def _versions(taker: Taker, terms: Terms) -> pa.ChunkedArray:
    rows = taker.batch.rows
    told = taker.take("version", classes, "the name of a version")
    given = _repeat(terms.version, rows, pa.string())
    versions = given if told is None else pc.coalesce(told, given)
    long = pc.fill_null(pc.greater(pc.utf8_length(versions), LONGEST_NAME), fill_value=False)
    taker.fault("version", long.to_numpy(), f"at most {LONGEST_NAME} characters")
    return versions


def _roles(taker: Taker) -> pa.ChunkedArray:
    told = taker.take("role", classes, f"one of {', '.join(ROLES)}")
    live = _repeat(ROLES[0], taker.batch.rows)
    if told is None:
        return live
    roles = pc.coalesce(told, live)
    unknown = pc.invert(pc.is_in(roles, pa.array(ROLES))).to_numpy()
    taker.fault("role", unknown, f"one of {', '.join(ROLES)}")
    return roles


def _outcome(taker: Taker, name: str, schema: Schema, *, needed: bool) -> pa.ChunkedArray:
    """A prediction or a label: a finite number, or a class in its canonical form."""
    regression = schema.task is Task.REGRESSION
    expected = "a number" if regression else "a class, such as true or 1"
    values = taker.take(name, finite_numbers if regression else classes, expected)
    if needed:
        taker.need(name, values, expected)
    if values is not None:
        return values
    kind = pa.float64() if regression else pa.string()
    return pa.chunked_array([pa.nulls(taker.batch.rows, kind)])


def _repeat(value: object, rows: int, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.repeat(pa.scalar(value, kind), rows)])


def _some(values: Values | None) -> bool:
    return values is not None and count_of(values) > 0
