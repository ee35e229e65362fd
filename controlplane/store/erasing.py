"""Deleting everything that is stored of some ids, and refusing the ids from then on.

What stays of an id is a tombstone: its hash, when it was erased and by whom. A row that is
deleted is nobody's to see at once; its bytes leave the file when that is written anew.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from controlplane.store.catalog import LABELS, PREDICTIONS, SCORED, Catalog
from controlplane.store.id_index import IdIndex
from controlplane.store.keeping import Erased
from controlplane.store.pending import NEXT
from controlplane.store.row_hashes import (
    WAITING,
    Hashes,
    Micros,
    asked_for,
    kinds_of,
    moments_of,
    text_hashes,
)
from controlplane.store.session import Session, filled, quoted, stored_time
from controlplane.store.spans import during, spans_of

IDS: Final = "incoming ids"
GOING: Final = "rows that go"
MOST_SPANS: Final = 64
"""Stretches of time in which rows are looked for; with more moments some are joined."""

_KNOWN: Final = """
select e.sha256 from erased_ids as e
where e.model = $model and e.sha256 in (select sha256 from {ids})"""
_BURY: Final = """
insert into erased_ids (model, mark, sha256, erased_at, "by")
select $model, mark, sha256, $erased_at, $by from {ids}
where sha256 not in (select sha256 from erased_ids where model = $model)"""
_MARKS: Final = "select mark from erased_ids where model = $model"
_IS_ERASED: Final = """
select sha256 from erased_ids where model = $model and list_contains($hashes, sha256)"""
_ROWS: Final = """
select rowid as n, id from {table}
where {within} and id in (select id from {ids})"""
_HAVE_OF_MODEL: Final = """
select i.id from {ids} as i where exists (
    select 1 from {table} as t where t.model = $model
    and (t.id = i.id or t.id = regexp_replace(i.id, ':[0-9]+$', '')))"""
"""Of an event with several rows, which are called after it and numbered, the half that waits holds
them all."""
_DELETE_OF_MODEL: Final = """
delete from {table} where model = $model and (
    id in (select id from {ids})
    or id in (select regexp_replace(id, ':[0-9]+$', '') from {ids}))"""
_KEEP_PLACES: Final = """
insert into removed_places (model, known_at, seq)
select $model, known_at, seq from {table}
where rowid in (select n from {going}) and role = 'live' and prediction is not null"""
_DELETE: Final = "delete from {table} where rowid in (select n from {going})"
_REJECTED: Final = """
select r.seq, i.id from (
    select seq, try(json_extract_string("text", '$.id')) as told
    from rejected_rows where model = $model
) as r join {ids} as i on r.told = i.id
union
select r.seq, i.id from rejected_rows as r join {ids} as i
    on contains(r."text", i.id) or contains(r.reason, i.id)
