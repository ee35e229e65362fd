"""Bins frozen with a reference, and the counts of a window on them.

Numbers: 63 edges at the reference's quantiles k/64, and a bin of its own for every value that holds
a 64th of the reference or more; whole numbers with at most 20 distinct values: a bin a value. An
edge belongs to the bin above it. Levels: those with 0.1 % of the reference and five rows, a hundred
at most; then one bin for the rest that the reference knows, and one for what it never saw. Dates
are never compared as they are: they always move.
"""

from detectors import level_bins, numeric_bins, reading
from detectors.bins import Bins, Tally
from detectors.finding import Kind, Reason, Sample

__all__ = ["Bins", "Tally", "freeze", "tally"]


def freeze(sample: Sample) -> Bins:
    """The bins of a reference sample, with the reference counted on them.

    >>> import numpy, pyarrow
    >>> values = numpy.random.default_rng(1).exponential(size=1000)
    >>> bins = freeze(Sample("wait", Kind.NUMERIC, pyarrow.chunked_array([values])))
    >>> len(bins.counts), min(bins.counts), max(bins.counts), len(bins.coarse)
    (64, 15, 16, 10)
    """
    match sample.kind:
        case Kind.NUMERIC:
            return numeric_bins.freeze(sample)
        case Kind.CATEGORICAL | Kind.BOOLEAN:
            return level_bins.freeze(sample)
        case Kind.DATETIME:
            return Bins(
                column=sample.column,
                kind=sample.kind,
                rows=len(sample.values),
                missing=sample.values.null_count,
                reason=str(Reason.NOT_APPLICABLE),
            )


def tally(bins: Bins, sample: Sample) -> Tally:
    """A window's sample of the same column, counted on the reference's bins.

    Where the reference has no bins (no values, or dates) only rows and missing ones are counted.
    """
    if not bins.counts:
        return Tally(column=bins.column, rows=len(sample.values), missing=missing(sample))
    if bins.kind is Kind.NUMERIC:
        return numeric_bins.tally(bins, sample)
    return level_bins.tally(bins, sample)


def missing(sample: Sample) -> int:
    """How many rows hold no value: null, NaN, or no number where the column is numeric."""
    match sample.kind:
        case Kind.NUMERIC:
            return reading.missing(reading.numbers(sample.values))
        case Kind.CATEGORICAL | Kind.BOOLEAN:
            return int(reading.texts(sample).null_count)
        case Kind.DATETIME:
            return int(sample.values.null_count)
