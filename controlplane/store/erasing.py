"""Deleting everything that is stored of some ids, and refusing the ids from then on.

What stays of an id is a tombstone: its hash, when it was erased and by whom. A row that is
deleted is nobody's to see at once; its bytes leave the file when that is written anew.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from controlplane.store.catalog import PREDICTIONS, Catalog
from controlplane.store.keeping import Erased
from controlplane.store.pending import NEXT
from controlplane.store.row_hashes import Hashes, text_hashes
from controlplane.store.session import Session, filled, quoted, stored_time

IDS: Final = "incoming ids"

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
_HAVE_ROWS: Final = "select distinct id from {table} where id in (select id from {ids})"
_THESE: Final = "id in (select id from {ids})"
_DELETE_OF_MODEL: Final = """
delete from {table} where model = $model and (
    id in (select id from {ids})
    or id in (select regexp_replace(id, ':[0-9]+$', '') from {ids}))"""
"""Of an event with several rows, which are called after it and numbered, the half that waits holds
them all."""
_KEEP_PLACES: Final = """
insert into removed_places (model, known_at, seq)
select $model, known_at, seq from {table}
where {which} and role = 'live' and prediction is not null"""
_DELETE: Final = "delete from {table} where {which}"
_DELETE_REJECTED: Final = """
delete from rejected_rows where model = $model and (
    try(json_extract_string("text", '$.id')) in (select id from {ids})
    or (not coalesce(whole, false) and exists (
        select 1 from {ids} as i where contains("text", i.id) or contains(reason, i.id))))"""
"""A text that is no whole row goes where it holds an id anywhere."""
_UNFLOOR: Final = 'delete from arrival_floors where "table" = $name'
_SET_FLOOR: Final = "insert into arrival_floors values ($name, $next)"


def tombstone(model: str, id: str) -> str:  # noqa: A002 - as rows call it
    """What is kept of an erased id: the SHA-256 of the model's name, a zero byte and the id.

    >>> tombstone("bikes", "a")[:12]
    '9d2809b5ddac'
    """
    return hashlib.sha256(f"{model}\0{id}".encode()).hexdigest()


def erase(session: Session, catalog: Catalog, model: str, ids: Sequence[str],
          buried: tuple[datetime, str]) -> Erased:  # fmt: skip
    """Delete the rows of these ids from every table; `buried` is when, and by whom.

    Costs one look at the ids of all rows of the model.
    """
    wanted = pa.table({"id": pa.array(sorted(set(ids)), pa.string())})
    hashes = [tombstone(model, id) for id in wanted["id"].to_pylist()]  # noqa: A001
    marked = wanted.append_column("sha256", pa.array(hashes, pa.string())).append_column(
        "mark", pa.array(text_hashes(wanted["id"]), pa.uint64())
    )
    with session.registered(IDS, marked):
        known = {str(row[0]) for row in session.run(_about(_KNOWN), {"model": model})}
        found: set[str] = set()
        rows: dict[str, int] = {}
        for table in event_tables_of(catalog, model):
            here = {str(row[0]) for row in session.run(_about(_HAVE_ROWS, table))}
            if here:
                found |= here
                rows[table.split("/")[0]] = delete_rows(session, model, table, _about(_THESE))
        for table in catalog.tables:
            if is_of_all_models(catalog, table):
                rows[table] = session.count(_about(_DELETE_OF_MODEL, table), {"model": model})
        rows["rejected"] = session.count(_about(_DELETE_REJECTED), {"model": model})
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
    session: Session, model: str, table: str, which: str, *, numbered: bool = True
) -> int:
    """Delete the rows of a table for which a condition holds; how many. With `numbered` those that
    are numbered leave their places, so that the others keep their numbers."""
    _keep_floor(session, table)
    about = {"table": quoted(table), "which": which}
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
