"""The sequential detector over sown rows: how soon it alarms, and how often with nothing sown.

It begins afresh, as it is set up for the champion's reign, and reads the windows in order of time.
A drift begins at one of them, with whatever the detector remembers of those before, and lasts.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from controlplane.domain.names import seed_of
from controlplane.domain.streams import ERROR, PREDICTION, SCORE, Stream
from controlplane.monitor.material import Material
from controlplane.monitor.rehearsal.columns import Stage
from controlplane.monitor.rehearsal.labels import labelled_windows, spread_of, unit_of_flips
from controlplane.monitor.rehearsal.plan import FLIPS, RAMP_WINDOWS, SIZES, Sown, unit_of
from controlplane.monitor.scope import Scope
from controlplane.monitor.stream import listened, stream_of
from controlplane.monitor.stream_values import Read, column_of, is_right_or_wrong, values_of
from controlplane.store.ports import Snapshot
from detectors import reading
from detectors.finding import Kind
from detectors.sowing import Drift, Sowing, flipped, is_sowable, sow, usual
from detectors.streaming.catalogue import CATALOGUE, begin

STARTS: Final = 10
"""At so many windows at most a drift begins, none of them in the first third."""
KINDS: Final = (Sowing.SHIFT, Sowing.SCALE, Sowing.RAMP)
"""What is sown into the values that a stream reads; those that are missing it passes over."""

Changed = Callable[[pa.Table, float], pa.Table]
"""A window with a drift in it, of which so great a part has come."""


class Listened(msgspec.Struct, frozen=True, kw_only=True):
    """What the stream on `on` made of its windows: it alarmed in `alarmed` of `windows` with nothing
    sown, of which `expected` are allowed for. `refused` says why nothing is read."""

    detector: str
    on: str
    windows: int
    alarmed: int
    expected: float
    refused: str | None
    sown: tuple[Sown, ...]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A stream over windows in order of time: as it is before each, and where it alarms."""

    read: Callable[[pa.Table], Read]
    windows: Sequence[pa.Table]
    before: Sequence[Stream]
    alarmed: Sequence[bool]


def heard(
    view: Snapshot, scope: Scope, material: Material, stage: Stage, chosen: Collection[str], *,
    quiet: bool,
) -> Listened | str | None:  # fmt: skip
    """What the model file's stream finds; None where it has none, or none of the features in
    question is one that it would tell of; a sentence where it cannot be rehearsed.

    A stream on errors is given labels that no longer follow from the `chosen` numeric features, one
    on a feature that feature's drifts, one on scores or predictions theirs with `quiet`.
    """
    asked = scope.policy.monitors.stream
    if asked is None or not (quiet or _concerns(asked.on, chosen)):
        return None
    stream = stream_of(view, scope, scope.reigns[-1], asked) if scope.reigns else None
    if stream is None:
        return "the stream is not rehearsed: the champion has no errors that it could be set up by"
    known = _blank(stream)
    name, on = known.detector.detector, known.on
    if known.setup.refused is not None:
        return Listened(
            detector=name, on=on, windows=0, alarmed=0, expected=0.0,
            refused=known.setup.refused, sown=(),
        )  # fmt: skip
    numeric = [column for column in chosen if stage.kinds[column] is Kind.NUMERIC]
    windows = _windows(view, scope, material, stage, on, numeric)
    if not windows:
        return f"the stream on {on} is not rehearsed: no window holds what it reads"
    course = _course(scope, known, windows)
    count, a_period = len(windows), scope.budget().windows
    return Listened(
        detector=name, on=on, windows=count, alarmed=sum(course.alarmed),
        expected=known.setup.share * count / a_period, refused=None,
        sown=tuple(_sown(course, scope, numeric if on == ERROR else chosen, quiet=quiet)),
    )  # fmt: skip


def _concerns(on: str, chosen: Collection[str]) -> bool:
    return bool(chosen) if on == ERROR else on in chosen


def _blank(stream: Stream) -> Stream:
    """The stream as it was set up, before it read anything."""
    kept = stream.detector
    return msgspec.structs.replace(
        stream, detector=begin(kept.detector, kept.params), recent=(), total=0.0, read=0
    )


