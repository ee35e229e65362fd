"""A policy back to the words of a model file: as plain values, and as the text of a first file."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from controlplane.domain.policy import (
    Drift,
    Margin,
    Monitors,
    Policy,
    Reference,
    Route,
    Segment,
    Trial,
    Trigger,
    TriggerKind,
)
from controlplane.policy.durations import in_words
from controlplane.policy.tree import Place, Scalar

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value]"
Maybe: TypeAlias = "Value | None"
_APPROVAL: Final = {True: "required", False: "none"}
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.%/-]*( [A-Za-z0-9_.%/-]+)*")


def document(policy: Policy) -> dict[str, Value]:
    """All that a model file could say of this policy; what data or the server decide is left out.

    Parsed again (as JSON, say), it gives the same policy.
    """
    whole: dict[str, Maybe] = {
        "model": policy.model,
        "task": str(policy.task),
        "trainer": policy.trainer or "none",
        "features": {column.name: str(column.kind) for column in policy.features}
        if policy.features
        else None,
        "prediction": policy.prediction,
        "score": _scores(policy),
        "label": _label(policy),
        "segments": [_segment(segment) for segment in policy.segments],
        "time_zone": policy.time_zone,
        "windows": _windows(policy),
        "reference": _reference(policy.reference),
        "false_alarms": _per(policy.false_alarms.count, policy.false_alarms.period),
        "monitors": _monitors(policy.monitors),
        "retrain": _retrain(policy),
        "trial": _trial(policy.trial),
        "promote": {"when": policy.promote.when, "approval": _APPROVAL[policy.promote.approval]},
        "guard": {
            "for": in_words(policy.guard.period),
            "margin": _margin(policy.guard.margin),
            "then": policy.guard.then,
        },
        "alerts": [_route(route) for route in policy.alerts],
        "dry_run": policy.dry_run,
    }
    return _said(whole)


def _said(values: dict[str, Maybe]) -> dict[str, Value]:
    return {key: value for key, value in values.items() if value is not None}


def _scores(policy: Policy) -> Maybe:
    if isinstance(policy.scores, str):
        return policy.scores
    columns: dict[str, Value] = {**policy.scores}
    return columns or None


def _label(policy: Policy) -> dict[str, Value]:
    label = policy.label
    return _said(
        {
            "column": label.column,
            "positive": label.positive,
            "delay": in_words(label.delay),
            "selective": label.selective,
        }
    )


def _segment(segment: Segment) -> Value:
    if segment.where is None and segment.column == segment.name:
        return segment.name
    return _said({"name": segment.name, "column": segment.column, "where": segment.where})


def _windows(policy: Policy) -> dict[str, Value]:
    windows = policy.windows
    return _said(
        {
            "every": _length(windows.every),
            "span": _length(windows.span),
            "rows": windows.rows,
            "lateness": _length(windows.lateness),
        }
    )


def _reference(reference: Reference) -> Value:
    match reference.kind:
        case "fixed":
            return _said({"from": _moment(reference.start), "to": _moment(reference.end)})
        case "trailing":
            return _said({"trailing": _length(reference.trailing)})
        case "season":
            return _said({"season": _length(reference.season), "periods": reference.periods})
        case _:
            return reference.kind


def _monitors(monitors: Monitors) -> dict[str, Value]:
    drift, performance, stream = monitors.drift, monitors.performance, monitors.stream
    kpis: dict[str, Value] = {name: {"direction": to} for name, to in monitors.kpis.items()}
    return _said(
        {
            "drift": _drift(drift) if drift else None,
            "quality": {} if monitors.quality else None,
            "performance": {"metric": performance.metric, "estimate": performance.estimate}
            if performance
            else None,
            "stream": {"detector": stream.detector, "on": stream.on, **dict(stream.params)}
            if stream
            else None,
            "kpis": kpis or None,
        }
    )


def _drift(drift: Drift) -> dict[str, Value]:
    thresholds: dict[str, Value] = {**drift.thresholds}
    return _said(
        {
            "columns": "all" if drift.columns is None else [*drift.columns],
            "minimum_effect": drift.minimum_effect,
            "thresholds": thresholds or None,
            "detectors": [*drift.detectors] or None,
        }
    )


def _retrain(policy: Policy) -> dict[str, Value]:
    retrain = policy.retrain
    return _said(
        {
            "when": [trigger_words(trigger) for trigger in retrain.when],
            "cooldown": _length(retrain.cooldown),
            "at_most": _per(retrain.at_most.count, retrain.at_most.period),
            "data": {"last": in_words(retrain.last)} if retrain.last else None,
            "approval": _APPROVAL[retrain.approval],
        }
    )


def trigger_words(trigger: Trigger) -> dict[str, Value]:
    """A trigger as a line of `retrain.when`."""
    words: Value
    match trigger.kind:
        case TriggerKind.WORSE_BY:
            return {"performance": {"worse_by": _percent(trigger.amount)}}
        case TriggerKind.WORSE_THAN:
            return {"performance": {"worse_than": trigger.amount}}
        case TriggerKind.DRIFT:
            count = "1 window" if trigger.windows == 1 else f"{trigger.windows} windows"
            words = {"share": trigger.amount, "for": count}
        case TriggerKind.STREAM:
            words = {}
        case TriggerKind.NEW_LABELS:
            words = int(trigger.amount)
        case TriggerKind.AGE:
            words = in_words(trigger.age or timedelta(0))
        case TriggerKind.SCHEDULE | TriggerKind.MESSAGE:
            words = trigger.text
    return {str(trigger.kind): words}


def _trial(trial: Trial) -> dict[str, Value]:
    return {
        "mode": trial.mode,
        "metric": trial.metric,
        "gain": trial.gain,
        "margin": _margin(trial.margin),
        "hold_out": in_words(trial.hold_out),
        "confidence": trial.confidence,
        "stop": _said({"age": in_words(trial.stop_age), "rows": trial.stop_rows}),
        "unit": trial.unit,
    }


def _route(route: Route) -> dict[str, Value]:
    return {"to": route.to, "from": route.severity, "group_by": [*route.group_by]}


def _length(length: timedelta | None) -> str | None:
    return None if length is None else in_words(length)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _margin(margin: Margin) -> Value:
    return _percent(margin.share or 0.0) if margin.absolute is None else margin.absolute


def _percent(portion: float) -> str:
    return f"{(Decimal(repr(portion)) * 100).normalize():f}%"


def _per(count: float, period: timedelta) -> str:
    figure = int(count) if float(count).is_integer() else count
    return f"{figure} per {in_words(period)}"


def flow(value: Value) -> str:
    """A value on one line of YAML.

    >>> flow({"to": "ops", "group_by": ["model", "a: b"], "n": 2})
    '{to: ops, group_by: [model, "a: b"], n: 2}'
    """
    match value:
        case dict():
            return "{" + ", ".join(f"{quoted(k)}: {flow(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(flow(item) for item in value) + "]"
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case _:
            return repr(value)


def quoted(text: str) -> str:
    """A text as YAML reads it back as that text, in quotes only where it needs them.

    >>> quoted("two words"), quoted("7"), quoted("true"), quoted("a: b")
    ('two words', '"7"', '"true"', '"a: b"')
    """
    scalar = Scalar(place=Place(1, 1), text=text)
    if _PLAIN.fullmatch(text) and isinstance(scalar.value, str):
        return text
    return msgspec.json.encode(text).decode()
