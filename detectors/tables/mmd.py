"""The maximum mean discrepancy: whether rows lie as they did, all columns together."""

from typing import Final

import msgspec
import numpy as np

from detectors.answers import Figures
from detectors.finding import Finding
from detectors.reading import Floats
from detectors.tables import table as tables
from detectors.tables.encoding import Encoding, encode, freeze, thinned
from detectors.tables.table import Table

NAME: Final = "mmd"
FEATURES: Final = 256
_SCALE_ROWS: Final = 1000
_ROUNDING: Final = 1e-9
AT_ONCE: Final = 8192
"""Rows whose features are in memory together."""


class MmdParams(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold` on the statistic; how many random features there are, drawn with `seed`."""

    threshold: float | None = None
    features: int = FEATURES
    seed: int = 0


_DEFAULT: Final = MmdParams()


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """What is frozen with a reference: its encoding, the kernel's width, its features' sums.

    Plain JSON. `width` is the median distance of two reference rows.
    """

    encoding: Encoding
    width: float
    seed: int
    sums: tuple[float, ...]
    rows: int


class Discrepancy(msgspec.Struct, frozen=True):
    """The squared discrepancy as it is, and less what chance gives (which may be below 0)."""

    biased: float
    unbiased: float


def mmd(reference: Table, sample: Table, params: MmdParams = _DEFAULT) -> Finding:
    """The squared distance of the mean features of rows then and now, under a Gaussian kernel.

    Features are sqrt(2 / D) cos(W x + b), D = 256 random ones, so sums of them are all that is
    kept of a window and sums of windows add up; the kernel's width is the median distance of two
    reference rows. The statistic is the squared discrepancy, in [0, 2]; the effect is what is left
    without its mean under no change, (1 - |mean features|^2)(1/n + 1/m). Against the exact kernel
    both are off by O(1 / sqrt(D)). O(rows columns D). Gretton et al. 2012; Rahimi and Recht 2007.

    >>> import pyarrow as pa
    >>> from detectors.finding import Kind, Sample
    >>> generator = np.random.default_rng(1)
    >>> a, b = (Table(tuple(Sample(name, Kind.NUMERIC, pa.chunked_array([row])) for name, row in
    ...               zip("xy", generator.multivariate_normal([0, 0], [[1, r], [r, 1]], 500).T)))
    ...         for r in (0.9, -0.9))
    >>> found = mmd(a, b)
    >>> found.column, round(found.statistic, 3), round(found.effect, 3)
    ('*', 0.127, 0.125)
    """
    features = made_of(reference, seed=params.seed, features=params.features)
    return compared(features, sample, params.threshold)


def compared(features: Features, sample: Table, threshold: float | None = None) -> Finding:
    """The same from what was frozen of the reference."""
    return found(features, sums(features, sample), sample.rows, threshold)


def found(features: Features, window: Floats, rows: int, threshold: float | None = None) -> Finding:
    """The same of a window that is known by its features' sums."""
    if not features.encoding.size:
        return tables.not_applicable(NAME, rows)
    figures = Figures(rows=rows, rows_reference=features.rows)
    if min(figures.rows, figures.rows_reference) > 1:
        apart = discrepancy(features, window, rows)
        figures = msgspec.structs.replace(
            figures, statistic=apart.biased, effect=max(0.0, apart.unbiased)
        )
    return tables.answer(NAME, figures, threshold)


def made_of(reference: Table, *, seed: int, features: int = FEATURES) -> Features:
    """The features of a reference."""
    encoding = freeze(reference)
    blank = Features(
        encoding=encoding,
        width=width(encode(encoding, thinned(reference, _SCALE_ROWS))),
        seed=seed,
        sums=(0.0,) * features,
        rows=reference.rows,
    )
    return msgspec.structs.replace(blank, sums=tuple(sums(blank, reference).tolist()))


def sums(features: Features, table: Table) -> Floats:
    """The sums of a window's features, shape (D,): those of windows add up."""
    total = np.zeros(len(features.sums))
    for part in table.cut(AT_ONCE):
        total += added(features, encode(features.encoding, part))
    return total


def added(features: Features, points: Floats) -> Floats:
    """The same of some rows as points, shape (rows, encoding.size).

    Cosines are of single floats, which takes an eighth of the time: a mean of them is off by some
    1e-7, and the discrepancy by its square.
    """
    count = len(features.sums)
    generator = np.random.default_rng(features.seed)
    directions = generator.normal(size=(points.shape[1], count)) / features.width
    phases = generator.uniform(0.0, 2.0 * np.pi, size=count)
    angles = points.astype(np.float32) @ directions.astype(np.float32)
    angles += phases.astype(np.float32)
    np.cos(angles, out=angles)
    total: Floats = angles.sum(axis=0, dtype=np.float64) * float(np.sqrt(2.0 / count))
    return total


def discrepancy(
    features: Features, window: Floats, rows: int, *, inside: bool = False
) -> Discrepancy:
    """The discrepancy of a window, from its sums; at least one row on either side.

    `inside`: the window is part of the reference, and is compared with the rest of it.
    """
    base, size = np.array(features.sums), features.rows
    if inside:
        base, size = base - window, size - rows
    biased = float(np.square(base / size - window / rows).sum())
    pooled = (base + window) / (size + rows)
    chance = (1.0 - float(np.square(pooled).sum())) * (1.0 / size + 1.0 / rows)
    return Discrepancy(biased, biased - max(0.0, chance))


def width(points: Floats) -> float:
    """The median distance of two points, of those apart; 1 where all are one. O(points^2)."""
    squares = np.square(points).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2.0 * points @ points.T
    between = np.maximum(apart[np.triu_indices(len(points), k=1)], 0.0)
    between = between[between > _ROUNDING * max(1.0, float(squares.max(initial=0.0)))]
    return float(np.sqrt(np.median(between))) if between.size else 1.0
