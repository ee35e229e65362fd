"""Bringing a model's tables to its schema: columns are added, and retyped only without loss."""

from collections.abc import Mapping
from typing import Final

from controlplane.domain.errors import BadInput, Conflict
from controlplane.store.catalog import FEATURE, SCORE, Catalog, public_name
from controlplane.store.session import Session, filled, quoted

ROWS_HAVE: Final = frozenset(
    {"id", "at", "known_at", "version", "role", "prediction", "label", "label_known_at"}
)
"""Columns of the tables that the store gives out; no feature may be called so, nor `score:…`."""

_CREATE: Final = "create table {table} ({columns})"
_ADD: Final = "alter table {table} add column {column} {kind}"
_LOST: Final = """
select count(*) from {table} where {column} is not null and try_cast({column} as {kind}) is null"""
_HELD: Final = "select count({column}) from {table}"
_RETYPE: Final = "alter table {table} alter {column} set data type {kind} using {how}"
_WHOLE: Final = """
case when {column} = trunc({column}) and abs({column}) < 9e15
     then cast(cast({column} as bigint) as varchar) else cast({column} as varchar) end"""
"""Numbers as classes are written: whole ones without a point."""


def is_feature_name(name: str) -> bool:
    """Whether a feature may be called so."""
    return (
        bool(name) and "\0" not in name and name not in ROWS_HAVE and not name.startswith("score:")
    )


def brought_to(
    session: Session, catalog: Catalog, table: str, columns: Mapping[str, str]
) -> Catalog:
    """The catalog after a table was made, or given the columns that it lacked; the same catalog
    where nothing had to change."""
    for stored in columns:
        if stored.startswith(FEATURE) and not is_feature_name(public_name(stored)):
            message = (
                f"a feature cannot be called {public_name(stored)!r}: the rows of every model "
                "have a column of that name; give it another"
            )
            raise BadInput(message)
    if not catalog.has(table):
        defined = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        session.run(filled(_CREATE, table=quoted(table), columns=defined))
        return catalog.with_columns(table, columns)
    there = catalog.columns(table)
    changed = {name: kind for name, kind in columns.items() if there.get(name) != kind}
    for name, kind in changed.items():
        if name not in there:
            session.run(filled(_ADD, table=quoted(table), column=quoted(name), kind=kind))
        else:
            _retype(session, table, name, was=there[name], kind=kind)
    return catalog.with_columns(table, changed) if changed else catalog


def _retype(session: Session, table: str, name: str, *, was: str, kind: str) -> None:
    """Change a column's type. Raises Conflict where a value would be lost."""
    column, named = quoted(name), quoted(table)
    if was == "DOUBLE" and kind == "VARCHAR":
        how = filled(_WHOLE, column=column)
    elif kind == "VARCHAR":
        how = f"cast({column} as varchar)"
    else:
        how = f"try_cast({column} as {kind})"
        lossless = was == "VARCHAR"
        question = _LOST if lossless else _HELD
        if session.count(filled(question, table=named, column=column, kind=kind)):
            shown = public_name(name) if name.startswith((FEATURE, SCORE)) else name
            message = (
                f"{shown!r} is stored as {was.lower()} with values that {kind.lower()} cannot "
                "hold; keep its kind, or give the new one another name"
            )
            raise Conflict(message)
    session.run(filled(_RETYPE, table=named, column=column, kind=kind, how=how))
