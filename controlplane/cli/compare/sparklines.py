"""Distributions as a line of bars."""

from collections.abc import Sequence
from typing import Final

from controlplane.cli.render import NOTHING
from detectors.comparison.result import ComparedColumn, Histogram, Levels

BARS: Final = " ▁▂▃▄▅▆▇█"
WIDE: Final = 14


def pictures(column: ComparedColumn) -> tuple[str, str]:
    """Both sides of a column, the reference's first."""
    picture = column.histogram or column.levels
    if picture is None:
        return NOTHING, NOTHING
    before, now = (_narrowed(side, picture) for side in (picture.reference, picture.current))
    return sparkline(before), sparkline(now)


def _narrowed(counts: Sequence[int], picture: Histogram | Levels) -> list[int]:
    """At most fourteen bars: bins of numbers joined, the most frequent levels kept."""
    if isinstance(picture, Levels):
        return list(counts[:WIDE])
    step = -(-len(counts) // WIDE)
    return [sum(counts[at : at + step]) for at in range(0, len(counts), step)]


def sparkline(counts: Sequence[int]) -> str:
    """Counts as bars of eight heights; a bin that holds any row is not blank.

    >>> sparkline([0, 1, 4, 8])
    ' ▁▄█'
    """
    most = max(counts, default=0)
    if not most:
        return ""
    return "".join(BARS[-(-8 * rows // most)] for rows in counts)
