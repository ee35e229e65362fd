"""The false-alarm budget by simulation: what it costs, what it sees, and where it is not kept.

One false alarm per 30 windows is allowed, the whole of it given to one family, and thresholds are
calibrated by the product's own functions; beside them stand the rules that other tools follow. A
figure is a mean over models, with its standard error. `python benchmarks/budget.py` takes about
three minutes, `--full` half an hour; `--table NAME` makes one of the tables alone, `--models N` has
as many models in each of its cells.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from budget_rules import any_rule, by_budget, rules_of
from budget_streams import (
    MIXED,
    Sown,
    Stream,
    counts_of,
    later,
    means_of,
    reference_of,
)
from printing import Rows, printed, shown

from detectors.counted import Column
from detectors.finding import Basis, Verdict
from detectors.laws import Calibration, Options
from detectors.refmax import calibrate_columns, calibrate_rates, judge_rates

BUDGET, SAFETY, PERIOD = 1.0, 0.5, 30
APART = 3
"""Alarming windows so far from each other or nearer are one episode."""
WEEK = 7
SOWN = {
    "+0.1 sd": Sown(shift=0.1), "+0.25 sd": Sown(shift=0.25), "+0.5 sd": Sown(shift=0.5),
    "+1 sd": Sown(shift=1.0), "sd x1.5": Sown(scale=1.5),
}  # fmt: skip


class Size(msgspec.Struct, frozen=True):
    """How much is simulated: quickly, fully, or with so many models a cell."""

    full: bool
    models: int | None
    columns: int | None

    def of(self, quick: int, fully: int) -> int:
        """The models of a cell that has these without and with `--full`."""
        return self.models or (fully if self.full else quick)

    def runs(self, models: dict[int, int]) -> dict[int, int]:
        """How many models of so many columns each, of those that are asked for."""
        return {p: count for p, count in models.items() if self.columns in {None, p}}


def normal(columns: int, **more: object) -> Stream:
    """A stream of normal columns."""
    return Stream(kinds=("normal",) * columns, **more)  # type: ignore[arg-type]


SCENARIOS: dict[str, Callable[[int], Stream]] = {
    "iid": normal,
    "ar": lambda p: normal(p, dependent=True),
    "day": lambda p: normal(p, day=0.1, season=0.1),
}


class Model:
    """A model's reference and calibration, and its windows to come."""

    def __init__(
        self, stream: Stream, seed: int, *, reference: int = 60, windows: int = PERIOD,
        options: Options | None = None, offsets: Sequence[float] = (),
    ) -> None:  # fmt: skip
        self.stream, self.generator = stream, np.random.default_rng(seed)
        self.first = reference
        self.means = means_of(stream, reference + 16 * windows, self.generator)
        held = counts_of(stream, self.means[:reference], self.generator, sown=Sown(offsets=offsets))
        self.columns = reference_of(stream, held)
        self.calibration: Calibration = calibrate_columns(
            self.columns, family="simulated", alpha=BUDGET * SAFETY / windows,
            options=options or Options(minimum_effect="small"),
        )  # fmt: skip

    def windows(
        self, count: int, *, sown: Sown | None = None, rows: int | None = None, skip: int = 0
    ) -> list[Column]:
        """The next windows of the stream; `sown` says what is wrong with them."""
        begin = self.first + skip
        means = self.means[begin : begin + count]
        held = counts_of(self.stream, means, self.generator, sown=sown, rows=rows)
        return later(self.columns, self.stream, held)


def episodes(alarms: np.ndarray) -> int:
    """Runs of alarming windows; those with at most two quiet ones between them are one.

    >>> episodes(np.array([1, 0, 0, 1, 0, 0, 0, 1], dtype=bool))
    2
    """
    at = np.flatnonzero(alarms)
    return int(at.size and 1 + (np.diff(at) > APART).sum())


