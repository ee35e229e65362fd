"""The classifier two-sample test by simulation: its law, what calibrates it, and what it sees.

Ten normal columns, seven of which hang together (correlation 0.5), windows of 1,000 rows beside as
many rows of a reference of 60 windows, spread evenly. Streams as in `budget_rows.py`: `iid`, `ar`,
`day`. Four tables: `size`, how the area under the curve lies without change, by folds that are
contiguous in time and by random ones, and how often the normal law of independent rows calls that
a change; `memory`, the same of two stretches of one stream, one after the other, rows of either
next to each other; `exchanged`, p-values by exchanging stretches; `power`, one score at a time in
the budget of one false alarm per 30 windows, so that the test stands beside `mmd` and
`reconstruction`. `python benchmarks/budget_c2st.py [MODELS]`, 2 unless said; two minutes of
CPU a model. `--full` is 12.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from budget_joint import table_of
from printing import Rows, run, shown
from scipy.signal import lfilter

from detectors import calibration, judging, tails
from detectors.finding import Verdict
from detectors.laws import Calibration
from detectors.scores import Form, Name, Scores
from detectors.tables import summed, together
from detectors.tables.c2st import NAME, C2stParams, area, c2st
from detectors.tables.encoding import Encoding, encode, freeze, thinned
from detectors.tables.summed import Frozen
from detectors.tables.table import Table

COLUMNS, HANGING, ROWS, REFERENCE, PERIOD, USUAL = 10, 7, 1000, 60, 30, 0.5
ALPHA: Final = 0.5 / PERIOD
FLOOR: Final = 0.05
LEVEL: Final = 0.05
STRETCHES: Final = 10
STREAMS: Final = {"iid": (0.0, 0.0), "ar": (0.9, 0.0), "day": (0.0, 0.1)}
"""How much a row hangs on the one before, and by how much the means of windows wander."""
SOWN: Final = 10
"""Windows that a change is looked for in."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is different: the correlation of seven columns, how often the product of the three
    others is positive (half of the time, usually, so that no pair of them shows it), and means."""

    correlation: float = USUAL
    positive: float = 0.5
    one: float = 0.0
    every: float = 0.0


CHANGES: Final = {
    "correlation 0.5 to 0.6": Change(correlation=0.6),
    "correlation 0.5 to 0.3": Change(correlation=0.3),
    "product of three positive in 0.75": Change(positive=0.75),
    "product of three positive in 0.9": Change(positive=0.9),
    "one mean +0.5 sd": Change(one=0.5),
    "every mean +0.1 sd": Change(every=0.1),
}
NOTHING: Final = Change()


def windows_of(
    stream: str, generator: np.random.Generator, count: int, change: Change = NOTHING
) -> list[np.ndarray]:
    """Windows in order of time, of the shape (columns, rows)."""
    memory, wander = STREAMS[stream]
    size = count * ROWS
    values = generator.normal(size=(COLUMNS, size))
    common = np.sqrt(change.correlation) * generator.normal(size=size)
    values[:HANGING] = np.sqrt(1.0 - change.correlation) * values[:HANGING] + common
    values = lfilter([np.sqrt(1.0 - memory**2)], [1.0, -memory], values, axis=1)
    if change.positive != NOTHING.positive:
        wanted = np.where(generator.random(size) < change.positive, 1.0, -1.0)
        values[-1] = np.abs(values[-1]) * wanted * np.sign(values[-2] * values[-3])
    values[0] += change.one
    cut = values.reshape(COLUMNS, count, ROWS) + change.every
    cut = cut + wander * generator.normal(size=(COLUMNS, count, 1))
    return [np.ascontiguousarray(cut[:, at]) for at in range(count)]


def joined(windows: Sequence[np.ndarray]) -> Table:
    """Windows one after another, as a table."""
    return table_of(np.concatenate(windows, axis=1))


def areas(then: Table, now: Table, generator: np.random.Generator) -> tuple[float, float]:
    """The area with folds that are contiguous, and with random ones."""
    encoding = freeze(then)
    sides = [encode(encoding, thinned(table, ROWS)) for table in (then, now)]
    return told_apart(*sides), told_apart(*(generator.permutation(points) for points in sides))


def told_apart(then: np.ndarray, now: np.ndarray) -> float:
    """The area of as many rows of either side, as `c2st` has it."""
    stretch = np.arange(ROWS) * STRETCHES // ROWS
    blocks = np.concatenate([stretch, STRETCHES + stretch])
    return area(np.concatenate([then, now]), blocks, np.repeat([False, True], STRETCHES), 0)


def refused(found: float) -> bool:
    """Whether the normal law of independent rows calls an area a change, at 5 %, both ways."""
    spread = np.sqrt((2 * ROWS + 1) / (12.0 * ROWS * ROWS))
    return 2.0 * tails.normal_sf(abs(found - 0.5) / float(spread)) < LEVEL


def law(models: int) -> Rows:
    """The area without change, of a window beside its reference."""
    yield ("rows", "folds", "windows", "mean area", "spread", "of independent rows", "p < .05")
    for stream in STREAMS:
        yield from _law(stream, models, pairs=_beside_reference)


def memory(models: int) -> Rows:
    """The same of a window beside the one before it."""
    yield ("rows", "folds", "windows", "mean area", "spread", "of independent rows", "p < .05")
    for stream in STREAMS:
        yield from _law(stream, models, pairs=_beside_another)


def _beside_reference(stream: str, generator: np.random.Generator) -> tuple[Table, Table]:
    windows = windows_of(stream, generator, REFERENCE + 1)
    return joined(windows[:-1]), table_of(windows[-1])


def _beside_another(stream: str, generator: np.random.Generator) -> tuple[Table, Table]:
    then, now = windows_of(stream, generator, 2)
    return table_of(then), table_of(now)


Pairs = Callable[[str, np.random.Generator], tuple[Table, Table]]


def _law(stream: str, models: int, *, pairs: Pairs) -> Rows:
    count = 15 * models
    generator = np.random.default_rng(31)
    found = np.array([areas(*pairs(stream, generator), generator) for _ in range(count)])
    expected = float(np.sqrt((2 * ROWS + 1) / (12.0 * ROWS * ROWS)))
    for at, folds in enumerate(("contiguous", "random")):
        own = found[:, at]
        error = own.std(ddof=1) / np.sqrt(own.size)
        yield (stream, folds, str(count), f"{own.mean():.3f} ± {error:.3f}",
               f"{own.std(ddof=1):.3f}", f"{expected:.3f}",
               shown([refused(each) for each in own]))  # fmt: skip


def exchanged(models: int) -> Rows:
    """P-values of a window beside the one before it, from 19 exchanges of stretches."""
    yield ("rows", "windows", "p <= .05 without change")
    count = 4 * models
    for stream in STREAMS:
        generator = np.random.default_rng(32)
        found = [
            c2st(*_beside_another(stream, generator), C2stParams(permutations=19, seed=at)).p_value
            for at in range(count)
        ]
        yield stream, str(count), shown([p is not None and p <= LEVEL for p in found])


class Model(msgspec.Struct, frozen=True):
    """What windows are compared with, and each score's own calibration."""

    encoding: Encoding
    usual: np.ndarray
    frozen: Frozen
    fitted: dict[str, Calibration]


