"""Levels that the reference never saw."""

from typing import Final

import msgspec

from detectors import answers, binning, level_bins, tails
from detectors.answers import Figures
from detectors.bins import Bins, Tally
from detectors.finding import Finding, Kind, Reason, Sample

NAME: Final = "new_levels"


class NewLevelsParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the share of rows with an unseen level; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = NewLevelsParams()


def new_levels(reference: Sample, sample: Sample, params: NewLevelsParams = _DEFAULT) -> Finding:
    """The share of rows whose level the reference does not hold.

    Some are expected: of a reference of m rows in which N1 levels stand once, the next row is new
    with probability N1/m (Good 1953, from Turing). The effect is the share less that; the p-value
    is the binomial upper tail at max(N1/m, 1/m), for independent rows. Not applicable to numbers,
    to dates, to identifiers, and beyond ten thousand rare levels.

    >>> import pyarrow as pa
    >>> a, b = (Sample("x", Kind.CATEGORICAL, pa.chunked_array([list(text)]))
    ...         for text in ("ab" * 100, "ab" * 45 + "c" * 10))
    >>> found = new_levels(a, b)
    >>> found.statistic, found.effect, found.p_value < 1e-9
    (0.1, 0.1, True)
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
        expected = max(bins.once, 1) / bins.valid
        figures = Figures(
            statistic=share,
            p_value=tails.binomial_sf(found.unseen, found.valid, expected),
            effect=max(0.0, share - bins.once / bins.valid),
            rows=found.valid,
            rows_reference=bins.valid,
        )
    return answers.answer(NAME, found, figures, params.threshold)
