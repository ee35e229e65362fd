"""The reconstruction error: whether columns still hang together as they did."""

from typing import Final

import msgspec
import numpy as np

from detectors import tails
from detectors.answers import Figures
from detectors.finding import Finding
from detectors.moments import Moments, moments, welch_t
from detectors.reading import Floats
from detectors.tables import table as tables
from detectors.tables.encoding import Encoding, encode, freeze
from detectors.tables.table import Table

NAME: Final = "reconstruction"
VARIANCE: Final = 0.65
_FEWEST: Final = 2


class ReconstructionParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic; which share of the reference's variance is kept."""

    threshold: float | None = None
    variance: float = VARIANCE


_DEFAULT: Final = ReconstructionParams()


class Components(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen with a reference: its encoding, centre and principal components.

    Plain JSON. `directions` are orthonormal, as many as reach the variance; `errors` are the
    moments of the errors of the reference's own rows.
    """

    encoding: Encoding
    centre: tuple[float, ...]
    directions: tuple[tuple[float, ...], ...]
    errors: Moments


def reconstruction(
    reference: Table, sample: Table, params: ReconstructionParams = _DEFAULT
) -> Finding:
    """How far rows lie from the plane in which the reference's columns vary together.

    A row's error is its Euclidean distance from its projection on the principal components that
    hold 65 % of the reference's variance. The effect is the change of the mean error in standard
    deviations of a row's: above 0 where columns come apart, below 0 where rows crowd together; the
    statistic is its size, the p-value Welch's for independent rows. O(rows columns^2). A reference
    without variance is degenerate. Pearson 1901; Jackson and Mudholkar 1979.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind, Sample
    >>> generator = np.random.default_rng(1)
    >>> a, b = (Table(tuple(Sample(name, Kind.NUMERIC, pa.chunked_array([row])) for name, row in
    ...               zip("xy", generator.multivariate_normal([0, 0], [[1, r], [r, 1]], 500).T)))
    ...         for r in (0.9, -0.9))
    >>> found = reconstruction(a, b)
    >>> found.column, round(found.effect, 2)
    ('*', 4.6)
    """
    return compared(made_of(reference, variance=params.variance), sample, params.threshold)


def compared(components: Components, sample: Table, threshold: float | None = None) -> Finding:
    """The same from what was frozen of the reference."""
    if not components.encoding.size:
        return tables.not_applicable(NAME, sample)
    figures = Figures(rows=sample.rows, rows_reference=components.errors.rows)
    if min(figures.rows, figures.rows_reference) > 1:
        figures = _figures(components.errors, moments(errors(components, sample)))
    return tables.answer(NAME, figures, threshold)


def made_of(reference: Table, *, variance: float = VARIANCE) -> Components:
    """The components of a reference."""
    encoding = freeze(reference)
    points = encode(encoding, reference)
    centre = points.mean(axis=0) if len(points) else np.zeros(encoding.size)
    apart = points - centre
    along, directions = _principal(apart)
    kept = 0
    if along.sum() > 0.0:
        reached = np.cumsum(along) / along.sum()
        kept = int(np.searchsorted(reached, variance, side="right")) + 1
    blank = Components(
        encoding=encoding,
        centre=tuple(centre.tolist()),
        directions=tuple(map(tuple, directions[:, :kept].T.tolist())),
        errors=Moments(0, 0.0, 0.0),
    )
    if len(points) < _FEWEST:
        return blank
    return msgspec.structs.replace(blank, errors=moments(errors(blank, reference)))


def errors(components: Components, table: Table) -> Floats:
    """The error of every row, shape (rows,), in the root of the sum of squared standard deviations.

    Sums of them over windows add up.
    """
    apart = encode(components.encoding, table) - np.array(components.centre)
    if not components.directions:
        alone: Floats = np.sqrt(np.square(apart).sum(axis=1))
        return alone
    directions = np.array(components.directions)
    projected = apart @ directions.T
    left = np.square(apart).sum(axis=1) - np.square(projected).sum(axis=1)
    found: Floats = np.sqrt(np.maximum(left, 0.0))
    return found


def _principal(apart: Floats) -> tuple[Floats, Floats]:
    """The variances along the principal directions, greatest first, and these as columns."""
    if not apart.shape[1]:
        return np.empty(0), np.empty((0, 0))
    found, directions = np.linalg.eigh(apart.T @ apart / max(len(apart), 1))
    return np.maximum(found[::-1], 0.0), directions[:, ::-1]


def _figures(then: Moments, now: Moments) -> Figures:
    blank = Figures(rows=now.rows, rows_reference=then.rows)
    if then.std <= 0.0:
        return blank
    t, df = welch_t(then, now)
    moved = (now.mean - then.mean) / then.std
    return msgspec.structs.replace(
        blank, statistic=abs(moved), effect=moved, p_value=2.0 * tails.t_sf(abs(t), df)
    )