def _windows(
    view: Snapshot, scope: Scope, material: Material, stage: Stage, on: str,
    features: Sequence[str],
) -> Sequence[pa.Table]:  # fmt: skip
    if on == ERROR:
        return labelled_windows(view, scope, features, windows=len(stage.parts))
    if on in {SCORE, PREDICTION}:
        column = column_of(scope, on)
        return [part for part in material.answer_parts if column in part.column_names]
    return [part.rows for part in stage.parts]


def _course(scope: Scope, stream: Stream, windows: Sequence[pa.Table]) -> Course:
    wrong = is_right_or_wrong(scope, CATALOGUE[stream.detector.detector].reads)

    def read(rows: pa.Table) -> Read:
        return values_of(scope, rows, stream.on, wrong=wrong)

    before, alarmed = [], []
    for window in windows:
        before.append(stream)
        stream, found = _heard(stream, read(window))
        alarmed.append(found)
    return Course(read=read, windows=windows, before=before, alarmed=alarmed)


def _heard(stream: Stream, rows: Read) -> tuple[Stream, bool]:
    if not rows.values.size:
        return stream, False
    told = listened(stream, rows)
    return told.stream, told.alarmed


def _sown(course: Course, scope: Scope, columns: Collection[str], *, quiet: bool) -> Iterator[Sown]:
    on = course.before[0].on
    if on == ERROR:
        spread = spread_of(course.windows)
        for column in columns:
            for size in FLIPS:
                drift = Drift(kind=Sowing.CONCEPT_FLIP, column=column, size=size)
                yield _told(course, drift, unit_of_flips(spread), _flips(drift, spread))
    elif on in columns or (quiet and on in {SCORE, PREDICTION}):
        yield from _drifts(course, column_of(scope, on))


def _flips(drift: Drift, spread: float) -> Changed:
    def changed(rows: pa.Table, part: float) -> pa.Table:  # noqa: ARG001 - whole at once
        along, labels = reading.numbers(rows[drift.column]), rows["label"]
        found = flipped(labels, along, drift.size, spread=spread).cast(labels.type)
        return rows.set_column(rows.schema.get_field_index("label"), "label", found)

    return changed


def _drifts(course: Course, column: str) -> Iterator[Sown]:
    """Of the values that are read themselves, numbers."""
    like = usual(pa.concat_tables(course.windows)[column], Kind.NUMERIC)
    generator = np.random.default_rng(seed_of(f"rehearsal of a stream on {column}"))
    sizes: Mapping[Sowing, tuple[float, ...]] = SIZES[Kind.NUMERIC]
    for drift in (Drift(kind=k, column=column, size=size) for k in KINDS for size in sizes[k]):
        if is_sowable(drift, like):

            def changed(rows: pa.Table, part: float, drift: Drift = drift) -> pa.Table:
                return sow(rows, drift, like, generator, part=part)

            yield _told(course, drift, unit_of(drift, like), changed)


def _told(course: Course, drift: Drift, unit: str, changed: Changed) -> Sown:
    """What is found of a drift that begins at some of the windows and lasts."""
    count = len(course.windows)
    starts = np.unique(np.linspace(count // 3, count - 1, min(STARTS, count)).round()).astype(int)
    waits = np.array([_wait(course, start, changed) for start in starts.tolist()])
    middle = float(np.median(waits))
    detector = course.before[0].detector.detector
    return Sown(
        drift=drift, unit=unit, windows=waits.size, found=int((waits == 1.0).sum()),
        delay=middle if np.isfinite(middle) else None,
        by=(detector,) if np.isfinite(waits).any() else (),
    )  # fmt: skip


def _wait(course: Course, start: int, changed: Changed) -> float:
    """In which window of the drift the stream alarms, of ten at most; infinite where in none."""
    stream, count = course.before[start], len(course.windows)
    for step in range(RAMP_WINDOWS):
        window = course.windows[(start + step) % count]
        sown = changed(window, (step + 1) / RAMP_WINDOWS)
        stream, found = _heard(stream, course.read(sown))
        if found:
            return step + 1.0
    return float("inf")
