"""What the false-alarm budget costs: thresholds of 720 windows and 300 columns, and a window judged.

CPU seconds of one thread and the peak of the memory that is taken beside the counts given, and
beside them NumPy's sort of as many numbers as a window of that many columns has counts, in the same
run. `python benchmarks/budget_cost.py` takes about twenty seconds.
"""

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from budget_streams import Stream, counts_of, later, means_of, reference_of

from detectors.bins import Tally
from detectors.counted import Column
from detectors.refmax import calibrate_columns, judge

COLUMNS, WINDOWS, ROWS = 300, 720, 1000
STREAM = Stream(kinds=("normal",) * COLUMNS, rows=ROWS, day=0.1, season=0.1)
ALPHA = 0.5 / WINDOWS


def cpu(work: Callable[[], object], times: int) -> float:
    """The least CPU seconds of several."""
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def sorting(numbers: np.ndarray, times: int) -> float:
    """CPU seconds of NumPy's sort of the rows of a matrix."""
    return cpu(lambda: np.sort(numbers, axis=1), times)


def tallies_of(columns: list[Column]) -> list[Tally]:
    """A single window as monitors count it."""
    return [
        Tally(
            column=column.bins.column, counts=tuple(column.counts[0].tolist()),
            rows=int(column.rows[0]), sums=tuple(column.sums[0].tolist()),
        )
        for column in columns
    ]  # fmt: skip


def main() -> int:
    """Print the table, in Markdown."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    generator = np.random.default_rng(0)
    means = means_of(STREAM, WINDOWS + 1, generator)
    columns = reference_of(STREAM, counts_of(STREAM, means[:WINDOWS], generator))
    sort = sorting(generator.normal(size=(COLUMNS, 64 * WINDOWS)), 2)

    def thresholds() -> object:
        return calibrate_columns(columns, family="simulated", alpha=ALPHA)

    calibration = calibrate_columns(columns, family="simulated", alpha=ALPHA)
    calibrating = cpu(thresholds, 2)
    tracemalloc.start()
    thresholds()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print("| what | CPU | beside NumPy's sort of as many numbers |\n| --- | --- | --- |")
    print(
        f"| thresholds of {WINDOWS} windows, {COLUMNS} columns, 64 bins "
        f"| {calibrating:.2f} s, {peak:.0f} MB | {calibrating / sort:.2f} |"
    )
    bins = [column.bins for column in columns]
    sort = sorting(generator.normal(size=(COLUMNS, 64)), 200)
    for what, rows in (("a window", ROWS), ("five times larger", 5 * ROWS), ("half", ROWS // 2)):
        new = counts_of(STREAM, means[WINDOWS:], generator, rows=rows)
        window = tallies_of(later(columns, STREAM, new))
        took = cpu(lambda: judge(calibration, bins, window), 20)  # noqa: B023 - called at once
        print(f"| {what} judged | {took * 1e3:.1f} ms | {took / sort:.0f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