def null(size: Size) -> Rows:
    """Alarming windows a period without change, beside other tools' rules."""
    yield ("stream", "columns", "models", "Leeboard", "its episodes", "models over 1", "without floors",
           "PSI > 0.2", "KS p < .05", "3 sigma of JS", "3 sigma of KS")  # fmt: skip
    runs = size.runs({10: size.of(8, 60), 60: size.of(3, 30), 300: size.of(1, 8)})
    for name, stream in SCENARIOS.items():
        for columns, models in runs.items():
            periods = 4 if models > 1 else 2
            found = [_null(stream(columns), seed, periods) for seed in range(models)]
            by_rule = list(zip(*found, strict=True))
            over = np.mean([rate > 1 for rate in by_rule[0]])
            yield (name, str(columns), str(models), shown(by_rule[0]), shown(by_rule[1]),
                   f"{over:.2f}", *(shown(rule) for rule in by_rule[2:]))  # fmt: skip


def _null(stream: Stream, seed: int, periods: int) -> list[float]:
    model = Model(stream, seed)
    columns = model.windows(periods * PERIOD)
    ours = by_budget(model.calibration, columns)
    scales = tuple(msgspec.structs.replace(s, floor=0.0) for s in model.calibration.scales)
    bare = by_budget(msgspec.structs.replace(model.calibration, scales=scales), columns)
    peers = [any_rule(rule, model.columns, columns).sum() / periods for rule in rules_of()]
    return [ours.sum() / periods, episodes(ours) / periods, bare.sum() / periods, *peers]


def power(size: Size) -> Rows:
    """Windows until a change in one column is found (median; 31: not in 30), and within seven."""
    yield ("stream", "columns", "change", "windows to the alarm", "found within 7",
           "in the first", "PSI > 0.2 within 7")  # fmt: skip
    runs = size.runs({10: size.of(8, 60), 60: size.of(4, 30)} | ({300: 6} if size.full else {}))
    for name, stream in SCENARIOS.items():
        for columns, models in runs.items():
            made = [Model(stream(columns), 1000 + seed) for seed in range(models)]
            for change, sown in SOWN.items():
                yield (name, str(columns), change, *_found(made, sown))


def _found(models: Sequence[Model], sown: Sown) -> tuple[str, ...]:
    first, peer = [], []
    for model in models:
        columns = model.windows(PERIOD, sown=sown)
        first.append(_first(by_budget(model.calibration, columns)))
        peer.append(_first(any_rule(rules_of()[0], model.columns, columns)))
    within = np.array(first) <= WEEK
    return (f"{np.median(first):g}", shown(within), shown(np.array(first) == 1),
            shown(np.array(peer) <= WEEK))  # fmt: skip


def _first(alarms: np.ndarray) -> int:
    return int(np.argmax(alarms)) + 1 if alarms.any() else alarms.size + 1


def short(size: Size) -> Rows:
    """References of 60, 30, 14 and 8 windows."""
    yield "stream", "columns", "reference", "basis", "alarming windows", "episodes", "models over 1"
    models = size.of(8, 60)
    for name in ("iid", "day"):
        for windows in (60, 30, 14, 8):
            made = [Model(SCENARIOS[name](60), 2000 + n, reference=windows) for n in range(models)]
            yield name, "60", str(windows), str(made[0].calibration.basis), *_rates(made, 120)


def _rates(models: Sequence[Model], count: int, *, rows: int | None = None) -> tuple[str, ...]:
    periods = count / PERIOD
    alarms = [by_budget(m.calibration, m.windows(count, rows=rows), seed=n)
              for n, m in enumerate(models)]  # fmt: skip
    rates = [found.sum() / periods for found in alarms]
    return (shown(rates), shown([episodes(found) / periods for found in alarms]),
            f"{np.mean(np.array(rates) > 1):.2f}")  # fmt: skip


