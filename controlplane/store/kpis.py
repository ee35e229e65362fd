"""Business metrics in DuckDB: every value as it was told, the latest known of each shown."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlplane.store.asking import bounds_of
from controlplane.store.beside import Kpi
from controlplane.store.pending import Pending
from controlplane.store.ports import Known
from controlplane.store.session import (
    Session,
    filled,
    quoted,
    stored_time,
    stored_times,
    time_of,
)

TABLE: Final = "kpis"
TOLD: Final = "incoming kpis"
GOING: Final = "kpis that go"

_FRESH: Final = """
with known as (
    select name, "at", version, arg_max(value, (known_at, seq)) as value from kpis
    where model = $model and "at" between $low and $high group by all
), told as (
    select n, name, "at", version, value, row_number() over w as place, lag(value) over w as before
    from {told} window w as (partition by name, "at", version order by known_at, n)
)
select t.n from told as t left join known as k
    on k.name = t.name and k."at" = t."at" and k.version is not distinct from t.version
where case when t.place = 1 then k.value is distinct from t.value else t.before <> t.value end
order by t.n"""
"""Values that are not what was told last of the same name, time and version."""
_SERIES: Final = """
select * from (select "at", version, arg_max(value, (known_at, seq)) as value, max(known_at) as known_at
from kpis where model = $model and name = $name and "at" >= $start and "at" < $end and known_at <= $by
group by "at", version order by "at" desc, version limit $most)
order by "at", version nulls first"""
_ALL: Final = """
select name, count(distinct ("at", coalesce(version, ''))), max("at"), arg_max(value, ("at", known_at, seq))
from kpis where model = ? group by name order by name"""
_NAMES: Final = "select distinct name from kpis where model = ?"
_OLD: Final = """
select rowid as n from kpis where model = $model and "at" < $before limit $most"""
_AGE: Final = "delete from kpis where rowid in (select n from {going})"
_DROP: Final = "delete from kpis where model = ?"


class KpisInDuckDB:
    """Reading within a session's transaction; `before` is called ahead of every question."""

    def __init__(self, session: Session, before: Callable[[], None]) -> None:
        self._session = session
        self._before = before

    def series(self, model: str, name: str, known: Known, *, most: int) -> pa.Table:
        """The newest values, ordered by (at, version)."""
        self._before()
        asked = bounds_of(known) | {"model": model, "name": name, "most": most}
        return self._session.arrow(_SERIES, asked)

    def all(self, model: str) -> list[Kpi]:
        """Every KPI of a model, by name."""
        self._before()
        found = []
        for name, values, at, value in self._session.run(_ALL, [model]):
            last_at = time_of(at)
            assert last_at is not None
            found.append(Kpi(
                name=str(name), values=int(str(values)), last_at=last_at,
                last_value=float(str(value)),
            ))  # fmt: skip
        return found


class KpisWriterInDuckDB(KpisInDuckDB):
    """Appending within the writer's transaction; `touched` are the models that it changed."""

    def __init__(self, session: Session, pending: Pending, touched: Callable[[str], None]) -> None:
        super().__init__(session, pending.insert)
        self._pending = pending
        self._touched = touched
        self._names: dict[str, set[str]] = {}

    def names(self, model: str) -> set[str]:
        """What a model's KPIs are called; remembered."""
        if model not in self._names:
            self._before()
            self._names[model] = {str(row[0]) for row in self._session.run(_NAMES, [model])}
        return self._names[model]

    def undone(self) -> None:
        """The transaction was undone: what is remembered may not be true."""
        self._names.clear()

    def append(self, model: str, rows: pa.Table) -> tuple[int, int]:
        """Store values that are not told already; how many, and how many were."""
        if rows.num_rows == 0:
            return 0, 0
        self._pending.insert()
        numbers = pa.array(np.arange(rows.num_rows))
        told = stored_times(rows).append_column("n", numbers)
        bounds = pc.min_max(told["at"])
        asked = {"model": model, "low": bounds["min"].as_py(), "high": bounds["max"].as_py()}
        with self._session.registered(TOLD, told):
            fresh = self._session.arrow(filled(_FRESH, told=quoted(TOLD)), asked)["n"]
        kept = told.drop_columns(["n"]).take(fresh)
        if kept.num_rows:
            named = pa.repeat(pa.scalar(model), kept.num_rows)
            self._pending.take(TABLE, kept.append_column("model", named))
            self._touched(model)
            if model in self._names:
                self._names[model].update(pc.unique(kept["name"]).to_pylist())
        return kept.num_rows, rows.num_rows - kept.num_rows

    def age(self, model: str, before: datetime, most: int) -> int:
        """Delete up to `most` values of times before then; how many went."""
        self._before()
        asked = {"model": model, "before": stored_time(before), "most": most}
        going = self._session.arrow(_OLD, asked)
        if not going.num_rows:
            return 0
        self._names.pop(model, None)
        self._touched(model)
        with self._session.registered(GOING, going):
            return self._session.count(filled(_AGE, going=quoted(GOING)))

    def drop(self, model: str) -> None:
        """Delete a model's KPIs."""
        self._names.pop(model, None)
        self._session.run(_DROP, [model])
