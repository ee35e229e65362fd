"""How often the 90 % interval of every metric holds the truth, and what a metric costs.

Rows are drawn independently, 200 a window, 400 windows a metric; the truth is the figure of a
million rows of the same law. Run: `python benchmarks/intervals.py [windows [metric …]]`.
"""

import argparse
import os

import numpy as np
import pyarrow as pa

from detectors.labelled import Given
from detectors.metrics.catalogue import METRICS
from detectors.performance import measure

POSITIVE, CUT = 0.2, 0.35
ROWS = 200
MANY = 1_000_000
T0 = np.datetime64("2024-01-01", "us")
NAMES = np.array(["a", "b", "c", "d"])


def regression(generator: np.random.Generator, rows: int) -> Given:
    """Positive amounts, predicted with an error in proportion to them."""
    truth = generator.gamma(3.0, 2.0, rows)
    return Given("regression", _column(truth), _column(truth * generator.gamma(8.0, 1 / 8, rows)))


def binary(generator: np.random.Generator, rows: int) -> Given:
    """One row in five is positive; scores of an AUC of .86, somewhat too bold."""
    truth = generator.random(rows) < POSITIVE
    score = 1.0 / (1.0 + np.exp(-generator.normal(truth * 1.9 - 2.3, 1.25)))
    text = [_column(np.where(flags, "yes", "no")) for flags in (truth, score > CUT)]
    return Given("binary", *text, {"yes": _column(score)}, "yes")


def multiclass(generator: np.random.Generator, rows: int) -> Given:
    """Four classes of unequal size with calibrated scores."""
    scores = generator.dirichlet([1.6, 1.2, 0.8, 0.5], rows)
    truth = (scores.cumsum(axis=1) < generator.random((rows, 1))).sum(axis=1).clip(0, 3)
    text = [_column(NAMES[codes]) for codes in (truth, scores.argmax(axis=1))]
    return Given("multiclass", *text, {n: _column(scores[:, k]) for k, n in enumerate(NAMES)})


LAWS = {"regression": regression, "binary": binary, "multiclass": multiclass}


def covered(task: str, metric: str, truth: float, windows: int) -> tuple[float, float]:
    """The share of windows whose interval holds the truth, and the mean width."""
    generator = np.random.default_rng(12)
    at = np.repeat(T0, ROWS)
    held, widths = [], []
    for _ in range(windows):
        found = measure(metric, LAWS[task](generator, ROWS), at).interval
        if found is not None:
            held.append(found.low <= truth <= found.high)
            widths.append(found.high - found.low)
    return (float(np.mean(held)), float(np.mean(widths))) if held else (np.nan, np.nan)


def _column(values: np.ndarray) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


def main(windows: int, only: list[str]) -> None:
    print("| task | metric | truth | held | mean width | a million rows, CPU s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for task, law in LAWS.items():
        many, at = law(np.random.default_rng(11), MANY), np.repeat(T0, MANY)
        for metric, found in METRICS.items():
            if task not in found.ways or (only and metric not in only):
                continue
            before = os.times()
            truth = measure(metric, many, at).value
            after = os.times()
            cpu = after.user + after.system - before.user - before.system
            share, width = covered(task, metric, float(truth or np.nan), windows)
            print(f"| {task} | {metric} | {truth:.3f} | {share:.3f} | {width:.3f} | {cpu:.2f} |",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("windows", nargs="?", type=int, default=400, help="drawn; default: 400")
    parser.add_argument("metrics", nargs="*", help="only these; default: all of them")
    asked = parser.parse_args()
    main(asked.windows, asked.metrics)
