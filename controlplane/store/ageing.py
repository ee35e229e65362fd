"""Deleting rows that are older than they are to be kept: a few at a time, so that commits between
two pieces wait for one of them at most."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa

from controlplane.store.catalog import LABELS, PREDICTIONS, Catalog
from controlplane.store.erasing import delete_rows, event_tables_of
from controlplane.store.keeping import Aged
from controlplane.store.session import STORED_INSTANT, Session, filled, quoted, stored_time

KEPT: Final = "incoming kept spans"
WAITING: Final = timedelta(days=28)
"""How long after a label its prediction may happen for the label to be kept with it."""

_OLD: Final = """
select t.rowid as n from {table} as t
where t."at" < $before and not exists (
    select 1 from {kept} as k where t."at" >= k."start" and t."at" < k."end"){more}
limit $most"""
_NO_REFERENCE: Final = " and t.role <> 'reference'"
_UNNUMBERED: Final = """
 and (t.role <> 'live' or t.prediction is null or t.known_at < $known_at
      or (t.known_at = $known_at and t.seq < $seq))"""
_OLD_LABELS: Final = """
select t.rowid as n from {table} as t
where t.known_at < $before and coalesce(t."at", t.known_at) < $before and not exists (
    select 1 from {predictions} as p where p.id = t.id and p."at" < $waiting)
limit $most"""
"""Of ids that came at several times: to which of them a label belongs is not asked."""
_OLD_PLACED_LABELS: Final = """
select t.rowid as n from {table} as t
where t.known_at < $before and (
    (t.place is null and coalesce(t."at", t.known_at) < $before)
    or (t.place < $before and not exists (
        select 1 from {predictions} as p
        where p."at" < $before and p.id = t.id and p."at" = t.place)))
limit $most"""
"""Of ids that came once each: little is left of the predictions from before then."""


def age(
    session: Session, catalog: Catalog, model: str, aged: Aged, most: int,
    needed: tuple[datetime, int] | None,
) -> int:  # fmt: skip
    """Delete up to `most` rows of each of the model's tables that are too old; how many went.

    A label goes when the prediction that it belongs to has gone, or has not come by then. Rows
    that were sent as a reference stay, and numbered ones from `needed` on, which is when the
    first of them became known and its arrival number.
    """
    gone = 0
    with session.registered(KEPT, _spans(aged.kept)):
        for table in event_tables_of(catalog, model):
            if table == LABELS + model:
                continue
            going = _old(session, table, aged, most, needed)
            numbered = aged.rows_kept_from is not None
            gone += delete_rows(session, model, table, going, numbered=numbered)
    labels = LABELS + model
    if gone < most and catalog.has(labels):
        asked = {"before": stored_time(aged.before), "most": most}
        sql = _OLD_PLACED_LABELS
        if model in catalog.reused:
            sql = _OLD_LABELS
            asked["waiting"] = stored_time(aged.before + WAITING)
        about = filled(sql, table=quoted(labels), predictions=quoted(PREDICTIONS + model))
        gone += delete_rows(session, model, labels, session.arrow(about, asked))
    return gone


def _old(
    session: Session, table: str, aged: Aged, most: int, needed: tuple[datetime, int] | None
) -> pa.Table:
    """The rows of a table that may go, as `n`, shape (rows, 1)."""
    asked: dict[str, object] = {"before": stored_time(aged.before), "most": most}
    more = ""
    if table.startswith(PREDICTIONS):
        more = _NO_REFERENCE
        if needed is not None:
            more += _UNNUMBERED
            asked |= {"known_at": stored_time(needed[0]), "seq": needed[1]}
    return session.arrow(filled(_OLD, table=quoted(table), kept=quoted(KEPT), more=more), asked)


def _spans(kept: Sequence[tuple[datetime, datetime]]) -> pa.Table:
    stored = [(stored_time(start), stored_time(end)) for start, end in kept]
    return pa.table({
        "start": pa.array([start for start, _ in stored], STORED_INSTANT),
        "end": pa.array([end for _, end in stored], STORED_INSTANT),
    })  # fmt: skip
