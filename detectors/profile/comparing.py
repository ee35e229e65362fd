"""Two profiles side by side: findings from what is kept, without a row being read.

What a profile holds exactly gives the figures that the rows give. What it holds within a bound
gives a figure with an interval of level 1, outside of which that of the rows cannot be. Detectors
that need rows, or several columns of a row, have nothing to say here.
"""

import math
from collections.abc import Callable

import msgspec
import numpy as np

from detectors import (
    answers,
    chi_squared,
    counting,
    jensen_shannon,
    missing,
    new_levels,
    psi,
    tails,
)
from detectors import ks as in_order
from detectors import range as ranges
from detectors.answers import Figures
from detectors.bins import Bins
from detectors.finding import Finding, Interval, Kind, Reason
from detectors.profile import bounds, hashing, names
from detectors.profile.form import ColumnProfile
from detectors.profile.placed import Placed, coarse, on_bins_of, own_bins
from detectors.reading import Counts, Floats

Pair = tuple[ColumnProfile, ColumnProfile]


def findings(reference: ColumnProfile, current: ColumnProfile) -> list[Finding]:
    """What the shown detectors, and the hard limits, find of a column in two profiles.

    Numbers: `jensen_shannon`, `ks`, `psi`, `wasserstein`, `range`; levels: `jensen_shannon`,
    `psi`, `chi_squared`, `new_levels`; all: `missing`. Where the kinds differ only `missing`.
    About 0.3 ms a column.
    """
    found = [_missing(reference, current)]
    if reference.kind is not current.kind or reference.kind is Kind.DATETIME:
        return found
    placed, bins = on_bins_of(reference, current), own_bins(reference)
    if placed is None or bins is None:
        return [*found, _of_buckets(reference, current)]
    if reference.kind is Kind.NUMERIC:
        return _of_numbers((reference, current), bins, placed) + found
    return _of_levels((reference, current), bins, placed) + found


class Steps(msgspec.Struct, frozen=True):
    """The points of two columns on one line: their values together, and how many of either's
    rows hold a finite value not greater than each, in rows."""

    values: Floats
    reference: Counts
    current: Counts


def ks(pair: Pair, steps: Steps) -> Finding:
    """The Kolmogorov–Smirnov distance of two columns' points, infinities counted.

    The interval is wide by the rank errors of both over their rows; the p-value is that of its
    lower end, so that no row's place is taken for more than is known of it.
    """
    m, n = (column.valid for column in pair)
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        lows = [column.tally.neginf if column.tally else 0 for column in pair]
        apart = np.abs((lows[0] + steps.reference) / m - (lows[1] + steps.current) / n)
        distance = max(float(apart.max(initial=0.0)), abs(lows[0] / m - lows[1] / n))
        error = sum(c.points.rank_error / c.valid for c in pair if c.points is not None)
        interval = bounds.around(distance, error, most=1.0)
        least = distance if interval is None else interval.low
        figures = Figures(
            statistic=distance,
            p_value=tails.kolmogorov_sf(least, max(1, round(m * n / (m + n)))),
            effect=in_order.beyond_chance(distance, m, n),
            interval=interval,
            rows=n,
            rows_reference=m,
        )
    return answers.answer("ks", pair[1], figures, None)


def wasserstein(pair: Pair, steps: Steps) -> Finding:
    """The Wasserstein-1 distance of two columns' points in reference standard deviations.

    The interval is wide by how far rows were moved to their points, on average, on both sides.
    """
    moments, moved_by = [c.moments for c in pair], [c.points.moved for c in pair if c.points]
    assert moments[0] is not None and moments[1] is not None, "of numbers alone"  # noqa: PT018
    m, n = moments[0].rows, moments[1].rows
    figures = Figures(rows=n, rows_reference=m)
    if min(m, n) > 1:
        std = moments[0].std
        with np.errstate(over="ignore", invalid="ignore"):
            apart = np.abs(steps.reference / m - steps.current / n)
            moved = float(apart[:-1] @ np.diff(steps.values))
            error = moved_by[0] / m + moved_by[1] / n
        known = bool(std) and math.isfinite(moved) and math.isfinite(error)
        figures = Figures(
            statistic=moved / std if std and known else None,
            effect=moved,
            interval=bounds.around(moved / std, error / std) if std and known else None,
            rows=n,
            rows_reference=m,
        )
    return answers.answer("wasserstein", pair[1], figures, None)


