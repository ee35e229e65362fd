"""How long a window is where the model file does not say: as short as the rows allow."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from statistics import median
from typing import Final

from controlplane.domain.grid import DAY, HOUR

FEWEST_ROWS: Final = 100
"""Rows that the median window is to hold."""
CHOICES: Final = (HOUR, DAY, 7 * DAY, 28 * DAY, 91 * DAY)
LATENESS_SHARE: Final = 10
"""The allowed lateness is one part in so many of the window."""


def default_every(rows_an_hour: Mapping[int, int]) -> timedelta | None:
    """The shortest choice with 100 rows in its median window; the longest where none has them.

    `rows_an_hour` counts the rows of each hour that has any, by the hour's number. Choices
    longer than the rows reach are judged by the rows' rate. None: less than a day of rows says
    too little.

    >>> default_every(dict.fromkeys(range(24 * 60), 1)).days
    7
    """
    if not rows_an_hour or max(rows_an_hour) - min(rows_an_hour) + 1 < DAY // HOUR:
        return None
    return next(
        (every for every in CHOICES if _typical(rows_an_hour, every) >= FEWEST_ROWS), CHOICES[-1]
    )


def default_rows() -> int:
    """The rows of a window where rows carry no time: row k stands for hour k.

    >>> default_rows()
    168
    """
    return next(every // HOUR for every in CHOICES if every / HOUR >= FEWEST_ROWS)


def default_lateness(every: timedelta) -> timedelta:
    """A tenth of the window."""
    return every / LATENESS_SHARE


def _typical(rows_an_hour: Mapping[int, int], every: timedelta) -> float:
    """Rows in the median window of a length, counted from the first row on."""
    length = every // HOUR
    first, last = min(rows_an_hour), max(rows_an_hour)
    whole = (last - first + 1) // length
    if whole == 0:
        return sum(rows_an_hour.values()) * length / (last - first + 1)
    counts: Counter[int] = Counter()
    for hour, rows in rows_an_hour.items():
        counts[(hour - first) // length] += rows
    return float(median([counts[number] for number in range(whole)]))
