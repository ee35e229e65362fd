"""What is expected of a window before its labels are in, as it is kept with the window's score."""

import math
from collections.abc import Iterable
from typing import Final

import msgspec

from detectors.finding import Interval

ALL: Final = "*"
MEANS: Final = frozenset({"accuracy", "error", "log_loss", "brier", "mae", "mape"})
"""Metrics that are a mean over rows, so that those of two sets of rows can be put together."""


class Estimated(msgspec.Struct, frozen=True, kw_only=True):
    """An estimated metric of a version, or of all live rows (`*`).

    `value` is None where it is hidden, and `hidden` says why. It holds while `assumption` does.
    `low` and `high` span what two unobservable kinds of shift would give, and `is_apart` says that
    those differ by more than chance; `labels_wanted` is how many labels of the window would tell.
    """

    version: str
    metric: str
    value: float | None
    interval: Interval | None
    rows: int
    method: str
    """cbpe · pape · dle; empty where nothing was computed"""
    assumption: str
    low: float | None = None
    high: float | None = None
    is_apart: bool = False
    labels_wanted: int | None = None
    hidden: str | None = None


def measured_name(version: str) -> str:
    """Under which name the predictions are kept of the fit that measured a first version: its own
    predictions of those rows say nothing, for it was trained on them.

    >>> measured_name("v1")
    'v1:unseen'
    """
    return f"{version}:unseen"


def together(metric: str, parts: Iterable[Estimated]) -> Estimated | None:
    """The estimate over all rows from those of the versions that served; None for no part.

    Means are weighed by rows, their errors taken as independent; of other metrics nothing is told
    over several versions.
    """
    known = list(parts)
    if len(known) <= 1:
        return msgspec.structs.replace(known[0], version=ALL) if known else None
    rows = sum(part.rows for part in known)
    blank = Estimated(
        version=ALL, metric=metric, value=None, interval=None, rows=rows, method=known[0].method,
        assumption=known[0].assumption, hidden="several versions served; see each of them",
    )  # fmt: skip
    if not rows or metric not in {*MEANS, "rmse"} or any(part.value is None for part in known):
        return blank
    power = 2.0 if metric == "rmse" else 1.0
    mean = sum((part.value or 0.0) ** power * part.rows for part in known) / rows
    value = mean ** (1.0 / power)
    half = math.sqrt(sum((_half(part) * part.rows / rows) ** 2 for part in known))
    wanted = [part.labels_wanted for part in known if part.labels_wanted is not None]
    return msgspec.structs.replace(
        blank, value=value, interval=Interval(max(value - half, 0.0), value + half),
        is_apart=any(part.is_apart for part in known), labels_wanted=max(wanted, default=None),
        hidden=None,
    )  # fmt: skip


def _half(part: Estimated) -> float:
    return 0.0 if part.interval is None else (part.interval.high - part.interval.low) / 2.0
