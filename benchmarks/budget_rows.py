"""What the budget makes of rows in their order: fewer of them than usual, and few windows in blocks.

`budget.py` draws counts; here rows are drawn one after another, those of `ar` hanging on the one
before (0.9). Ten normal columns, windows of 960 rows, one false alarm per 30 windows allowed.
`python benchmarks/budget_rows.py [MODELS]`, 8 unless said; a minute of CPU for eight.
"""

import argparse
import sys

import numpy as np
from printing import Rows, printed, shown
from scipy.signal import lfilter

from detectors.bins import Bins, Tally
from detectors.blocks import PLACES, calibrate_blocks
from detectors.counted import Column, column
from detectors.finding import Kind
from detectors.judging import failed
from detectors.laws import Options
from detectors.refmax import NO_GROUPS, calibrate_columns, window_scores
from detectors.scores import score

COLUMNS, ROWS, PERIOD, PERIODS = 10, 960, 30, 4
ALPHA = 0.5 / PERIOD
EDGES = np.linspace(-2.4, 2.4, 31)
CENTRES = np.concatenate([[-2.6], (EDGES[1:] + EDGES[:-1]) / 2, [2.6]])
BARE = Options(minimum_effect="none")
STREAMS = {"iid": (0.0, 0.0), "ar": (0.9, 0.0), "day": (0.0, 0.1)}
"""How much a row hangs on the one before, and by how much the means of windows wander."""


def rows_of(stream: str, windows: int, generator: np.random.Generator) -> np.ndarray:
    """Values in order of time, shape (columns, windows, rows)."""
    memory, wander = STREAMS[stream]
    noise = generator.normal(size=(COLUMNS, windows * ROWS))
    values = lfilter([np.sqrt(1.0 - memory**2)], [1.0, -memory], noise, axis=1)
    means = wander * generator.normal(size=(COLUMNS, windows, 1))
    return values.reshape(COLUMNS, windows, ROWS) + means


def counted(values: np.ndarray) -> np.ndarray:
    """Counts over the bins, the last axis in place of the rows."""
    place = np.searchsorted(EDGES, values)
    return np.stack([(place == at).sum(axis=-1) for at in range(EDGES.size + 1)], axis=-1)


def bins_of(reference: np.ndarray) -> list[Bins]:
    """The bins of a reference, shape (columns, windows, rows)."""
    whole = counted(reference.reshape(COLUMNS, -1))
    return [
        Bins(
            column=f"x{at}", kind=Kind.NUMERIC, rows=int(counts.sum()), missing=0,
            counts=tuple(counts.tolist()), edges=tuple(EDGES.tolist()),
            sums=tuple((counts * CENTRES).tolist()), coarse=tuple(range(0, EDGES.size + 1, 3)),
            mean=0.0, std=1.0, kurtosis=3.0, minimum=-4.0, maximum=4.0,
        )
        for at, counts in enumerate(whole)
    ]  # fmt: skip


def columns_of(bins: list[Bins], values: np.ndarray, *, inside: bool) -> list[Column]:
    """Windows as columns."""
    held = np.full(values.shape[1], inside)
    return [
        column(frozen, counts, counts * CENTRES, held)
        for frozen, counts in zip(bins, counted(values), strict=True)
    ]


def short(stream: str, rows: int, seed: int) -> float:
    """Alarming windows a period of the first `rows` of each window, 60 whole ones calibrating."""
    generator = np.random.default_rng(seed)
    reference = rows_of(stream, 60, generator)
    bins = bins_of(reference)
    known = columns_of(bins, reference, inside=True)
    found = calibrate_columns(known, family="simulated", alpha=ALPHA)
    later = rows_of(stream, PERIODS * PERIOD, generator)[:, :, :rows]
    scores = window_scores(found, columns_of(bins, later, inside=False), seed, NO_GROUPS)
    return float(failed(found, scores).any(axis=1).sum()) / PERIODS


def blocks(stream: str, windows: int, seed: int) -> float:
    """Alarming windows a period by thresholds from the blocks of a few, without any floor."""
    generator = np.random.default_rng(seed)
    reference = rows_of(stream, windows, generator)
    bins = bins_of(reference)
    parts = counted(reference.reshape(COLUMNS, windows, PLACES, -1))
    stretches = [
        [
            [
                Tally(
                    column=f"x{at}", counts=tuple(parts[at, i, k].tolist()), rows=ROWS // PLACES,
                    sums=tuple((parts[at, i, k] * CENTRES).tolist()),
                )
                for at in range(COLUMNS)
            ]
            for k in range(PLACES)
        ]
        for i in range(windows)
    ]  # fmt: skip
    found = calibrate_blocks(bins, stretches, family="simulated", alpha=ALPHA, options=BARE)
    later = columns_of(bins, rows_of(stream, PERIODS * PERIOD, generator), inside=False)
    return float(failed(found, score(later)).any(axis=1).sum()) / PERIODS


def tables(models: int) -> Rows:
    """A line a cell: the mean over models and its standard error."""
    yield ("table", "stream", "rows or windows", "alarming windows", "models over 1")
    for table, cells in (
        (short, [("iid", 320), ("ar", 960), ("ar", 320)]),
        (blocks, [("iid", 3), ("iid", 5), ("iid", 7), ("ar", 5), ("day", 5)]),
    ):
        for stream, size in cells:
            rates = np.array([table(stream, size, seed) for seed in range(models)])
            over = np.mean(rates > 1.0)
            yield table.__name__, stream, str(size), shown(rates), f"{over:.2f}"


def main() -> int:
    """Print the cells as they come, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="?", type=int, default=8, help="a cell; default: 8")
    printed(tables(parser.parse_args().models))
    return 0


if __name__ == "__main__":
    sys.exit(main())
