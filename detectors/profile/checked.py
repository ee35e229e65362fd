"""Whether a profile that was read from somewhere can be one: every count, length and order."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from detectors.bins import Bins, Tally
from detectors.finding import Kind
from detectors.profile import frozen, hashing
from detectors.profile.form import ColumnProfile, Profile
from detectors.profile.moments import Moments
from detectors.profile.names import Names
from detectors.profile.points import Points

MOST_ROWS: Final = 1 << 53
"""Beyond it counts are not exact as numbers of other languages, nor is there such a table."""
_BYTES: Final = 8
_POWERS: Final = 4
_GREATEST_REGISTER: Final = 64 - hashing.PRECISION + 1


class Flawed(ValueError):
    """Something in a profile cannot be so."""


def check(profile: Profile) -> None:
    """Raise Flawed where the profile contradicts itself; a pass over what it holds."""
    names = [column.column for column in profile.columns]
    _expect(len(names) == len(set(names)), "two columns have one name")
    _counts([profile.rows])
    for column in profile.columns:
        try:
            _column(profile, column)
        except Flawed as error:
            message = f"column {column.column[:80]!r}: {error}"
            raise Flawed(message) from None


def _column(profile: Profile, column: ColumnProfile) -> None:
    _counts([column.rows, column.missing, column.unparsable])
    _expect(column.rows == profile.rows, "it has another number of rows than the profile")
    _expect(column.unparsable <= column.missing <= column.rows, "it misses more rows than it has")
    numeric = column.kind is Kind.NUMERIC
    _expect(numeric == (column.points is not None) == (column.moments is not None),
            "points and moments are those of numbers")  # fmt: skip
    levels = column.kind in {Kind.CATEGORICAL, Kind.BOOLEAN}
    _expect(levels == (column.names is not None), "names are those of levels")
    if column.points is not None and column.moments is not None:
        _points(column.points, column.moments, column)
    if column.names is not None:
        _names(column.names, column)
    if column.bins is None or column.tally is None:
        raise Flawed("it has no bins or no tally")
    _bins(column.bins, column)
    _tally(column.tally, column.bins, column)
    _expect(column.edges == frozen.version(column.bins), "its edges were altered")


def _points(points: Points, moments: Moments, column: ColumnProfile) -> None:
    whole = len(points.values) % _BYTES == 0 and len(points.values) == len(points.held)
    _expect(whole, "its points are cut off")
    values, held = np.frombuffer(points.values, "<f8"), np.frombuffer(points.held, "<i8")
    _expect(bool(np.isfinite(values).all()), "its points are no finite numbers")
    _increasing(values.tolist(), "its points")
    _counts([moments.rows, points.rank_error, *held.tolist()])
    _expect(bool((held > 0).all()), "a point stands for no row")
    _expect(int(held.sum()) == moments.rows, "its points stand for another number of rows")
    _expect(moments.rows <= column.valid, "it has more numbers than rows")
    _expect(points.rank_error <= moments.rows and points.moved >= 0.0, "its bounds are no bounds")
    _expect(min(moments.second, moments.fourth) >= 0.0, "a sum of squares is negative")
    if moments.minimum is not None and moments.maximum is not None:
        _expect(moments.minimum <= moments.maximum, "its least value is above its greatest")


def _names(names: Names, column: ColumnProfile) -> None:
    _counts([*names.held, *names.buckets, *names.lengths, names.rows, names.undercount,
             names.once or 0])  # fmt: skip
    _expect(len(names.names) == len(names.held), "levels and their rows are not as many")
    _expect(len(set(names.names)) == len(names.names), "a level stands there twice")
    _expect(names.rows == column.valid, "its levels have another number of rows")
    rows = sum(names.held)
    if names.exact:
        _expect(rows == names.rows and not names.buckets, "its levels do not add up to its rows")
        return
    _expect(rows <= names.rows, "its levels have more rows than it")
    _expect(len(names.buckets) == hashing.BUCKETS and sum(names.buckets) == names.rows,
            "its buckets do not add up to its rows")  # fmt: skip
    registers = names.registers
    _expect(len(registers) == 1 << hashing.PRECISION and max(registers) <= _GREATEST_REGISTER,
            "its registers are none")  # fmt: skip


def _bins(bins: Bins, column: ColumnProfile) -> None:
    _expect(bins.column == column.column and bins.kind is column.kind, "its bins are of another")
    _counts([bins.rows, bins.missing, *bins.counts, *bins.rare_counts, bins.distinct, bins.once])
    _expect(bins.missing <= bins.rows, "its reference misses more rows than it has")
    _expect(len(bins.rare or ()) == len(bins.rare_counts), "rare levels and rows are not as many")
    if not bins.counts:
        _expect(not bins.edges and not bins.levels, "its bins have no counts")
        return
    if bins.kind is Kind.NUMERIC:
        _numeric_bins(bins)
        return
    _expect(len(bins.levels) + 2 == len(bins.counts), "its bins and counts are not as many")
    known = [*bins.levels, *(bins.rare or ())]
    _expect(len(set(known)) == len(known), "a level has two bins")


def _numeric_bins(bins: Bins) -> None:
    size = len(bins.counts)
    _expect(len(bins.edges) + 1 == size == len(bins.sums), "its bins and counts are not as many")
    _increasing(bins.edges, "its edges")
    coarse = bins.coarse
    _expect(bool(coarse) and coarse[0] == 0 and coarse[-1] < size, "its groups of bins are none")
    _increasing(coarse, "its groups of bins")
    known = None not in {bins.mean, bins.minimum, bins.maximum}
    _expect(known and all(atom in set(bins.edges) for atom in bins.atoms), "its atoms are no edges")


def _tally(tally: Tally, bins: Bins, column: ColumnProfile) -> None:
    _counts([*tally.counts, tally.rows, tally.missing, tally.posinf, tally.neginf, tally.unseen,
             tally.own, tally.outside, tally.far])  # fmt: skip
    same = tally.column == column.column and len(tally.counts) == len(bins.counts)
    _expect(same, "its tally is on other bins")
    _expect(
        (tally.rows, tally.missing) == (column.rows, column.missing), "its tally has other rows"
    )
    _expect(not tally.counts or sum(tally.counts) == column.valid, "its tally does not add up")
    _expect(len(tally.sums) in {0, len(tally.counts)}, "its sums are not as many as its bins")
    _expect(len(tally.powers) in {0, _POWERS}, "its powers are not four")


def _counts(values: Sequence[int]) -> None:
    _expect(all(0 <= value <= MOST_ROWS for value in values), "a count is negative or too large")


def _increasing(values: Sequence[float], what: str) -> None:
    _expect(all(a < b for a, b in pairwise(values)), f"{what} do not increase")


def _expect(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - an assertion
    if not holds:
        raise Flawed(otherwise)
