"""A running trial, brought up to the days whose labels are in."""

from datetime import datetime
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from controlplane.domain.models import LossScale
from controlplane.domain.schema import Schema
from controlplane.domain.states import TRIAL, TrialEvent, moved
from controlplane.domain.trials import Trial, judge
from controlplane.domain.versions import Version
from controlplane.domain.windows import Calendar, label_days
from controlplane.lifecycle.gains import grown
from controlplane.lifecycle.paired import Pair, paired_losses
from controlplane.lifecycle.scoring import Gap, Unscorable, fill
from controlplane.lifecycle.workshop import Workshop
from controlplane.store.ports import Known, Store

CAP_QUANTILE: Final = 0.995


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """The two versions of a trial, and how their model's days are counted."""

    champion: Version
    candidate: Version
    schema: Schema
    calendar: Calendar


def advance(store: Store, workshop: Workshop, trial: Trial, sides: Sides, now: datetime) -> bool:
    """Read the days that closed since; end the trial where they prove something.

    True when the trial is up to date with `now`; false while a process still scores its rows.
    """
    days = _new_days(trial, sides.calendar, now)
    if not days:
        return True
    start, end = days[0][0], days[-1][1]
    try:
        # At the opening rows are scored up to now, so that each side needs one process.
        until = end if trial.blocks else max(end, now)
        ready = _filled(store, workshop, sides, Known(start=start, end=until, by=now))
    except Unscorable as error:
        _store(store, msgspec.structs.replace(
            trial, state=moved(TRIAL, trial.id, trial.state, TrialEvent.COULD_NOT_SCORE),
            ended_at=now, says=str(error),
        ))  # fmt: skip
        return True
    if not ready:
        return False
    with store.read() as view:
        rows = paired_losses(view.events, _pair(trial, sides), Known(start=start, end=end, by=now))
    closed = sum(day[0] >= trial.start for day in label_days(sides.calendar, trial.start, now))
    _store(store, _judged(grown(trial, rows, days), closed, now))
    return True


def scale_of(store: Store, trial: Trial, sides: Sides, now: datetime) -> LossScale | None:
    """The candidate's reference loss and loss cap, from the trial's rows; None without rows."""
    if not trial.blocks:
        return None
    known = Known(start=trial.start, end=trial.blocks[-1].end, by=now)
    with store.read() as view:
        rows = paired_losses(view.events, _pair(trial, sides), known)
    return scale_from(rows.second, trial.metric)


def scale_from(values: NDArray[np.float64], metric: str = "") -> LossScale | None:
    """A loss scale from out-of-sample losses by a metric; None where there are none.

    Where hardly any row has a loss, as with rare errors, the cap is the greatest one: a cap of
    nothing would leave the guard and the stream of errors blind.
    """
    if values.size == 0:
        return None
    cap = float(np.quantile(values, CAP_QUANTILE, method="higher")) or float(values.max()) or 1.0
    return LossScale(
        reference_loss=float(values.mean()), loss_cap=cap, rows=int(values.size), metric=metric
    )


def _new_days(trial: Trial, calendar: Calendar, now: datetime) -> list[tuple[datetime, datetime]]:
    reached = trial.blocks[-1].end if trial.blocks else trial.start
    return [day for day in label_days(calendar, reached, now) if day[0] >= reached]


def _filled(store: Store, workshop: Workshop, sides: Sides, span: Known) -> bool:
    """Both sides' predictions are there; each side gets its process before one is waited for."""
    assert span.start is not None
    assert span.end is not None
    assert span.by is not None
    ready = [
        fill(
            store,
            workshop,
            Gap(version=v, schema=sides.schema, start=span.start, end=span.end, by=span.by),
        )
        for v in (sides.champion, sides.candidate)
    ]
    return all(ready)


def _pair(trial: Trial, sides: Sides) -> Pair:
    return Pair(
        model=trial.model, schema=sides.schema, metric=trial.metric,
        first=trial.champion, second=trial.candidate,
    )  # fmt: skip


def _judged(trial: Trial, closed: int, now: datetime) -> Trial:
    if (found := judge(trial, closed)) is None:
        return trial
    event, says = found
    state = moved(TRIAL, trial.id, trial.state, event)
    return msgspec.structs.replace(trial, state=state, says=says, ended_at=now)


def _store(store: Store, trial: Trial) -> None:
    store.write(lambda t: t.ledger.put(trial)).result()
