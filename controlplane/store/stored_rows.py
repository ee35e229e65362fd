"""Rows under the names and with the times under which they are stored."""

from functools import lru_cache
from typing import Final

import pyarrow as pa

from controlplane.store.catalog import FEATURE, SCORE, stored_name
from controlplane.store.session import INSTANT, STORED_INSTANT, stored_times

_PLAIN: Final = frozenset({"id", "at", "known_at", "version", "role", "prediction", "label"})


def as_stored(rows: pa.Table) -> pa.Table:
    """Rows under the names and with the times of the store."""
    columns = [c.cast(STORED_INSTANT) if c.type == INSTANT else c for c in rows.columns]
    return stored_times(pa.table(columns, names=_stored_names(tuple(rows.column_names))))


@lru_cache(maxsize=1024)
def _stored_names(names: tuple[str, ...]) -> list[str]:
    return [_stored(name) for name in names]


def _stored(name: str) -> str:
    if name in _PLAIN:
        return name
    if name.startswith("score:"):
        return stored_name(SCORE, name.removeprefix("score:"))
    return stored_name(FEATURE, name)
