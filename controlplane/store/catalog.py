"""Which tables and columns there are, as a value that belongs to a snapshot."""

from collections.abc import Mapping
from typing import Final

import msgspec

from controlplane.domain.schema import Schema, Task
from controlplane.store.session import Session
from detectors.finding import Kind

PREDICTIONS: Final = "predictions/"
LABELS: Final = "labels/"
SCORED: Final = "scored/"

TYPES: Final[Mapping[Kind, str]] = {
    Kind.NUMERIC: "DOUBLE",
    Kind.CATEGORICAL: "VARCHAR",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATETIME: "TIMESTAMP",
}
FEATURE: Final = "f:"
SCORE: Final = "s:"

_COLUMNS: Final = """
select table_name, column_name, data_type from duckdb_columns()
where schema_name = 'main' and database_name = coalesce($database, current_database())
  and not internal
order by table_name, column_index"""
_REUSED: Final = "select distinct model from reused_ids"


class Catalog(msgspec.Struct, frozen=True):
    """`tables` maps a table to its columns and their types; `reused` names the models in which
    an id came at more than one event time."""

    tables: Mapping[str, Mapping[str, str]] = {}
    reused: frozenset[str] = frozenset()

    def has(self, table: str) -> bool:
        """Whether the table is there."""
        return table in self.tables

    def columns(self, table: str) -> Mapping[str, str]:
        """The columns of a table; none where it is not there."""
        return self.tables.get(table, {})

    def with_columns(self, table: str, columns: Mapping[str, str]) -> "Catalog":
        """The catalog in which a table has these columns too."""
        grown = {**self.columns(table), **columns}
        return msgspec.structs.replace(self, tables={**self.tables, table: grown})

    def without(self, model: str) -> "Catalog":
        """The catalog without the rows of a model."""
        gone = {PREDICTIONS + model, LABELS + model, SCORED + model}
        kept = {name: columns for name, columns in self.tables.items() if name not in gone}
        return Catalog(kept, self.reused - {model})

    def with_reused(self, model: str) -> "Catalog":
        """The catalog in which the model's ids are known to come again."""
        return msgspec.structs.replace(self, reused=self.reused | {model})


class Tables:
    """The catalog of a snapshot, or that of a transaction, which changes as tables are made."""

    __slots__ = ("catalog",)

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog


def read_catalog(session: Session) -> Catalog:
    """What the file holds."""
    reused = frozenset(str(row[0]) for row in session.run(_REUSED))
    return Catalog(read_tables(session), reused)


def read_tables(session: Session, database: str | None = None) -> dict[str, dict[str, str]]:
    """Tables, their columns and the columns' types; None: of the file that the session has open."""
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in session.run(_COLUMNS, {"database": database}):
        tables.setdefault(str(table), {})[str(column)] = str(kind)
    return tables


def stored_name(prefix: str, name: str) -> str:
    """The column in which a feature or a class's score is kept.

    DuckDB takes names that differ only in case for one; capitals are therefore marked.

    >>> stored_name(FEATURE, "Temp"), stored_name(SCORE, "yes")
    ('f:^temp', 's:yes')
    """
    marked = "".join(
        f"^{letter.lower()}" if "A" <= letter <= "Z" else "^^" if letter == "^" else letter
        for letter in name
    )
    return prefix + marked


def public_name(stored: str) -> str:
    """The name of which `stored_name` made this.

    >>> public_name("f:^temp^^")
    'Temp^'
    """
    letters = iter(stored[2:])
    return "".join(next(letters).upper() if letter == "^" else letter for letter in letters)


def outcome_type(task: Task) -> str:
    """The type of predictions and labels."""
    return "DOUBLE" if task is Task.REGRESSION else "VARCHAR"


def event_tables(model: str, schema: Schema) -> dict[str, dict[str, str]]:
    """The tables of a model and the columns that they need under a schema."""
    outcome = outcome_type(schema.task)
    scores = {stored_name(SCORE, label): "DOUBLE" for label in schema.scores}
    features = {stored_name(FEATURE, c.name): TYPES[c.kind] for c in schema.features}
    row = {"seq": "BIGINT", "id": "VARCHAR", "at": "TIMESTAMP"}
    return {
        PREDICTIONS + model: {
            **row, "known_at": "TIMESTAMP", "version": "VARCHAR", "role": "VARCHAR",
            "prediction": outcome, **scores, **features,
        },
        LABELS + model: {
            **row, "known_at": "TIMESTAMP", "label": outcome, "place": "TIMESTAMP",
        },
        SCORED + model: {**row, "version": "VARCHAR", "prediction": outcome, **scores},
    }  # fmt: skip
