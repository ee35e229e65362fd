"""Gaps between the parts of a segment and all other rows, as findings that are shown."""

from typing import Final

import numpy as np

from controlplane.monitor.filtering import Unfit
from controlplane.monitor.rows import Contents, samples_of, scores_of
from controlplane.monitor.segments import Division, divided
from controlplane.monitor.yardstick import Measure
from detectors import fairness
from detectors.fairness import Gap
from detectors.finding import Finding, Reason, Verdict
from detectors.labelled import Given

NAME: Final = "fairness_"
"""What the detectors' names begin with; the measure follows."""


def gaps(measure: Measure | None, found: Contents) -> list[Finding]:
    """The gaps of a window's labelled rows: of each segment and measure those that are plain, and
    the widest; parts with too few rows are said to have.

    `statistic` is the part's figure over that of the rest, `effect` the difference, `interval` of
    it, holding for all parts of the segment at once; `threshold` is the least that matters.
    """
    scope, rows = found.scope, found.labelled
    if measure is None or scope.policy.monitors.performance is None or not rows.num_rows:
        return []
    given = Given(
        str(scope.schema.task), rows["label"], rows["prediction"], scores_of(scope.schema, rows),
        scope.schema.positive,
    )  # fmt: skip
    columns = samples_of(scope.schema, rows)
    told: list[Finding] = []
    for segment in scope.policy.segments:
        try:
            cut = divided(segment, measure.yardstick.bins, columns, rows.num_rows)
        except Unfit:
            continue  # said among the findings about the rows
        told += _told(cut, segment.column or "*", given)
    return told


def _told(cut: Division, column: str, given: Given) -> list[Finding]:
    codes, names = cut.codes, cut.names
    if cut.segment.where is not None:
        codes, names = np.where(codes == 0, 0, 1).astype(np.int64), (*names, "")
    found = [gap for gap in fairness.gaps(given, codes, len(names)) if names[gap.part]]
    widest: dict[str, Gap] = {}
    for gap in found:
        if abs(gap.difference or 0.0) >= abs(_difference(widest.get(gap.measure))):
            widest[gap.measure] = gap
    return [
        _finding(gap, names[gap.part], column)
        for gap in found
        if gap.is_plain or gap is widest[gap.measure] or gap.value is None
    ]


def _difference(gap: Gap | None) -> float:
    return 0.0 if gap is None or gap.difference is None else gap.difference


def _finding(gap: Gap, segment: str, column: str) -> Finding:
    reason = Reason.SHOWN if gap.value is not None else Reason.INSUFFICIENT
    return Finding(
        column=column, detector=f"{NAME}{gap.measure}", segment=segment, statistic=gap.ratio,
        effect=gap.difference, interval=gap.interval, p_value=gap.p_value, threshold=gap.floor,
        rows=gap.rows, rows_reference=gap.rows_rest, verdict=Verdict.INCONCLUSIVE,
        reason=str(reason),
    )  # fmt: skip
