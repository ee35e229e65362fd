"""Hard limits on columns: absent ones, dead ones, emptied ones; outside the false-alarm budget."""

from collections.abc import Sequence
from typing import Final

from detectors import answers, missing, range  # noqa: A004 - the detector's own name
from detectors.answers import Figures
from detectors.bins import Bins, Tally
from detectors.finding import Basis, Finding, Kind, Reason, Verdict

NAME: Final = "schema"
CONSTANT: Final = "constant"


def columns(expected: Sequence[str], found: Sequence[str]) -> list[Finding]:
    """A failed finding a column that is absent, and one for the reader a column that is unknown.

    >>> [(f.column, str(f.verdict), f.reason) for f in columns(["a", "b"], ["b", "c"])]
    [('a', 'failed', None), ('c', 'inconclusive', 'shown')]
    """
    absent = [
        Finding(column=name, detector=NAME, verdict=Verdict.FAILED, basis=Basis.HARD)
        for name in expected
        if name not in set(found)
    ]
    unknown = [name for name in found if name not in set(expected)]
    return absent + [answers.unjudged(NAME, name, Reason.SHOWN) for name in unknown]


def hard_limits(bins: Sequence[Bins], tallies: Sequence[Tally]) -> list[Finding]:
    """What no calibration is needed for, from counts alone: one finding a column and limit.

    `missing`: the share of rows without a value has risen by more than twenty points. `range`:
    more than 5 % of the numbers lie further than three reference ranges beyond the reference.
    `constant`: a column of more than twenty different numbers has stopped moving. `schema`: a
    column that was always empty has values. Where a window or the reference has fewer than 30
    rows, nothing is judged.
    """
    return [
        finding
        for frozen, tally in zip(bins, tallies, strict=True)
        if min(tally.rows, frozen.rows) >= answers.MIN_ROWS
        for finding in _limits(frozen, tally)
    ]


def _limits(bins: Bins, tally: Tally) -> list[Finding]:
    if not bins.valid:
        return [_revived(bins, tally)] if tally.valid else []
    shares = (bins.missing / bins.rows, tally.missing / tally.rows)
    found = [missing.rise(bins.column, shares, (bins.rows, tally.rows))]
    if bins.kind is not Kind.NUMERIC or not bins.counts:
        return found
    if min(bins.valid, tally.valid) < answers.MIN_ROWS:
        return found
    found.append(range.beyond(bins, tally))
    if not bins.exact and bins.distinct > answers.MIN_ROWS:
        found.append(_constant(bins, tally))
    return found


def _revived(bins: Bins, tally: Tally) -> Finding:
    figures = Figures(statistic=tally.valid / tally.rows, rows=tally.rows, rows_reference=bins.rows)
    return answers.hard(NAME, bins.column, figures, limit=0.0)


def _constant(bins: Bins, tally: Tally) -> Finding:
    stuck = tally.minimum == tally.maximum and not tally.posinf and not tally.neginf
    figures = Figures(statistic=1.0 if stuck else 0.0, rows=tally.valid, rows_reference=bins.valid)
    return answers.hard(CONSTANT, bins.column, figures, limit=0.5)
