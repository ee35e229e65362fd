"""The share of true rows in a boolean column."""

from typing import Final

import msgspec
import numpy as np

from detectors import answers, reading, tails
from detectors.answers import Figures
from detectors.finding import Finding, Kind, Reason, Sample

NAME: Final = "two_proportions"


class ProportionParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic |z|; None to judge nothing."""

    threshold: float | None = None


_DEFAULT: Final = ProportionParams()


def two_proportions(
    reference: Sample, sample: Sample, params: ProportionParams = _DEFAULT
) -> Finding:
    """The z test that as large a share of rows is true as was.

    The statistic is |z| with the pooled variance: its square is the chi-squared statistic of the
    same table. The p-value is two-sided, for independent rows; the effect is the change of the
    share, signed. Rows that are neither true nor false are left out; all rows alike: 0 and 1.
    O(n + m). Not applicable to other kinds.

    >>> import pyarrow as pa
    >>> a, b = (Sample("x", Kind.BOOLEAN, pa.chunked_array([[True] * yes + [False] * (100 - yes)]))
    ...         for yes in (50, 25))
    >>> found = two_proportions(a, b)
    >>> round(found.statistic, 4), round(found.p_value, 6), found.effect
    (3.6515, 0.000261, -0.25)
    """
    if sample.kind is not Kind.BOOLEAN or reference.kind is not Kind.BOOLEAN:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE)
    (yes_then, then), (yes_now, now) = _counted(reference), _counted(sample)
    if not then:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE, rows=now)
    figures = Figures(rows=now, rows_reference=then)
    if min(then, now) > 1:
        pooled = (yes_then + yes_now) / (then + now)
        variance = pooled * (1.0 - pooled) * (1.0 / then + 1.0 / now)
        change = yes_now / now - yes_then / then
        z = abs(change) / float(np.sqrt(variance)) if variance > 0.0 else 0.0
        p_value = min(1.0, 2.0 * tails.normal_sf(z))
        figures = msgspec.structs.replace(figures, statistic=z, p_value=p_value, effect=change)
    return answers.answer(NAME, sample, figures, params.threshold)


def _counted(sample: Sample) -> tuple[int, int]:
    """True rows, and true or false ones."""
    names, counts, _ = reading.levels(sample)
    held = dict(zip(names.to_pylist(), counts.tolist(), strict=True))
    return held.get("true", 0), held.get("true", 0) + held.get("false", 0)
