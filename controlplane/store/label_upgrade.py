"""Labels that were stored before each had the time of its prediction beside it: given it once,
before the store is used, some at a time, so that a kill on the way only means to go on."""

from typing import Final

import structlog

from controlplane.store.catalog import LABELS, Catalog
from controlplane.store.session import Session, filled, quoted

MOST: Final = 100_000
"""Labels of one transaction."""
PLACE: Final = "place"

NEXT: Final = """
select seq, id, "at", known_at, label from {labels}
where seq >= {first} and place is null order by seq limit {most}"""

_ADD: Final = "alter table {table} add column place timestamp"
_NOTE: Final = "insert into unplaced_labels values (?)"
_UNPLACED: Final = "select model from unplaced_labels order by model"
_DONE: Final = "delete from unplaced_labels where model = ?"

log = structlog.get_logger("leeboard.store")


def with_places(session: Session, catalog: Catalog) -> Catalog:
    """The catalog after tables of labels got the column that they lacked; which ones is kept."""
    lacking = [
        table
        for table, columns in catalog.tables.items()
        if table.startswith(LABELS) and PLACE not in columns
    ]
    if not lacking:
        return catalog
    session.begin()
    try:
        for table in lacking:
            session.run(filled(_ADD, table=quoted(table)))
            session.run(_NOTE, [table.removeprefix(LABELS)])
            catalog = catalog.with_columns(table, {PLACE: "TIMESTAMP"})
        session.commit()
    except BaseException:
        session.rollback()
        raise
    return catalog


def unplaced(session: Session) -> list[str]:
    """The models whose labels are still to be looked through."""
    return [str(row[0]) for row in session.run(_UNPLACED)]


def all_placed(session: Session, model: str) -> None:
    """A model's labels were looked through; in a transaction."""
    session.run(_DONE, [model])
    log.info("labels_are_placed", model=model)
