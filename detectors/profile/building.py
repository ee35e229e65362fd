"""A column's profile from its values, all at once or part by part."""

import msgspec
import numpy as np
import pyarrow as pa

from detectors import dated, level_bins, numeric_bins, reading
from detectors.bins import FAR_WIDTHS, Bins, Tally
from detectors.finding import Kind, Sample
from detectors.levelled import Levelled, levelled
from detectors.ordered import Ordered, ordered
from detectors.profile import frozen, names, points
from detectors.profile.form import ColumnProfile
from detectors.profile.moments import Moments, moments, powers_about
from detectors.profile.runs import Runs, runs
from detectors.reading import Counts


class Values(msgspec.Struct, frozen=True):
    """A sample read once: a profile still without bins, and what bins are counted from.

    Of numbers `runs` are the finite ones and `infinite` how many are -inf and +inf; of levels
    `levels` are the distinct ones and the rows of each.
    """

    profile: ColumnProfile
    runs: Runs | None = None
    infinite: tuple[int, int] = (0, 0)
    levels: tuple[pa.Array, Counts] | None = None


def column(sample: Sample, bins: Bins | None = None) -> ColumnProfile:
    """The profile of a column, counted on the bins of a reference, or on its own without one.

    Numbers cost one sort and a few passes; levels one count of distinct values.

    >>> found = column(Sample("x", Kind.NUMERIC, pa.chunked_array([[1.0, 2.0, 2.0, None]])))
    >>> found.missing, found.moments.mean, found.tally.counts
    (1, 1.6666666666666667, (0, 1, 0, 2, 0))
    """
    return whole(read(sample), bins)


def whole(values: Values, bins: Bins | None = None) -> ColumnProfile:
    """The same of values that are read already."""
    used = bins if bins is not None else own_bins(values)
    return on_bins(values.profile, used, counted(used, values))


def on_bins(found: ColumnProfile, bins: Bins, tally: Tally) -> ColumnProfile:
    """A gathered profile with the bins it was counted on."""
    return msgspec.structs.replace(found, bins=bins, tally=tally, edges=frozen.version(bins))


def read(sample: Sample) -> Values:
    """A sample's values in order, or its levels counted, and the profile without bins."""
    match sample.kind:
        case Kind.NUMERIC:
            return _numbers(sample)
        case Kind.CATEGORICAL | Kind.BOOLEAN:
            return of_levels(levelled(sample))
        case Kind.DATETIME:
            return Values(_dates(sample))


def own_bins(values: Values) -> Bins:
    """The bins that a column has where there is no reference."""
    found = values.profile
    if values.runs is not None:
        return frozen.of_runs(found, values.runs)
    if values.levels is not None:
        return frozen.of_levels(found, values.levels)
    return frozen.empty(found)


def counted(bins: Bins, values: Values) -> Tally:
    """The values counted on bins; a column of another kind than theirs raises ValueError."""
    found = values.profile
    if bins.kind is not found.kind:
        raise ValueError(
            f"column {found.column} is {found.kind}; the bins of the reference are of a "
            f"{bins.kind} column"
        )
    if not bins.counts:
        low, high = values.infinite
        tally = frozen.unvalued(bins, found)
        return msgspec.structs.replace(tally, neginf=low, posinf=high)
    if values.runs is not None:
        return _tally(bins, values, values.runs)
    assert values.levels is not None, "a column with bins has numbers or levels"
    tally = level_bins.tallied(bins, values.levels, missing=found.missing)
    # Which rows stand in this part alone is no figure that merges.
    return msgspec.structs.replace(tally, own=0)


def in_order(found: Ordered, *, unparsable: int = 0) -> Values:
    """The same of numbers that are in order already."""
    finite = found.finite
    of_runs = runs(finite)
    low = int(found.values.searchsorted(-np.inf, side="right"))
    return Values(
        ColumnProfile(
            column=found.column,
            kind=Kind.NUMERIC,
            rows=found.rows,
            missing=found.missing,
            unparsable=unparsable,
            moments=moments(finite),
            points=points.reduced(of_runs),
        ),
        runs=of_runs,
        infinite=(low, found.values.size - finite.size - low),
    )


def _numbers(sample: Sample) -> Values:
    found = ordered(sample)
    return in_order(found, unparsable=reading.unparsable(sample.values, found.missing))


def _tally(bins: Bins, values: Values, runs: Runs) -> Tally:
    low, high = values.infinite
    counts, sums = frozen.counted(np.array(bins.edges), runs)
    counts[0] += low
    counts[-1] += high
    limits = (bins.minimum or 0.0, bins.maximum or 0.0)
    both = np.array([limits, numeric_bins.widened(limits, FAR_WIDTHS)])
    beyond = (runs.below(both[:, 0]) + runs.rows - runs.up_to(both[:, 1]) + low + high).tolist()
    found = values.profile
    return Tally(
        column=bins.column,
        counts=tuple(counts.tolist()),
        rows=found.rows,
        missing=found.missing,
        posinf=high,
        neginf=low,
        outside=beyond[0],
        far=beyond[1],
        sums=tuple(sums.tolist()),
        powers=() if bins.mean is None else powers_about(found.moments or Moments(), bins.mean),
        minimum=found.moments.minimum if found.moments else None,
        maximum=found.moments.maximum if found.moments else None,
    )


def of_levels(found: Levelled) -> Values:
    """The same of levels that are counted already."""
    profile = ColumnProfile(
        column=found.column,
        kind=found.kind,
        rows=found.rows,
        missing=found.missing,
        names=names.named(found.names, found.counts),
    )
    return Values(profile, levels=(found.names, found.counts))


def _dates(sample: Sample) -> ColumnProfile:
    first, last = dated.bounds(sample.values)
    return ColumnProfile(
        column=sample.column,
        kind=sample.kind,
        rows=len(sample.values),
        missing=sample.values.null_count,
        first=None if first is None else _iso(first),
        last=None if last is None else _iso(last),
    )


def _iso(value: object) -> str:
    """A date or an instant as ISO 8601; what is none, as a text of digits, stays as it is."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
