"""How many rows lie beyond what one reference row in a hundred passed: a detector of rare extremes.

Distances of whole distributions hardly notice that two rows in a hundred are extreme where one
was; where extremes are what matters (amounts, waiting times) this says it at once.
"""

from typing import Final

import msgspec
import numpy as np

from detectors import answers, reading, tails
from detectors.answers import Figures
from detectors.entry import NUMBERS, Entry
from detectors.finding import Finding, Kind, Reason, Sample

NAME: Final = "tail_share"


class TailShareParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the share in [0, 1], None to judge nothing; the quantile that begins the tail."""

    threshold: float | None = None
    quantile: float = 0.99


_DEFAULT: Final = TailShareParams()


def tail_share(reference: Sample, sample: Sample, params: TailShareParams = _DEFAULT) -> Finding:
    """The share of rows above the reference's 99th percentile.

    The statistic is the share, the effect what it is more than in the reference, the p-value the
    binomial upper tail, for independent rows.

    >>> import pyarrow as pa
    >>> a, b = (Sample("wait", Kind.NUMERIC, pa.chunked_array([np.arange(100.0) * by]))
    ...         for by in (1.0, 1.25))
    >>> round(tail_share(a, b).statistic, 2)
    0.21
    """
    if sample.kind is not Kind.NUMERIC:
        return answers.unjudged(NAME, sample.column, Reason.NOT_APPLICABLE)
    then, now = (reading.present(reading.numbers(s.values)) for s in (reference, sample))
    figures = Figures(rows=now.size, rows_reference=then.size)
    if now.size and then.size:
        edge = np.quantile(then, params.quantile)
        usual, beyond = float(np.mean(then > edge)), int(np.count_nonzero(now > edge))
        figures = Figures(
            statistic=beyond / now.size,
            p_value=tails.binomial_sf(beyond, now.size, max(usual, 1.0 / then.size)),
            effect=beyond / now.size - usual,
            rows=now.size,
            rows_reference=then.size,
        )
    return answers.answer(NAME, sample, figures, params.threshold)


ENTRY: Final = Entry(
    function=tail_share,
    params=TailShareParams,
    kinds=NUMBERS,
    says="The share of rows beyond what one reference row in a hundred passed.",
)
