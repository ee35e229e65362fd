"""What each side of a column looks like: its figures, and both over common bins for the eye."""

import math
from typing import Final

import msgspec
import numpy as np

from detectors import level_bins
from detectors.comparison.held import Dates
from detectors.comparison.result import QUANTILES, Histogram, Levels, Rows, Side
from detectors.levelled import Levelled
from detectors.ordered import Ordered, few_distinct, mean_and_std
from detectors.reading import Counts, Floats

BARS: Final = 40
SHOWN_LEVELS: Final = 40
HALF: Final = 0.5
WHOLE: Final = 2.0**52
"""From here on doubles have no halves, between which whole numbers could lie."""
_AROUND: Final = (0.005, 0.995)
"""The shares between whose quantiles the bars lie, so that a far value does not flatten them."""


def of_numbers(held: Ordered) -> Side:
    """The figures of a column of numbers."""
    finite = held.finite
    side = Side(
        rows=held.rows, missing=held.missing, infinite=held.values.size - finite.size
    )  # fmt: skip
    if not finite.size:
        return side
    mean, std = mean_and_std(finite)
    usual, share = _most(held.values)
    return Side(
        rows=side.rows, missing=side.missing, infinite=side.infinite,
        mean=_number(mean), std=_number(std),
        minimum=float(finite[0]), maximum=float(finite[-1]),
        quantiles=tuple(_quantiles(finite, QUANTILES).tolist()), usual=usual, usual_share=share,
    )  # fmt: skip


def _most(values: Floats) -> tuple[str | None, float | None]:
    """The value that more than half of values in order are: the middle one or none; O(log n)."""
    middle = values[values.size // 2]
    first, last = (values.searchsorted(middle, side=side) for side in ("left", "right"))
    share = float(last - first) / values.size
    return (f"{middle:.12g}", share) if share > HALF else (None, None)


def of_levels(held: Levelled) -> Side:
    """The figures of a column of levels."""
    side = Side(rows=held.rows, missing=held.missing, distinct=len(held.names))
    if not held.counts.size:
        return side
    at = int(held.counts.argmax())
    share = int(held.counts[at]) / int(held.counts.sum())
    return msgspec.structs.replace(side, usual=held.names[at].as_py(), usual_share=share)


def of_dates(held: Dates) -> Side:
    """The figures of a column of dates."""
    return Side(rows=held.rows, missing=held.missing, first=held.first, last=held.last)


def histogram(reference: Ordered, current: Ordered) -> Histogram | None:
    """Both over bars of one width between the outermost half percents; None without a number.

    Whole numbers within forty of each other have a bar each.
    """
    present = [values for values in (reference.finite, current.finite) if values.size]
    if not present:
        return None
    bounds = np.array([_quantiles(values, _AROUND) for values in present])
    edges = _edges(float(bounds[:, 0].min()), float(bounds[:, 1].max()), present)
    first, second = (_counted(edges, held.values) for held in (reference, current))
    return Histogram(
        edges=tuple(edges.tolist()),
        reference=tuple(first[1:-1].tolist()),
        current=tuple(second[1:-1].tolist()),
        below=Rows(int(first[0]), int(second[0])),
        above=Rows(int(first[-1]), int(second[-1])),
    )


def levels(reference: Levelled, current: Levelled) -> Levels:
    """Both by their most frequent levels, the greater share of the two deciding."""
    counts: dict[str, list[int]] = {}
    for at, held in enumerate((reference, current)):
        for name, rows in _most_frequent(held):
            counts.setdefault(name, [0, 0])[at] = rows
    for at, held in enumerate((reference, current)):
        _fill(counts, at, held)
    sizes = [max(int(held.counts.sum()), 1) for held in (reference, current)]
    order = sorted(
        counts.items(),
        key=lambda item: (-max(item[1][0] / sizes[0], item[1][1] / sizes[1]), item[0]),
    )[:SHOWN_LEVELS]
    first, second = ([rows[at] for _, rows in order] for at in (0, 1))
    return Levels(
        names=tuple(name for name, _ in order), reference=tuple(first), current=tuple(second),
        others=Rows(
            int(reference.counts.sum()) - sum(first), int(current.counts.sum()) - sum(second)
        ),
        apart=_apart(reference, current),
    )  # fmt: skip


def _apart(reference: Levelled, current: Levelled) -> float | None:
    """The total variation over all levels: by how much shares have grown, new ones among them;
    exactly 0 for equal shares. O(levels)."""
    sizes = [int(held.counts.sum()) for held in (reference, current)]
    if not all(sizes):
        return None
    at = level_bins.places(current.names, reference.names.to_pylist())
    both = at < len(reference.names)
    more = current.counts[both] / sizes[1] - reference.counts[at[both]] / sizes[0]
    new = int(current.counts[~both].sum()) / sizes[1]
    return min(new + float(np.maximum(more, 0.0).sum()), 1.0)


def _most_frequent(held: Levelled) -> list[tuple[str, int]]:
    places = np.argsort(-held.counts, kind="stable")[:SHOWN_LEVELS].tolist()
    return [(held.names[at].as_py(), int(held.counts[at])) for at in places]


def _fill(counts: dict[str, list[int]], at: int, held: Levelled) -> None:
    """The rows of the levels that are shown for the other side's sake."""
    if len(held.names) <= SHOWN_LEVELS:
        return
    wanted = {name for name, rows in counts.items() if not rows[at]}
    if not wanted:
        return
    for name, rows in zip(held.names.to_pylist(), held.counts.tolist(), strict=True):
        if name in wanted:
            counts[name][at] = rows


def _edges(low: float, high: float, present: list[Floats]) -> Floats:
    near = high - low < BARS and max(-low, high) < WHOLE
    if near and all(map(_are_few_and_whole, present)):
        return np.arange(low, high + 2.0) - 0.5
    if not high > low:
        wide = max(abs(low), 1.0) * 0.5
        return np.array([low - wide, low + wide])
    both = np.array([low, high])
    if not math.isfinite(high - low):
        return both
    edges = np.linspace(low, high, BARS + 1)
    return edges if np.all(np.diff(edges) > 0.0) else both


def _are_few_and_whole(values: Floats) -> bool:
    few = few_distinct(values, 2 * BARS)
    return few is not None and bool(np.all(few == np.floor(few)))


def _counted(edges: Floats, values: Floats) -> Counts:
    """Rows below the edges, in each bin, above; a row on the last edge is in the last bin."""
    below = values.searchsorted(edges, side="left")
    below[-1] = values.searchsorted(edges[-1], side="right")
    return np.diff(below, prepend=0, append=values.size)


def _quantiles(values: Floats, shares: tuple[float, ...]) -> Floats:
    """Quantiles of values in order, linear between neighbours."""
    at = np.array(shares) * (values.size - 1)
    lower = np.floor(at).astype(np.int64)
    upper = np.minimum(lower + 1, values.size - 1)
    weight = at - lower
    below, above = values[lower], values[upper]
    found: Floats = np.where(below == above, below, below * (1.0 - weight) + above * weight)
    return found


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
