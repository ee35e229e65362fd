"""The search for slices by simulation: is the slice that was made worse named, and what else is.

Ten columns, of which one has parts of 1, 5, 20, 30 and 44 % of the rows, two have parts whose pairs
are 1, 5 and 20 %, and seven have five equal parts; 20,000 rows of before. Losses are wrong answers
(0 or 1, a fifth of all wrong) or absolute errors of a normal law. Three tables: `worse`, one slice
made worse; `nothing`, where nothing changed, by the rule and by its test alone; `mix`, where only
the shares of a column's parts changed, whose losses always differed, beside a change within the
same parts. `python benchmarks/slices.py [WINDOWS]`, 20 a cell unless said: five minutes of CPU.
`--full` is 200; `--table NAME` makes one of them.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from printing import Rows, run, shown

from detectors import multiplicity
from detectors.attribution import slices
from detectors.attribution.credit import credit
from detectors.attribution.slices import Side, Slice, parted, summed, worst
from detectors.estimation.shift import Inputs

BEFORE: Final = 20_000
SHARES: Final = (
    (0.01, 0.05, 0.20, 0.30, 0.44), (0.10, 0.25, 0.50, 0.15), (0.10, 0.20, 0.40, 0.30),
    *((0.2,) * 5 for _ in range(7)),
)  # fmt: skip
PARTS: Final = [len(shares) for shares in SHARES]
WRONG: Final = 0.2
SINGLES: Final = {"1 %": ((0, 0),), "5 %": ((0, 1),), "20 %": ((0, 2),)}
PAIRS: Final = {"1 %": ((1, 0), (2, 0)), "5 %": ((1, 1), (2, 1)), "20 %": ((1, 2), (2, 2))}
RISES: Final = {"wrong answers": (0.1, 0.2, 0.4), "absolute errors": (1.5, 2.0, 3.0)}
Places = tuple[tuple[int, int], ...]


class World(msgspec.Struct, frozen=True, kw_only=True):
    """How losses and shares are: of which kind losses are, how much worse those of `places` are,
    by which factor those of the parts of the first column differ, and their shares."""

    kind: str
    places: Places = ()
    rise: float = 0.0
    factors: tuple[float, ...] = (1.0,) * 5
    shares: tuple[float, ...] = SHARES[0]


def side_of(world: World, rows: int, generator: np.random.Generator) -> Side:
    """So many rows."""
    codes = [
        generator.choice(len(shares), rows, p=shares).astype(np.int64)
        for shares in (world.shares, *SHARES[1:])
    ]
    inside = np.full(rows, bool(world.places))
    for column, part in world.places:
        inside &= codes[column] == part
    factor = np.array(world.factors)[codes[0]]
    if world.kind == "wrong answers":
        chance = np.minimum(WRONG * factor + inside * world.rise, 1.0)
        losses = (generator.random(rows) < chance).astype(np.float64)
    else:
        scale = factor * np.where(inside, world.rise, 1.0)
        losses = np.abs(generator.normal(size=rows)) * scale
    return Side(losses, codes)


def told(
    world: World, rows: int, generator: np.random.Generator, *, of: World | None = None
) -> list[Slice]:
    """The slices that are named of a window beside rows of before."""
    before = of or World(kind=world.kind, factors=world.factors)
    return worst(side_of(before, BEFORE, generator), side_of(world, rows, generator), PARTS)


def worse(windows: int) -> Rows:
    """One slice made worse: how often it is named, and what else."""
    yield ("losses", "slice", "share", "made worse by", "rows", "named", "named first",
           "a part of it or it in part", "others a window")  # fmt: skip
    for kind, rises in RISES.items():
        for label, places in (("single", SINGLES), ("pair", PAIRS)):
            for share, slice_ in places.items():
                for rise in rises:
                    for rows in (2_000, 10_000):
                        world = World(kind=kind, places=slice_, rise=rise)
                        by = f"+{rise:g}" if kind == "wrong answers" else f"x{rise:g}"
                        yield kind, label, share, by, f"{rows:,}", *_named(world, rows, windows)


def _named(world: World, rows: int, windows: int) -> tuple[str, ...]:
    generator = np.random.default_rng(41)
    exact, first, near, others = [], [], [], []
    for _ in range(windows):
        found = [each.places for each in told(world, rows, generator)]
        exact.append(world.places in found)
        first.append(found[:1] == [world.places])
        alike = [bool(set(places) & set(world.places)) for places in found]
        near.append(any(alike))
        others.append(len(found) - sum(alike))
    return shown(exact), shown(first), shown(near), shown(others)


def nothing(windows: int) -> Rows:
    """Windows in which any slice is named though nothing changed."""
    yield ("losses", "rows", "windows", "any named", "any by its test alone", "least p of a window")
    for kind in RISES:
        for rows in (500, 2_000, 10_000):
            generator, several = np.random.default_rng(42), 3 * windows
            named, tested, least = [], [], []
            for _ in range(several):
                sides = [side_of(World(kind=kind), n, generator) for n in (BEFORE, rows)]
                named.append(bool(worst(sides[0], sides[1], PARTS)))
                adjusted = _adjusted(sides[0], sides[1])
                tested.append(bool((adjusted <= slices.LEVEL).any()))
                least.append(float(adjusted.min()))
            yield kind, f"{rows:,}", str(several), shown(named), shown(tested), shown(least)


def _adjusted(before: Side, now: Side) -> np.ndarray:
    """The p-values of the slices of single columns, without the floor on their effect."""
    found = [
        one.p_value
        for column, parts in enumerate(PARTS)
        for one in slices._singles(before, now, column, parts)  # noqa: SLF001 - the test alone
    ]
    return np.array(multiplicity.benjamini_hochberg(found))


def mix(windows: int) -> Rows:
    """Losses that always differed between parts: other shares of them, or other losses."""
    yield ("losses", "what changed", "loss rises by", "of it mix, over the parts",
           "of it inputs, by weights", "any slice named")  # fmt: skip
    factors = (1.0, 3.0, 2.0, 1.0, 0.5)
    worlds = {
        "shares alone": {"shares": (0.01, 0.15, 0.40, 0.24, 0.20)},
        "losses alone": {"places": ((0, 2),)},
        "both": {"shares": (0.01, 0.15, 0.40, 0.24, 0.20), "places": ((0, 2),)},
    }
    for kind in RISES:
        for name, changed in worlds.items():
            rise = RISES[kind][1]
            now = World(kind=kind, factors=factors, rise=rise, **changed)  # type: ignore[arg-type]
            yield kind, name, *_split(World(kind=kind, factors=factors), now, windows)


def _split(before: World, now: World, windows: int) -> tuple[str, ...]:
    generator = np.random.default_rng(43)
    rises, mixed, inputs, named = [], [], [], []
    for at in range(windows):
        sides = [side_of(w, n, generator) for w, n in ((before, BEFORE), (now, 10_000))]
        sums = [summed(side, 0, PARTS[0]) for side in sides]
        within, shares = parted(sums[0], sums[1])
        rises.append(float(within.sum() + shares.sum()))
        mixed.append(float(shares.sum()) / rises[-1])
        named.append(bool(worst(sides[0], sides[1], PARTS)))
        if at < max(windows // 4, 2):
            shared = credit(_given(sides[0]), _given(sides[1]), seed=at)
            inputs.append((shared.inputs or 0.0) / shared.change)
    return shown(rises), shown(mixed), shown(inputs), shown(named)


def _given(side: Side) -> tuple[Inputs, np.ndarray]:
    values = np.column_stack(side.codes).astype(np.float64)
    return Inputs(values, np.ones(values.shape[1], dtype=np.bool_)), side.losses


TABLES: Final[dict[str, Callable[[int], Rows]]] = {"worse": worse, "nothing": nothing, "mix": mix}


def main() -> int:
    """Print the tables as they come, in Markdown."""
    return run(argparse.ArgumentParser(description=__doc__), TABLES, "windows", usual=20, full=200)


if __name__ == "__main__":
    sys.exit(main())