def _steps(pair: Pair) -> Steps:
    first, second = (column.points.runs for column in pair if column.points is not None)
    both = np.concatenate([first.values, second.values])
    both.sort(kind="stable")
    return Steps(both, first.up_to(both), second.up_to(both))


def _missing(reference: ColumnProfile, current: ColumnProfile) -> Finding:
    if min(reference.rows, current.rows) < answers.MIN_ROWS:
        reason = Reason.INSUFFICIENT
        return answers.unjudged(missing.NAME, current.column, reason, rows=current.rows)
    shares = (reference.missing / reference.rows, current.missing / current.rows)
    return missing.rise(current.column, shares, (reference.rows, current.rows))


def _of_numbers(pair: Pair, bins: Bins, placed: Placed) -> list[Finding]:
    current = pair[1]
    counts = None
    if bins.counts:
        counts = (coarse(bins, bins.counts), coarse(bins, placed.tally.counts))
    steps = _steps(pair)
    found = [
        _bounded(jensen_shannon.of_counts(current, counts), bounds.jensen_shannon, counts, placed),
        ks(pair, steps),
        _bounded(psi.of_counts(current, counts), bounds.psi, counts, placed),
        wasserstein(pair, steps),
    ]
    if bins.counts and placed.tally.valid >= answers.MIN_ROWS:
        beyond = ranges.beyond(bins, placed.tally)
        if beyond.statistic is not None:
            error = 2 * placed.wrong / placed.tally.valid
            interval = bounds.around(beyond.statistic, error, most=1.0)
            beyond = msgspec.structs.replace(beyond, interval=interval)
        found.append(beyond)
    return found


def _of_levels(pair: Pair, bins: Bins, placed: Placed) -> list[Finding]:
    compared = bins.levels and bins.reason is None
    many = bins.rare is None and bins.reason is None
    counts = counting.of_levels(bins, placed.tally) if compared else None
    return [
        _of_buckets(*pair) if many else jensen_shannon.of_counts(placed.tally, counts),
        psi.of_counts(placed.tally, counts),
        chi_squared.of_counts(placed.tally, counts),
        new_levels.of_counts(bins, placed.tally),
    ]


def _of_buckets(reference: ColumnProfile, current: ColumnProfile) -> Finding:
    """Levels that are not all known: their distance over 64 hashed buckets.

    Levels that share a bucket hide their differences, so the distance is at least this.
    """
    if reference.names is None or current.names is None:
        return answers.unjudged(jensen_shannon.NAME, current.column, Reason.NOT_APPLICABLE)
    counts = [np.array(names.buckets_of(c.names)) for c in (reference, current) if c.names]
    assert all(c.size == hashing.BUCKETS for c in counts), "both have buckets"
    found = jensen_shannon.of_counts(current, (counts[0], counts[1]))
    if found.statistic is None:
        return found
    return msgspec.structs.replace(found, interval=Interval(found.statistic, 1.0, bounds.CERTAIN))


def _bounded(
    found: Finding,
    bound: Callable[[Counts, Counts, int], Interval],
    counts: tuple[Counts, Counts] | None,
    placed: Placed,
) -> Finding:
    """The finding with its bounds where the counts are not exact; none where they have none."""
    if counts is None or not placed.wrong or found.statistic is None:
        return found
    some = (counts[0] + counts[1]) > 0
    if found.detector == psi.NAME and not some.all():
        return answers.unjudged(psi.NAME, found.column, Reason.NOT_APPLICABLE, rows=found.rows)
    return msgspec.structs.replace(found, interval=bound(counts[0], counts[1], placed.wrong))
