"""Trials by simulation: how often versions that are equal are told apart, and how long a trial takes.

Verdicts are the product's own, day by day until there is one; figures are shares of trials and mean
days, with standard errors. Tables: `days`, means of days that resemble the ones before, beside
counting every day whole; `rows`, rows of days that differ, compared by rows, by days, and by two
rules that do not look at the days; `late`, labels that come over a week, those that come first in
the candidate's favour, read as they come and in closed label days. `python benchmarks/trials.py
[TRIALS]`, 100 a cell unless said: a minute and a half of CPU. `--full` is 1,000; `--table NAME`
makes one of them.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import numpy as np
from printing import Rows, run, shown
from scipy import stats
from scipy.signal import lfilter

from controlplane.domain.states import TrialEvent
from controlplane.domain.trials import FEWEST_BLOCKS, FULL_WEEK, Block, Progress, Trial, judge
from controlplane.lifecycle.gains import grown, progress_of
from controlplane.lifecycle.paired import Paired, micros
from detectors.grid_mixture import START, read
from detectors.sequences import radius

BEGIN: Final = datetime.fromisoformat("2024-01-01T00:00+00:00")
DAY: Final = timedelta(days=1)
STOP, ALPHA = 28, 0.05
ROWS, APART, WRONG = 1000, 0.1, 0.2
"""Rows a day, the share of them on which the two versions differ, and of wrong ones elsewhere."""
WEEK: Final = 7
VERDICTS: Final = {
    TrialEvent.PROVED_BETTER: 0, TrialEvent.PROVED_NOT_BETTER: 1, TrialEvent.PROVED_WORSE: 2,
}  # fmt: skip
UNDECIDED: Final = 3
Judged = tuple[int, int]
"""Which verdict, or that there is none, and after how many days."""


def a_trial(unit: str = "days", stop: int = STOP) -> Trial:
    """v2 against v1 by wrong answers, of which v1 gives two in ten."""
    return Trial(
        id="t", model="m", decision="d", generation=1, champion="v1", candidate="v2",
        opened_at=BEGIN, start=BEGIN, metric="error", gain=0.0, margin_share=0.05,
        margin_absolute=None, confidence=1.0 - ALPHA, stop_blocks=stop, unit=unit,
        greatest=1.0 if unit == "rows" else None,
    )  # fmt: skip


def alike(generator: np.random.Generator, days: int, likeness: float) -> np.ndarray:
    """Standard normal days, each so much like the one before."""
    shocks = generator.normal(size=days + 50)
    found: np.ndarray = lfilter([np.sqrt(1.0 - likeness**2)], [1.0, -likeness], shocks)[50:]
    return found


def blocks_of(gains: Sequence[float]) -> tuple[Block, ...]:
    """Days with these mean gains."""
    return tuple(
        Block(start=BEGIN + at * DAY, end=BEGIN + (at + 1) * DAY, rows=ROWS, loss_champion=0.2,
              loss_candidate=0.2 - gain) for at, gain in enumerate(gains)
    )  # fmt: skip


def whole(trial: Trial) -> Progress:
    """Bounds that count every day whole."""
    found = progress_of(trial)
    gains = np.array([b.loss_champion - b.loss_candidate for b in trial.blocks])
    if gains.size < FEWEST_BLOCKS:
        return found
    reach = radius(float(gains.std(ddof=1)), gains.size, alpha=ALPHA, tightest_at=FEWEST_BLOCKS)
    return msgspec.structs.replace(found, low=gains.mean() - reach, high=gains.mean() + reach)


def by_days(
    gains: Sequence[float], stop: int = STOP, bounds: Callable[[Trial], Progress] = progress_of
) -> Judged:
    """The verdict of a trial that has a day more every day."""
    trial, blocks = a_trial(stop=stop), blocks_of(gains)
    for days in range(FEWEST_BLOCKS, stop + 1):
        trial = msgspec.structs.replace(trial, blocks=blocks[:days])
        trial = msgspec.structs.replace(trial, series=(bounds(trial),))
        if (event := judge(trial, days)) is not None:
            return VERDICTS.get(event[0], UNDECIDED), days
    return UNDECIDED, stop


def shares(found: Sequence[Judged]) -> tuple[str, ...]:
    """The share of trials with each verdict, and the mean of their days."""
    days = np.array([each[1] for each in found], dtype=float)
    return (
        *(shown([each[0] == verdict for each in found], 3) for verdict in (0, 2, UNDECIDED)),
        f"{days.mean():.1f}",
    )


def days(trials: int) -> Rows:
    """Days that resemble the ones before, counted as what they are worth and whole."""
    heads = ("better", "worse", "undecided", "days")
    yield ("like the day before", "gain, sd of a day", "stop", *heads,
           *(f"counted whole: {head}" for head in heads))  # fmt: skip
    cells = [
        (likeness, gain, STOP) for gain in (0.0, 0.5, 1.0) for likeness in (0.0, 0.2, 0.5, 0.8)
    ]
    for likeness, gain, stop in [*cells, (0.0, 0.0, 60), (0.5, 0.0, 60), (0.8, 0.0, 60)]:
        generator = np.random.default_rng(51)
        # A small deviation, so that the margin of worse lies beside it as it does in trials.
        streams = [0.01 * (alike(generator, stop, likeness) + gain) for _ in range(trials)]
        yield (f"{likeness:g}", f"{gain:g}", str(stop),
               *shares([by_days(each, stop) for each in streams]),
               *shares([by_days(each, stop, whole) for each in streams]))  # fmt: skip


def kinds(generator: np.random.Generator, gains: np.ndarray) -> np.ndarray:
    """Differences of wrong answers, the champion's less the candidate's, (days, rows)."""
    held = np.clip(gains, -APART, APART)[:, None]
    drawn = generator.random((gains.size, ROWS))
    better = drawn < (APART + held) / 2.0
    worse = ~better & (drawn < APART)
    found: np.ndarray = better.astype(np.float64) - worse.astype(np.float64)
    return found


def paired(differences: np.ndarray, generator: np.random.Generator) -> Paired:
    """The rows of these differences; where there is none, both are wrong or both right."""
    flat = differences.ravel()
    both = np.where(generator.random(flat.size) < WRONG, 1.0, 0.0)
    step = int(DAY.total_seconds() * 1e6) // ROWS
    return Paired(
        at=micros(BEGIN) + np.arange(flat.size) * step,
        first=np.where(flat > 0.0, 1.0, np.where(flat < 0.0, 0.0, both)),
        second=np.where(flat < 0.0, 1.0, np.where(flat > 0.0, 0.0, both)),
    )


def by_rows(differences: np.ndarray, generator: np.random.Generator) -> Judged:
    """The verdict of a trial by rows."""
    trial, rows = a_trial("rows"), paired(differences, generator)
    for day in range(STOP):
        trial = grown(trial, rows, [(BEGIN + day * DAY, BEGIN + (day + 1) * DAY)])
        if (event := judge(trial, day + 1)) is not None:
            return VERDICTS.get(event[0], UNDECIDED), day + 1
    return UNDECIDED, STOP


def blindly(differences: np.ndarray) -> bool:
    """Whether the bets of rows ever prove a gain, at the end of a day from the seventh on."""
    path = read(START, differences.ravel(), bound=0.0)[1].reshape(differences.shape)[:, -1]
    return bool((path[FULL_WEEK - 1 :] >= np.log(1.0 / ALPHA)).any())


def daily(differences: np.ndarray) -> bool:
    """Whether Student's test of the days ever does, looked at every day from the seventh on."""
    means = differences.mean(axis=1)
    looks = range(WEEK, means.size + 1)
    return any(
        stats.ttest_1samp(means[:n], 0.0, alternative="greater").pvalue < ALPHA for n in looks
    )


