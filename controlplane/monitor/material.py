"""The rows that a reference is made from: its sample, and the windows that set its thresholds."""

from datetime import datetime
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from controlplane.domain.grid import steps_within
from controlplane.domain.references import (
    Reference,
    calibration_slices,
    calibration_spans,
    reference_of,
)
from controlplane.domain.versions import Version
from controlplane.monitor.rows import micros, micros_of
from controlplane.monitor.scope import Scope
from controlplane.store.ports import Known, Snapshot

Positions = tuple[int, int]
SERVED: Final = ("live",)
UPLOADED: Final = ("reference",)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration window: its rows, and the share of them without a label in [0, 1].

    None where the labels of its last row had not closed by the time that the reference is of.
    """

    rows: pa.Table
    inside: bool
    unlabelled: float | None

    @property
    def first(self) -> datetime:
        """When its first row lies."""
        found: datetime = self.rows["at"][0].as_py()
        return found

    @property
    def has_values(self) -> bool:
        """Whether its rows are at hand, rather than counts of them alone."""
        return bool(self.rows.num_columns > 1)


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A reference's rows by (at, id), its calibration windows, and its version's own answers.

    `answers` are rows that the version predicted before it served (the predictions that came with
    an uploaded reference); `answer_parts` the whole windows among them.
    """

    sample: pa.Table
    parts: tuple[Part, ...]
    answers: pa.Table
    answer_parts: tuple[pa.Table, ...]


def reference_in_force(view: Snapshot, scope: Scope, moment: datetime) -> Reference | None:
    """The reference of the version that was champion at a moment; None where it has none.

    A span fixed in the model file comes first, then what is recorded with the version.
    """
    name = scope.champion_at(moment)
    version = view.ledger.get(Version, f"{scope.name}/{name}")
    if version is None:
        return None
    known = next(reign.since for reign in scope.reigns if reign.version == name)
    asked = reference_of(scope.policy, version, known)
    return view.ledger.get(Reference, version.id if asked is None else asked.id) or asked


def gather(view: Snapshot, scope: Scope, reference: Reference) -> Material:
    """Everything that a reference is made from, as it was known when it came into force."""
    name, known_at = scope.name, reference.known_at
    known = Known(start=_earliest(view, scope, reference), end=reference.end, by=known_at)
    roles = UPLOADED if reference.uploaded else SERVED
    rows = view.events.rows(name, scope.features, known, roles=roles).combine_chunks()
    labelled = micros(view.events.labelled(name, [], known, roles=roles)["at"])
    at = micros(rows["at"])
    inside = at >= micros_of(reference.start)
    closed = micros_of(known_at - scope.calendar.delay)
    parts = [
        Part(
            rows=rows.slice(first, last - first), inside=bool(inside[first]),
            unlabelled=_unlabelled(at[first:last], labelled) if at[last - 1] < closed else None,
        )
        for first, last in _windows(scope, reference, at, inside)
        if last > first
    ]  # fmt: skip
    parts += _confirmed(view, scope, reference)
    answers = rows if reference.uploaded else _answers(view, scope, reference)
    answers = answers.filter(pc.is_valid(answers["prediction"])).combine_chunks()
    begin = int(np.argmax(inside)) if inside.any() else rows.num_rows
    return Material(
        sample=rows.slice(begin), parts=tuple(parts), answers=answers,
        answer_parts=_answer_parts(scope, answers),
    )  # fmt: skip


def _confirmed(view: Snapshot, scope: Scope, reference: Reference) -> list[Part]:
    """The windows that an operator added, as they are known now that they calibrate."""
    by = reference.recalibrated_at
    found = []
    for start, end in reference.confirmed:
        known = Known(start=start, end=end, by=by)
        rows = view.events.rows(scope.name, scope.features, known).combine_chunks()
        if rows.num_rows:
            found.append(Part(rows=rows, inside=False, unlabelled=None))
    return found


def _earliest(view: Snapshot, scope: Scope, reference: Reference) -> datetime:
    """From when on rows are needed: calibration windows may reach back behind the sample."""
    first = None if reference.uploaded else view.events.counts(scope.name).first_at
    if first is None or first >= reference.start:
        return reference.start
    if scope.calendar.rows is not None:
        return first
    spans = calibration_spans(scope.calendar, reference, first)
    return min(spans[0].start, reference.start) if spans else reference.start


def _windows(
    scope: Scope, reference: Reference, at: NDArray[np.int64], inside: NDArray[np.bool_]
) -> list[Positions]:
    """The positions of the calibration windows among rows in order of time."""
    if scope.calendar.rows is not None:
        return calibration_slices(inside.tolist(), scope.calendar.rows)
    if not at.size:
        return []
    first = pa.scalar(int(at[0]), pa.timestamp("us", "UTC")).as_py()
    spans = calibration_spans(scope.calendar, reference, min(first, reference.start))
    bounds = np.array([[micros_of(s.start), micros_of(s.end)] for s in spans], dtype=np.int64)
    if not bounds.size:
        return []
    found = np.searchsorted(at, bounds)
    return [(int(begin), int(end)) for begin, end in found]


def _unlabelled(at: NDArray[np.int64], labelled: NDArray[np.int64]) -> float:
    """The share of rows without a label, by how many of each lie in the same time."""
    begin, end = np.searchsorted(labelled, [at[0], at[-1] + 1])
    return max(0.0, 1.0 - float(end - begin) / at.size)


def _answers(view: Snapshot, scope: Scope, reference: Reference) -> pa.Table:
    """What the version predicted, for rows that it was not trained on, before it served."""
    version = view.ledger.get(Version, f"{scope.name}/{reference.version}")
    since = None if version is None else version.trained_to
    known = Known(start=since, end=reference.made_at, by=reference.known_at)
    return view.events.scored(scope.name, reference.version, known)


def _answer_parts(scope: Scope, answers: pa.Table) -> tuple[pa.Table, ...]:
    """The whole windows among a version's answers, none overlapping another."""
    rows, at = scope.calendar.rows, micros(answers["at"])
    if not at.size:
        return ()
    if rows is not None:
        cuts = [(end - rows, end) for end in range(at.size, rows - 1, -rows)][::-1]
        return tuple(answers.slice(first, last - first) for first, last in cuts)
    grid = scope.calendar.apart
    assert grid is not None
    begin, end = (pa.scalar(int(t), pa.timestamp("us", "UTC")).as_py() for t in (at[0], at[-1]))
    cut = [
        np.searchsorted(at, [micros_of(start), micros_of(finish)])
        for start, finish in steps_within(grid, begin, end)
    ]
    return tuple(answers.slice(int(a), int(b - a)) for a, b in cut if b > a)
