"""Drifts sown into the features of the calibration windows, judged as live windows are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from controlplane.monitor.dates import compared, dated_from
from controlplane.monitor.joint import calibrating, judged_scores, table_of, whole_of, without_own
from controlplane.monitor.material import Material, Part
from controlplane.monitor.quality import judged_columns
from controlplane.monitor.rehearsal.plan import RAMP_WINDOWS, Sown, delay_of, unit_of
from controlplane.monitor.scope import Scope
from controlplane.monitor.season import groupings_of
from controlplane.monitor.yardstick import Yardstick, make, tallied
from detectors import refmax
from detectors.binning import Bins
from detectors.finding import Finding, Kind, Sample, Verdict
from detectors.scores import Scores
from detectors.sowing import Drift, Sowing, Usual, sow, usual
from detectors.tables.summed import Frozen, counted
from detectors.tallies import without

RAMPS: Final = 6
"""From so many windows on a ramp is begun."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What is rehearsed on: a yardstick, some of the windows that made it, and what columns usually
    are. `joint` are the scores of all calibration windows, all features together; `others` what a
    window is compared with there, without its own rows, or nothing."""

    yardstick: Yardstick
    joint: Sequence[Scores]
    parts: tuple[Part, ...]
    others: tuple[Frozen | None, ...]
    kinds: Mapping[str, Kind]
    likes: Mapping[str, Usual]
    scope: Scope


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What the windows of a reference are measured with: `whole` is frozen of all its features."""

    yardstick: Yardstick
    joint: Sequence[Scores]
    whole: Frozen | None


def measured(scope: Scope, material: Material) -> Measured:
    """The yardstick of a reference's rows and its calibration windows."""
    whole = whole_of(scope, compared(scope, material.sample))
    joint = calibrating(scope, whole, material)
    yardstick = make(scope, material, "rehearsal", joint)
    return Measured(yardstick=yardstick, joint=joint, whole=whole)


def stage_of(known: Measured, material: Material, scope: Scope, *, windows: int) -> Stage:
    """At most `windows` of the calibration windows, spread evenly over all of them."""
    count = len(material.parts)
    kinds = {column.name: column.kind for column in scope.schema.features}
    chosen = np.unique(np.linspace(0, count - 1, min(windows, count)).round().astype(np.int64))
    parts = tuple(material.parts[at] for at in chosen.tolist())
    return Stage(
        yardstick=known.yardstick, joint=known.joint, parts=parts,
        others=without_own(scope, known.whole, material, parts),
        kinds=kinds,
        likes={
            name: usual(material.sample[name], kind, at=material.sample["at"])
            for name, kind in kinds.items()
        },
        scope=scope,
    )  # fmt: skip


def rehearsed(stage: Stage, drift: Drift, generator: np.random.Generator) -> Sown:
    """One drift in each of the stage's windows, by itself; of a ramp, in windows one after another."""
    if drift.kind is Sowing.RAMP:
        return _ramp(stage, drift, generator)
    alarms = [_alarms(stage, at, drift, generator) for at in range(len(stage.parts))]
    return Sown(
        drift=drift, unit=unit_of(drift, stage.likes[drift.column]), windows=len(alarms), found=sum(map(bool, alarms)),
        delay=delay_of([bool(found) for found in alarms]), by=_most_frequent(alarms),
    )  # fmt: skip


def alarmed(stage: Stage, yardstick: Yardstick, at: int) -> bool:
    """Whether a window of the stage alarms by a yardstick as it was, over all columns."""
    columns = list(range(len(yardstick.bins)))
    return any(
        finding.verdict is Verdict.FAILED
        for finding in _judged(stage, yardstick, at, stage.parts[at].rows, columns)
    )


def _ramp(stage: Stage, drift: Drift, generator: np.random.Generator) -> Sown:
    """Found where any window of the ramp alarms; the delay counts windows from its beginning."""
    count = len(stage.parts)
    starts = np.unique(np.linspace(0, count - 1, min(RAMPS, count)).round().astype(np.int64))
    waits: list[float] = []
    alarms: list[list[str]] = []
    for start in starts.tolist():
        for step in range(RAMP_WINDOWS):
            at, part_of_ramp = (start + step) % count, (step + 1) / RAMP_WINDOWS
            found = _alarms(stage, at, drift, generator, part_of_ramp=part_of_ramp)
            if found:
                waits.append(step + 1.0)
                alarms.append(found)
                break
    waits += [np.inf] * (starts.size - len(waits))
    middle = float(np.median(waits)) if waits else np.inf
    return Sown(
        drift=drift, unit=unit_of(drift, stage.likes[drift.column]), windows=int(starts.size), found=len(alarms),
        delay=middle if np.isfinite(middle) else None, by=_most_frequent(alarms),
    )  # fmt: skip


def _alarms(
    stage: Stage, at: int, drift: Drift, generator: np.random.Generator, *,
    part_of_ramp: float = 1.0,
) -> list[str]:  # fmt: skip
    """The detectors that a window with the drift in it fails: on the columns that it touches, and
    on all of them together."""
    touched, dated = {drift.column, drift.other or drift.column}, dated_from(stage.scope.schema)
    columns = [
        n for n, frozen in enumerate(stage.yardstick.bins)
        if dated.get(frozen.column, frozen.column) in touched
    ]  # fmt: skip
    rows, like = stage.parts[at].rows, stage.likes[drift.column]
    sown = sow(rows, drift, like, generator, part=part_of_ramp)
    found = _judged(stage, stage.yardstick, at, sown, columns)
    return [finding.detector for finding in found if finding.verdict is Verdict.FAILED]


def _judged(
    stage: Stage, yardstick: Yardstick, at: int, rows: pa.Table, columns: Sequence[int]
) -> list[Finding]:
    """The judged findings of some columns of a window, and of all of them together; its own rows are
    no part of the reference."""
    part, bins = stage.parts[at], [yardstick.bins[n] for n in columns]
    now = tallied(bins, _features(stage, rows, bins))
    if part.inside:
        own = tallied(bins, _features(stage, part.rows, bins))
        bins = [without(frozen, tally) for frozen, tally in zip(bins, own, strict=True)]
    groups = {
        name: own[0] for name, own in groupings_of(stage.scope.calendar, [part.first]).items()
    }
    drifting = [place for place, n in enumerate(columns) if n in yardstick.drifting]
    found: list[Finding] = []
    if yardstick.drift is not None and drifting:
        found += refmax.judge(
            yardstick.drift,
            [bins[n] for n in drifting],
            [now[n] for n in drifting],
            groups=groups,
            joint=_joint(stage, at, rows),
        )
    if yardstick.rates is not None:
        found += judged_columns(yardstick.rates, rows.num_rows, bins, now, groups=groups)
    return found


def _joint(stage: Stage, at: int, rows: pa.Table) -> Sequence[Scores]:
    others = stage.others[at]
    if others is None:
        return ()
    names = [frozen.column for frozen in stage.yardstick.bins]
    features = compared(stage.scope, rows, names)
    return judged_scores(others, counted(others, table_of(features)))


def _features(stage: Stage, rows: pa.Table, bins: Sequence[Bins]) -> dict[str, Sample]:
    """The columns that bins are of, and no other."""
    dated = dated_from(stage.scope.schema)
    names = [frozen.column for frozen in bins]
    sources = dict.fromkeys(dated.get(name, name) for name in names)
    return compared(stage.scope, rows.select(["at", *sources]), names)


def _most_frequent(alarms: Sequence[Sequence[str]]) -> tuple[str, ...]:
    counted = Counter(name for found in alarms for name in dict.fromkeys(found))
    return tuple(name for name, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
