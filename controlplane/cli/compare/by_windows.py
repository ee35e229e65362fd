"""What is concluded of a file's windows, judged by those of its reference."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from controlplane.cli.compare.concluding import Asking, Measured
from detectors.comparison import rule
from detectors.comparison.result import ComparedColumn, Comparison, Rows, Segment
from detectors.comparison.windowed import Calibrated
from detectors.finding import Finding, Verdict

LISTED: Final = 20
_SAID: Final = {
    "a1": "moved by {:.2g} sd", "jensen_shannon": "distance {:.2g}", "unseen": "{:.1%} new levels",
    "share": "the share of a value changed by {:+.1%}", "missing": "{:+.1f} points missing",
}  # fmt: skip


class Spans(msgspec.Struct, frozen=True):
    """The windows of a file: their column of times, their length in words, when each begins, and
    its rows beside those of the reference's median window."""

    column: str
    every: str
    starts: tuple[str, ...]
    rows: tuple[Rows, ...]


def by_windows(
    spans: Spans, asking: Asking, found: Sequence[Measured], calibrated: Calibrated
) -> Comparison:
    """The comparison: a column failed where any window of it did, or where all its rows did by a
    fixed or hard limit. The windows in which most failed are its segments."""
    kinds = {each.whole.column: each.whole for each in found}
    sentence = _sentence(spans, asking, calibrated)
    columns = [
        [_column(kinds[name], spans, at, findings) for name, findings in _grouped(window).items()]
        for at, window in enumerate(calibrated.windows)
    ]
    of: dict[str, list[ComparedColumn]] = {}
    for window in columns:
        for column in window:
            of.setdefault(column.column, []).append(column)
    whole = [_judged(each.whole, asking, of.get(each.whole.column, [])) for each in found]
    segments = [
        Segment(column=spans.column, level=start, comparison=Comparison(
            reference=asking.reference, current=asking.current, rows=rows, rule=sentence,
            verdict=rule.verdict_of([column.verdict for column in window]), columns=tuple(window),
        ))
        for start, rows, window in zip(spans.starts, spans.rows, columns, strict=True)
    ]  # fmt: skip
    notes = list(asking.notes)
    if len(segments) > LISTED:
        notes.append(f"listed are those {LISTED} of {len(segments)} windows in which most failed")
        segments = sorted(segments, key=_failed, reverse=True)[:LISTED]
    return Comparison(
        reference=asking.reference, current=asking.current, rows=asking.rows,
        verdict=rule.verdict_of([column.verdict for column in whole]), columns=tuple(whole),
        rule=sentence, notes=tuple(notes),
        segments=tuple(sorted(segments, key=lambda part: part.level)),
    )  # fmt: skip


def _grouped(findings: Sequence[Finding]) -> Mapping[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.column, []).append(finding)
    return found


def _column(
    whole: ComparedColumn, spans: Spans, at: int, findings: Sequence[Finding]
) -> ComparedColumn:
    """A column in one window; its note says how far it is from the usual where it failed."""
    name = f"{spans.column}={spans.starts[at]}"
    failed = [finding for finding in findings if finding.verdict is Verdict.FAILED]
    return ComparedColumn(
        column=whole.column, kind=whole.kind, reference=None, current=None,
        verdict=rule.verdict_of([finding.verdict for finding in findings]),
        findings=tuple(msgspec.structs.replace(finding, segment=name) for finding in findings),
        note=_says(failed) if failed else None,
    )  # fmt: skip


def _judged(
    whole: ComparedColumn, asking: Asking, windows: Sequence[ComparedColumn]
) -> ComparedColumn:
    """All rows of a column with the verdict of its windows; a note tells the worst of them."""
    column = rule.by_windows(rule.only(whole, asking.asked), [each.verdict for each in windows])
    failed = [each for each in windows if each.verdict is Verdict.FAILED]
    if not failed or column.note is not None:
        return column
    worst = max(failed, key=lambda each: max(map(_height, each.findings)))
    start = str(worst.findings[0].segment).partition("=")[2]
    note = f"failed in {len(failed)} of {len(windows)} windows, most from {start} on: {worst.note}"
    return msgspec.structs.replace(column, note=note)


def _failed(segment: Segment) -> int:
    return sum(column.verdict is Verdict.FAILED for column in segment.comparison.columns)


def _height(finding: Finding) -> float:
    """By how many of its own thresholds a failed finding stands out, or the chance of it."""
    if finding.verdict is not Verdict.FAILED:
        return 0.0
    if finding.statistic is not None:
        return abs(finding.statistic)
    return abs(finding.effect or 0.0)


def _says(failed: Sequence[Finding]) -> str:
    """How far a column went: by how much it moved where that failed, else by what stands out most."""
    moved = [finding for finding in failed if finding.detector == "a1"]
    finding = max(moved or failed, key=_height)
    said = _SAID.get(finding.detector, finding.detector + " {:+.2g}")
    effect = finding.effect or 0.0
    return said.format(effect * 100.0 if finding.detector == "missing" else effect)


def _sentence(spans: Spans, asking: Asking, calibrated: Calibrated) -> str:
    drift, count = calibrated.drift, len(spans.starts)
    return (
        f"A column fails where in a window of {spans.every} it differs from the reference by more than its "
        f"own {drift.windows} windows do, so much that chance gives it to any column of any of the "
        f"{count} windows with less than {100.0 * asking.level:g}%, and by enough to matter; {drift.basis}"
    )
