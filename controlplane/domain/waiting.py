"""What a trigger has to wait for: why no run may start now."""

from datetime import timedelta
from typing import Final

from controlplane.domain.situation import Situation

FAILURES_ALLOWED: Final = 3
"""So many failed runs in a row stop retraining until an operator says go."""

MOST_DOUBLINGS: Final = 3


def held_back(s: Situation) -> tuple[str, str] | None:
    """Why no run may start now, as (what blocks, a sentence); None: one may."""
    return in_the_way(s) or _paced(s)


def in_the_way(s: Situation) -> tuple[str, str] | None:
    """What is stopped or open, whatever the time since the last run."""
    if s.model.retraining_stopped is not None:
        return f"stopped:{s.failing_in_a_row}", s.model.retraining_stopped
    if s.failing_in_a_row >= FAILURES_ALLOWED:
        return f"stopped:{s.failing_in_a_row}", f"the last {s.failing_in_a_row} runs failed"
    if s.model.frozen is not None:
        return f"frozen:{s.model.frozen}", s.model.frozen
    return s.blocker()


def cooldown(asked: timedelta | None, window: timedelta, fruitless: int = 0) -> timedelta:
    """The time between runs: as asked, else two windows and at least a week.

    Where nothing was asked it doubles, up to eight times, with each candidate in a row that was
    turned away: where retraining did not pay lately, it will hardly pay tomorrow.
    """
    if asked is not None:
        return asked
    doublings = min(fruitless, MOST_DOUBLINGS)
    return max(2 * window, timedelta(days=7)) * (1 << doublings)


def _paced(s: Situation) -> tuple[str, str] | None:
    """Whether there were enough runs of late, counted by when they were asked for."""
    if not s.retrainings:
        return None
    last = s.retrainings[0]
    asked = s.policy.retrain.cooldown
    until = last.model_time + cooldown(asked, s.window, s.fruitless)
    if s.now < until:
        why = f"cooling down until {until:%Y-%m-%d %H:%M}"
        if asked is None and s.fruitless:
            why += f", longer since {s.fruitless} in a row brought nothing better"
        return f"cooldown:{last.id}", why
    limit = s.policy.retrain.at_most
    recent = [d for d in s.retrainings if d.model_time > s.now - limit.period]
    if len(recent) >= limit.count:
        return f"at_most:{recent[-1].id}", f"{len(recent)} runs in {limit.period.days} days"
    return None
