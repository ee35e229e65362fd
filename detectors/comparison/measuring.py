"""One column measured: every detector that is asked for, from one sort or one count of each side."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from detectors import (
    answers,
    chi_squared,
    counting,
    jensen_shannon,
    ks,
    level_bins,
    many_levels,
    missing,
    new_levels,
    psi,
    range,  # noqa: A004 - the detector's own name
    wasserstein,
)
from detectors.bins import Bins, Tally
from detectors.comparison import sides
from detectors.comparison.held import Held
from detectors.comparison.result import ComparedColumn, Side
from detectors.finding import Basis, Finding, Kind, Reason, Sample, Verdict
from detectors.levelled import Levelled
from detectors.ordered import Ordered
from detectors.reading import Counts

SCHEMA: Final = "schema"
ROW_NUMBER: Final = "looks like a row number or a key; not judged"
MUCH: Final = 0.1
"""The share of the reference's rows from which on rare levels are compared one by one unasked."""
_OF_NAMES: Final = frozenset({missing.NAME})
"""What is said of a column that names rows."""
DEFAULT: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.NUMERIC: (ks.NAME, wasserstein.NAME, jensen_shannon.NAME, psi.NAME, range.NAME, missing.NAME),
    Kind.CATEGORICAL: (many_levels.NAME, chi_squared.NAME, jensen_shannon.NAME, psi.NAME, new_levels.NAME, missing.NAME),
    Kind.BOOLEAN: (chi_squared.NAME, jensen_shannon.NAME, psi.NAME, missing.NAME),
    Kind.DATETIME: (missing.NAME,),
}  # fmt: skip
"""What is computed of a column where nothing else is asked for."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which detectors, by name: None for the default ones of a column's kind; fixed thresholds.

    Without `pictures` only the findings are computed, and what a verdict needs: no moments,
    quantiles, bars or most frequent levels of either side.
    """

    detectors: tuple[str, ...] | None = None
    thresholds: Mapping[str, float] = {}
    pictures: bool = True

    def of(self, kind: Kind) -> tuple[str, ...]:
        """The detectors asked for that read this kind, in the order of asking."""
        if self.detectors is None:
            return DEFAULT[kind]
        from detectors.catalogue import CATALOGUE  # noqa: PLC0415 - all of them, for a name or two

        return tuple(name for name in self.detectors if kind in CATALOGUE[name].kinds)


NOTHING_ASKED: Final = Asked()


class Numbers:
    """Two columns of numbers, each in order, and what several detectors share of them."""

    kind = Kind.NUMERIC

    def __init__(self, reference: Ordered, window: Ordered) -> None:
        self.reference, self.window = reference, window

    @cached_property
    def counts(self) -> tuple[Counts, Counts] | None:
        """Both over the reference's deciles."""
        return counting.of_ordered(self.reference, self.window)

    def samples(self) -> tuple[Sample, Sample]:
        """Both as samples again, in order, for detectors that read no other form."""
        one, two = (_sample_of_numbers(held) for held in (self.reference, self.window))
        return one, two


class LevelsPair:
    """Two columns of levels, each counted, and what several detectors share of them."""

    def __init__(self, reference: Levelled, window: Levelled) -> None:
        self.reference, self.window, self.kind = reference, window, window.kind

    @cached_property
    def bins(self) -> Bins:
        """The bins of the reference."""
        held = self.reference
        found = (held.names, held.counts)
        return level_bins.frozen(held.column, held.kind, found, missing=held.missing)

    @cached_property
    def tally(self) -> Tally:
        """The other column counted on them."""
        held = self.window
        if not self.bins.counts:
            return Tally(column=held.column, rows=held.rows, missing=held.missing)
        return level_bins.tallied(self.bins, (held.names, held.counts), missing=held.missing)

    @cached_property
    def counts(self) -> tuple[Counts, Counts] | None:
        """Both by level."""
        return counting.of_levels(self.bins, self.tally) if self.bins.counts else None

    @property
    def has_many(self) -> bool:
        """Whether levels too rare for a bin of their own hold much of the reference."""
        bins = self.bins
        return bins.reason is None and bins.counts[-2] >= MUCH * bins.valid

    def many(self, params: tuple[Any, ...]) -> Finding:
        """All levels beside each other, none put together."""
        one, two = ((each.names, each.counts) for each in (self.reference, self.window))
        compared = self.bins.reason is None
        return many_levels.of_levels(self.window, (one, two), *params, compared=compared)

    def samples(self) -> tuple[Sample, Sample]:
        """Both as samples again, level by level, for detectors that read no other form."""
        one, two = (_sample_of_levels(held) for held in (self.reference, self.window))
        return one, two


