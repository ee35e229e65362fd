"""The reconstruction error: whether columns still hang together as they did."""

from typing import Final

import msgspec
import numpy as np

from detectors import tails
from detectors.answers import Figures
from detectors.finding import Finding
from detectors.moments import Moments, moments, pooled, welch_t
from detectors.reading import Floats
from detectors.tables import table as tables
from detectors.tables.encoding import Encoding, encode, freeze
from detectors.tables.table import Table

NAME: Final = "reconstruction"
VARIANCE: Final = 0.65
_FEWEST: Final = 2
_AT_ONCE: Final = 8192
"""Rows that are points in memory together."""


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


class Scatter(msgspec.Struct, frozen=True):
    """Rows about a point: how many, their sums, shape (size,), and their products, (size, size)."""

    rows: int
    about: Floats
    sums: Floats
    squares: Floats

    def without(self, other: "Scatter") -> "Scatter":
        """These rows without some of them, about the same point."""
        return Scatter(
            self.rows - other.rows, self.about, self.sums - other.sums, self.squares - other.squares
        )


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
    return found(components, _moments(components, sample), threshold)


def found(components: Components, window: Moments, threshold: float | None = None) -> Finding:
    """The same of a window that is known by its errors' moments."""
    if not components.encoding.size:
        return tables.not_applicable(NAME, window.rows)
    figures = Figures(rows=window.rows, rows_reference=components.errors.rows)
    if min(figures.rows, figures.rows_reference) > 1:
        figures = _figures(components.errors, window)
    return tables.answer(NAME, figures, threshold)


def made_of(reference: Table, *, variance: float = VARIANCE) -> Components:
    """The components of a reference."""
    encoding = freeze(reference)
    centre = np.zeros(encoding.size)
    for part in reference.cut(_AT_ONCE):
        centre += encode(encoding, part).sum(axis=0) / reference.rows
    blank = fitted(encoding, scatter(encoding, centre, reference), variance=variance)
    if reference.rows < _FEWEST:
        return blank
    return msgspec.structs.replace(blank, errors=_moments(blank, reference))


def scatter(encoding: Encoding, about: Floats, table: Table) -> Scatter:
    """How some rows lie about a point of shape (encoding.size,). O(rows size^2)."""
    sums = np.zeros(encoding.size)
    squares = np.zeros((encoding.size, encoding.size))
    for part in table.cut(_AT_ONCE):
        off = encode(encoding, part) - about
        sums += off.sum(axis=0)
        squares += off.T @ off
    return Scatter(table.rows, about, sums, squares)


def fitted(encoding: Encoding, found: Scatter, *, variance: float = VARIANCE) -> Components:
    """The components of rows that are known by their scatter, without moments of errors."""
    off = found.sums / max(found.rows, 1)
    along, directions = _principal(found.squares / max(found.rows, 1) - np.outer(off, off))
    kept = 0
    if along.sum() > 0.0:
        reached = np.cumsum(along) / along.sum()
        kept = int(np.searchsorted(reached, variance, side="right")) + 1
    return Components(
        encoding=encoding,
        centre=tuple((found.about + off).tolist()),
        directions=tuple(map(tuple, directions[:, :kept].T.tolist())),
        errors=Moments(0, 0.0, 0.0),
    )


def errors(components: Components, table: Table) -> Floats:
    """The error of every row, shape (rows,), in the root of the sum of squared standard deviations.

    Sums of them over windows add up.
    """
    return apart(components, encode(components.encoding, table))


def apart(components: Components, points: Floats) -> Floats:
    """The same of some rows as points, shape (rows, encoding.size)."""
    off = points - np.array(components.centre)
    left = np.square(off).sum(axis=1)
    if components.directions:
        left -= np.square(off @ np.array(components.directions).T).sum(axis=1)
    lengths: Floats = np.sqrt(np.maximum(left, 0.0))
    return lengths


def _moments(components: Components, table: Table) -> Moments:
    parts = [errors(components, part) for part in table.cut(_AT_ONCE)]
    return pooled([moments(part) for part in parts])


def _principal(covariance: Floats) -> tuple[Floats, Floats]:
    """The variances along the principal directions, greatest first, and these as columns."""
    if not covariance.size:
        return np.empty(0), np.empty((0, 0))
    along, directions = np.linalg.eigh(covariance)
    return np.maximum(along[::-1], 0.0), directions[:, ::-1]


def _figures(then: Moments, now: Moments) -> Figures:
    blank = Figures(rows=now.rows, rows_reference=then.rows)
    if then.std <= 0.0:
        return blank
    t, df = welch_t(then, now)
    moved = (now.mean - then.mean) / then.std
    return msgspec.structs.replace(
        blank, statistic=abs(moved), effect=moved, p_value=2.0 * tails.t_sf(abs(t), df)
    )
