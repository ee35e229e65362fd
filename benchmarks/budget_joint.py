"""What the budget makes of columns together: changes that no column shows alone, and what they cost.

Ten normal columns that hang together (correlation 0.5), windows of 1,000 rows, a reference of 60, one
false alarm per 30 windows allowed: by the scores of columns alone, and with `mmd` and
`reconstruction` in the same maximum. Streams as in `budget_rows.py`: `iid`, `ar`, `day`.
`python benchmarks/budget_joint.py [MODELS]`, 4 unless said; ten seconds of CPU a model.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa
from printing import printed, shown
from scipy.signal import lfilter

from detectors import refmax
from detectors.binning import freeze, tally
from detectors.bins import Bins
from detectors.finding import Finding, Kind, Sample, Verdict
from detectors.laws import Calibration, Options
from detectors.tables import summed, together
from detectors.tables.summed import Frozen, Sums
from detectors.tables.table import Table

COLUMNS, ROWS, REFERENCE, PERIOD, PERIODS, USUAL = 10, 1000, 60, 30, 2, 0.5
ALPHA = 0.5 / PERIOD
STREAMS = {"iid": (0.0, 0.0), "ar": (0.9, 0.0), "day": (0.0, 0.1)}
"""How much a row hangs on the one before, and by how much the means of windows wander."""
CHANGES = {
    "correlation 0.5 to 0.6": 0.6, "0.5 to 0.7": 0.7, "0.5 to 0.3": 0.3, "0.5 to 0": 0.0,
}  # fmt: skip


class Rows(msgspec.Struct, frozen=True):
    """A model: what its windows are compared with and judged by, with and without `joint`."""

    bins: list[Bins]
    frozen: Frozen
    alone: Calibration
    both: Calibration


def window_of(
    stream: str, generator: np.random.Generator, windows: int, correlation: float = USUAL
) -> list[Table]:
    """Windows in order of time, whose columns are standard normal whatever their correlation."""
    memory, wander = STREAMS[stream]
    noise = generator.normal(size=(COLUMNS, windows * ROWS))
    common = generator.normal(size=windows * ROWS)
    values = np.sqrt(1.0 - correlation) * noise + np.sqrt(correlation) * common
    values = lfilter([np.sqrt(1.0 - memory**2)], [1.0, -memory], values, axis=1)
    values = values.reshape(COLUMNS, windows, ROWS)
    values = values + wander * generator.normal(size=(COLUMNS, windows, 1))
    return [table_of(values[:, at]) for at in range(windows)]


def table_of(values: np.ndarray) -> Table:
    """Columns of the shape (columns, rows) as a table."""
    return Table(tuple(
        Sample(f"x{at}", Kind.NUMERIC, pa.chunked_array([np.ascontiguousarray(column)]))
        for at, column in enumerate(values)
    ))  # fmt: skip


def model_of(stream: str, generator: np.random.Generator) -> Rows:
    """A reference and its two calibrations."""
    windows = window_of(stream, generator, REFERENCE)
    whole = Table(tuple(
        Sample(f"x{at}", Kind.NUMERIC, pa.chunked_array(
            [chunk for window in windows for chunk in window.columns[at].values.chunks]
        )) for at in range(COLUMNS)
    ))  # fmt: skip
    bins = [freeze(sample) for sample in whole.columns]
    tallies = [[tally(b, s) for b, s in zip(bins, w.columns, strict=True)] for w in windows]
    inside = [True] * REFERENCE
    frozen = summed.made_of(whole, seed=0)
    sums = together.calibrating(frozen, whole, windows, inside)
    options = Options(joint=together.scores(frozen, sums, inside))
    alone, both = (
        refmax.calibrate(bins, tallies, inside, family="simulated", alpha=ALPHA, options=asked)
        for asked in (Options(), options)
    )
    return Rows(bins, frozen, alone, both)


def alarms(model: Rows, windows: Sequence[Table]) -> np.ndarray:
    """Which windows alarm: by columns alone, by both, by what is joint; shape (windows, 3)."""
    found = []
    for window in windows:
        tallies = [tally(b, s) for b, s in zip(model.bins, window.columns, strict=True)]
        sums: list[Sums] = [summed.counted(model.frozen, window)]
        joint = together.scores(model.frozen, sums, [False])
        alone = failed(refmax.judge(model.alone, model.bins, tallies))
        both = failed(refmax.judge(model.both, model.bins, tallies, joint=joint))
        found.append((bool(alone), bool(both), together.COLUMN in both))
    return np.array(found)


def failed(findings: Sequence[Finding]) -> set[str]:
    """The columns of failed findings."""
    return {finding.column for finding in findings if finding.verdict is Verdict.FAILED}


def lines(models: int) -> Iterator[tuple[str, ...]]:
    """A line a stream and change: alarming windows a period, or the share found in one window."""
    yield ("rows", "change", "columns alone", "with both", "of it joint")
    for stream in STREAMS:
        rates: list[np.ndarray] = []
        seen: dict[str, list[np.ndarray]] = {change: [] for change in CHANGES}
        for seed in range(models):
            generator = np.random.default_rng(seed)
            model = model_of(stream, generator)
            later = window_of(stream, generator, PERIODS * PERIOD)
            rates.append(alarms(model, later).sum(axis=0) / PERIODS)
            for change, correlation in CHANGES.items():
                sown = window_of(stream, generator, 10, correlation)
                seen[change].append(alarms(model, sown).mean(axis=0))
        yield (stream, "none: alarms in 30 windows", *(shown(r) for r in np.array(rates).T))
        for change, found in seen.items():
            yield (stream, change, *(shown(r) for r in np.array(found).T))


def main() -> int:
    """Print the lines as they come, in Markdown."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("models", type=int, nargs="?", default=4)
    printed(lines(asked.parse_args().models))
    return 0


if __name__ == "__main__":
    sys.exit(main())
