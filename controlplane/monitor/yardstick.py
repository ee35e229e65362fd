"""What windows are measured with: bins, thresholds and rates made from a reference, once.

A yardstick is stored with its reference, so that a restart does not make it again, and kept in
memory with the reference's columns while the store is open.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from weakref import WeakKeyDictionary

import msgspec
import pyarrow as pa

from controlplane.domain.budget import Family
from controlplane.domain.names import digest
from controlplane.domain.references import Reference
from controlplane.monitor.dates import compared, judged_of
from controlplane.monitor.joint import calibrating, whole_of
from controlplane.monitor.material import Material, Part, gather
from controlplane.monitor.quality import Rates, rates_from
from controlplane.monitor.rows import prediction_columns, samples
from controlplane.monitor.scope import Scope
from controlplane.monitor.season import groupings_of
from controlplane.store.ports import Snapshot, Store
from detectors import blocks
from detectors.binning import Bins, Tally, freeze, tally
from detectors.finding import Sample
from detectors.refmax import Calibration, Options, calibrate
from detectors.scores import Scores
from detectors.tables.summed import Frozen
from detectors.thresholds import FEWEST_WINDOWS

SHOWN_VALUES = 2**24
"""Values of a reference that are held for the shown detectors, all columns together; only of one
with more, every so many-th row."""
MOVING_VALUES = 2**22
"""The same of a reference that moves, or of a window that slides, which is sorted every time."""
MOST_KEPT = 64
"""Measures held in memory; the oldest gives way."""
MOST_BYTES = 512 * 2**20
"""Of the columns that they hold, all measures together."""
FORM = 8
"""Counts up when what is stored changes its form, so that older ones are made anew."""


class Yardstick(msgspec.Struct, frozen=True, kw_only=True):
    """Everything made from a reference that is kept with it; plain JSON.

    `made_of` names what it was made of, so that a changed model file makes it anew. `bins` are
    of all features and of what is derived of dates, `drifting` those whose drift is judged; `answers` are the bins of the
    version's own predictions, empty where it predicted nothing before it served.
    """

    made_of: str
    bins: tuple[Bins, ...]
    drifting: tuple[int, ...]
    drift: Calibration | None
    answers: tuple[Bins, ...]
    answer_drift: Calibration | None
    rates: Rates | None
    windows: int

    @property
    def names(self) -> list[str]:
        """The columns that windows are counted on, features and what is derived of dates."""
        return [frozen.column for frozen in self.bins]


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A yardstick at hand, with the reference's columns for the detectors that read values, and
    what is frozen of its rows for those that read all columns together (without drift, nothing)."""

    reference: Reference
    yardstick: Yardstick
    columns: dict[str, Sample]
    together: Frozen | None
    is_recorded: bool


_measures: "WeakKeyDictionary[Store, dict[str, Measure]]" = WeakKeyDictionary()


def measure_of(store: Store, view: Snapshot, scope: Scope, reference: Reference) -> Measure:
    """The measure of a reference: from memory, from its record, or made now."""
    kept = _measures.setdefault(store, {})
    name = _made_of(scope, reference)
    if (known := kept.get(reference.id)) is not None and known.yardstick.made_of == name:
        return known
    material = gather(view, scope, reference)
    stored = stored_in(reference)
    is_recorded = stored is not None and stored.made_of == name
    whole = whole_of(scope, compared(scope, material.sample))
    if stored is None or not is_recorded:
        stored = make(scope, material, name, calibrating(scope, whole, material))
    names = stored.names
    found = Measure(
        reference=reference, yardstick=stored,
        columns={
            **compared(scope, _fewer(material.sample), names),
            **samples(_fewer(material.answers), prediction_columns(scope.schema, material.answers)),
        },
        together=whole, is_recorded=is_recorded,
    )  # fmt: skip
    kept[reference.id] = found
    make_room(kept)
    return found


def make_room(kept: dict[str, Measure]) -> None:
    """Let the oldest measures go, as far as there are too many or they hold too much; never all."""
    sizes = {name: sum(s.values.nbytes for s in m.columns.values()) for name, m in kept.items()}
    while len(sizes) > MOST_KEPT or (len(sizes) > 1 and sum(sizes.values()) > MOST_BYTES):
        oldest = next(iter(sizes))
        kept.pop(oldest, None)
        del sizes[oldest]