def model_of(stream: str, generator: np.random.Generator) -> Model:
    """A reference of 60 windows; each window's score is made without it."""
    windows = windows_of(stream, generator, REFERENCE)
    whole, tables = joined(windows), [table_of(window) for window in windows]
    frozen = summed.made_of(whole, seed=0)
    inside = [True] * REFERENCE
    sums = together.calibrating(frozen, whole, tables, inside)
    found = {scores.names[0].detector: scores for scores in together.scores(frozen, sums, inside)}
    encoding = freeze(whole)
    points = [encode(encoding, table) for table in tables]
    found[NAME] = classified([
        told_apart(_evenly(points[:at] + points[at + 1 :]), own) for at, own in enumerate(points)
    ])  # fmt: skip
    return Model(encoding, _evenly(points), frozen, {
        name: calibration.fit([scores], family="simulated", alpha=ALPHA)
        for name, scores in found.items()
    })  # fmt: skip


def _evenly(points: Sequence[np.ndarray]) -> np.ndarray:
    """As many rows as a window has, spread evenly over all of these."""
    every = np.concatenate(points)
    found: np.ndarray = every[np.linspace(0, len(every) - 1, ROWS).astype(np.int64)]
    return found


def classified(found: Sequence[float]) -> Scores:
    """The areas of windows as scores: above or below one half, judged both ways."""
    values = np.array(found)[None] - 0.5
    rows = np.full(values.shape, ROWS, dtype=np.int64)
    return Scores(
        names=(Name("*", NAME),), places=(0,), form=Form.LEVEL, values=values, effects=values,
        rows=rows, drawn=rows, rows_reference=rows, bucket=np.zeros_like(rows),
        floors=np.array([FLOOR]),
    )  # fmt: skip


def alarms(model: Model, windows: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Which windows each score alarms in."""
    tables = [table_of(window) for window in windows]
    sums = [summed.counted(model.frozen, table) for table in tables]
    found = {
        scores.names[0].detector: scores
        for scores in together.scores(model.frozen, sums, [False] * len(sums))
    }
    found[NAME] = classified(
        [told_apart(model.usual, encode(model.encoding, table)) for table in tables]
    )
    return {name: _failed(model.fitted[name], scores) for name, scores in found.items()}


def _failed(fitted: Calibration, scores: Scores) -> np.ndarray:
    return np.array([
        any(f.verdict is Verdict.FAILED for f in judging.findings(fitted, [
            scores.picked(np.array([0]), np.arange(scores.values.shape[1]) == at)
        ]))
        for at in range(scores.values.shape[1])
    ])  # fmt: skip


def power(models: int) -> Rows:
    """Alarming windows a period without change, and the share of changed windows found."""
    order = (NAME, "mmd", "reconstruction")
    yield ("rows", "change", *order)
    for stream in STREAMS:
        found: dict[str, list[dict[str, np.ndarray]]] = {change: [] for change in ("", *CHANGES)}
        for seed in range(models):
            generator = np.random.default_rng(seed)
            model = model_of(stream, generator)
            found[""].append(alarms(model, windows_of(stream, generator, PERIOD)))
            for name, change in CHANGES.items():
                found[name].append(alarms(model, windows_of(stream, generator, SOWN, change)))
        quiet = found.pop("")
        yield (stream, "none: alarms in 30 windows", *(_of(quiet, each, PERIOD) for each in order))
        for name, seen in found.items():
            yield (stream, name, *(_of(seen, each) for each in order))


def _of(found: Sequence[dict[str, np.ndarray]], score: str, times: int = 1) -> str:
    """The share of windows in which a score alarmed, `times` that; the error is that between
    models, and of one model that of its windows."""
    windows = np.array([each[score] for each in found], dtype=np.float64)
    return shown(times * (windows[0] if len(windows) == 1 else windows.mean(axis=1)))


TABLES: Final[dict[str, Callable[[int], Rows]]] = {
    "size": law, "memory": memory, "exchanged": exchanged, "power": power,
}  # fmt: skip


def main() -> int:
    """Print the tables as they come, in Markdown."""
    return run(argparse.ArgumentParser(description=__doc__), TABLES, "models", usual=2, full=12)


if __name__ == "__main__":
    sys.exit(main())