Pair = Numbers | LevelsPair

SHARED: Final[Mapping[str, Callable[[Any, Any], Finding]]] = {
    ks.NAME: lambda pair, params: ks.of_ordered(pair.reference, pair.window, *params),
    wasserstein.NAME: lambda pair, params: wasserstein.of_ordered(
        pair.reference, pair.window, *params
    ),
    range.NAME: lambda pair, params: range.of_ordered(pair.reference, pair.window, *params),
    psi.NAME: lambda pair, params: psi.of_counts(pair.window, pair.counts, *params),
    jensen_shannon.NAME: lambda pair, params: jensen_shannon.of_counts(
        pair.window, pair.counts, *params
    ),
    chi_squared.NAME: lambda pair, params: chi_squared.of_counts(pair.window, pair.counts, *params),
    many_levels.NAME: lambda pair, params: pair.many(params),
    new_levels.NAME: lambda pair, params: new_levels.of_counts(pair.bins, pair.tally, *params),
    missing.NAME: lambda pair, params: missing.of_counts(pair.reference, pair.window, *params),
}
"""The detectors that need no more than the order or the counts; others get samples made of them."""


def findings(
    reference: Held, window: Held, names: tuple[str, ...], asked: Asked = NOTHING_ASKED,
    where: frozenset[str] = frozenset(),
) -> list[Finding]:  # fmt: skip
    """What these detectors find of two sides of one kind: the same as each called by itself; those
    of `where` only of columns of very many levels."""
    pair = _pair(reference, window)
    if pair is None:
        params = _params(missing.NAME, asked)
        return [missing.of_counts(reference, window, *params)] if missing.NAME in names else []
    return [_found(name, pair, asked) for name in names if name not in where or _matters(pair)]


def _matters(pair: Pair) -> bool:
    """Whether levels are so many that all of them are to be looked at one by one."""
    return isinstance(pair, LevelsPair) and pair.has_many


def _pair(reference: Held, window: Held) -> Pair | None:
    """Both with what detectors share; None of dates, which share nothing."""
    if isinstance(reference, Ordered) and isinstance(window, Ordered):
        return Numbers(reference, window)
    if isinstance(reference, Levelled) and isinstance(window, Levelled):
        return LevelsPair(reference, window)
    return None


def measured(
    reference: Held, window: Held, asked: Asked = NOTHING_ASKED, *, is_key: bool = False
) -> ComparedColumn:
    """A column measured on both sides, nothing judged yet but by fixed and hard thresholds.

    Both sides are of one kind; beside what is asked for there are the findings that a verdict
    rests on. A column of numbers that `is_key` counts its rows: its distribution is not judged.
    O(n + m) after the sort.
    """
    kind = _kind(window)
    names = asked.of(kind)
    wanted = (*names, *(name for name in DEFAULT[kind] if name not in names))
    unasked = frozenset({many_levels.NAME}.difference(asked.detectors or ()))
    found = findings(reference, window, wanted, asked, unasked)
    told = _side if asked.pictures else _rows_of
    first, second = told(reference), told(window)
    if is_key or _names_rows(reference):
        found = [f if f.detector in _OF_NAMES else _unjudged(f) for f in found]
    if first.missing == first.rows and second.missing < second.rows:
        found.append(revived(window.column, first, second))
    column = ComparedColumn(
        column=window.column, kind=kind, verdict=Verdict.INCONCLUSIVE, reference=first,
        current=second, findings=tuple(found), note=ROW_NUMBER if is_key else None,
    )  # fmt: skip
    if not asked.pictures:
        return column
    if isinstance(reference, Ordered) and isinstance(window, Ordered):
        return msgspec.structs.replace(column, histogram=sides.histogram(reference, window))
    if isinstance(reference, Levelled) and isinstance(window, Levelled):
        return msgspec.structs.replace(column, levels=sides.levels(reference, window))
    return column