def rows(trials: int) -> Rows:
    """Rows of days that differ, compared by rows, by days, and without a look at the days."""
    heads = ("better", "worse", "undecided", "days")
    yield ("days differ by", "like the day before", "gain", *(f"rows: {head}" for head in heads),
           *(f"days: {head}" for head in heads), "bets of rows alone: better",
           "t-test every day: better")  # fmt: skip
    cells = [(wander, 0.0, 0.0) for wander in (0.0, 0.005, 0.01, 0.02)]
    cells += [(0.01, 0.5, 0.0), (0.02, 0.8, 0.0), (0.0, 0.0, 0.005), (0.0, 0.0, 0.01)]
    for wander, likeness, gain in [*cells, (0.005, 0.0, 0.01), (0.02, 0.0, 0.01)]:
        generator = np.random.default_rng(52)
        found: list[list[Judged]] = [[], []]
        others: list[list[bool]] = [[], []]
        for _ in range(trials):
            drawn = kinds(generator, gain + wander * alike(generator, STOP, likeness))
            found[0].append(by_rows(drawn, generator))
            found[1].append(by_days(drawn.mean(axis=1).tolist()))
            others[0].append(blindly(drawn))
            others[1].append(daily(drawn))
        yield (f"{wander:g}", f"{likeness:g}", f"{gain:g}", *shares(found[0]), *shares(found[1]),
               shown(others[0], 3), shown(others[1], 3))  # fmt: skip


