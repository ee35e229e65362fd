"""The parts of a window that a model file names: how they were predicted, and how they moved.

What is found of a segment is shown, never judged: the columns of all rows are what the budget of
false alarms is spent on, and twenty segments would otherwise spend it twenty times.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from controlplane.domain.policy import Segment
from controlplane.domain.windows import Realised
from controlplane.monitor.dates import compared
from controlplane.monitor.filtering import Unfit, holds
from controlplane.monitor.performance import ALL, figure_of
from controlplane.monitor.rows import Contents, samples_of
from controlplane.monitor.scope import Scope
from controlplane.monitor.yardstick import Measure
from controlplane.policy.where import parse
from detectors import jensen_shannon, slicing
from detectors.answers import MIN_ROWS
from detectors.bins import Bins
from detectors.finding import Finding, Reason, Sample, Verdict
from detectors.reading import Counts

NAME: Final = "segment"
"""The detector that tells a segment's share of the rows, or why it has none."""
MOVED: Final = "segment_drift"
"""The Jensen–Shannon distance of a column within a segment."""
LEAST: Final = 0.1
"""The least distance that is shown of a column within a segment."""
SHOWN: Final = 5
"""Columns that are shown of a segment, those that moved most."""
PARTS: Final = 10


class Division(msgspec.Struct, frozen=True):
    """Rows cut by a segment: each part's name, and the part of each row, -1 for none."""

    segment: Segment
    names: tuple[str, ...]
    codes: Counts


def divided(
    segment: Segment, bins: Sequence[Bins], columns: Mapping[str, Sample], rows: int
) -> Division:
    """Rows cut by a segment; raises Unfit with a sentence where they cannot be.

    Levels are the twenty most frequent of the reference and all others together, numbers with more
    values are cut at the reference's quartiles; a condition makes one part.
    """
    if segment.where is not None:
        inside = holds(parse(segment.where), columns, rows)
        return Division(segment, (segment.name,), np.where(inside, 0, -1).astype(np.int64))
    column = segment.column or segment.name
    frozen = next((b for b in bins if b.column == column), None)
    if frozen is None or column not in columns:
        raise Unfit(f"there is no column {column} among the features")
    cut = slicing.scale(frozen)
    if cut is None:
        raise Unfit(f"{column} is {frozen.kind} without levels or numbers in the reference")
    names = tuple(f"{segment.name}={part}" for part in cut.parts)
    return Division(segment, names, slicing.codes(cut, columns[column].values))


def realised_by_segment(
    scope: Scope, measure: Measure | None, found: Contents
) -> tuple[Realised, ...]:
    """The followed metric and the task's loss over the labelled rows of every segment."""
    monitor = scope.policy.monitors.performance
    if monitor is None or measure is None or found.labelled.num_rows == 0:
        return ()
    metrics = list(dict.fromkeys([monitor.metric, scope.loss]))
    return tuple(
        msgspec.structs.replace(figure_of(scope, ALL, rows, metric), segment=name)
        for name, rows in parts_of(scope, measure.yardstick.bins, found.labelled)
        for metric in metrics
    )