def wander(size: Size) -> Rows:
    """Days that resemble the one before, 20 columns, and how long a reference they need."""
    yield ("wander", "resembles the day before", "reference", "counts as", "provisional",
           "alarming windows", "episodes", "models over 1", "+3 wanders within 7",
           "+6 wanders within 7")  # fmt: skip
    cells = (
        (0.1, 0.0, 60), (0.1, 0.5, 60), (0.1, 0.9, 60), (0.1, 0.9, 240), (0.3, 0.5, 60),
        (0.3, 0.9, 60), (0.3, 0.9, 240),
    )  # fmt: skip
    for day, memory, reference in cells:
        stream = normal(20, day=day, memory=memory)
        made = [Model(stream, 8000 + n, reference=reference) for n in range(size.of(8, 40))]
        worth = [model.calibration.worth or 0 for model in made]
        few = np.mean([model.calibration.basis is Basis.PROVISIONAL for model in made])
        rates = _rates(made, 120)
        seen = [_found(made, Sown(shift=times * day))[1] for times in (3.0, 6.0)]
        yield (f"{day:g} sd", f"{memory:g}", str(reference), f"{min(worth)} to {max(worth)}", f"{few:.2f}",
               *rates, *seen)  # fmt: skip


def hourly(size: Size) -> Rows:
    """Hourly windows of 200 rows, 20 columns, a reference of 30 days: pooled and by the hour."""
    yield ("stream", "mode", "alarming windows in 30 days", "+0.25 sd: hours", "+0.5 sd: hours",
           "sd x1.5: hours")  # fmt: skip
    models, month = size.of(2, 20), 720
    plain = normal(20, rows=200)
    diurnal = normal(20, rows=200, season=0.3, period=24, everywhere=True, day=0.1, memory=0.9)
    hours = [at % 24 for at in range(month)]
    cells = (("iid", plain, {}), ("diurnal", diurnal, {}), ("diurnal", diurnal, {"hour": hours}))
    for name, stream, groupings in cells:
        options = Options(groupings=groupings)
        made = [Model(stream, 3000 + n, reference=month, windows=month, options=options)
                for n in range(models)]  # fmt: skip
        rates = [_hours(m, m.windows(month)).sum() for m in made]
        delays = []
        for change in ("+0.25 sd", "+0.5 sd", "sd x1.5"):
            first = [_first(_hours(m, m.windows(96, sown=SOWN[change]))) for m in made]
            delays.append(f"{np.median(first):g}")
        yield name, made[0].calibration.mode, shown(rates), *delays


def _hours(model: Model, columns: list[Column]) -> np.ndarray:
    labels = [(model.first + at) % 24 for at in range(len(columns[0].counts))]
    return by_budget(model.calibration, columns, groups={"hour": labels})


def mixed(size: Size) -> Rows:
    """Normal, lognormal, heavy-tailed, mostly zero, rare and five-level columns together."""
    yield ("columns", "wander", "alarming windows", "episodes", "models over 1",
           "+0.25 sd within 7", "+0.5 sd within 7")  # fmt: skip
    sets = {
        "one of each six, 60 in all": MIXED * 10,
        **{f"60 {name}": (name,) * 60 for name in MIXED},
    }
    for name, kinds in sets.items():
        for wander in (0.0, 0.1):
            stream = Stream(kinds=kinds, day=wander, season=wander)
            made = [
                Model(stream, 4000 + n)
                for n in range(size.of(6, 60) if kinds == MIXED * 10 else size.of(3, 30))
            ]
            seen = [_found(made, SOWN[change])[1] for change in ("+0.25 sd", "+0.5 sd")]
            yield name, f"{wander:g} sd", *_rates(made, 120), *seen