def record_of(measure: Measure) -> Reference:
    """The reference's record with the yardstick, which those that go on with windows do not keep."""
    known, yardstick = measure.reference, measure.yardstick
    found = msgspec.structs.replace(known, calibration_windows=yardstick.windows)
    return found if known.spans else msgspec.structs.replace(
        found, calibration=msgspec.Raw(msgspec.json.encode(yardstick))
    )  # fmt: skip


def recorded(store: Store, measure: Measure) -> None:
    """Take note that a measure's yardstick is in the ledger now."""
    if measure.reference.spans:
        return
    known = msgspec.structs.replace(measure, is_recorded=True)
    _measures.setdefault(store, {})[measure.reference.id] = known


Stretches = Sequence[Sequence[Sequence[Tally]]]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A reference and its calibration windows as counts: `windows[i][j]` is window i on `bins[j]`.

    `parts` are the calibration windows with as many rows, `answers` the bins of the version's own
    predictions, `answer_windows` the windows of those, `answer_firsts` when each of them begins.
    `joint` are the windows' scores of all features together. `stretches[i][k][j]` (and so
    `answer_stretches`) is the k-th of 24 stretches of window i, where whole windows are too few.
    `bare`: only windows as large as these will be judged (`detectors.laws.Options`).
    """

    bins: Sequence[Bins]
    windows: Sequence[Sequence[Tally]]
    parts: tuple[Part, ...]
    answers: Sequence[Bins] = ()
    answer_windows: Sequence[Sequence[Tally]] = ()
    answer_firsts: Sequence[datetime] = ()
    joint: Sequence[Scores] = ()
    stretches: Stretches = ()
    answer_stretches: Stretches = ()
    bare: bool = False


def make(scope: Scope, material: Material, made_of: str, joint: Sequence[Scores]) -> Yardstick:
    """The yardstick of a reference whose rows are at hand, every family that the model file asks for;
    `joint` are the scores of its calibration windows, all features together."""
    return calibrated(scope, counted_of(scope, material, joint), made_of)


def counted_of(scope: Scope, material: Material, joint: Sequence[Scores]) -> Counted:
    """Freeze the bins of a reference, and count its windows on them."""
    bins = [freeze(sample) for sample in compared(scope, material.sample).values()]
    names = [frozen.column for frozen in bins]

    def features(rows: pa.Table) -> dict[str, Sample]:
        return compared(scope, rows, names)

    tallies = [tallied(bins, features(part.rows)) for part in material.parts]
    inside = [part.rows for part in material.parts if part.inside]
    stretches = _stretches(bins, inside, features) if len(tallies) < FEWEST_WINDOWS else ()
    kinds = prediction_columns(scope.schema, material.answers)
    answers = [freeze(sample) for sample in samples(material.answers, kinds).values()]
    answer_windows = [tallied(answers, samples(part, kinds)) for part in material.answer_parts]
    return Counted(
        bins=bins, windows=tallies, parts=material.parts, joint=joint, answers=answers,
        answer_windows=answer_windows,
        answer_firsts=[part["at"][0].as_py() for part in material.answer_parts],
        stretches=stretches, answer_stretches=_stretches(
            answers, material.answer_parts, lambda rows: samples(rows, kinds)),
    )  # fmt: skip


def calibrated(scope: Scope, counted: Counted, made_of: str) -> Yardstick:
    """The yardstick of a reference that is counted: every family that the model file asks for."""
    drift, bins = scope.policy.monitors.drift, counted.bins
    drifting = [] if drift is None else judged_of(bins, drift.columns, scope.schema)
    answers = counted.answers if drift is not None else ()
    return Yardstick(
        made_of=made_of, bins=tuple(bins), drifting=tuple(drifting),
        drift=_drift(scope, Family.FEATURE_DRIFT, [bins[n] for n in drifting], _Windows(
            tallies=[[window[n] for n in drifting] for window in counted.windows],
            inside=[part.inside for part in counted.parts],
            groupings=groupings_of(scope.calendar, [part.first for part in counted.parts]),
            joint=counted.joint, stretches=[
                [[place[n] for n in drifting] for place in window] for window in counted.stretches
            ], bare=counted.bare,
        )),
        answers=tuple(answers),
        answer_drift=_drift(scope, Family.PREDICTION_DRIFT, answers, _Windows(
            tallies=counted.answer_windows, inside=[True] * len(counted.answer_windows),
            groupings=groupings_of(scope.calendar, counted.answer_firsts),
            stretches=counted.answer_stretches,
        )),
        rates=rates_from(scope, material_of(counted.parts), bins, counted.windows),
        windows=len(counted.parts),
    )  # fmt: skip


def material_of(parts: tuple[Part, ...]) -> Material:
    """Calibration windows alone, where their reference is known by its counts."""
    none = pa.table({})
    return Material(sample=none, parts=parts, answers=none, answer_parts=())


def tallied(bins: Sequence[Bins], columns: Mapping[str, Sample]) -> list[Tally]:
    """A window counted on bins, one tally a column."""
    return [tally(frozen, columns[frozen.column]) for frozen in bins]


def _stretches(
    bins: Sequence[Bins],
    windows: Sequence[pa.Table],
    columns: Callable[[pa.Table], Mapping[str, Sample]],
) -> Stretches:
    """The windows in stretches of as many rows each, where they are few and long; else nothing."""
    few = blocks.FEWEST <= len(windows) < FEWEST_WINDOWS
    if not few or min(window.num_rows for window in windows) < blocks.LEAST_ROWS:
        return ()
    return [
        [tallied(bins, columns(place)) for place in _cut(window, blocks.PLACES)]
        for window in windows
    ]


def _cut(rows: pa.Table, into: int) -> list[pa.Table]:
    ends = [rows.num_rows * k // into for k in range(into + 1)]
    return [rows.slice(first, last - first) for first, last in pairwise(ends)]


class _Windows(msgspec.Struct, frozen=True, kw_only=True):
    """A family's calibration windows, as `Counted` has them."""

    tallies: Sequence[Sequence[Tally]]
    inside: Sequence[bool]
    groupings: Mapping[str, Sequence[int]]
    stretches: Stretches
    joint: Sequence[Scores] = ()
    bare: bool = False


