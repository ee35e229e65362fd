"""What is computed of a window for its reader, beside what the budget judges."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec

from controlplane.monitor.installed import entry_of
from detectors.catalogue import CATALOGUE
from detectors.comparison.held import Dates, Held, held
from detectors.comparison.measuring import SHARED, findings
from detectors.entry import Entry
from detectors.finding import Finding, Sample
from detectors.foreign import checked, failed
from detectors.levelled import Levelled
from detectors.ordered import Ordered
from detectors.tables import summed
from detectors.tables.encoding import thinned
from detectors.tables.table import Table

TABLE_ROWS: Final = 5_000
"""Rows of either side that detectors which were asked for by name read with all their columns; of
more, so many spread evenly."""
MOST_BYTES: Final = 256 * 2**20
"""Of references' columns in order that are held in memory; others are sorted again."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a reference and of a window by name, and the detectors that were asked for.

    `features` names those that are compared all together: by `together`, what was frozen of them
    in the reference (None: made here), and `sums`, where the window is the sum of its steps.
    """

    reference: Mapping[str, Sample]
    window: Mapping[str, Sample]
    features: Sequence[str]
    together: summed.Frozen | None = None
    sums: summed.Sums | None = None
    asked: Sequence[str] = ()


class _Reference(NamedTuple):
    """A reference's column with what was made of it; `size` is that in bytes."""

    sample: Sample
    held: Held
    size: int


_references: "OrderedDict[int, _Reference]" = OrderedDict()


def shown(these: Shown) -> list[Finding]:
    """The findings for the reader: of every column that both have, then of all together."""
    both = [name for name in these.window if name in these.reference]
    found = [
        finding
        for name in both
        for finding in _of_column(these.reference[name], these.window[name])
    ]
    entries = [(name, entry_of(name)) for name in these.asked if not _always(name)]
    for name, entry in entries:
        found += _asked(name, entry, these, both)
    return found + _together(these, [(n, e) for n, e in entries if isinstance(e, Entry)])


def _of_column(reference: Sample, window: Sample) -> list[Finding]:
    """The detectors that are always shown of a column: all from one sort, or count, of each side."""
    named = [
        (name, entry.function)
        for name, entry in CATALOGUE.items()
        if entry.shown and not entry.of_table and window.kind in entry.kinds
    ]
    together = tuple(name for name, _ in named if name in SHARED)
    found: dict[str, Finding] = {}
    if together:
        both = _held(reference), held(window)
        found = dict(zip(together, findings(*both, together), strict=True))
    return [found[name] if name in found else call(reference, window) for name, call in named]


def _held(reference: Sample) -> Held:
    """A reference's column in order or counted, from memory where there is room for it."""
    known = _references.get(id(reference))
    if known is not None and known.sample is reference:
        return known.held
    made = held(reference)
    size = _bytes_of(made)
    if size <= MOST_BYTES:
        _references[id(reference)] = _Reference(reference, made, size)
        while _references and _held_bytes() > MOST_BYTES:
            _references.popitem(last=False)
    return made


def _bytes_of(made: Held) -> int:
    match made:
        case Ordered():
            return int(made.values.nbytes)
        case Levelled():
            return int(made.names.nbytes + made.counts.nbytes)
        case Dates():
            return 0


def _held_bytes() -> int:
    return sum(kept.size for kept in tuple(_references.values()))


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
    window = Table(tuple(these.window[name] for name in names))
    frozen = these.together or frozen_of({name: these.reference[name] for name in names})
    sums = summed.counted(frozen, window) if these.sums is None else these.sums
    found = summed.compared(frozen, sums)
    asked = [(name, entry) for name, entry in entries if entry.of_table]
    if asked:
        reference = Table(tuple(these.reference[name] for name in names))
        both = thinned(reference, TABLE_ROWS), thinned(window, TABLE_ROWS)
        for name, entry in asked:
            found += checked(name, "*", partial(entry.function, *both))
    return found


def frozen_of(columns: Mapping[str, Sample]) -> summed.Frozen:
    """What windows are compared with, all columns together, made of a reference's features."""
    return summed.made_of(Table(tuple(columns.values())), seed=0)
