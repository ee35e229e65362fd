"""A comparison in a terminal: a line a column, what moved most first, and what it rests on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import click

from controlplane.cli import render
from controlplane.cli.compare.document import share_missing
from controlplane.cli.compare.sparklines import pictures
from controlplane.cli.compare.told_quality import told_quality
from controlplane.cli.render import HUES, NOTHING, count, number
from controlplane.cli.report.words import VERDICTS, span_of
from detectors.comparison.result import ComparedColumn, Comparison, Levels, Segment
from detectors.comparison.rule import size_of
from detectors.finding import Basis, Finding, Reason, Verdict

COLUMNS: Final = [
    render.Column("column"), render.Column("kind", spare=True), render.Column("verdict"),
    render.Column("what changed", grows=True), render.Column("reference", spare=True),
    render.Column("current", spare=True), render.Column("missing"), render.Column("p", right=True),
    render.Column("judged by", spare=True),
]  # fmt: skip
PARTS: Final = [
    render.Column("rows of"), render.Column("reference", right=True, spare=True),
    render.Column("current", right=True, spare=True), render.Column("verdict"),
    render.Column("columns failed", right=True), render.Column("what moved most", grows=True),
]  # fmt: skip
MOST_NAMED: Final = 3
ORDER: Final = {
    Verdict.ERROR: 0, Verdict.FAILED: 1, Verdict.INCONCLUSIVE: 2, Verdict.PASSED: 3,
}  # fmt: skip
LEAST_P: Final = 1e-99
_OF_WINDOWS: Final = frozenset({Basis.CALIBRATED, Basis.PROVISIONAL})
_SIZES: Final = ("wasserstein", "jensen_shannon", "many_levels", "ks", "psi", "chi_squared")
_REASONS: Final = {
    Reason.INSUFFICIENT: "too few values to judge", Reason.NOT_APPLICABLE: "not comparable",
    Reason.DEGENERATE: "one value only",
}  # fmt: skip


def lines(comparison: Comparison, seconds: float) -> Iterator[str]:
    """The lines of the answer."""
    rows, columns = comparison.rows, comparison.columns
    yield render.heading(
        f"{comparison.reference} → {comparison.current}  {_badge(comparison.verdict)}"
    )
    yield (
        f"{count(rows.reference)} and {count(rows.current)} rows, {len(_failed(columns))} of {len(columns)} columns "
        f"failed, {_of_model(comparison)}{_of_parts(comparison)}{seconds:.1f} s"
    )
    yield ""
    order = sorted(columns, key=lambda column: (ORDER[column.verdict], -moved(column)))
    yield from render.table(
        COLUMNS,
        [
            _line(column, deciding_of(column, comparison), comparison.roles.get(column.column))
            for column in order
        ],
        width=render.width(),
    )
    if comparison.outcome is not None:
        yield ""
        yield from told_quality(comparison.outcome.quality)
    if comparison.segments:
        yield ""
        yield from render.table(PARTS, map(_part, _in_order(comparison)), width=render.width())
    yield ""
    yield from render.wrapped(comparison.rule, indent="")
    for note in comparison.notes:
        yield from render.wrapped(render.plain(note), indent="")


def moved(column: ComparedColumn) -> float:
    """How much a column moved, comparable between kinds: in tenths of standard deviations, or in
    tenths of Jensen–Shannon distance."""
    found = _by_name(column)
    sizes = [found[name].statistic for name in _SIZES[:3] if name in found]
    return max((size for size in sizes if size is not None), default=0.0)


def words(column: ComparedColumn) -> str:
    """What changed, in words.

    >>> from detectors.finding import Kind
    >>> found = Finding(column="x", detector="wasserstein", statistic=0.312, verdict=Verdict.FAILED)
    >>> words(ComparedColumn(column="x", kind=Kind.NUMERIC, verdict=Verdict.FAILED, reference=None,
    ...     current=None, findings=(found,)))
    'moved by 0.31 sd'
    """
    if column.note is not None:
        return column.note
    found = _by_name(column)
    span = span_of(column)
    said = [*([span] if span else []), *_distribution(column, found), *_rates(found)]
    if said:
        return ", ".join(said)
    reasons = [_REASONS[Reason(f.reason)] for f in column.findings if f.reason in set(_REASONS)]
    return reasons[0] if reasons else NOTHING


def _line(column: ComparedColumn, deciding: Finding | None, role: str | None) -> tuple[str, ...]:
    before, now = pictures(column)
    kind = str(column.kind) if role is None else f"{column.kind}, {role}"
    return (
        _named(column.column), kind, _badge(column.verdict),
        render.plain(words(column)), before, now,
        _missing(column), _p_value(deciding), _judged_by(deciding, column),
    )  # fmt: skip


def _named(column: str) -> str:
    """A column's name on one line; one that would not be seen in quotes."""
    return render.plain(column) if column.strip() == column and column else f'"{column}"'


