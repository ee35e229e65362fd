"""What the rows and days of a trial say of the gain: the champion's loss less the candidate's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from controlplane.domain.models import LossScale
from controlplane.domain.trials import FEWEST_BLOCKS, FULL_WEEK, Block, Progress, Trial
from controlplane.lifecycle.paired import Paired
from detectors import day_bounds
from detectors.grid_mixture import NOTHING, Held, bound_of, hold
from detectors.performance import GREATEST

MOST_APART: Final = 2.0
"""Rows decide while days differ at most so many times as much as their rows explain."""


def greatest_of(metric: str, scale: LossScale | None) -> float | None:
    """What a row's loss is held within where rows are compared; None where that is not known.

    The loss's own greatest value; else the loss cap of the champion, from rows that it was not
    trained on.
    """
    if metric in GREATEST:
        return GREATEST[metric]
    if scale is None or not scale.rows or scale.metric not in {"", metric}:
        return None
    return scale.loss_cap


def grown(trial: Trial, rows: Paired, days: Sequence[tuple[datetime, datetime]]) -> Trial:
    """The trial with its newest closed label days, whose rows these are; a day without rows counts
    as no day."""
    for start, end in days:
        day = _held(rows.between(start, end), trial.greatest)
        if day.at.size:
            trial = _with_day(trial, day, start, end)
    return trial


def _with_day(trial: Trial, day: Paired, start: datetime, end: datetime) -> Trial:
    gains = day.first - day.second
    block = Block(
        start=start, end=end, rows=int(day.at.size),
        loss_champion=float(day.first.mean()), loss_candidate=float(day.second.mean()),
    )  # fmt: skip
    if trial.greatest is not None:
        scaled = np.clip(gains / trial.greatest, -1.0, 1.0)
        block = msgspec.structs.replace(
            block, variance=float(gains.var(ddof=1)) if gains.size > 1 else 0.0
        )
        trial = msgspec.structs.replace(
            trial, risen=_read(trial.risen, scaled), fallen=_read(trial.fallen, -scaled)
        )
    trial = msgspec.structs.replace(trial, blocks=(*trial.blocks, block))
    return msgspec.structs.replace(trial, series=(*trial.series, progress_of(trial)))


def progress_of(trial: Trial) -> Progress:
    """The confidence sequence over the blocks so far: of rows, or of the means of days."""
    by_days = _by_days(trial.blocks, trial.confidence)
    return by_days if trial.greatest is None else _by_rows(trial, trial.greatest, by_days)


def _by_days(blocks: Sequence[Block], confidence: float) -> Progress:
    gains = np.array([b.loss_champion - b.loss_candidate for b in blocks])
    found = day_bounds.bounds(gains, alpha=1.0 - confidence, fewest=FEWEST_BLOCKS)
    return Progress(
        blocks=gains.size, rows=sum(b.rows for b in blocks), at=blocks[-1].end,
        difference=float(gains.mean()), low=found.low, high=found.high, worth=found.worth,
        loss_champion=float(np.mean([b.loss_champion for b in blocks])),
        loss_candidate=float(np.mean([b.loss_candidate for b in blocks])),
    )  # fmt: skip


def _by_rows(trial: Trial, greatest: float, by_days: Progress) -> Progress:
    """Bounds from the rows, from a week on and while a day is no more than its rows; else days'."""
    rows = np.array([b.rows for b in trial.blocks], dtype=np.float64)
    first, second, variances = (
        np.array([getattr(b, name) for b in trial.blocks], dtype=np.float64)
        for name in ("loss_champion", "loss_candidate", "variance")
    )
    apart = day_bounds.design_effect(first - second, variances, rows)
    by_days = msgspec.structs.replace(by_days, design_effect=apart)
    if apart > MOST_APART or by_days.worth != by_days.blocks:
        return by_days
    low = high = None
    if rows.size >= FULL_WEEK:
        alpha = 1.0 - trial.confidence
        low = greatest * bound_of(Held(levels=trial.risen), alpha=alpha)
        high = -greatest * bound_of(Held(levels=trial.fallen), alpha=alpha)
    share = rows / rows.sum()
    return msgspec.structs.replace(
        by_days, unit="rows", low=low, high=high,
        difference=float(share @ (first - second)), loss_champion=float(share @ first),
        loss_candidate=float(share @ second),
    )  # fmt: skip


def _held(day: Paired, greatest: float | None) -> Paired:
    if greatest is None:
        return day
    return msgspec.structs.replace(
        day, first=np.minimum(day.first, greatest), second=np.minimum(day.second, greatest)
    )


def _read(levels: tuple[float, ...], values: NDArray[np.float64]) -> tuple[float, ...]:
    return hold(Held(levels=levels) if levels else NOTHING, values).levels
