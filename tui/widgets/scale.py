"""Labels of an axis of values and labels of an axis of times: pure."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tui.format import moment, number

_LONG: Final = 2 * 365
_MEDIUM: Final = 45
_SHORT: Final = 3


def nice_step(span: float, most: int) -> float:
    """The least of 1, 2, 5 times a power of ten that gives at most so many steps.

    >>> nice_step(47.0, 5), nice_step(0.3, 4)
    (10.0, 0.1)
    """
    least = span / max(most, 1)
    if least <= 0 or not math.isfinite(least):
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * f for f in (1, 2, 5, 10) if power * f >= least * (1 - 1e-9))


def value_labels(low: float, high: float, height: int) -> dict[int, str]:
    """The labels of a value axis by the line that they stand on.

    >>> value_labels(0.0, 40.0, 8)
    {7: '0', 6: '10', 4: '20', 2: '30', 0: '40'}
    """
    step = nice_step(high - low, max(height // 2, 2))
    found: dict[int, str] = {}
    value = math.ceil(low / step) * step
    while value <= high + step * 1e-9:
        line = min(int((high - value) / (high - low) * height), height - 1)
        found[line] = number(round(value, 12) + 0.0)
        value += step
    return found


def dates(at: Sequence[datetime], *, timed: bool = True) -> list[str]:
    """A label for each time; equal neighbours are one label.

    >>> from datetime import UTC
    >>> dates([datetime(2012, 1, 6, tzinfo=UTC), datetime(2012, 6, 1, tzinfo=UTC)])
    ['2012-01', '2012-06']
    """
    if not at:
        return []
    if not timed:
        return [moment(one, timed=False) for one in at]
    days = (max(at) - min(at)).total_seconds() / 86400
    pattern = (
        "%Y" if days > 4 * _LONG else "%Y-%m" if days > _MEDIUM
        else "%m-%d" if days > _SHORT else "%d %H:%M"
    )  # fmt: skip
    return [one.strftime(pattern) for one in at]


def laid_out(labels: Sequence[str], places: Sequence[int], width: int) -> str:
    """Labels under their places, each where it changes, none over another.

    >>> laid_out(["05", "05", "06", "07"], [0, 3, 6, 9], 14)
    '╵05   ╵06     '
    """
    line = [" "] * width
    free, before = 0, ""
    for label, place in zip(labels, places, strict=True):
        text = f"╵{label}"
        if label == before or place < free or place + len(text) > width:
            continue
        line[place : place + len(text)] = text
        free, before = place + len(text) + 2, label
    return "".join(line)