def late(trials: int) -> Rows:
    """Labels that come over a week, the first of them in the candidate's favour."""
    yield ("first labels favour the candidate by", "gain", "how labels are read", "better", "worse",
           "undecided", "days after the start")  # fmt: skip
    ways: dict[str, Callable[[np.ndarray, np.ndarray, int], list[float] | None]] = {
        "as they come": _as_they_come, "closed after 7 days": _closed(WEEK),
        "closed after 2 days, too soon": _closed(2),
    }  # fmt: skip
    for bias, gain in ((0.0, 0.0), (0.02, 0.0), (0.05, 0.0), (0.02, 0.02)):
        for way, reading in ways.items():
            generator = np.random.default_rng(53)
            found = [_read_late(reading, *_arriving(generator, bias, gain)) for _ in range(trials)]
            yield f"{bias:g}", f"{gain:g}", way, *shares(found)


def _arriving(
    generator: np.random.Generator, bias: float, gain: float
) -> tuple[np.ndarray, np.ndarray]:
    """Of each day and age in days: how many labels came, and the sum of their differences.

    Half of the labels that are still missing come every other day, all within a week.
    """
    come = 1.0 - 0.5 ** (np.arange(1, WEEK + 1) / 2.0)
    come /= come[-1]
    share = np.diff(come, prepend=0.0)
    middle = come - share / 2.0
    size = STOP + WEEK
    counts = generator.multinomial(ROWS, share, size=size)
    mean = gain + bias * (1.0 - 2.0 * middle)
    wander = 0.01 * generator.normal(size=(size, 1))
    chance = np.clip((2.0 * APART + mean + wander) / 2.0, 0.0, 2.0 * APART)
    differ = generator.binomial(counts, 2.0 * APART)
    better = generator.binomial(differ, chance / (2.0 * APART))
    return counts, 2.0 * better - differ


def _read_late(
    reading: Callable[[np.ndarray, np.ndarray, int], list[float] | None],
    counts: np.ndarray, sums: np.ndarray,
) -> Judged:  # fmt: skip
    """The verdict, looked for at the end of every day of model time after the start."""
    trial = a_trial()
    for today in range(FEWEST_BLOCKS, STOP + WEEK + 1):
        gains = reading(counts, sums, today)
        if gains is None or len(gains) < FEWEST_BLOCKS:
            continue
        gains = gains[:STOP]
        trial = msgspec.structs.replace(trial, blocks=blocks_of(gains))
        trial = msgspec.structs.replace(trial, series=(progress_of(trial),))
        if (event := judge(trial, len(gains))) is not None:
            return VERDICTS.get(event[0], UNDECIDED), today
    return UNDECIDED, STOP + WEEK


def _as_they_come(counts: np.ndarray, sums: np.ndarray, today: int) -> list[float]:
    found = []
    for day in range(min(today, counts.shape[0])):
        age = min(today - day, WEEK)
        found.append(float(sums[day, :age].sum() / max(counts[day, :age].sum(), 1)))
    return found


def _closed(delay: int) -> Callable[[np.ndarray, np.ndarray, int], list[float]]:
    def reading(counts: np.ndarray, sums: np.ndarray, today: int) -> list[float]:
        means = sums[:, :delay].sum(axis=1) / np.maximum(counts[:, :delay].sum(axis=1), 1)
        found: list[float] = means[: max(today - delay, 0)].tolist()
        return found

    return reading


TABLES: Final[dict[str, Callable[[int], Rows]]] = {"days": days, "rows": rows, "late": late}


def main() -> int:
    """Print the tables as they come, in Markdown."""
    return run(argparse.ArgumentParser(description=__doc__), TABLES, "trials", usual=100, full=1000)


if __name__ == "__main__":
    sys.exit(main())
