"""How many rows hold no value, against the reference: a hard limit on what was lost."""

from typing import Final, NamedTuple, Protocol

import msgspec

from detectors import answers, binning, tails
from detectors.answers import Figures
from detectors.finding import Finding, Reason, Sample

NAME: Final = "missing"


class MissingParams(msgspec.Struct, frozen=True, kw_only=True):
    """`limit`: by how much the share of missing rows may rise, 0.2 being twenty points."""

    limit: float = 0.2


_DEFAULT: Final = MissingParams()


def missing(reference: Sample, sample: Sample, params: MissingParams = _DEFAULT) -> Finding:
    """The rise of the share of rows without a value, failed beyond the limit.

    The statistic is the rise, in [-1, 1]; the effect the share itself; the p-value that of two
    equal proportions, for independent rows. Fewer than 30 rows on either side are not judged.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind
    >>> a, b = (Sample("x", Kind.NUMERIC, pa.chunked_array([[1.0] * some + [None] * none]))
    ...         for some, none in ((95, 5), (60, 40)))
    >>> found = missing(a, b)
    >>> round(found.statistic, 2), found.effect, str(found.verdict), str(found.basis)
    (0.35, 0.4, 'failed', 'hard')
    """
    first, second = (Gaps(s.column, len(s.values), binning.missing(s)) for s in (reference, sample))
    return of_counts(first, second, params)


class Counted(Protocol):
    """What knows how many rows of a column there are, and how many of them hold no value."""

    @property
    def column(self) -> str:
        """The column's name."""

    @property
    def rows(self) -> int:
        """All rows."""

    @property
    def missing(self) -> int:
        """Those without a value."""


class Gaps(NamedTuple):
    """Rows of a column, and how many of them hold no value."""

    column: str
    rows: int
    missing: int


def of_counts(reference: Counted, window: Counted, params: MissingParams = _DEFAULT) -> Finding:
    """The same of two columns whose gaps are counted already."""
    if min(reference.rows, window.rows) < answers.MIN_ROWS:
        return answers.unjudged(NAME, window.column, Reason.INSUFFICIENT, rows=window.rows)
    lost = (reference.missing / reference.rows, window.missing / window.rows)
    return rise(window.column, lost, (reference.rows, window.rows), params)


def rise(
    column: str,
    shares: tuple[float, float],
    rows: tuple[int, int],
    params: MissingParams = _DEFAULT,
) -> Finding:
    """The finding from the shares of missing rows and the rows, reference first."""
    figures = Figures(
        statistic=shares[1] - shares[0],
        p_value=tails.two_proportions(shares, rows),
        effect=shares[1],
        rows=rows[1],
        rows_reference=rows[0],
    )
    return answers.hard(NAME, column, figures, limit=params.limit)
