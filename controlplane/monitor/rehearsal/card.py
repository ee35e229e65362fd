"""The report card: what was sown and found, beside what the same windows say as they were."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

import msgspec
import numpy as np

from controlplane.domain.errors import BadInput, Conflict
from controlplane.domain.names import digest, seed_of
from controlplane.domain.references import Reference
from controlplane.monitor.material import Material
from controlplane.monitor.rehearsal import columns, labels
from controlplane.monitor.rehearsal.columns import Measured, Stage, alarmed, measured, stage_of
from controlplane.monitor.rehearsal.ground import ground
from controlplane.monitor.rehearsal.listening import Listened, heard
from controlplane.monitor.rehearsal.plan import Sown, drifts_of
from controlplane.monitor.scope import Scope, open_scope
from controlplane.monitor.yardstick import Counted, Yardstick, calibrated, counted_of, make
from controlplane.store.ports import Snapshot, Store
from detectors.finding import Kind
from detectors.thinning import STEP
from detectors.thresholds import FEWEST_WINDOWS

MOST_WINDOWS: Final = 60
_kept: "WeakKeyDictionary[Store, tuple[str, Measured]]" = WeakKeyDictionary()
"""The newest that was made, with what it was made of."""


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """What the monitors say of windows in which nothing was sown.

    `alarmed` of `windows` calibration windows alarm by thresholds made from the others; `expected`
    are the alarms in so many windows that the budget allows for. `worse` of `spans` labelled spans
    let the performance condition hold.
    """

    windows: int
    alarmed: int
    expected: float
    spans: int
    worse: int


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A rehearsal of some of a model's columns."""

    model: str
    version: str
    reference: str
    windows: int
    """Calibration windows that drifts were sown into."""
    rows: float
    """Rows in the median one."""
    a_period: float
    """Windows in a period of the budget: the alarms of a monitor that always alarms."""
    count: float
    """The false alarms that the budget allows in a period."""
    sown: tuple[Sown, ...]
    stream: Listened | None
    quiet: Quiet | None
    notes: tuple[str, ...]


def rehearse(
    store: Store, name: str, instant: datetime, *, asked: Collection[str] | None, quiet: bool,
    windows: int,
) -> Card:  # fmt: skip
    """Sow every drift into the asked features (None: all), a copy at a time.

    `quiet` adds what the windows say as they were: thresholds are made anew without each of them,
    which takes a second or more. Conflict where nothing watches the model, or it has no reference or no
    window to rehearse on; BadInput for a feature that it does not have.
    """
    scope = open_scope(store, name, instant)
    if scope is None:
        raise Conflict(f"{name} has no champion that serves yet, so nothing watches it")
    with store.read() as view:
        found = ground(view, scope)
        if found is None:
            raise Conflict(f"{name} has no reference: nothing its rows could be compared with")
        reference, material = found
        kinds = {column.name: column.kind for column in scope.schema.features}
        chosen = _chosen(name, kinds, asked)
        known = _measured(store, scope, reference, material)
        stage = stage_of(known, material, scope, windows=min(windows, MOST_WINDOWS))
        if not stage.parts:
            raise Conflict(
                f"{name} has no whole window within its reference to sow a drift into; "
                "shorter windows or a longer reference would give some"
            )
        return _card(view, scope, reference, material, stage, chosen, quiet=quiet)


def _measured(store: Store, scope: Scope, reference: Reference, material: Material) -> Measured:
    """What was made for the question before where nothing has changed since: a rehearsal of many
    features asks several, and thresholds take most of the time."""
    rows = [part.rows.num_rows for part in material.parts]
    name = digest(
        "r", scope.model.created_at, scope.model.generation, reference.id, reference.start,
        reference.end, reference.known_at, reference.confirmed, material.sample.num_rows, rows,
    )  # fmt: skip
    kept = _kept.get(store)
    if kept is None or kept[0] != name:
        kept = _kept[store] = name, measured(scope, material)
    return kept[1]


