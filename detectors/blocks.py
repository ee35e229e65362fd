"""Thresholds from a few long windows: windows drawn again from the blocks that these are made of.

A block is a stretch of neighbouring rows at the same place in its window, and a drawn window has
one of each place: rows that resemble their neighbours do so in it, and what is usual of an hour
stays in that hour (block bootstrap: Künsch 1989). What no drawing can know is how whole windows
differ from one another; so what it gives is optimistic.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.bins import Bins, Tally
from detectors.counted import Column, column
from detectors.finding import Kind
from detectors.laws import PLAIN, Calibration, Options
from detectors.reading import Counts, Floats
from detectors.refmax import calibrate_columns
from detectors.thresholds import FEWEST_WINDOWS

PLACES: Final = 24
"""Into so many stretches of neighbouring rows a window is cut; several of them make a block."""
LEAST_ROWS: Final = 240
"""A window of so many rows has blocks longer than the third root of its rows."""
FEWEST: Final = 3
"""Windows that there must be, to draw each place of a window from."""
DRAWN: Final = 400
SEED: Final = 2204
ALIKE: Final = 0.2
"""Blocks are long enough where the means of neighbours are correlated by this at most."""
_TOGETHER: Final = (1, 2, 3, 4, 6, 8, 12)
_CHANCE: Final = 3.0
"""Standard errors that a correlation of nought may show."""


def calibrate_blocks(
    bins: Sequence[Bins], stretches: Sequence[Sequence[Sequence[Tally]]], *, family: str,
    alpha: float, options: Options = PLAIN,
) -> Calibration:  # fmt: skip
    """A family's threshold from 3 to 7 windows: `stretches[i][k][j]` is the k-th of 24 stretches
    of neighbouring rows of window i, of the reference, on `bins[j]`.

    400 windows are drawn, every block of one from the same place of a window drawn evenly; no row
    is in a window twice, so a window is compared with the reference without it. Its basis is
    `optimistic`, `windows` are those it was drawn from, and `needs` how many are missing until
    whole windows calibrate. About as much work as 400 calibration windows.
    """
    columns = _columns(bins, stretches)
    asked = msgspec.structs.replace(options, groupings={}, joint=(), pseudo=True)
    found = calibrate_columns(columns, family=family, alpha=alpha, options=asked)
    windows = len(stretches)
    return msgspec.structs.replace(found, windows=windows, needs=max(FEWEST_WINDOWS - windows, 0))


class _Stretched(msgspec.Struct, frozen=True):
    """A column's stretches: arrays of shape (windows, places, bins), or (windows, places)."""

    bins: Bins
    counts: Counts
    sums: Floats
    own: Counts

    def together(self, many: int) -> "_Stretched":
        """With so many neighbouring stretches as one block each."""
        windows, places = self.own.shape
        shape = (windows, places // many, many)
        return _Stretched(
            self.bins, self.counts.reshape(*shape, -1).sum(axis=2),
            self.sums.reshape(*shape, self.sums.shape[2]).sum(axis=2),
            self.own.reshape(shape).sum(axis=2),
        )  # fmt: skip

    def levels(self) -> Floats:
        """The mean of each stretch, or the share of the most frequent level."""
        rows = np.maximum(self.counts.sum(axis=2), 1)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.bins.kind is Kind.NUMERIC:
                found: Floats = self.sums.sum(axis=2) / rows
            else:
                found = self.counts[:, :, int(np.argmax(self.bins.counts))] / rows
        return np.where(np.isfinite(found), found, 0.0)


def correlation(levels: Floats) -> float:
    """How neighbours within windows, shape (windows, places), go together beside their places'
    means.

    >>> round(correlation(np.array([[1.0, 1.0, -1.0, -1.0], [-1.0, -1.0, 1.0, 1.0]])), 2)
    0.33
    """
    apart = levels - levels.mean(axis=0)
    whole = float(np.square(apart).mean())
    return float((apart[:, 1:] * apart[:, :-1]).mean() / whole) if whole > 0.0 else 0.0


def _columns(bins: Sequence[Bins], stretches: Sequence[Sequence[Sequence[Tally]]]) -> list[Column]:
    usable = [at for at, frozen in enumerate(bins) if frozen.reason is None and frozen.counts]
    found = [_stretched(bins[at], [[p[at] for p in w] for w in stretches]) for at in usable]
    many = _length(found)
    generator = np.random.default_rng(SEED)
    places = np.arange(PLACES // many)
    picks = generator.integers(0, len(stretches), (DRAWN, places.size))
    return [_drawn(one.together(many), picks, places) for one in found]


def _length(columns: Sequence[_Stretched]) -> int:
    """How many stretches make a block: the fewest whose neighbours no longer resemble each other."""
    for many in _TOGETHER:
        blocks = [one.together(many).levels() for one in columns]
        pairs = max((levels[:, 1:].size for levels in blocks), default=1)
        most = max(ALIKE, _CHANCE / float(np.sqrt(pairs)))
        if all(correlation(levels) <= most for levels in blocks):
            return many
    return _TOGETHER[-1]


def _drawn(blocks: _Stretched, picks: NDArray[np.int64], places: NDArray[np.int64]) -> Column:
    counts = blocks.counts[picks, places].sum(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = blocks.sums[picks, places].sum(axis=1)
    found = column(blocks.bins, counts, sums, np.ones(len(picks), dtype=np.bool_))
    own: Counts = blocks.own[picks, places].sum(axis=1)
    return msgspec.structs.replace(found, own=own, unseen=own)


def _stretched(bins: Bins, tallies: Sequence[Sequence[Tally]]) -> _Stretched:
    size = len(bins.counts) if bins.kind is Kind.NUMERIC else 0
    shape = (len(tallies), PLACES)
    counts = np.array([[t.counts for t in window] for window in tallies], dtype=np.int64)
    sums = np.array([[t.sums for t in window] for window in tallies], dtype=np.float64)
    own = np.array([[t.own for t in window] for window in tallies], dtype=np.int64)
    return _Stretched(bins, counts, sums.reshape(*shape, size), own)