def _in_order(comparison: Comparison) -> list[Segment]:
    """The parts of the rows, those in which most columns failed first, else as they stand."""
    return sorted(comparison.segments, key=lambda part: (
        ORDER[part.comparison.verdict], -len(_failed(part.comparison.columns))
    ))  # fmt: skip


def _part(part: Segment) -> tuple[str, ...]:
    rows, columns = part.comparison.rows, part.comparison.columns
    failed = sorted(_failed(columns), key=moved, reverse=True)
    named = [f"{_named(each.column)} {words(each)}" for each in failed[:MOST_NAMED]]
    more = [f"{len(failed) - MOST_NAMED} more"] if len(failed) > MOST_NAMED else []
    return (
        render.plain(f"{part.column}={part.level}"), count(rows.reference), count(rows.current),
        _badge(part.comparison.verdict), f"{len(failed)} of {len(columns)}",
        "; ".join([*named, *more]) or NOTHING,
    )  # fmt: skip


def _of_parts(comparison: Comparison) -> str:
    """How many parts of the rows failed, where any did."""
    parts = comparison.segments
    failed = sum(part.comparison.verdict is Verdict.FAILED for part in parts)
    return f"{failed} of {len(parts)} parts failed, " if failed else ""


def _of_model(comparison: Comparison) -> str:
    """The followed loss of the model, where it failed."""
    if (
        comparison.outcome is None
        or comparison.outcome.quality.finding.verdict is not Verdict.FAILED
    ):
        return ""
    return f"the model's {comparison.outcome.quality.finding.detector} failed, "


def _badge(verdict: Verdict) -> str:
    return click.style(VERDICTS[verdict], fg=HUES[verdict])


def _failed(columns: Sequence[ComparedColumn]) -> list[ComparedColumn]:
    return [column for column in columns if column.verdict is Verdict.FAILED]


def _distribution(column: ComparedColumn, found: Mapping[str, Finding]) -> Iterator[str]:
    if (w := found.get("wasserstein")) is not None and w.statistic is not None:
        yield f"moved by {w.statistic:.2g} sd"
    elif column.levels is not None and (said := _other_levels(column.levels)) is not None:
        yield said
    else:
        sizes = [found[name] for name in _SIZES if name in found]
        named = next((size for size in sizes if size.statistic is not None), None)
        if named is not None and not _is_constant(column):
            yield f"{named.detector} {named.statistic:.2g}"


def _is_constant(column: ComparedColumn) -> bool:
    """Whether both sides hold one number, and the same one."""
    ends = {(side.minimum, side.maximum) for side in (column.reference, column.current) if side}
    return len(ends) == 1 and len(set(*ends)) == 1 and ends != {(None, None)}


