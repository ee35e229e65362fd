"""Looking after every row: how often a rule errs, and what it costs to prove a difference.

`errors`: streams of 10,000 differences of two 0/1 losses at the edge of what is to be refuted,
looked at after every one; `cost`: rows until a difference is proved, beside a test that is planned
for a power of 80 % and looks once; `guard`: rows until the e-detector of guards alarms, at its
bound, below it and above. `python benchmarks/peeking.py [STREAMS]`, 500 unless said: half a minute
of CPU; `--table NAME` makes one of them.
"""

import argparse
import math
import sys
from collections.abc import Callable
from typing import Final

import numpy as np
from printing import Rows, run, shown
from scipy import stats

from detectors.e_shiryaev_roberts import step
from detectors.grid_mixture import START, read
from detectors.sequences import radius

ALPHA, ROWS = 0.05, 10_000
BURN_IN, LEAST_APART = 100, 30
PLANNED: Final = (1.645 + 0.842) ** 2
THRESHOLD: Final = 2000.0
FAR: Final = 20_000


def differences(generator: np.random.Generator, rows: int, apart: float, mean: float) -> np.ndarray:
    """Gains of one version over the other, which differ on a share `apart` of the rows."""
    better = (apart + mean) / 2.0
    return generator.choice([1.0, 0.0, -1.0], rows, p=[better, 1.0 - apart, apart - better])


def running(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many values, their mean and deviation, after each from the second on."""
    n = np.arange(1, values.size + 1)
    means = np.cumsum(values) / n
    squares = np.maximum(np.cumsum(values**2) - n * means**2, 0.0)
    return n[1:], means[1:], np.sqrt(squares[1:] / (n[1:] - 1))


def by_bets(values: np.ndarray, bound: float) -> np.ndarray:
    """After which rows the grid mixture proves that the mean lies above the bound."""
    return read(START, values, bound=bound)[1] >= math.log(1.0 / ALPHA)


def by_sequence(values: np.ndarray, bound: float, *, burn_in: bool = True) -> np.ndarray:
    """The same by the asymptotic confidence sequence, after its burn-in or from the first on."""
    n, means, deviations = running(values)
    proved = means - deviations * RADII[n - 1] > bound
    if burn_in:
        proved &= (n >= BURN_IN) & (np.cumsum(values != 0.0)[1:] >= LEAST_APART)
    return np.append(False, proved)


def by_t(values: np.ndarray, bound: float, *, every: int = 1) -> np.ndarray:
    """The same by Student's test, at every row from the thirtieth on, or at some of them."""
    n, means, deviations = running(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (means - bound) / (deviations / np.sqrt(n))
    proved = (t > QUANTILES[n - 1]) & (n >= LEAST_APART) & (n % every == 0)
    return np.append(False, proved)


RADII: Final = np.array([
    radius(1.0, n, alpha=ALPHA, tightest_at=1000) for n in range(1, 3 * ROWS + 1)
])  # fmt: skip
QUANTILES: Final = np.append(np.inf, stats.t.ppf(1.0 - ALPHA, np.arange(1, 3 * ROWS)))
RULES: Final[dict[str, Callable[[np.ndarray, float], np.ndarray]]] = {
    "grid mixture": by_bets,
    "confidence sequence": by_sequence,
    "the same without burn-in": lambda v, b: by_sequence(v, b, burn_in=False),
    "t-test at every row": by_t,
    "t-test every 1,000 rows": lambda v, b: by_t(v, b, every=1000),
}


def errors(streams: int) -> Rows:
    """How often a rule ever proves what is not so, in 10,000 rows."""
    cells = {
        "differ on 5 %": (0.05, 0.0), "on 20 %": (0.2, 0.0), "on 10 %, a margin of 0.01": (0.1, -0.01),
    }  # fmt: skip
    yield ("rule", *cells)
    drawn = {
        name: [
            differences(np.random.default_rng(seed), ROWS, apart, bound) for seed in range(streams)
        ]
        for name, (apart, bound) in cells.items()
    }
    for rule, proves in RULES.items():
        yield (rule, *(
            shown([bool(proves(values, cells[name][1]).any()) for values in found], 3)
            for name, found in drawn.items()
        ))  # fmt: skip


def cost(streams: int) -> Rows:
    """Rows until a difference is proved, as a multiple of those of a test that looks once."""
    yield ("differ on", "gain", "bound", "planned rows", "grid mixture", "confidence sequence")
    for apart, gain, bound in ((0.1, 0.02, 0.0), (0.1, 0.0, -0.01), (0.2, 0.05, 0.0)):
        planned = PLANNED * (apart - gain**2) / (gain - bound) ** 2
        rows = min(int(6 * planned), RADII.size)
        taken: list[list[float]] = [[], []]
        for seed in range(streams // 2):
            values = differences(np.random.default_rng(seed), rows, apart, gain)
            for rule, proves in enumerate((by_bets, by_sequence)):
                proved = proves(values, bound)
                taken[rule].append((int(np.argmax(proved)) + 1 if proved.any() else rows) / planned)
        yield (f"{apart:.0%}", f"{gain:g}", f"{bound:g}", f"{planned:.0f}",
               *(shown(each, 3) for each in taken))  # fmt: skip


def guard(streams: int) -> Rows:
    """Rows until the e-detector alarms, which at its bound is to take 2,000 on average or more."""
    yield ("mean difference less margin", "mean rows", "median rows", "alarms within 2,000")
    for mean in (0.0, -0.005, -0.02, 0.02, 0.05, 0.1):
        lengths = []
        for seed in range(streams // 2):
            values = differences(np.random.default_rng(seed), FAR, 0.2, 0.02 + mean)
            _, alarm = step((), values, margin=0.02, threshold=THRESHOLD)
            lengths.append(FAR if alarm is None else alarm + 1)
        found = np.array(lengths, dtype=float)
        error = found.std(ddof=1) / np.sqrt(found.size)
        yield (f"{mean:+g}", f"{found.mean():.0f} ± {error:.0f}", f"{np.median(found):.0f}",
               shown(found <= THRESHOLD, 3))  # fmt: skip


TABLES: Final[dict[str, Callable[[int], Rows]]] = {"errors": errors, "cost": cost, "guard": guard}


def main() -> int:
    """Print the tables as they come, in Markdown."""
    return run(argparse.ArgumentParser(description=__doc__), TABLES, "streams", usual=500)


if __name__ == "__main__":
    sys.exit(main())
