"""Findings over windows to conditions that hold or not, each with a sentence and its evidence.

A condition that belongs to a line of `retrain.when` may ask for a run; the others only alert.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from controlplane.domain.amiss import watched
from controlplane.domain.due import is_scheduled
from controlplane.domain.holding import Condition, Facts, cite, day_of, latest, untold
from controlplane.domain.performing import worse_by, worse_than
from controlplane.domain.policy import Policy, Trigger, TriggerKind
from controlplane.domain.windows import Score

__all__ = ["Condition", "Facts", "conditions_of"]

ALERT_WORSE_BY: Final = 0.2
"""How much worse than its reference loss a champion may get before somebody hears of it, where
no trigger says so."""
PERFORMANCE: Final = frozenset({TriggerKind.WORSE_BY, TriggerKind.WORSE_THAN})
DRIFT_NOTE: Final = "drift of the columns"
"""How a window's note begins that says from when on its drift can be judged."""
LEAST_JUDGED: Final = 0.5
"""The share of columns that must have passed or failed for a window to say anything of drift."""


def conditions_of(policy: Policy, facts: Facts) -> tuple[Condition, ...]:
    """Every condition of a model file as it stands; nothing before there is a champion, unless the
    model is trained elsewhere: then what needs none."""
    if facts.champion is None:
        return _watching(policy, facts) if policy.trainer is None else ()
    asked = [
        msgspec.structs.replace(RULES[trigger.kind](policy, trigger, facts), trigger=place)
        for place, trigger in enumerate(policy.retrain.when)
    ]
    return (
        *asked, *_performance_unasked(policy, facts), *watched(facts), *facts.false_alarms,
    )  # fmt: skip


def _watching(policy: Policy, facts: Facts) -> tuple[Condition, ...]:
    """What holds of a model that nobody knows the champion of: its drift, and its data."""
    asked = [
        msgspec.structs.replace(_drift(policy, trigger, facts), trigger=place)
        for place, trigger in enumerate(policy.retrain.when)
        if trigger.kind is TriggerKind.DRIFT
    ]
    if not facts.scores:
        return (*asked, untold("windows", facts.outlook)) if facts.outlook else tuple(asked)
    return (*asked, *watched(facts))


def _performance_unasked(policy: Policy, facts: Facts) -> list[Condition]:
    """Where no trigger looks at performance, somebody still hears of it."""
    asked = {trigger.kind for trigger in policy.retrain.when}
    if asked & PERFORMANCE or policy.monitors.performance is None:
        return []
    return [worse_by(policy, Trigger(kind=TriggerKind.WORSE_BY, amount=ALERT_WORSE_BY), facts)]


def _drift(policy: Policy, trigger: Trigger, facts: Facts) -> Condition:  # noqa: ARG001
    """So many windows in a row; one that cannot be judged neither adds to the row nor breaks it.

    Windows that overlap hold the same rows, so of them only those count that do not, back from
    the newest.
    """
    row: list[Score] = []
    scores = _apart(_of_champion(facts))
    for score in reversed(scores):
        beyond = _is_beyond(score, trigger.amount)
        if beyond is False:
            break
        if beyond:
            row.append(score)
    if not row:
        judged = [s for s in scores if _is_beyond(s, trigger.amount) is not None]
        if not judged:
            said = [n for s in scores[-1:] for n in s.notes if n.startswith(DRIFT_NOTE)]
            return untold("drift", said[0] if said else "no window has enough judged columns yet")
        return _drifting(judged[-1:], trigger, holds=False)
    return _drifting(row[: trigger.windows], trigger, holds=len(row) >= trigger.windows)


_STREAMS = {"error": "errors", "score": "scores", "prediction": "predictions"}


def _stream(policy: Policy, trigger: Trigger, facts: Facts) -> Condition:  # noqa: ARG001
    asked = policy.monitors.stream
    on = "error" if asked is None else asked.on
    looked = [s for s in _of_champion(facts) if s.stream_alarm is not None]
    if not looked:
        return untold("stream", f"no window's stream of {_STREAMS.get(on, on)} was read yet")
    score = looked[-1]
    found = "changed" if score.stream_alarm else "did not change"
    if on != "error":
        says = f"the stream of {_STREAMS.get(on, on)} {found} in the window from {day_of(score)}"
        evidence = cite(score, says, {"rows": float(score.rows)})
        return Condition(name="stream", holds=score.stream_alarm, window=score.window, says=says,
                         evidence=(evidence,))  # fmt: skip
    says = f"the mean error {found} in the window from {day_of(score)}, over {score.labels} labels"
    evidence = cite(score, says, {"labels": float(score.labels)})
    return Condition(name="stream", holds=score.stream_alarm, window=score.window, says=says,
                     evidence=(evidence,))  # fmt: skip


