"""A watching guard, brought up to the days whose labels are in."""

import math
from datetime import datetime
from typing import Final

import msgspec
import numpy as np

from controlplane.domain.guards import Guard
from controlplane.domain.states import GUARD, GuardEvent, GuardState, moved
from controlplane.domain.windows import label_days
from controlplane.lifecycle.paired import Pair, Paired, paired_losses
from controlplane.lifecycle.scoring import Gap, Unscorable, fill
from controlplane.lifecycle.trying import Sides
from controlplane.lifecycle.workshop import Workshop
from controlplane.store.ports import Known, Store
from detectors import tails
from detectors.e_shiryaev_roberts import step

FEWEST_DAYS: Final = 3
OUTRIGHT: Final = 10.0
"""So many margins worse, on the mean of the days so far, needs no third day."""


def advance(store: Store, workshop: Workshop, guard: Guard, sides: Sides, now: datetime) -> bool:
    """Read the days that closed since, row by row; the guard may breach, or its time be up.

    `sides.champion` is the version before, `sides.candidate` the one that is watched. True
    when it is up to date with `now`; false while a process still scores rows.
    """
    reached = guard.judged_to or guard.start
    days = [day for day in label_days(sides.calendar, reached, now) if day[0] >= reached]
    if not days:
        return True
    end = days[-1][1]
    try:
        ready = [
            fill(
                store, workshop, Gap(version=v, schema=sides.schema, start=reached, end=end, by=now)
            )
            for v in (sides.champion, sides.candidate)
        ]
    except Unscorable:
        _store(store, _ended(guard, GuardEvent.CUT_SHORT, now))
        return True
    if not all(ready):
        return False
    pair = Pair(
        model=guard.model, schema=sides.schema, metric=guard.metric,
        first=sides.champion.version, second=sides.candidate.version,
    )  # fmt: skip
    with store.read() as view:
        rows = paired_losses(view.events, pair, Known(start=reached, end=end, by=now))
    means = [mean for day in days if (mean := _mean_of(guard, rows.between(*day))) is not None]
    watched = _borne_out(guard, _watched(guard, rows.second - rows.first, end), means)
    if watched.state is guard.state and end >= guard.until:
        watched = _ended(watched, GuardEvent.TIME_UP if watched.rows else GuardEvent.CUT_SHORT, now)
    elif watched.state is not guard.state:
        watched = msgspec.structs.replace(watched, ended_at=now)
    _store(store, watched)
    return True


def _watched(guard: Guard, differences: np.ndarray, end: datetime) -> Guard:
    """The guard after more rows; losses are scaled by the cap, so that bets are bounded."""
    scaled = np.clip(differences / guard.loss_cap, -1.0, 1.0)
    margin = min(guard.margin / guard.loss_cap, 1.0)
    unread = scaled[:0] if guard.crossed else scaled  # after its alarm the mixture stands still
    levels, alarm = step(guard.levels, unread, margin=margin, threshold=guard.threshold)
    seen, added = guard.rows, int(differences.size)
    total = (guard.mean_difference or 0.0) * seen + float(differences.sum())
    after = msgspec.structs.replace(
        guard, levels=levels, rows=seen + added, judged_to=end,
        mean_difference=total / (seen + added) if seen + added else None,
    )  # fmt: skip
    if alarm is None:
        return after
    state = moved(GUARD, guard.id, guard.state, GuardEvent.CROSSED)
    return msgspec.structs.replace(after, state=state)


def _mean_of(guard: Guard, day: Paired) -> float | None:
    """A day's mean difference, rows held within the loss cap; None for a day without rows."""
    if day.at.size == 0:
        return None
    held = np.clip(day.second - day.first, -guard.loss_cap, guard.loss_cap)
    return float(held.mean())


def _borne_out(before: Guard, after: Guard, means: list[float]) -> Guard:
    """An alarmed guard breaches only when the days say the same as the rows.

    The mixture's run length is promised for rows whose mean stays within the margin at every
    moment. Days differ: on one of two versions that are equal in the long run one is the worse,
    and with many rows a day that alone makes it alarm. So days are asked too, as units.
    """
    days = (*before.days, *means)
    crossed = before.crossed or after.state is GuardState.BREACHED
    state = before.state
    if crossed and lasts(days, before.margin):
        state = moved(GUARD, before.id, before.state, GuardEvent.CROSSED)
    return msgspec.structs.replace(after, days=days, crossed=crossed, state=state)


def lasts(days: tuple[float, ...], margin: float) -> bool:
    """Whether day means prove a difference beyond the margin: outright, or by Student's law.

    >>> lasts((0.1, 0.12, 0.1), 0.05), lasts((0.1, -0.1, 0.2), 0.05), lasts((0.9,), 0.05)
    (True, False, True)
    """
    if not days:
        return False
    means = np.array(days)
    if means.mean() >= OUTRIGHT * margin > 0.0:
        return True
    if means.size < FEWEST_DAYS:
        return False
    error = float(means.std(ddof=1)) / math.sqrt(means.size)
    return bool(means.mean() - tails.t_quantile(0.95, means.size - 1) * error > margin)


def _ended(guard: Guard, event: GuardEvent, now: datetime) -> Guard:
    state = moved(GUARD, guard.id, guard.state, event)
    return msgspec.structs.replace(guard, state=state, ended_at=now)


def _store(store: Store, guard: Guard) -> None:
    store.write(lambda t: t.ledger.put(guard)).result()
