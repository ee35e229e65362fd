"""What is concluded of two sets of rows that stand alone, with no others to calibrate by.

A column failed where chance does not explain the change and the change is large enough to matter.
Chance: a test that takes rows for independent, its p-value put up by Holm over all tests of all
columns. One test a question: the distances of a column share the Kolmogorov–Smirnov test of
numbers or the chi-squared test of levels. Size: the least effect of each detector. Rows of real
streams hang together, and one day differs from the next; of that two sets of rows know nothing,
so such a verdict's basis is optimistic.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from detectors import (
    chi_squared,
    jensen_shannon,
    ks,
    many_levels,
    missing,
    new_levels,
    psi,
    wasserstein,
)
from detectors.comparison.measuring import SCHEMA, Asked
from detectors.comparison.result import ComparedColumn, Rows
from detectors.finding import Basis, Finding, Reason, Verdict
from detectors.multiplicity import holm

LEVEL: Final = 0.05
"""How often one comparison without any change may fail, rows being independent."""
FEW_LEVELS: Final = 3
FLOOR_DISTANCE: Final = 0.10
FLOOR_DISTANCE_FEW: Final = 0.05
FLOORS: Final[Mapping[str, float]] = {
    ks.NAME: 0.05, wasserstein.NAME: 0.10, new_levels.NAME: 0.005, missing.NAME: 0.01,
    many_levels.NAME: 0.10,
}  # fmt: skip
_OWN_TESTS: Final = (many_levels.NAME, new_levels.NAME, missing.NAME)
_RATES: Final = frozenset({missing.NAME, "range"})
"""What passes without a word on the distribution."""
_JUDGED: Final = frozenset({Verdict.PASSED, Verdict.FAILED})


def judged(columns: Sequence[ComparedColumn], level: float = LEVEL) -> list[ComparedColumn]:
    """The columns with their verdicts, in the order given.

    What a fixed threshold or a hard limit has judged stays as it is.
    """
    tests = {
        (at, name): p
        for at, column in enumerate(columns)
        for name, p in _tests(column).items()
    }  # fmt: skip
    adjusted = dict(zip(tests, holm(list(tests.values())).tolist(), strict=True))
    return [_judged(column, _of(adjusted, at), level) for at, column in enumerate(columns)]


def only(column: ComparedColumn, asked: Asked) -> ComparedColumn:
    """The column with the findings that were asked for, and the verdict that those give."""
    if asked.detectors is None or not column.findings:
        return column
    names = {*asked.of(column.kind), SCHEMA}
    found = tuple(f for f in column.findings if f.detector in names)
    verdict = _verdict(found) if found else Verdict.INCONCLUSIVE
    return msgspec.structs.replace(column, findings=found, verdict=verdict)


def by_windows(column: ComparedColumn, verdicts: Sequence[Verdict]) -> ComparedColumn:
    """A column judged by its windows; a fixed or hard limit that all its rows failed stays so."""
    own = _verdict(column.findings) if column.findings else column.verdict
    stays = own in {Verdict.FAILED, Verdict.ERROR} or not verdicts
    verdict = own if stays else verdict_of(verdicts)
    return msgspec.structs.replace(column, verdict=verdict)


def verdict_of(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of many: the worst that was reached; inconclusive where none was.

    >>> str(verdict_of([Verdict.PASSED, Verdict.INCONCLUSIVE])), str(verdict_of([]))
    ('passed', 'inconclusive')
    """
    for verdict in (Verdict.FAILED, Verdict.ERROR, Verdict.PASSED):
        if verdict in verdicts:
            return verdict
    return Verdict.INCONCLUSIVE


def sentence(columns: Sequence[ComparedColumn], level: float = LEVEL, *, parts: int = 0) -> str:
    """What the verdicts rest on; `parts` are how many parts of the rows were compared beside all."""
    tests = sum(len(_tests(column)) for column in columns)
    among = f", those of {parts} parts among them" if parts else ""
    return (
        f"A column fails where chance explains the change with less than {100.0 * level:g}% over all {tests} tests"
        f"{among} (Holm), rows taken for independent, and the change is large enough to matter; optimistic, "
        "as nothing is known of how much one day differs from the next"
    )


def _of(adjusted: Mapping[tuple[int, str], float], at: int) -> dict[str, float]:
    return {name: p for (place, name), p in adjusted.items() if place == at}


def _tests(column: ComparedColumn) -> dict[str, float]:
    """The p-values of a column's tests by detector: one for its distribution, and its rates'."""
    known = {
        f.detector: f.p_value
        for f in column.findings
        if f.p_value is not None and f.reason in {None, str(Reason.SHOWN)}
    }  # fmt: skip
    shape = next((name for name in (ks.NAME, chi_squared.NAME) if name in known), None)
    names = [*([shape] if shape else []), *(name for name in _OWN_TESTS if name in known)]
    return {name: known[name] for name in names}