def parts_of(scope: Scope, bins: Sequence[Bins], rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of every part of every segment that has any, by name."""
    columns = samples_of(scope.schema, rows)
    for segment in scope.policy.segments:
        try:
            cut = divided(segment, bins, columns, rows.num_rows)
        except Unfit:
            continue  # said among the findings
        order = np.argsort(cut.codes, kind="stable")
        bounds = np.searchsorted(cut.codes[order], np.arange(len(cut.names) + 1))
        for at, name in enumerate(cut.names):
            if bounds[at + 1] > bounds[at]:
                yield name, rows.take(pa.array(order[bounds[at] : bounds[at + 1]]))


def shown_by_segment(scope: Scope, measure: Measure, rows: pa.Table) -> list[Finding]:
    """Every segment's share of the rows, and the columns that moved most within it."""
    if not scope.policy.segments or not rows.num_rows:
        return []
    bins = measure.yardstick.bins
    now = compared(scope, rows, measure.yardstick.names)
    then = {name: sample for name, sample in measure.columns.items() if name in now}
    drifting = [bins[at] for at in measure.yardstick.drifting if bins[at].column in now]
    cuts = [cut for frozen in drifting if (cut := slicing.scale(frozen, parts=PARTS)) is not None]
    sides = _coded(cuts, then), _coded(cuts, now)
    count = min((len(sample.values) for sample in then.values()), default=0)
    found: list[Finding] = []
    for segment in scope.policy.segments:
        column = segment.column or "*"
        try:
            before = divided(segment, bins, then, count)
            after = divided(segment, bins, now, rows.num_rows)
        except Unfit as unfit:
            found.append(_untold(segment, column, str(unfit)))
            continue
        found += _shares(column, before, after)
        for cut in cuts:
            if cut.column != column:
                found += _moved(cut, (before, sides[0][cut.column]), (after, sides[1][cut.column]))
    return _most(found)


def _shares(column: str, before: Division, after: Division) -> list[Finding]:
    sizes = [_sizes(each) for each in (before, after)]
    shares = [
        size / max(each.codes.size, 1) for size, each in zip(sizes, (before, after), strict=True)
    ]
    return [
        Finding(
            column=column, detector=NAME, segment=name, statistic=float(shares[1][at]),
            effect=float(shares[1][at] - shares[0][at]), rows=int(sizes[1][at]),
            rows_reference=int(sizes[0][at]), verdict=Verdict.INCONCLUSIVE,
            reason=str(Reason.SHOWN),
        )
        for at, name in enumerate(after.names)
        if sizes[0][at] or sizes[1][at]
    ]  # fmt: skip


def _moved(
    cut: slicing.Scale, before: tuple[Division, Counts], after: tuple[Division, Counts]
) -> list[Finding]:
    """How far a column moved within each part: the Jensen–Shannon distance, less chance's."""
    width = len(cut.parts)
    first, second = (_table(*side, width) for side in (before, after))
    m, n = first.sum(axis=1), second.sum(axis=1)
    occupied = ((first + second) > 0).sum(axis=1)
    distances = jensen_shannon.distance(first, second)
    with np.errstate(divide="ignore", invalid="ignore"):
        effects = jensen_shannon.beyond_chance(distances, occupied, m, n)
    enough = np.flatnonzero((np.minimum(m, n) >= MIN_ROWS) & (effects >= LEAST))
    return [
        Finding(
            column=cut.column, detector=MOVED, segment=after[0].names[at],
            statistic=float(distances[at]), effect=float(effects[at]), rows=int(n[at]),
            rows_reference=int(m[at]), verdict=Verdict.INCONCLUSIVE, reason=str(Reason.SHOWN),
        )
        for at in enough
    ]  # fmt: skip


def _table(cut: Division, codes: Counts, width: int) -> Counts:
    """How many rows of each part, down, have each code of a column, across."""
    inside = cut.codes >= 0
    places = cut.codes[inside] * width + codes[inside]
    counted = np.bincount(places, minlength=len(cut.names) * width)
    found: Counts = counted.reshape(len(cut.names), width)
    return found


def _most(found: list[Finding]) -> list[Finding]:
    """The shares, and of each segment the columns that moved most."""
    kept = [finding for finding in found if finding.detector == NAME]
    moved: dict[str, list[Finding]] = {}
    for finding in found:
        if finding.detector != NAME:
            moved.setdefault(finding.segment or "", []).append(finding)
    for each in moved.values():
        each.sort(key=lambda finding: -(finding.effect or 0.0))
        kept += each[:SHOWN]
    return kept


def _untold(segment: Segment, column: str, reason: str) -> Finding:
    return Finding(
        column=column, detector=NAME, segment=segment.name, verdict=Verdict.INCONCLUSIVE,
        reason=reason,
    )  # fmt: skip


def _sizes(cut: Division) -> NDArray[np.int64]:
    return np.bincount(cut.codes[cut.codes >= 0], minlength=len(cut.names))


def _coded(cuts: Sequence[slicing.Scale], columns: Mapping[str, Sample]) -> dict[str, Counts]:
    return {cut.column: slicing.codes(cut, columns[cut.column].values) for cut in cuts}