def _names_rows(reference: Held) -> bool:
    """Whether a column of levels is an identifier, whose levels are new by their nature."""
    if not isinstance(reference, Levelled) or reference.kind is not Kind.CATEGORICAL:
        return False
    once = int(np.count_nonzero(reference.counts == 1))
    return once > level_bins.IDENTIFIER_SHARE * int(reference.counts.sum())


def _unjudged(finding: Finding) -> Finding:
    return answers.unjudged(
        finding.detector, finding.column, Reason.NOT_APPLICABLE, rows=finding.rows
    )


def revived(column: str, reference: Side, current: Side) -> Finding:
    """A column that was always empty has values: a hard limit."""
    share = 1.0 - current.missing / current.rows
    return Finding(
        column=column, detector=SCHEMA, statistic=share, threshold=0.0, effect=share,
        rows=current.rows, rows_reference=reference.rows, verdict=Verdict.FAILED, basis=Basis.HARD,
    )  # fmt: skip


def _found(name: str, pair: Pair, asked: Asked) -> Finding:
    params = _params(name, asked)
    if name in SHARED:
        return SHARED[name](pair, params)
    from detectors.catalogue import CATALOGUE  # noqa: PLC0415 - see above

    try:
        found = CATALOGUE[name].function(*pair.samples(), *params)
    except (ValueError, ArithmeticError) as error:
        unjudged = answers.unjudged(name, pair.window.column, Reason.NOT_APPLICABLE)
        return msgspec.structs.replace(unjudged, verdict=Verdict.ERROR, reason=str(error))
    assert isinstance(found, Finding)
    return found


def _params(name: str, asked: Asked) -> tuple[Any, ...]:
    """The parameters with the fixed threshold, if there is one; a hard limit is moved by it."""
    if name not in asked.thresholds:
        return ()
    from detectors.catalogue import CATALOGUE  # noqa: PLC0415 - see above

    params = CATALOGUE[name].params
    assert params is not None
    field = "threshold" if "threshold" in params.__struct_fields__ else "limit"
    return (params(**{field: asked.thresholds[name]}),)


def _kind(held: Held) -> Kind:
    if isinstance(held, Ordered):
        return Kind.NUMERIC
    return held.kind if isinstance(held, Levelled) else Kind.DATETIME


def _side(held: Held) -> Side:
    if isinstance(held, Ordered):
        return sides.of_numbers(held)
    return sides.of_levels(held) if isinstance(held, Levelled) else sides.of_dates(held)


def _rows_of(held: Held) -> Side:
    """What a verdict needs of a side."""
    distinct = len(held.names) if isinstance(held, Levelled) else None
    return Side(rows=held.rows, missing=held.missing, distinct=distinct)


def _sample_of_numbers(held: Ordered) -> Sample:
    values = np.append(held.values, np.full(held.missing, np.nan)) if held.missing else held.values
    return Sample(held.column, Kind.NUMERIC, pa.chunked_array([pa.array(values)]))


def _sample_of_levels(held: Levelled) -> Sample:
    codes = np.repeat(np.arange(len(held.names), dtype=np.int32), held.counts)
    coded = pa.DictionaryArray.from_arrays(pa.array(codes), held.names)
    parts = [coded, pa.nulls(held.missing, coded.type)] if held.missing else [coded]
    return Sample(held.column, held.kind, pa.chunked_array(parts))
