"""Two policies to the list of changes that a person reads before applying the second."""

from typing import Final

from controlplane.domain.policy import Policy, TriggerKind
from controlplane.policy.defaults import policy_of
from controlplane.policy.writing import Maybe, Value, document, flow

_LEFT_OUT: Final = {
    "features": "from the first reference or rows",
    "label.positive": "from the data",
    "windows.every": "from the data",
    "windows.lateness": "a tenth of a window",
    "retrain.cooldown": "two windows, at least 7d",
    "retrain.data": "as long as the first training span",
    "monitors.drift": "off",
    "monitors.drift.detectors": "none further",
    "monitors.quality": "off",
    "monitors.performance": "off",
    "monitors.stream": "off",
}
"""What holds where a policy leaves a value to the data or the server."""


def changes_between(before: Policy | None, after: Policy) -> tuple[str, ...]:
    """What applying `after` changes, a line a change, in the order of a model file.

    Where there is nothing yet, the first line says so and the others are what differs from the
    defaults. Nothing to do is an empty list.
    """
    if before is None:
        opened = f"new model {after.model}: {after.task}, label {after.label.column}"
        plainest = policy_of(after.model, after.task, after.label.column)
        return (opened, *_changes("", document(plainest), document(after)))
    return tuple(_changes("", document(before), document(after)))


def not_yet(policy: Policy) -> tuple[str, ...]:
    """What a policy asks for that this version does not do, or does without promise, a line each."""
    said = []
    if policy.monitors.drift is not None and policy.monitors.drift.thresholds:
        named = ", ".join(policy.monitors.drift.thresholds)
        said.append(
            f"monitors.drift.thresholds: {named} set by hand is judged beside the false-alarm "
            "budget, which knows nothing of how often it alarms"
        )
    if policy.monitors.kpis:
        said.append("monitors.kpis: shown with what was sent, but this version judges none of them")
    said += [
        f"retrain.when: trigger {trigger.text}: kept, but this version takes no messages yet"
        for trigger in policy.retrain.when
        if trigger.kind is TriggerKind.MESSAGE
    ]
    return tuple(said)


def _changes(path: str, before: Maybe, after: Maybe) -> list[str]:
    if path == "features":
        return _features(before, after)
    if before == after and path:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        found: list[str] = []
        for key in {**before, **after}:
            under = f"{path}.{key}" if path else key
            found += _changes(under, before.get(key), after.get(key))
        return found
    if isinstance(before, list) and isinstance(after, list) and _is_set(path):
        return _lines(path, before, after)
    return [f"{path}: {_words(path, before)} → {_words(path, after)}"]


def _is_set(path: str) -> bool:
    return path in {"segments", "retrain.when", "alerts"}


def _lines(path: str, before: list[Value], after: list[Value]) -> list[str]:
    removed = [f"{path}: removed {flow(line)}" for line in before if line not in after]
    added = [f"{path}: added {flow(line)}" for line in after if line not in before]
    return removed + added or [f"{path}: {flow(before)} → {flow(after)}"]


def _features(before: Maybe, after: Maybe) -> list[str]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        told = f"features: {_counted(before)} → {_counted(after)}"
        return [] if before == after else [told]
    found = []
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if new is None:
            found.append(f"features.{name}: removed")
        elif old is None:
            found.append(f"features.{name}: added, {new}")
        elif old != new:
            found.append(f"features.{name}: {old} → {new}")
    if not found and list(before) != list(after):
        found.append("features: another order")
    return found


def _counted(features: Maybe) -> str:
    if not isinstance(features, dict):
        return _LEFT_OUT["features"]
    return f"{len(features)} declared"


def _words(path: str, value: Maybe) -> str:
    return _LEFT_OUT.get(path, "none") if value is None else flow(value)
