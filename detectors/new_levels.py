"""Levels that the reference never saw."""

import math
from typing import Final

import msgspec

from detectors import answers, binning, level_bins, tails
from detectors.answers import Figures
from detectors.bins import Bins, Tally
from detectors.finding import Finding, Kind, Reason, Sample

NAME: Final = "new_levels"
_TWICE: Final = 2
_MOST_EACH: Final = 10.0
"""The most rows in the reference to be expected of a level that it missed by chance: of more it
misses one in 22,000."""


class NewLevelsParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the share of rows with an unseen level; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = NewLevelsParams()


def new_levels(reference: Sample, sample: Sample, params: NewLevelsParams = _DEFAULT) -> Finding:
    """The share of rows whose level the reference does not hold.

    Some are expected: of a reference of m rows in which N1 levels stand once, the next row is new
    with probability N1/m (Good 1953, from Turing); the effect is the share less that. But N1 is a
    count as uncertain as the X new rows of n. So the p-value, for independent rows, is that of two
    Poisson counts given their sum (Przyborowski and Wilenski 1940): P(B >= X) with B binomial of
    X + N1 trials (N1 at least 1) that hit with n / (n + m). Rows of one unseen level come together:
    with N2 levels held twice the mean square of X is N1 n/m + 2 N2 (n/m)^2, so both counts are
    first divided by how much wider than Poisson's X - N1 n/m is, X rounded down and N1 up; 2 N2 / N1, the rows of such a
    level, at most ten.

    Not applicable to numbers, to dates, to identifiers, and beyond fifty thousand rare levels.

    >>> import pyarrow as pa
    >>> a, b = (Sample("x", Kind.CATEGORICAL, pa.chunked_array([list(text)]))
    ...         for text in ("ab" * 100, "ab" * 45 + "c" * 10))
    >>> found = new_levels(a, b)
    >>> found.statistic, found.effect, round(found.p_value, 5)
    (0.1, 0.1, 0.00013)
    """
    if sample.kind not in {Kind.CATEGORICAL, Kind.BOOLEAN}:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE)
    bins = level_bins.freeze(reference)
    return of_counts(bins, binning.tally(bins, sample), params)


def of_counts(bins: Bins, found: Tally, params: NewLevelsParams = _DEFAULT) -> Finding:
    """The same from the reference's bins and the window counted on them."""
    if bins.reason is not None or bins.rare is None:
        return answers.unjudged(NAME, found.column, Reason.NOT_APPLICABLE)
    figures = Figures(rows=found.valid, rows_reference=bins.valid)
    if found.valid:
        share = found.unseen / found.valid
        figures = Figures(
            statistic=share,
            p_value=_chance(bins, found),
            effect=max(0.0, share - bins.once / bins.valid),
            rows=found.valid,
            rows_reference=bins.valid,
        )
    return answers.answer(NAME, found, figures, params.threshold)


def _chance(bins: Bins, found: Tally) -> float:
    """The p-value; both sides hold a value."""
    m, n, once = bins.valid, found.valid, max(bins.once, 1)
    twice = sum(rows == _TWICE for rows in bins.rare_counts)
    each = min(2.0 * twice / once, _MOST_EACH)
    wider = 1.0 + each * n / (m + n)
    new, old = math.floor(found.unseen / wider), math.ceil(once / wider)
    return tails.binomial_sf(new, new + old, n / (n + m))