where r.model = $model and not coalesce(r.whole, false)"""
"""A text that is no whole row goes where it holds an id anywhere."""
_DELETE_REJECTED: Final = """
delete from rejected_rows where model = $model and seq in (select seq from {going})"""
_UNFLOOR: Final = 'delete from arrival_floors where "table" = $name'
_SET_FLOOR: Final = "insert into arrival_floors values ($name, $next)"


def tombstone(model: str, id: str) -> str:  # noqa: A002 - as rows call it
    """What is kept of an erased id: the SHA-256 of the model's name, a zero byte and the id.

    >>> tombstone("bikes", "a")[:12]
    '9d2809b5ddac'
    """
    return hashlib.sha256(f"{model}\0{id}".encode()).hexdigest()


def erase(session: Session, catalog: Catalog, model: str, ids: Sequence[str],
          buried: tuple[datetime, str], indexes: tuple[IdIndex, IdIndex] | None) -> Erased:  # fmt: skip
    """Delete the rows of these ids from every table; `buried` is when, and by whom, `indexes` say
    at which moments there may be some. Costs a look at the rows about those, and at the ids of what
    was scored here."""
    wanted = pa.table({"id": pa.array(sorted(set(ids)), pa.string())})
    hashes = [tombstone(model, id) for id in wanted["id"].to_pylist()]  # noqa: A001
    marked = wanted.append_column("sha256", pa.array(hashes, pa.string())).append_column(
        "mark", pa.array(text_hashes(wanted["id"]), pa.uint64())
    )
    with session.registered(IDS, marked):
        known = {str(row[0]) for row in session.run(_about(_KNOWN), {"model": model})}
        found: set[str] = set()
        rows: dict[str, int] = {}
        places = [] if indexes is None else _places(model, marked["id"], indexes)
        for place in places:
            here, gone = _deleted(session, model, place)
            found |= here
            kind = place.table.split("/")[0]
            rows[kind] = rows.get(kind, 0) + gone
        for table in catalog.tables:
            if is_of_all_models(catalog, table):
                found |= {
                    str(row[0])
                    for row in session.run(_about(_HAVE_OF_MODEL, table), {"model": model})
                }
                rows[table] = session.count(_about(_DELETE_OF_MODEL, table), {"model": model})
        rejected = session.arrow(_about(_REJECTED), {"model": model})
        found |= set(rejected["id"].to_pylist())
        with session.registered(GOING, rejected):
            rows["rejected"] = session.count(
                filled(_DELETE_REJECTED, going=quoted(GOING)), {"model": model}
            )
        session.run(
            _about(_BURY),
            {"model": model, "erased_at": stored_time(buried[0]), "by": buried[1]},
        )
    named = dict(zip(hashes, wanted["id"].to_pylist(), strict=True))
    fresh = {sha: id for sha, id in named.items() if sha not in known}  # noqa: A001
    return Erased(
        ids=len(found), repeated=len(known), unknown=len(set(fresh.values()) - found),
        rows={kind: count for kind, count in rows.items() if count}, hashes=tuple(fresh),
    )  # fmt: skip


class _Place(NamedTuple):
    """Rows of a table of which some may be of the ids: by a condition each for some of them."""

    table: str
    conditions: list[str]


def _places(model: str, ids: pa.ChunkedArray, indexes: tuple[IdIndex, IdIndex]) -> list[_Place]:
    """Where rows of ids may be: about the moments that are kept of them.

    Labels that waited for their prediction are kept by when they were known. What was scored here is
    looked for among all of it: it has no index, and some may be left of predictions that are gone.
    """
    asked = asked_for(text_hashes(ids))
    (_, happened), (_, told) = (index.find(asked) for index in indexes)
    moments, waits = moments_of(happened), kinds_of(told) == WAITING
    placed = np.concatenate([moments, moments_of(told[~waits])])
    waiting = moments_of(told[waits])
    return [
        _Place(PREDICTIONS + model, _about_moments('"at"', moments)),
        _Place(SCORED + model, ["true"]),
        _Place(LABELS + model, [*_about_moments("place", placed),
                                *_about_moments("known_at", waiting)]),
    ]  # fmt: skip


def _about_moments(column: str, moments: Micros) -> list[str]:
    """Conditions that together hold where a time is one of some moments, and seldom elsewhere."""
    return [during(column, span) for span in spans_of(moments, MOST_SPANS)]


def _deleted(session: Session, model: str, place: _Place) -> tuple[set[str], int]:
    """Which of the ids have rows in a place, and how many went."""
    about = {"table": quoted(place.table), "ids": quoted(IDS)}
    parts = [filled(_ROWS, within=condition, **about) for condition in place.conditions]
    if not parts:
        return set(), 0
    there = session.arrow(" union ".join(parts), {})
    return set(there["id"].to_pylist()), delete_rows(session, model, place.table, there)


def event_tables_of(catalog: Catalog, model: str) -> Iterator[str]:
    """The tables that hold a model's rows alone, each with ids."""
    for table, columns in catalog.tables.items():
        if "/" in table and table.split("/", 1)[1] == model and "id" in columns:
            yield table


def is_of_all_models(catalog: Catalog, table: str) -> bool:
    """Whether a table holds rows of every model under their ids; records are no rows."""
    columns = catalog.columns(table)
    return {"model", "id"} <= columns.keys() and "body" not in columns


def delete_rows(
    session: Session, model: str, table: str, going: pa.Table, *, numbered: bool = True
) -> int:
    """Delete the rows of a table whose `rowid` is an `n` of `going`; how many. With `numbered` those
    that are numbered leave their places, so that the others keep their numbers."""
    if not going.num_rows:
        return 0
    _keep_floor(session, table)
    about = {"table": quoted(table), "going": quoted(GOING)}
    with session.registered(GOING, going):
        if numbered and table == PREDICTIONS + model:
            session.run(filled(_KEEP_PLACES, **about), {"model": model})
        return session.count(filled(_DELETE, **about))


def _keep_floor(session: Session, table: str) -> None:
    """See to it that the arrival numbers of a table never come again, whatever is deleted."""
    named: Mapping[str, object] = {"name": table}
    following = session.count(filled(NEXT, table=quoted(table)), named)
    session.run(_UNFLOOR, named)
    session.run(_SET_FLOOR, {**named, "next": following})


def marks_of(session: Session, model: str) -> Hashes:
    """The quick hashes of a model's erased ids, shape (n,)."""
    marks: Hashes = session.arrow(_MARKS, {"model": model})["mark"].to_numpy().astype(np.uint64)
    return marks


def truly_erased(session: Session, model: str, ids: Sequence[str]) -> set[str]:
    """Those of the ids that were erased."""
    named = {tombstone(model, id): id for id in ids}  # noqa: A001
    rows = session.run(_IS_ERASED, {"model": model, "hashes": list(named)})
    return {named[str(row[0])] for row in rows}


def _about(sql: str, table: str = "") -> str:
    return filled(sql, ids=quoted(IDS), table=quoted(table))