def _card(  # noqa: PLR0913
    view: Snapshot, scope: Scope, reference: Reference, material: Material, stage: Stage,
    chosen: list[str], *, quiet: bool,
) -> Card:  # fmt: skip
    numeric = [name for name in chosen if stage.kinds[name] is Kind.NUMERIC]
    judged = labels.judged_spans(view, scope, numeric, windows=len(stage.parts))
    sown: list[Sown] = []
    for column in chosen:
        generator = np.random.default_rng(seed_of(f"rehearsal {reference.id} {column}"))
        sown += [columns.rehearsed(stage, d, generator) for d in drifts_of(column, stage.likes)]
        if judged is not None and column in numeric:
            sown += labels.flips_of(scope, judged, column)
    stream = heard(view, scope, material, stage, chosen, quiet=quiet)
    budget = scope.budget()
    return Card(
        model=scope.name, version=reference.version, reference=reference.id,
        windows=len(stage.parts),
        rows=float(np.median([part.rows.num_rows for part in stage.parts])),
        a_period=budget.windows, count=budget.count, sown=tuple(sown),
        stream=None if isinstance(stream, str) else stream,
        quiet=_quiet(scope, material, stage, judged) if quiet else None,
        notes=(*_notes(stage.yardstick, judged), *([stream] if isinstance(stream, str) else [])),
    )  # fmt: skip


def _quiet(scope: Scope, material: Material, stage: Stage, judged: "labels.Judged | None") -> Quiet:
    """Each window judged by thresholds that it had no part in."""
    alarms = 0
    place = {id(part): at for at, part in enumerate(material.parts)}
    counted = _of_features(counted_of(scope, material, stage.joint))
    for at, part in enumerate(stage.parts):
        yardstick = _without(scope, material, counted, place[id(part)])
        alarms += alarmed(stage, yardstick, at)
    alphas = scope.budget().alphas
    expected = sum(alphas.get(family, 0.0) for family in ("feature_drift", "quality"))
    return Quiet(
        windows=len(stage.parts), alarmed=alarms, expected=expected * len(stage.parts),
        spans=0 if judged is None else len(judged.spans),
        worse=0 if judged is None else len(judged.spans) - len(judged.calm),
    )  # fmt: skip


def _of_features(counted: Counted) -> Counted:
    """What features and their missing values are judged by: without answers, and of rows the times.

    Where windows are about as large as each other, none but of that size will be judged.
    """
    rows = np.array([[tally.valid for tally in window] for window in counted.windows])
    return Counted(
        bins=counted.bins, windows=counted.windows, joint=counted.joint,
        bare=bool((rows.max(axis=0) <= STEP * rows.min(axis=0)).all()),
        parts=tuple(
            msgspec.structs.replace(part, rows=part.rows.select(["at"])) for part in counted.parts
        ),
    )  # fmt: skip


def _without(scope: Scope, material: Material, counted: Counted, at: int) -> Yardstick:
    """The yardstick as it were without one of the windows, as far as features and their missing
    values are judged by it: the bins are those of the whole reference, and so are the counts."""
    left = np.arange(len(counted.parts)) != at
    joint = [one.picked(np.arange(len(one.names)), left) for one in counted.joint]
    kept = np.flatnonzero(left).tolist()
    if len(kept) < FEWEST_WINDOWS:  # blocks of the rows take their place
        others = msgspec.structs.replace(material, parts=tuple(material.parts[n] for n in kept))
        return make(scope, others, "rehearsal", joint)
    without = msgspec.structs.replace(
        counted, windows=[counted.windows[n] for n in kept], joint=joint,
        parts=tuple(counted.parts[n] for n in kept),
    )  # fmt: skip
    return calibrated(scope, without, "rehearsal")


def _notes(yardstick: Yardstick, judged: "labels.Judged | None") -> tuple[str, ...]:
    said = []
    if yardstick.drift is None:
        said.append(
            "the model file switches drift off, so only hard limits and rates are rehearsed"
        )
    elif yardstick.drift.threshold is None:
        said.append(
            f"drift has no threshold yet: {yardstick.drift.needs} more calibration windows are "
            "needed, so only hard limits can find what is sown"
        )
    if judged is None:
        said.append("no labelled window of the champion yet, so concept flips are not rehearsed")
    elif not judged.calm:
        said.append(
            "the champion is worse than it may be in every labelled span as it is, so concept flips "
            "are not rehearsed"
        )
    return tuple(said)


def _chosen(name: str, kinds: dict[str, Kind], asked: Collection[str] | None) -> list[str]:
    unknown = sorted(set(asked or ()) - set(kinds))
    if unknown:
        raise BadInput(f"{name} has no feature {unknown[0][:100]!r}; it has {', '.join(kinds)}")
    return [column for column in kinds if asked is None or column in asked]
