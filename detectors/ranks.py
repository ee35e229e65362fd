"""Two samples in one order: what the rank tests count, tie group by tie group."""

import msgspec
import numpy as np

from detectors import answers, reading
from detectors.finding import Finding, Kind, Reason, Sample
from detectors.reading import Counts, Floats


class Pair(msgspec.Struct, frozen=True):
    """The values of a reference and of a window, without NaN."""

    reference: Floats
    window: Floats


def values_of(detector: str, reference: Sample, sample: Sample, *, finite: bool) -> Pair | Finding:
    """The numbers of both; where they are no numbers, the finding that says so.

    `finite` leaves infinities out: their order is defined, their arithmetic is not.
    """
    if sample.kind is not Kind.NUMERIC or reference.kind is not Kind.NUMERIC:
        return answers.unjudged(detector, sample.column, Reason.NOT_APPLICABLE)
    keep = reading.finite if finite else reading.present
    first, second = (keep(reading.numbers(s.values)) for s in (reference, sample))
    if not first.size:
        reason = Reason.NOT_APPLICABLE
        return answers.unjudged(detector, sample.column, reason, rows=second.size)
    return Pair(first, second)


def tied(first: Floats, second: Floats) -> tuple[Counts, Counts, Floats]:
    """How many of each hold each of the distinct values of both together, and those values.

    O((n + m) log(n + m)).

    >>> [x.tolist() for x in tied(np.array([2.0, 1.0, 2.0]), np.array([3.0, 2.0]))]
    [[1, 2, 0], [0, 1, 1], [1.0, 2.0, 3.0]]
    """
    both = np.concatenate([first, second])
    order = np.argsort(both, kind="stable")
    ordered = both[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    of_first = np.add.reduceat((order < first.size).astype(np.int64), starts)
    return of_first, np.diff(np.append(starts, both.size)) - of_first, ordered[starts]
