"""Two profiles compared, column by column, without a row of either being read."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from detectors.comparison import measuring
from detectors.comparison.result import QUANTILES, ComparedColumn, Histogram, Levels, Rows, Side
from detectors.finding import Finding, Kind, Verdict
from detectors.profile import comparing, points
from detectors.profile.form import ColumnProfile, Profile
from detectors.profile.names import buckets_of
from detectors.profile.points import Points
from detectors.reading import Counts, Floats
from detectors.share_distances import total_variations

BARS: Final = 24
"""Of a histogram, between the quantiles 0.5 % and 99.5 % of both sides."""
NAMES: Final = 20


class SaltsDiffer(ValueError):
    """Level names are hashed in one of the two alone, or with different salts."""


def compare_profiles(reference: Profile, current: Profile) -> tuple[ComparedColumn, ...]:
    """Every column of both: the reference's in its order, then the current's own.

    A column's verdict is that of its hard limits, failed or inconclusive: judging the other
    findings together is the caller's. Raises SaltsDiffer where levels cannot be compared. About
    0.5 ms a column, whatever the rows.
    """
    if reference.salt != current.salt:
        raise SaltsDiffer(
            "the level names of one profile are hashed, or both with different salts; "
            "profile the data of one again with the --salt of the other, or without"
        )
    first, second = ({c.column: c for c in p.columns} for p in (reference, current))
    return tuple(_compared(name, first, second) for name in dict.fromkeys([*first, *second]))


def side(column: ColumnProfile) -> Side:
    """What a profile holds of a column."""
    moments, found = column.moments, column.points
    some = moments is not None and moments.rows > 0 and found is not None
    return Side(
        rows=column.rows,
        missing=column.missing,
        infinite=column.infinite,
        distinct=None if column.names is None else column.names.distinct,
        mean=moments.mean if some and moments else None,
        std=moments.std if some and moments else None,
        minimum=moments.minimum if some and moments else None,
        maximum=moments.maximum if some and moments else None,
        quantiles=_quantiles(found, np.array(QUANTILES)) if some and found else (),
        first=column.first,
        last=column.last,
    )


def histogram(reference: ColumnProfile, current: ColumnProfile) -> Histogram | None:
    """Both counted over equally wide bins, within their points' rank errors; None for no numbers,
    and where all are equal."""
    found = [c.points for c in (reference, current) if c.points is not None and c.points.values]
    if not found:
        return None
    ends = np.array([_quantiles(p, np.array([0.005, 0.995])) for p in found])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    with np.errstate(all="ignore"):
        edges = np.linspace(low, high, BARS + 1)
    if not np.all(np.isfinite(edges)) or np.any(np.diff(edges) <= 0.0):
        return None
    first, second = (_over(column, edges) for column in (reference, current))
    return Histogram(
        edges=tuple(edges.tolist()),
        reference=tuple(first[1:-1].tolist()),
        current=tuple(second[1:-1].tolist()),
        below=Rows(int(first[0]), int(second[0])),
        above=Rows(int(first[-1]), int(second[-1])),
    )


def levels(reference: ColumnProfile, current: ColumnProfile) -> Levels | None:
    """The twenty levels that are most frequent in either; None where there are no levels."""
    if reference.names is None or current.names is None:
        return None
    held = [dict(zip(n.names, n.held, strict=True)) for n in (reference.names, current.names)]
    shares = {
        name: max(held[0].get(name, 0) / max(reference.valid, 1),
                  held[1].get(name, 0) / max(current.valid, 1))
        for name in dict.fromkeys([*held[0], *held[1]])
    }  # fmt: skip
    names = sorted(shares, key=lambda name: (-shares[name], name))[:NAMES]
    counts = [tuple(of.get(name, 0) for name in names) for of in held]
    others = Rows(reference.valid - sum(counts[0]), current.valid - sum(counts[1]))
    return Levels(
        names=tuple(names), reference=counts[0], current=counts[1], others=others,
        apart=_apart(reference, current),
        at_least=not (reference.names.exact and current.names.exact),
    )  # fmt: skip


def _apart(reference: ColumnProfile, current: ColumnProfile) -> float | None:
    """The total variation over all levels, or where not all are kept over 64 buckets of their
    hashes, which can only be smaller; None where a side holds no value."""
    first, second = reference.names, current.names
    if first is None or second is None or not min(reference.valid, current.valid):
        return None
    if first.exact and second.exact:
        places = {name: at for at, name in enumerate(dict.fromkeys([*first.names, *second.names]))}
        counts = np.zeros((2, len(places)), dtype=np.int64)
        for row, of in zip(counts, (first, second), strict=True):
            row[[places[name] for name in of.names]] = of.held
    else:
        counts = np.array([buckets_of(first), buckets_of(second)])
    return float(total_variations(counts[0], counts[1]))


def _compared(
    name: str, first: Mapping[str, ColumnProfile], second: Mapping[str, ColumnProfile]
) -> ComparedColumn:
    reference, current = first.get(name), second.get(name)
    kept = reference or current
    assert kept is not None, "the name is that of a column"
    if reference is None or current is None:
        where = "reference" if reference is None else "current"
        return ComparedColumn(
            column=name,
            kind=kept.kind,
            verdict=Verdict.INCONCLUSIVE,
            reference=None if reference is None else side(reference),
            current=None if current is None else side(current),
            findings=(),
            note=f"the {where} profile has no such column",
        )
    if reference.kind is not current.kind and reference.valid and current.valid:
        return ComparedColumn(
            column=name,
            kind=reference.kind,
            verdict=Verdict.FAILED,
            reference=side(reference),
            current=side(current),
            findings=(),
            note=f"is {reference.kind} in the reference and {current.kind} in the current profile",
        )
    found = _ordered(reference, current)
    failed = any(finding.verdict is Verdict.FAILED for finding in found)
    return ComparedColumn(
        column=name,
        kind=reference.kind,
        verdict=Verdict.FAILED if failed else Verdict.INCONCLUSIVE,
        reference=side(reference),
        current=side(current),
        findings=tuple(found),
        histogram=histogram(reference, current) if reference.kind is Kind.NUMERIC else None,
        levels=levels(reference, current),
        note=_note(reference, current),
    )


def _ordered(reference: ColumnProfile, current: ColumnProfile) -> list[Finding]:
    """The findings that a comparison of rows has, in its order."""
    found = {f.detector: f for f in comparing.findings(reference, current)}
    names = [name for name in measuring.DEFAULT[reference.kind] if name in found]
    ordered = [found[name] for name in names]
    if reference.rows and not reference.valid and current.valid:
        ordered.append(measuring.revived(current.column, side(reference), side(current)))
    return ordered


def _note(reference: ColumnProfile, current: ColumnProfile) -> str | None:
    if reference.edges != current.edges:
        return (
            "it was counted on different edges, so its figures have bounds; "
            "`leeboard profile --like` counts on the reference's"
        )
    return None


def _quantiles(found: Points, shares: Floats) -> tuple[float, ...]:
    return tuple(points.quantiles(found, shares).tolist())


def _over(column: ColumnProfile, edges: Floats) -> Counts:
    """Rows below the edges, in each bin, and above; the last edge belongs to the last bin."""
    if column.points is None:
        return np.zeros(edges.size + 1, dtype=np.int64)
    runs = column.points.runs
    ends = np.append(runs.below(edges[:-1]), runs.up_to(edges[-1:]))
    counts = np.diff(ends, prepend=0, append=runs.rows)
    if column.tally is not None:
        counts[0] += column.tally.neginf
        counts[-1] += column.tally.posinf
    return counts
