"""Findings of one window, 45 numeric and 15 text columns: Leeboard's against SciPy in a loop.

Both compute, of the same rows in the same run, a Kolmogorov-Smirnov test and a Wasserstein distance
of every number and a chi-squared test of every text; Leeboard also PSI and Jensen-Shannon of all,
and the counts that the false-alarm budget judges. Leeboard keeps the reference in order from one
window to the next, as its monitors do; SciPy's functions take samples. CPU seconds; the ratio is
what counts.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from scipy import stats

from detectors.binning import Bins, freeze, tally
from detectors.catalogue import CATALOGUE
from detectors.comparison.held import Held, held
from detectors.comparison.measuring import findings
from detectors.finding import Kind, Sample

LEVELS = (5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250)
SHOWN = {
    kind: tuple(name for name, entry in CATALOGUE.items()
                if entry.shown and not entry.of_table and kind in entry.kinds)
    for kind in (Kind.NUMERIC, Kind.CATEGORICAL)
}  # fmt: skip


def rows(count: int, seed: int) -> list[Sample]:
    """A sample a column: normal, lognormal, uniform, rounded and counted numbers, and levels."""
    draws = np.random.default_rng(seed)
    numbers: list[Callable[[], np.ndarray]] = [
        lambda: draws.normal(size=count),
        lambda: draws.lognormal(0, 0.8, count),
        lambda: draws.uniform(-1, 1, count),
        lambda: np.round(draws.gamma(2, 50, count), 2),
        lambda: draws.poisson(30, count).astype("f8"),
    ]
    found = [Sample(f"n{n}", Kind.NUMERIC, pa.chunked_array([numbers[n % 5]()])) for n in range(45)]
    for number, levels in enumerate(LEVELS):
        names = pa.array([f"level {k}" for k in range(levels)])
        codes = pa.array(draws.integers(0, levels, count).astype("i4"))
        values = pa.DictionaryArray.from_arrays(codes, names).cast(pa.string())
        found.append(Sample(f"c{number}", Kind.CATEGORICAL, pa.chunked_array([values])))
    return found


class Frozen(NamedTuple):
    """What is kept of a column of the reference for all windows: its bins, and its values in order
    or its levels counted."""

    bins: Bins
    held: Held


def ours(reference: list[Frozen], window: list[Sample]) -> int:
    """Everything that is found of a window; how many findings there are."""
    count = 0
    for before, now in zip(reference, window, strict=True):
        tally(before.bins, now)
        count += len(findings(before.held, held(now), SHOWN[now.kind]))
    return count


def counted(sample: Sample) -> dict[str, int]:
    """Rows a level."""
    found = sample.values.value_counts()
    return dict(
        zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)
    )


def scipys(reference: list[Sample], window: list[Sample]) -> int:
    """What a loop over SciPy's functions finds."""
    count = 0
    for before, now in zip(reference, window, strict=True):
        if before.kind is Kind.NUMERIC:
            a, b = before.values.to_numpy(), now.values.to_numpy()
            stats.ks_2samp(a, b, method="asymp")
            stats.wasserstein_distance(a, b)
            count += 2
        else:
            counts = [counted(s) for s in (before, now)]
            levels = sorted(set(counts[0]) | set(counts[1]))
            table = [[side.get(level, 0) for level in levels] for side in counts]
            stats.chi2_contingency(table, correction=False)
            count += 1
    return count


def cpu_seconds(work: Callable[[], object]) -> float:
    """The least of three runs."""
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def main() -> int:
    """Print a row a size."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("rows       leeboard s   scipy s   scipy / leeboard")
    for count in (10_000, 100_000):
        reference, window = rows(count, 1), rows(count, 2)
        kept = [Frozen(freeze(sample), held(sample)) for sample in reference]
        own = cpu_seconds(lambda a=kept, b=window: ours(a, b))
        peer = cpu_seconds(lambda a=reference, b=window: scipys(a, b))
        print(f"{count:>9,}  {own:>10.2f}  {peer:>8.2f}   {peer / own:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
