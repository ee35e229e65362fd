"""The energy distance of rows with all their columns."""

from typing import Final

import msgspec
import numpy as np

from detectors.answers import Figures
from detectors.finding import Finding
from detectors.reading import Floats
from detectors.tables import table as tables
from detectors.tables.encoding import encode, freeze
from detectors.tables.table import Table

NAME: Final = "joint_energy"


class JointEnergyParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic; how many rows of either are drawn with `seed`, and how many
    exchanges of rows find a p-value (0: none is given)."""

    threshold: float | None = None
    rows: int = 1000
    permutations: int = 0
    seed: int = 0


_DEFAULT: Final = JointEnergyParams()


def joint_energy(reference: Table, sample: Table, params: JointEnergyParams = _DEFAULT) -> Finding:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| over rows as points, at most 1000 of either.

    The effect has no unit: the statistic without its mean under no change over 2 E|X - Y|, in
    [0, 1]. The p-value is that of exchanging rows, for independent ones. O(rows^2), so it reads
    a sample of rows and does not add up over windows. Székely and Rizzo 2013.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind, Sample
    >>> generator = np.random.default_rng(1)
    >>> a, b = (Table((Sample("x", Kind.NUMERIC, pa.chunked_array([generator.normal(s, 1, 300)])),))
    ...         for s in (0.0, 0.5))
    >>> found = joint_energy(a, b, JointEnergyParams(permutations=99))
    >>> found.column, found.p_value, 0.03 < found.effect < 0.15
    ('*', 0.01, True)
    """
    figures = Figures(rows=sample.rows, rows_reference=reference.rows)
    encoding, generator = freeze(reference), np.random.default_rng(params.seed)
    if not encoding.size:
        return tables.not_applicable(NAME, sample.rows)
    if min(figures.rows, figures.rows_reference) > 1:
        x, y = (_drawn(encode(encoding, t), params.rows, generator) for t in (reference, sample))
        apart = distances(np.concatenate([x, y]))
        found, unbiased, across = _parts(apart, len(x))
        figures = msgspec.structs.replace(
            figures,
            statistic=found,
            effect=max(0.0, unbiased) / across if across > 0.0 else 0.0,
            p_value=_p_value(apart, len(x), params.permutations, generator),
        )
    return tables.answer(NAME, figures, params.threshold)


def distances(points: Floats) -> Floats:
    """The Euclidean distances of all pairs of points, shape (points, points)."""
    from scipy.spatial.distance import pdist, squareform  # noqa: PLC0415 - only this needs it

    found: Floats = squareform(pdist(points))
    return found


def _drawn(points: Floats, rows: int, generator: np.random.Generator) -> Floats:
    if len(points) <= rows:
        return points
    return points[np.sort(generator.choice(len(points), rows, replace=False))]


def _parts(apart: Floats, first: int) -> tuple[float, float, float]:
    """The statistic, its unbiased form, and 2 E|X - Y|."""
    second = len(apart) - first
    across = 2.0 * float(apart[:first, first:].mean())
    one, two = float(apart[:first, :first].sum()), float(apart[first:, first:].sum())
    biased = across - one / first**2 - two / second**2
    unbiased = across - one / (first * (first - 1)) - two / (second * (second - 1))
    return max(0.0, biased), unbiased, across


def _p_value(
    apart: Floats, first: int, permutations: int, generator: np.random.Generator
) -> float | None:
    if not permutations:
        return None
    rows = len(apart)
    places = np.tile(np.arange(rows), (permutations, 1))
    signs = np.full((permutations + 1, rows), -1.0 / (rows - first))
    signs[0, :first] = 1.0 / first
    chosen = generator.permuted(places, axis=1)[:, :first]
    np.put_along_axis(signs[1:], chosen, 1.0 / first, axis=1)
    found = -np.einsum("pi,pi->p", signs @ apart, signs)
    return float(np.count_nonzero(found >= found[0] * (1.0 - 1e-12)) / (permutations + 1))