def _drift(
    scope: Scope, family: Family, bins: Sequence[Bins], windows: _Windows
) -> Calibration | None:
    drift = scope.policy.monitors.drift
    if drift is None or not bins:
        return None
    alpha = scope.budget().alpha(family)
    options = Options(
        minimum_effect=drift.minimum_effect, groupings=windows.groupings, joint=windows.joint,
        bare=windows.bare,
    )  # fmt: skip
    if windows.stretches:
        return blocks.calibrate_blocks(
            bins, windows.stretches, family=str(family), alpha=alpha, options=options
        )
    return calibrate(
        bins, windows.tallies, windows.inside, family=str(family), alpha=alpha, options=options
    )


def _fewer(table: pa.Table) -> pa.Table:
    step = -(-table.num_rows * table.num_columns // SHOWN_VALUES)
    return table if step <= 1 else table.take(pa.array(range(0, table.num_rows, step)))


def stored_in(reference: Reference) -> Yardstick | None:
    """The yardstick that is kept with a reference; None before there is one of today's form."""
    if reference.calibration is None:
        return None
    try:
        return msgspec.json.decode(reference.calibration, type=Yardstick)
    except msgspec.MsgspecError:
        return None


def _made_of(scope: Scope, reference: Reference) -> str:
    """A name for everything that a yardstick depends on."""
    policy, calendar = scope.policy, scope.calendar
    return digest(
        "y", FORM, scope.model.created_at, reference.start, reference.end, reference.known_at, scope.schema.features,
        calendar.origin, calendar.zone, calendar.every, calendar.span, calendar.rows, policy.false_alarms,
        policy.monitors.drift, policy.monitors.quality, reference.confirmed,
    )  # fmt: skip