def _rates(found: Mapping[str, Finding]) -> Iterator[str]:
    new = found.get("new_levels")
    if new is not None and new.statistic and new.verdict is Verdict.FAILED:
        yield f"{new.statistic:.1%} new levels"
    gone = found.get("missing")
    if gone is not None and gone.statistic is not None and gone.verdict is Verdict.FAILED:
        way = "more" if gone.statistic > 0 else "fewer"
        yield f"{abs(gone.statistic) * 100.0:.1f} points {way} missing"
    far = found.get("range")
    if far is not None and far.statistic and far.verdict is Verdict.FAILED:
        yield f"{far.statistic:.1%} far outside the range"
    if "schema" in found:
        yield "was always empty and is no longer"


def _other_levels(levels: Levels) -> str | None:
    """The share of rows that would have to change their level, in words."""
    if levels.apart is None:
        return None
    if levels.apart >= 1:
        return "all rows in other levels"
    least = "at least " if levels.at_least else ""
    return f"{least}{levels.apart:.2g} of rows in other levels"


def _missing(column: ComparedColumn) -> str:
    before, now = share_missing(column.reference), share_missing(column.current)
    if before is None or now is None:
        return NOTHING
    return "none" if before == now == 0 else f"{before:.1%} → {now:.1%}"


def deciding_of(column: ComparedColumn, comparison: Comparison) -> Finding | None:
    """The finding that a verdict rests on: the first failed one of all rows; where windows were
    calibrated, the one that stands out most in any of them; else the first judged one."""
    own = [f for f in column.findings if f.verdict in {Verdict.FAILED, Verdict.PASSED}]
    failed = [f for f in own if f.verdict is Verdict.FAILED]
    if failed:
        return failed[0]
    of_windows = [
        finding
        for part in comparison.segments
        for each in part.comparison.columns
        if each.column == column.column
        for finding in each.findings
        if finding.basis in _OF_WINDOWS and finding.statistic is not None
    ]
    most = max(of_windows, key=_stands_out, default=None)
    return most if most is not None else next(iter(own), None)


def _stands_out(finding: Finding) -> tuple[bool, float]:
    return finding.verdict is Verdict.FAILED, finding.statistic or 0.0


def _p_value(finding: Finding | None) -> str:
    if finding is None or finding.p_value is None:
        return NOTHING
    return f"<{LEAST_P:.0e}" if finding.p_value < LEAST_P else f"{finding.p_value:.2g}"


def _judged_by(finding: Finding | None, column: ComparedColumn) -> str:
    """What decided, in words: the statistic, how much of it chance does not give where that is
    known, and the least of that which matters; or the limit."""
    if finding is None:
        return NOTHING
    size = size_of(finding, column) if finding.basis in {None, Basis.OPTIMISTIC} else None
    if size is not None:
        return click.style(
            f"{_beside_chance(finding, column, size[0])}, floor {size[1]:g}", dim=True
        )
    limit = "" if finding.threshold is None else f" > {number(finding.threshold)}"
    if finding.basis in _OF_WINDOWS and finding.threshold is not None:
        limit = f" {finding.statistic:.2g}, usual below {finding.threshold:.2g}"
    return click.style(f"{finding.detector}{limit}, {finding.basis or Basis.OPTIMISTIC}", dim=True)


def _beside_chance(finding: Finding, column: ComparedColumn, size: float) -> str:
    """A statistic as measured, and what chance leaves of it where that is less.

    >>> from detectors.finding import Kind
    >>> found = Finding(column="x", detector="ks", statistic=0.039, effect=0.0, verdict=Verdict.PASSED)
    >>> _beside_chance(found, ComparedColumn(column="x", kind=Kind.NUMERIC, verdict=Verdict.PASSED,
    ...     reference=None, current=None, findings=(found,)), 0.0)
    'ks 0.039, none beyond chance'
    """
    own = finding if finding.detector != "chi_squared" else _by_name(column)["jensen_shannon"]
    said = f"{own.detector} {abs(own.statistic or 0.0):.2g}"
    if own.statistic is None or abs(own.statistic) == size:
        return said
    return f"{said}, {f'{size:.2g}' if size else 'none'} beyond chance"


def _by_name(column: ComparedColumn) -> dict[str, Finding]:
    return {finding.detector: finding for finding in column.findings}
