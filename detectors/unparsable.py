"""Values of a numeric column that are no numbers."""

from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors import answers, reading, tails
from detectors.answers import Figures
from detectors.finding import Finding, Kind, Reason, Sample

NAME: Final = "unparsable"


class UnparsableParams(msgspec.Struct, frozen=True, kw_only=True):
    """`limit`: by how much the share of unreadable values may rise; None to judge nothing."""

    limit: float | None = 0.05


_DEFAULT: Final = UnparsableParams()


def unparsable(reference: Sample, sample: Sample, params: UnparsableParams = _DEFAULT) -> Finding:
    """The rise of the share of values that are there and cannot be read as numbers.

    They count as missing everywhere else; here it shows that a unit, a comma or a word came in.
    The statistic is the rise, in [-1, 1], failed beyond the limit on a hard basis; the effect the
    share itself; the p-value that of two equal proportions, for independent rows. Fewer than 30
    values are not judged. O(n + m).

    >>> import pyarrow as pa
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([["1.5"] * some + ["1,5"] * odd]))
    ...         for some, odd in ((98, 2), (60, 40)))
    >>> found = unparsable(a, b)
    >>> round(found.statistic, 2), found.effect, str(found.verdict)
    (0.38, 0.4, 'failed')
    """
    if sample.kind is not Kind.NUMERIC or reference.kind is not Kind.NUMERIC:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE)
    (odd_then, then), (odd_now, now) = counted(reference), counted(sample)
    if not then or now < answers.MIN_ROWS:
        return answers.unjudged(NAME, sample.column, Reason.INSUFFICIENT, rows=now)
    shares = (odd_then / then, odd_now / now)
    figures = Figures(
        statistic=shares[1] - shares[0],
        p_value=tails.two_proportions(shares, (then, now)),
        effect=shares[1],
        rows=now,
        rows_reference=then,
    )
    if params.limit is None:
        return answers.answer(NAME, sample, figures, None)
    return answers.hard(NAME, sample.column, figures, limit=params.limit)


def counted(sample: Sample) -> tuple[int, int]:
    """How many values cannot be read as numbers, and how many there are; null is none.

    NaN is a missing value, written or not: it is no value here.
    """
    values = sample.values
    there = len(values) - values.null_count
    found = reading.numbers(values)
    lost = int(np.count_nonzero(np.isnan(found))) - values.null_count
    if pa.types.is_floating(values.type):
        return 0, there - lost
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        plain = pc.utf8_lower(pc.utf8_trim_whitespace(values))
        written = int(
            pc.sum(pc.is_in(plain, value_set=pa.array(["nan", ""], values.type))).as_py() or 0
        )
        return lost - written, there - written
    return lost, there
