"""Features as the monitors compare them: of a date, what is derived of it beside its event time.

A date always moves on, so its values are never compared. In their place stand how old it was when
its row happened, and its hour and day of the week by the model's time zone, as columns of their
own: `booked_at (age)`, `booked_at (hour)`, `booked_at (weekday)`. The date itself keeps its share
of missing values. Which of the three there are is settled by the reference and frozen with it.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import msgspec
import pyarrow as pa

from controlplane.domain.schema import Schema
from controlplane.monitor.scope import Scope
from detectors import instants
from detectors.bins import Bins
from detectors.finding import Finding, Kind, Sample
from detectors.instants import AGE, DAYS, HOUR, HOURS, WEEKDAY, are_whole_days, as_days, derived

PARTS: Final = (AGE, HOUR, WEEKDAY)


def dated_from(schema: Schema) -> dict[str, str]:
    """The column of dates that each derived column is of, by the derived column's name.

    A feature that is itself called so, `booked_at (age)`, keeps its name: nothing is derived then.
    """
    taken = {column.name for column in schema.features}
    return {
        name: column.name
        for column in schema.features
        if column.kind is Kind.DATETIME
        for name in map(column.name.__add__, PARTS)
        if name not in taken
    }


def compared(scope: Scope, rows: pa.Table, among: Iterable[str] | None = None) -> dict[str, Sample]:
    """The features that rows hold as samples and, behind each date, what is derived of it. O(rows).

    `among` are the names of the columns of the reference that the rows are compared with; without
    them the rows are a reference, and they settle what there is. `rows` hold `at`.
    """
    names = None if among is None else frozenset(among)
    sources = dated_from(scope.schema)
    found: dict[str, Sample] = {}
    for column in scope.schema.features:
        if column.name not in rows.column_names:
            continue
        sample = Sample(column.name, column.kind, rows[column.name])
        found[column.name] = sample
        if column.kind is Kind.DATETIME:
            wanted = instants.settled(sample, rows["at"]) if names is None else names
            numbers = instants.among(sample, rows["at"], wanted, zone=scope.calendar.zone)
            found.update((each.column, each) for each in numbers if each.column in sources)
    return found


def pictured(
    name: str, source: str, zone: str, sides: Sequence[pa.Table | None]
) -> tuple[Kind, list[pa.ChunkedArray | None]]:
    """A derived column of either side's rows, the reference's first, and its kind.

    Each side holds `source`, the column of dates, and `at`; None where there is no such side.
    """
    first = next((side for side in sides if side is not None), None)
    is_days = name == f"{source}{WEEKDAY}" and first is not None and are_whole_days(first[source])
    found: list[Sample | None] = []
    for side in sides:
        if side is None:
            found.append(None)
            continue
        dates = Sample(source, Kind.DATETIME, side[source])
        parts = derived(as_days(dates) if is_days else dates, side["at"], zone=zone)
        found.append(next(part for part in parts if part.column == name))
    kind = next((each.kind for each in found if each is not None), Kind.DATETIME)
    return kind, [None if each is None else each.values for each in found]


def levels_of(schema: Schema, name: str) -> tuple[str, ...]:
    """The hours or days of the week of a derived column, in their order; else none."""
    if name not in dated_from(schema):
        return ()
    return {HOUR: HOURS, WEEKDAY: DAYS}.get(name[name.rindex(" (") :], ())


def judged_of(bins: Iterable[Bins], columns: Collection[str] | None, schema: Schema) -> list[int]:
    """The places of the bins whose drift is judged: of the features that are asked for (None: all),
    of dates what is derived of them in their stead."""
    bins, sources = list(bins), dated_from(schema)
    replaced = {sources[each.column] for each in bins if each.column in sources}
    return [
        place
        for place, each in enumerate(bins)
        if each.column not in replaced
        and (columns is None or sources.get(each.column, each.column) in columns)
    ]


def of_their_dates(schema: Schema, findings: Iterable[Finding]) -> list[Finding]:
    """Findings under the names of features: what is found of a date in parts, is found of it."""
    sources = dated_from(schema)
    return [
        msgspec.structs.replace(finding, column=sources[finding.column])
        if finding.column in sources else finding
        for finding in findings
    ]  # fmt: skip
