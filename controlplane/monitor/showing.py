"""What is computed of a window for its reader, beside what the budget judges."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from controlplane.monitor.installed import entry_of
from detectors.catalogue import CATALOGUE, shown_of
from detectors.entry import Entry
from detectors.finding import Finding, Sample
from detectors.foreign import checked, failed
from detectors.tables import mmd, reconstruction
from detectors.tables.encoding import thinned
from detectors.tables.table import Table

TABLE_ROWS: Final = 5_000
"""Rows of either side that are read with all their columns; of more, so many spread evenly."""
_MOST_KEPT: Final = 8


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a reference and of a window by name, and the detectors that were asked for.

    `features` names those that are compared all together.
    """

    reference: Mapping[str, Sample]
    window: Mapping[str, Sample]
    features: Sequence[str]
    asked: Sequence[str] = ()


class _Prepared(msgspec.Struct, frozen=True):
    """What is made from a reference once; `columns` is what it was made from."""

    columns: Mapping[str, Sample]
    table: Table
    features: mmd.Features
    components: reconstruction.Components


_prepared: "OrderedDict[tuple[int, tuple[str, ...]], _Prepared]" = OrderedDict()


def shown(these: Shown) -> list[Finding]:
    """The findings for the reader: of every column that both have, then of all together."""
    both = [name for name in these.window if name in these.reference]
    found = [
        detector(these.reference[name], these.window[name])
        for name in both
        for detector in shown_of(these.window[name].kind)
    ]
    entries = [(name, entry_of(name)) for name in these.asked if not _always(name)]
    for name, entry in entries:
        found += _asked(name, entry, these, both)
    return found + _together(these, [(n, e) for n, e in entries if isinstance(e, Entry)])


def _always(name: str) -> bool:
    ours = CATALOGUE.get(name)
    return ours is not None and ours.shown


def _asked(name: str, entry: Entry | str, these: Shown, both: Sequence[str]) -> list[Finding]:
    """A named detector's findings, column by column; one that says why it is not there."""
    if isinstance(entry, str):
        return [failed(name, "*", entry)]
    if entry.of_table:
        return []
    return [
        finding
        for column in both
        if these.window[column].kind in entry.kinds
        for finding in checked(
            name,
            column,
            partial(entry.function, these.reference[column], these.window[column]),
        )
    ]


def _together(these: Shown, entries: Sequence[tuple[str, Entry]]) -> list[Finding]:
    names = tuple(n for n in these.features if n in these.reference and n in these.window)
    if not names:
        return []
    prepared = _prepare(these.reference, names)
    window = thinned(Table(tuple(these.window[name] for name in names)), TABLE_ROWS)
    found = [
        mmd.compared(prepared.features, window),
        reconstruction.compared(prepared.components, window),
    ]
    for name, entry in entries:
        if entry.of_table:
            found += checked(name, "*", partial(entry.function, prepared.table, window))
    return found


def _prepare(columns: Mapping[str, Sample], names: tuple[str, ...]) -> _Prepared:
    """What is frozen of a reference, from memory where the very same columns were there before."""
    key = (id(columns), names)
    kept = _prepared.get(key)
    if kept is not None and kept.columns is columns:
        return kept
    table = thinned(Table(tuple(columns[name] for name in names)), TABLE_ROWS)
    made = _Prepared(
        columns=columns,
        table=table,
        features=mmd.made_of(table, seed=0),
        components=reconstruction.made_of(table),
    )
    _prepared[key] = made
    while len(_prepared) > _MOST_KEPT:
        _prepared.popitem(last=False)
    return made