def sizes(size: Size) -> Rows:
    """Windows much smaller and larger than the calibrated ones of 1,000 rows, 20 columns."""
    yield ("stream", "rows a window", "alarming windows", "episodes", "models over 1",
           "+0.25 sd in the first", "+0.5 sd in the first", "+1 sd in the first")  # fmt: skip
    models = size.of(6, 60)
    for name, stream in SCENARIOS.items():
        made = [Model(stream(20), 5000 + n) for n in range(models)]
        for rows in (30, 100, 300, 1000, 3000, 10_000) if size.full else (30, 300, 1000, 3000):
            seen = [
                shown([by_budget(m.calibration, m.windows(PERIOD, sown=SOWN[change], rows=rows)).mean()
                       for m in made])
                for change in ("+0.25 sd", "+0.5 sd", "+1 sd")
            ]  # fmt: skip
            yield name, f"{rows:,}", *_rates(made, 120, rows=rows), *seen


def lacking(size: Size) -> Rows:
    """What the reference never held: two days a month half a deviation away; busy weekends."""
    yield "reference", "windows to come", "alarming windows", "episodes"
    models = size.of(6, 40)
    end = [0.5 if at % 30 in {28, 29} else 0.0 for at in range(120)]
    weekend = [0.3 if at % 7 in {5, 6} else 0.0 for at in range(120)]
    cells = (
        ("60 days with month ends", end[:60], end), ("60 days without month ends", [0.0] * 60, end),
        ("60 days with weekends", weekend[:60], weekend), ("60 working days", [0.0] * 60, weekend),
    )  # fmt: skip
    for name, before, after in cells:
        made = [Model(normal(20), 6000 + n, offsets=before) for n in range(models)]
        alarms = [by_budget(m.calibration, m.windows(120, sown=Sown(offsets=after))) for m in made]
        yield (name, "120 with them", shown([found.sum() / 4 for found in alarms]),
               shown([episodes(found) / 4 for found in alarms]))  # fmt: skip


def labels(size: Size) -> Rows:
    """Labels that come late: the share of rows labelled when labels close, and its threshold."""
    yield (
        "labels late in the usual window",
        "wander",
        "alarming windows",
        "ten points fewer, in the first",
    )
    models = size.of(40, 200)
    for late in (0.0, 0.02, 0.1, 0.3):
        for wander in (0.0, 0.02):
            found = [_labels(7000 + n, late, wander) for n in range(models)]
            rates, seen = zip(*found, strict=True)
            yield f"{late:.0%}", f"{wander:g}", shown(rates), shown(seen)


def _labels(seed: int, late: float, wander: float) -> tuple[float, float]:
    generator, rows = np.random.default_rng(seed), 1000

    def shares(count: int, fewer: float = 0.0) -> np.ndarray:
        usual = np.clip(1.0 - late - fewer - np.abs(generator.normal(0.0, wander, count)), 0.0, 1.0)
        return generator.binomial(rows, usual) / rows

    calibration = calibrate_rates(
        ("labels",), shares(60)[:, None], family="quality", alpha=BUDGET * SAFETY / PERIOD,
        rows=np.full(60, rows),
    )  # fmt: skip

    def fails(share: float) -> bool:
        [finding] = judge_rates(calibration, np.array([share]), rows)
        return finding.verdict is Verdict.FAILED

    return sum(map(fails, shares(120))) / 4, float(np.mean([fails(s) for s in shares(20, 0.1)]))


TABLES = {table.__name__: table for table in
          (null, power, short, wander, hourly, mixed, sizes, lacking, labels)}  # fmt: skip


def main() -> int:
    """Print the tables as they come, in Markdown."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--full", action="store_true", help="as many models as make errors small")
    asked.add_argument("--table", choices=TABLES, action="append")
    asked.add_argument("--models", type=int, help="so many a cell, whatever the table")
    asked.add_argument("--columns", type=int, choices=(10, 60, 300), help="of null and power alone")
    given = asked.parse_args()
    for name in given.table or TABLES:
        began = time.process_time()
        print(f"\n### {name}: {TABLES[name].__doc__}\n")
        printed(TABLES[name](Size(given.full, given.models, given.columns)))
        print(f"\n{time.process_time() - began:.0f} CPU seconds.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
