"""How much an estimate would differ had the calibration been learned from other rows."""

from typing import Final

import msgspec
import numpy as np

from detectors.estimation.calibrating import LEAST, Flags, isotonic, logistic
from detectors.reading import Floats

DRAWS: Final = 50
BLOCKS: Final = 50
KNOTS: Final = 256
LEAST_IN_BLOCK: Final = 5


class Maps(msgspec.Struct, frozen=True, kw_only=True):
    """Calibrations learned anew from blocks of rows drawn again.

    `knots` are scores in rising order, shape (knots,); `values` the probabilities there, shape
    (draws, knots).
    """

    knots: Floats
    values: Floats

    def spread_over(self, score: Floats, *weights: Floats) -> list[Floats]:
        """How much lies at each knot, linearly between two, (knots,): of the rows, and then of each
        of their weights."""
        gaps = np.diff(self.knots)
        if not gaps.size:
            return [np.array([float(score.size)]), *(np.array([w.sum()]) for w in weights)]
        held = np.clip(score, self.knots[0], self.knots[-1])
        left = np.clip(self.knots.searchsorted(held, side="right") - 1, 0, gaps.size - 1)
        right = (held - self.knots[left]) / gaps[left]
        size, rest = self.knots.size, 1.0 - right
        parts = [(rest, right), *((each * rest, each * right) for each in weights)]
        laid = [
            np.bincount(left, low, size) + np.bincount(left + 1, high, size) for low, high in parts
        ]
        return [np.asarray(found, dtype=np.float64) for found in laid]  # of no rows they are whole

    def probabilities(self, score: Floats) -> Floats:
        """The rows' probabilities by each map: (draws, rows)."""
        return np.stack([np.interp(score, self.knots, line) for line in self.values])


def drawn_again(score: Floats, truth: Flags, *, form: str, seed: int) -> Maps:
    """Fifty maps, each from as many blocks of neighbouring rows as there are, with replacement.

    Rows are in order of time, so that what days share stays together (Künsch 1989). Rows are
    first counted in cells between 256 quantiles of the scores, so a draw costs the same whatever
    the rows: 50 maps of a million rows take a fraction of a second.
    """
    knots = np.unique(np.quantile(score, np.linspace(0.0, 1.0, KNOTS)))
    cells = np.clip(knots.searchsorted(score, side="right") - 1, 0, knots.size - 1)
    blocks = int(np.clip(score.size // LEAST_IN_BLOCK, 1, BLOCKS))
    block = np.arange(score.size) * blocks // score.size
    place, size = block * knots.size + cells, blocks * knots.size
    shape = (blocks, knots.size)
    rows = np.bincount(place, minlength=size).reshape(shape)
    hits = np.bincount(place, truth.astype(np.float64), size).reshape(shape)
    middles = np.bincount(cells, score, knots.size) / np.maximum(rows.sum(axis=0), 1)
    draws = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1.0 / blocks), DRAWS)
    mass, found = draws @ rows, draws @ hits
    learn = _isotonic if form in {"isotonic", "raw"} else _logistic
    values = [learn(middles, one, two, knots) for one, two in zip(mass, found, strict=True)]
    return Maps(knots=knots, values=np.clip(np.stack(values), LEAST, 1.0 - LEAST))


def _isotonic(middles: Floats, rows: Floats, hits: Floats, knots: Floats) -> Floats:
    there = rows > 0
    made = isotonic(middles[there], hits[there] / rows[there], rows[there].astype(np.float64))
    return np.interp(knots, made.knots, made.values)


def _logistic(middles: Floats, rows: Floats, hits: Floats, knots: Floats) -> Floats:
    truth = np.repeat([True, False], middles.size)
    made = logistic(np.tile(middles, 2), truth, np.concatenate([hits, rows - hits]))
    return made.probabilities(knots)