def _schedule(policy: Policy, trigger: Trigger, facts: Facts) -> Condition:
    holds = is_scheduled(trigger.text, policy.time_zone, facts.now)
    says = f"{facts.now:%Y-%m-%d %H:%M} UTC is {'' if holds else 'not '}a time of {trigger.text!r}"
    return Condition(name="schedule", holds=holds, says=says)


def _new_labels(policy: Policy, trigger: Trigger, facts: Facts) -> Condition:  # noqa: ARG001
    if facts.new_labels is None:
        return untold("new_labels", "new labels were not counted")
    says = f"{facts.new_labels} new labels of the {trigger.amount:.0f} asked for"
    return Condition(name="new_labels", holds=facts.new_labels >= trigger.amount, says=says)


def _age(policy: Policy, trigger: Trigger, facts: Facts) -> Condition:  # noqa: ARG001
    """Counted from the end of what it was trained on: that is how old its knowledge is."""
    champion, limit = facts.champion, trigger.age
    assert champion is not None
    assert limit is not None, "a checked model file gives an age trigger its age"
    learned_to = champion.trained_to or champion.made_at
    age = facts.now - learned_to
    days = age / timedelta(days=1)
    says = f"{champion.version} learned nothing for {days:.3g} days; the limit is {limit.days}"
    return Condition(name="age", holds=age >= limit, says=says)


def _message(policy: Policy, trigger: Trigger, facts: Facts) -> Condition:  # noqa: ARG001
    holds = trigger.text in facts.messages
    says = f"{trigger.text!r} was {'' if holds else 'not '}sent"
    return Condition(name="message", holds=holds, says=says)


Rule = Callable[[Policy, Trigger, Facts], Condition]
RULES: Final[Mapping[TriggerKind, Rule]] = {
    TriggerKind.WORSE_BY: worse_by,
    TriggerKind.WORSE_THAN: worse_than,
    TriggerKind.DRIFT: _drift,
    TriggerKind.STREAM: _stream,
    TriggerKind.SCHEDULE: _schedule,
    TriggerKind.NEW_LABELS: _new_labels,
    TriggerKind.AGE: _age,
    TriggerKind.MESSAGE: _message,
}


def _drifting(row: Sequence[Score], trigger: Trigger, *, holds: bool) -> Condition:
    newest = row[0]
    says = (
        f"{newest.columns_failed} of {newest.columns_judged} columns drifted in the window from "
        f"{day_of(newest)}; {len(row) if holds or _is_beyond(newest, trigger.amount) else 0} of "
        f"{trigger.windows} windows in a row with a share of {trigger.amount:g} or more"
    )
    evidence = tuple(
        cite(score, f"{score.columns_failed} of {score.columns_judged} columns drifted",
              {"failed": float(score.columns_failed), "judged": float(score.columns_judged)})
        for score in row
    )  # fmt: skip
    return Condition(name="drift", holds=holds, window=newest.window, says=says, evidence=evidence)


def _is_beyond(score: Score, share: float) -> bool | None:
    """Whether so many of the judged columns failed; None where most could not be judged."""
    columns = score.columns_judged + score.columns_unjudged
    if score.columns_judged == 0 or score.columns_judged < LEAST_JUDGED * columns:
        return None
    return score.columns_failed / score.columns_judged >= share


def _apart(scores: Sequence[Score]) -> list[Score]:
    """The newest window, the newest that it does not overlap, and so on, in order of time."""
    found: list[Score] = []
    for score in sorted(scores, key=lambda s: s.end, reverse=True):
        if not found or score.end <= found[-1].start:
            found.append(score)
    return found[::-1]


def _of_champion(facts: Facts) -> list[Score]:
    """The latest revision of each window that was judged for the champion that serves now.

    A window that was compared with another version's reference says nothing of this one.
    """
    champion = facts.champion
    if champion is None:
        return [s for s in latest(facts.scores) if s.champion is None]
    own = f"{champion.id}:"
    return [
        s
        for s in latest(facts.scores)
        if s.champion == champion.version and s.reference and f"{s.reference}:".startswith(own)
    ]
