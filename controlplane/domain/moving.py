"""References that go on with the windows: which steps of the grid one is made of, and which set
its thresholds. A step is what begins every `every`; a window is one, or several where it slides."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from controlplane.domain.grid import Grid, boundary, number_at
from controlplane.domain.policy import Reference as Asked
from controlplane.domain.references import WANTED
from controlplane.domain.windows import Calendar

MOST_CALIBRATING: Final = 240
"""Windows that set the thresholds of one window at most, the newest of them."""
MOVING: Final = frozenset({"trailing", "season"})

Steps = tuple[int, int]
"""Steps of the grid by number, the second excluded."""


class Rank(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration window, by its steps; `inside` where the reference sample holds its rows."""

    steps: Steps
    inside: bool


class Cast(msgspec.Struct, frozen=True, kw_only=True):
    """What a window is compared with: the steps of its sample, its calibration windows in order of
    time, and the steps on whose rows the bins are frozen.

    The bins stay the same for many windows, so that what was counted on them can be added.
    """

    sample: tuple[Steps, ...]
    ranks: tuple[Rank, ...]
    frozen_on: Steps


def trailing(windows: int, calendar: Calendar) -> Asked:
    """A reference of so many windows before each."""
    assert calendar.length is not None
    return Asked(kind="trailing", trailing=windows * calendar.length)


def cast(asked: Asked, calendar: Calendar, window: tuple[datetime, datetime], first: datetime) -> Cast | None:  # fmt: skip
    """What a window `[start, end)` is compared with, given the first row of all; None where
    nothing lies before it.

    Trailing: the span before the window. Season: its place in the seasons before, of which some
    may have been before the first row. The window's own steps are never among them.
    """
    grid = calendar.grid
    assert grid is not None, "counted windows have no references that move"
    earliest = number_at(grid, first)
    whole_from = earliest if boundary(grid, earliest) == first else earliest + 1
    begin = number_at(grid, window[0])
    span = reach(asked, grid)
    if begin <= earliest:
        return None
    if asked.kind == "season":
        sample, ranks = _seasons(asked, calendar, (begin, window[1]), whole_from)
    else:
        sample = ((max(begin - span, earliest), begin),)
        ranks = _before(calendar.overlap, (begin - span, begin), whole_from)
    anchor = _anchor(begin - earliest, span) + earliest
    return Cast(
        sample=sample, ranks=tuple(ranks)[::-1], frozen_on=(max(anchor - span, earliest), anchor)
    )


def reach(asked: Asked, grid: Grid) -> int:
    """How many steps before a window its sample reaches back."""
    if asked.season is not None:
        return asked.periods * max(asked.season // grid.step, 1)
    assert asked.trailing is not None
    return max(-(-asked.trailing // grid.step), 1)


def _before(overlap: int, span: Steps, whole_from: int) -> list[Rank]:
    """Windows next to each other, the newest first: those of the span and, where they are fewer
    than wanted, those before it."""
    first, end = span
    found: list[Rank] = []
    for after in range(end, whole_from + overlap - 1, -overlap):
        start = after - overlap
        inside = start >= first
        if len(found) >= (MOST_CALIBRATING if inside else WANTED):
            break
        if inside or after <= first:
            found.append(Rank(steps=(start, after), inside=inside))
    return found


def _seasons(
    asked: Asked, calendar: Calendar, window: tuple[int, datetime], whole_from: int
) -> tuple[tuple[Steps, ...], list[Rank]]:
    """The window's place in the seasons before, the newest first."""
    grid = calendar.grid
    assert grid is not None
    assert asked.season is not None
    end = number_at(grid, window[1])
    start, season = end - calendar.overlap, max(asked.season // grid.step, 1)
    found = [
        Rank(steps=(start - k * season, end - k * season), inside=k <= asked.periods)
        for k in range(1, MOST_CALIBRATING + 1)
        if start - k * season >= whole_from
    ]
    return tuple(rank.steps for rank in found if rank.inside)[::-1], found


def _anchor(steps: int, span: int) -> int:
    """Up to which of the steps so far the bins' rows reach: it moves on by a power of two, at most
    the span, so seldom, and never reaches further back than twice the span."""
    pace = 1 << (min(steps, span).bit_length() - 1)
    return steps - steps % pace


def runs(found: Cast) -> list[Steps]:
    """The stretches of steps that a cast needs, in order, none of them touching another."""
    merged: list[Steps] = []
    for start, end in sorted(_needed(found)):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _needed(found: Cast) -> Iterator[Steps]:
    yield from found.sample
    for rank in found.ranks:
        yield rank.steps
