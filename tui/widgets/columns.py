"""How wide the columns of a table are: pure arithmetic over what is in them."""

from collections.abc import Sequence
from typing import Final

import msgspec

GAP: Final = 2


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table."""

    title: str
    rank: int = 0
    """0 is always shown; of the others the greatest goes first where there is no room."""
    is_right: bool = False
    is_flexible: bool = False
    """Whether it takes what room is left, down to `least` cells."""
    least: int = 8
    most: int = 60


def fit(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    """The width of each column, 0 for one that is left out.

    >>> two = [Column(title="name"), Column(title="says", is_flexible=True, least=5)]
    >>> fit(two, [6, 40], 30), fit(two, [6, 12], 30)
    ([6, 22], [6, 12])
    """
    shown = list(range(len(columns)))
    while _needed(columns, natural, shown) > room and (spare := _spare(columns, shown)) is not None:
        shown.remove(spare)
    left = room - _needed(columns, natural, shown)
    widths = [_least(columns[i], natural[i]) if i in shown else 0 for i in range(len(columns))]
    flexible = [i for i in shown if columns[i].is_flexible]
    for position, i in enumerate(flexible):
        part = max(left, 0) // (len(flexible) - position)
        more = min(part, max(natural[i] - widths[i], 0))
        widths[i] += more
        left -= more
    return widths


def _least(column: Column, natural: int) -> int:
    return min(natural, column.least if column.is_flexible else column.most)


def _needed(columns: Sequence[Column], natural: Sequence[int], shown: Sequence[int]) -> int:
    return sum(_least(columns[i], natural[i]) for i in shown) + GAP * max(len(shown) - 1, 0)


def _spare(columns: Sequence[Column], shown: Sequence[int]) -> int | None:
    found = max(shown, key=lambda i: (columns[i].rank, i), default=None)
    return found if found is not None and columns[found].rank > 0 else None
