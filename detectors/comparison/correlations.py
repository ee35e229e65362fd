"""How columns of numbers hang together on both sides, and which pairs plainly came apart."""

import math
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from detectors import tails
from detectors.multiplicity import holm
from detectors.reading import Floats

FLOOR: Final = 0.1
"""The least change of a correlation that matters."""
MOST_COLUMNS: Final = 200
MOST_CELLS: Final = 4_000_000
"""Values of a side that are kept for it."""
MOST_ROWS: Final = 20_000
FEWEST_ROWS: Final = 30
MOST_PAIRS: Final = 50
LEAST_SPREAD: Final = 1e-12
SPREAD: Final = 1.06
"""The variance of a rank correlation's inverse hyperbolic tangent, times the rows less three
(Fieller, Hartley and Pearson 1957)."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two columns: Spearman's correlation of each side, None where there is none, and the p-value
    that it changed, Holm's over all pairs. `plain` where that is within the level and the change
    is a tenth at least."""

    one: str
    other: str
    reference: float | None
    current: float | None
    p_value: float | None = None
    plain: bool = False

    @property
    def change(self) -> float:
        """By how much it changed, 0 where it is not known of both."""
        known = self.reference is not None and self.current is not None
        return (self.current or 0.0) - (self.reference or 0.0) if known else 0.0


class Correlations(msgspec.Struct, frozen=True, kw_only=True):
    """The correlations of all pairs of `columns`, shape (columns, columns), NaN as None; `pairs` are
    those that changed most. Of `rows` rows of each side, spread evenly, where those are fewer."""

    columns: tuple[str, ...]
    reference: tuple[tuple[float | None, ...], ...]
    current: tuple[tuple[float | None, ...], ...]
    pairs: tuple[Pair, ...]
    rows: tuple[int, int]


def kept(values: Floats, columns: int) -> Floats:
    """Evenly spread values of a column of a table with so many, few enough for all of them.

    >>> kept(np.arange(100_000.0), 2).size, kept(np.arange(9.0), 2).size
    (20000, 9)
    """
    most = min(MOST_ROWS, max(MOST_CELLS // max(columns, 1), FEWEST_ROWS))
    if values.size <= most:
        return values
    return values[np.linspace(0, values.size - 1, most).astype(np.int64)]


def correlations(
    reference: Mapping[str, Floats], current: Mapping[str, Floats], *, level: float
) -> Correlations | None:
    """Spearman's rank correlations of the columns, the same on both sides; None of fewer than two.

    Rows of a side are in one order in all of its columns, NaN where a value is missing; a pair is
    correlated over the rows that hold both. Rows are taken for independent. O(rows columns²).
    """
    names = tuple(reference)[:MOST_COLUMNS]
    if len(names) < 2:  # noqa: PLR2004 - one column has nothing to hang together with
        return None
    (first, n), (second, m) = (
        _ranked([side[name] for name in names]) for side in (reference, current)
    )
    places = np.triu_indices(len(names), 1)
    p = _p_values((first[places], second[places]), (n[places], m[places]))
    known = np.flatnonzero(~np.isnan(p))
    adjusted = np.full(p.size, np.nan)
    adjusted[known] = holm(p[known].tolist())
    apart = np.abs(second[places] - first[places])
    plain = (adjusted <= level) & (apart >= FLOOR)
    order = np.lexsort((-np.nan_to_num(apart), ~plain))[:MOST_PAIRS]
    return Correlations(
        columns=names, reference=_plain(first), current=_plain(second),
        rows=(next(iter(reference.values())).size, next(iter(current.values())).size),
        pairs=tuple(
            Pair(one=names[places[0][k]], other=names[places[1][k]], plain=bool(plain[k]),
                 reference=_number(first[places][k]), current=_number(second[places][k]),
                 p_value=_number(adjusted[k]))
            for k in order.tolist()
        ),
    )  # fmt: skip


def _ranked(columns: list[Floats]) -> tuple[Floats, Floats]:
    """The correlations of the columns' ranks, and of how many rows each is."""
    ranks = np.stack([_ranks(np.where(np.isnan(c), np.nan, c)) for c in columns], axis=1)
    held = (~np.isnan(ranks)).astype(np.float64)
    values = np.nan_to_num(ranks)
    rows = held.T @ held
    sums, squares, products = values.T @ held, np.square(values).T @ held, values.T @ values
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = squares / rows - np.square(sums / rows)
        found = (products / rows - sums * sums.T / np.square(rows)) / np.sqrt(spread * spread.T)
    usable = (rows >= FEWEST_ROWS) & (spread > LEAST_SPREAD) & (spread.T > LEAST_SPREAD)
    return np.where(usable, np.clip(found, -1.0, 1.0), np.nan), rows


def _ranks(values: Floats) -> Floats:
    """The mid-ranks of the values as shares less a half; NaN where there is none."""
    found = np.full(values.size, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    if known.size:
        _, places, counts = np.unique(values[known], return_inverse=True, return_counts=True)
        ends = np.cumsum(counts)
        found[known] = ((ends - counts / 2.0) / known.size - 0.5)[places]
    return found


def _p_values(sides: tuple[Floats, Floats], rows: tuple[Floats, Floats]) -> Floats:
    """That both correlations are one, by the difference of their inverse hyperbolic tangents."""
    held = [np.clip(side, -1.0 + 1e-12, 1.0 - 1e-12) for side in sides]
    error = np.sqrt(sum(SPREAD / np.maximum(n - 3.0, 1.0) for n in rows))
    z = np.abs(np.arctanh(held[1]) - np.arctanh(held[0])) / error
    return np.array(
        [math.nan if math.isnan(one) else 2.0 * tails.normal_sf(one) for one in z.tolist()]
    )


def _plain(found: Floats) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(_number(value) for value in row) for row in found.tolist())


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