def _judged(column: ComparedColumn, adjusted: Mapping[str, float], level: float) -> ComparedColumn:
    if not column.findings:
        return column
    shape = next((adjusted[name] for name in (ks.NAME, chi_squared.NAME) if name in adjusted), None)
    found = []
    for finding in column.findings:
        p = adjusted.get(finding.detector) if finding.detector in _OWN_TESTS else shape
        found.append(finding if p is None else _concluded(finding, column, p <= level))
    return msgspec.structs.replace(column, findings=tuple(found), verdict=_verdict(found))


def _verdict(findings: Sequence[Finding]) -> Verdict:
    """Failed by any finding; passed only where the distribution itself was: dates, of which none
    is compared, never are."""
    verdicts = {f.verdict for f in findings if f.verdict in _JUDGED}
    shapes = {f.verdict for f in findings if f.detector not in _RATES and f.verdict in _JUDGED}
    if Verdict.FAILED in verdicts:
        return Verdict.FAILED
    if any(f.verdict is Verdict.ERROR for f in findings):
        return Verdict.ERROR
    return Verdict.PASSED if shapes else Verdict.INCONCLUSIVE


def _concluded(finding: Finding, column: ComparedColumn, unlikely: bool) -> Finding:  # noqa: FBT001 - a fact
    """A shown finding judged by its size; missing values beyond their hard limit stay failed."""
    hard = finding.basis is Basis.HARD and finding.verdict is Verdict.FAILED
    shown = finding.reason == str(Reason.SHOWN) or finding.detector == missing.NAME
    size = size_of(finding, column)
    if hard or finding.basis is Basis.FIXED or not shown or size is None:
        return finding
    apart, floor = size
    return msgspec.structs.replace(
        finding, verdict=Verdict.FAILED if unlikely and apart >= floor else Verdict.PASSED,
        reason=None, basis=Basis.OPTIMISTIC, threshold=_threshold(finding, floor),
    )  # fmt: skip


def size_of(finding: Finding, column: ComparedColumn) -> tuple[float, float] | None:
    """The size of a change beyond chance and the least that matters, in the unit of the detector's
    effect; None where a finding is not judged by its size.

    >>> from detectors.finding import Kind
    >>> found = Finding(column="x", detector="ks", statistic=0.23, effect=0.22, verdict=Verdict.PASSED)
    >>> size_of(found, ComparedColumn(column="x", kind=Kind.NUMERIC, verdict=Verdict.PASSED,
    ...     reference=None, current=None, findings=(found,)))
    (0.22, 0.05)
    """
    floor = _floor(column)
    match finding.detector:
        case wasserstein.NAME:
            return _known(finding.statistic, FLOORS[wasserstein.NAME])
        case missing.NAME:
            rise = finding.statistic
            return _known(None if rise is None else abs(rise), FLOORS[missing.NAME])
        case jensen_shannon.NAME:
            return _known(finding.effect, floor)
        case psi.NAME:
            return _known(finding.effect, _as_psi(floor))
        case chi_squared.NAME:
            return next(
                (_known(f.effect, floor) for f in column.findings if f.detector == jensen_shannon.NAME),
                None,
            )  # fmt: skip
        case name:
            return _known(finding.effect, FLOORS[name]) if name in FLOORS else None


def _known(size: float | None, floor: float) -> tuple[float, float] | None:
    return None if size is None else (size, floor)


def _floor(column: ComparedColumn) -> float:
    """The least Jensen–Shannon distance that matters: smaller where there are few levels."""
    side = column.reference
    few = side is not None and side.distinct is not None and side.distinct <= FEW_LEVELS
    return FLOOR_DISTANCE_FEW if few else FLOOR_DISTANCE


def _as_psi(distance: float) -> float:
    """The index to which a small distance belongs: 8 ln 2 times its square."""
    return 8.0 * math.log(2.0) * distance * distance


def _threshold(finding: Finding, floor: float) -> float | None:
    """The statistic from which on the change would be large enough; None where it has another
    unit, as that of a test."""
    if finding.detector == chi_squared.NAME or finding.statistic is None or finding.effect is None:
        return None
    match finding.detector:
        case wasserstein.NAME | missing.NAME:
            return floor
        case jensen_shannon.NAME | many_levels.NAME:
            chance = max(0.0, finding.statistic**2 - finding.effect**2)
            return math.sqrt(floor * floor + chance) if finding.effect else None
        case _:
            return floor + finding.statistic - finding.effect if finding.effect else None


def of_schema(column: ComparedColumn, rows: Rows, *, failed: bool) -> ComparedColumn:
    """A column that only one side has, or that has become of another kind."""
    verdict = Verdict.FAILED if failed else Verdict.INCONCLUSIVE
    finding = Finding(
        column=column.column, detector=SCHEMA, rows=rows.current, rows_reference=rows.reference,
        verdict=verdict, reason=None if failed else str(Reason.SHOWN),
        basis=Basis.HARD if failed else None,
    )  # fmt: skip
    return msgspec.structs.replace(column, verdict=verdict, findings=(finding,))
