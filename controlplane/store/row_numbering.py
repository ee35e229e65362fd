"""Finding rows by their number in the order in which they became known, without counting up to
them: how many came before a moment is told by what the database knows of its groups of rows."""

from collections.abc import Callable
from typing import Final

import msgspec

SLACK: Final = 50_000
"""Rows that may be read on either side of those that are asked for."""
_GUESSES: Final = 12
"""After so many guesses by proportion the stretch is halved."""


class Mark(msgspec.Struct, frozen=True):
    """`rows` rows were known before `moment` (microseconds)."""

    moment: int
    rows: int


def stretch(
    bounds: tuple[int, int], numbers: tuple[int, int], known_before: Callable[[int], int]
) -> tuple[Mark, Mark]:
    """Two moments between which the rows with numbers `[first, last)` became known, and few more;
    `bounds` are the moments of the first and the last row, in microseconds.

    `known_before` says how many rows became known before a moment; it is asked a dozen times.

    >>> low, high = stretch((0, 10**6), (300_000, 300_010), lambda moment: moment)
    >>> low.rows <= 300_000, high.rows >= 300_010, high.rows - low.rows <= 2 * SLACK + 10
    (True, True, True)
    """
    first, last = numbers
    end = bounds[1] + 1
    start, finish = Mark(bounds[0], 0), Mark(end, known_before(end))
    low, above = _near(start, finish, (first - SLACK, first), known_before)
    low = above if above.rows <= first else low
    _, high = _near(low, finish, (last, last + SLACK), known_before)
    return low, high


def _near(
    low: Mark, high: Mark, goal: tuple[int, int], known_before: Callable[[int], int]
) -> tuple[Mark, Mark]:
    """Marks around a number of rows, drawn together until one of them lies within the goal: the
    lower has at most as many as the goal's end, the upper at least as many as its beginning."""
    least, most = goal
    asked = 0
    while not (least <= low.rows or high.rows <= most) and high.moment - low.moment > 1:
        moment = _between(low, high, (least + most) // 2 if asked < _GUESSES else None)
        mark = Mark(moment, known_before(moment))
        asked += 1
        if mark.rows <= most:
            low = mark
        if mark.rows >= least:
            high = mark
    return low, high


def _between(low: Mark, high: Mark, goal: int | None) -> int:
    """A moment strictly between two marks: where `goal` rows would be if they came evenly."""
    wide = high.moment - low.moment
    step = wide // 2
    if goal is not None and high.rows > low.rows:
        step = wide * (goal - low.rows) // (high.rows - low.rows)
    return low.moment + min(max(step, 1), wide - 1)
