"""When training is asked for: the `retrain` section of a model file."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from croniter import croniter
from croniter.croniter import CroniterError

from controlplane.domain.policy import AtMost, Monitors, Retrain, Trigger, TriggerKind
from controlplane.policy.defaults import DRIFT_SHARE, DRIFT_WINDOWS, default_when
from controlplane.policy.faults import Faults, Wrong, one_of
from controlplane.policy.fields import (
    NOTHING,
    choice,
    duration,
    number,
    per_period,
    plain,
    share,
    text,
    whole,
)
from controlplane.policy.metrics import METRICS
from controlplane.policy.section import Section
from controlplane.policy.tree import Mapping, Node, Scalar, Sequence

_WINDOWS: Final = "a number of windows such as 2 windows"
_CRON: Final = (
    "five fields of cron (minute, hour, day, month, weekday) that some day fits, such as 0 3 * * 1"
)
_MOST_TRIGGERS: Final = 100
_MOST_WINDOWS: Final = 1000
_MOST_WORSE: Final = 10.0
"""Ten times the reference loss on top of it; beyond that 20 was written for 20%."""


def read_retrain(top: Section, monitors: Monitors) -> Retrain:
    """When training is asked for, how often at most, on which rows."""
    section = top.section("retrain")
    when = _when(section, monitors)
    cooldown = section.read("cooldown", duration(least=NOTHING), default=None)
    standard = AtMost()
    count, period = section.read(
        "at_most",
        per_period(low=1, only_whole=True),
        default=(float(standard.count), standard.period),
    )
    data = section.section("data")
    last = data.read("last", duration(), default=None)
    data.close()
    approval = section.read("approval", choice("none", "required"), default="none")
    section.close()
    return Retrain(
        when=when,
        cooldown=cooldown,
        at_most=AtMost(int(count), period),
        last=last,
        approval=approval == "required",
    )


def _when(section: Section, monitors: Monitors) -> tuple[Trigger, ...]:
    expected = "a list of triggers, such as - drift: {share: 0.3, for: 2 windows}"
    items = section.items("when", expected=expected)
    if not items:
        written = section.node("when")
        return () if isinstance(written, Sequence) else default_when(monitors)
    if len(items) > _MOST_TRIGGERS:
        node, path = items[_MOST_TRIGGERS]
        section.faults.wrong(node, path, f"at most {_MOST_TRIGGERS} triggers")
    read = (
        _trigger(node, path, monitors=monitors, faults=section.faults)
        for node, path in items[:_MOST_TRIGGERS]
    )
    return tuple(trigger for trigger in read if trigger is not None)


def _trigger(node: Node, path: str, *, monitors: Monitors, faults: Faults) -> Trigger | None:
    if isinstance(node, Scalar) and node.text in TRIGGERS:
        faults.wrong(node, path, "a trigger with its values", meant=f"{node.text}: …")
        return None
    if not isinstance(node, Mapping) or len(node.entries) != 1:
        faults.wrong(node, path, f"one key a line, {one_of(TRIGGERS)}")
        return None
    section = Section(node, path, faults=faults)
    [name] = node.entries
    if name not in TRIGGERS:
        for known in TRIGGERS:
            section.node(known)
        section.close()
        return None
    off = name in {"performance", "drift", "stream"} and getattr(monitors, name) is None
    if off:
        message = f"needs the monitor {name}, which `monitors` leaves out; expected it there"
        faults.add(node.entries[name].key.place, section.under(name), message)
    return TRIGGERS[name](section, monitors)


def _performance(line: Section, monitors: Monitors) -> Trigger | None:
    section = line.section("performance")
    by = section.read("worse_by", share("a share such as 20%", high=_MOST_WORSE), default=None)
    metric = monitors.performance.metric if monitors.performance else "bias"
    bounds = METRICS[metric]
    reader = number(f"{bounds.bounds} for {metric}", low=bounds.low, high=bounds.high)
    than = section.read("worse_than", reader, default=None)
    if section.has("worse_by") == section.has("worse_than"):
        found = "both worse_by and worse_than" if section.has("worse_by") else "no condition"
        expected = "expected one of worse_by and worse_than (two triggers are two lines)"
        line.faults.add(section.place, section.path, f"has {found}; {expected}")
    section.close()
    if by is not None:
        return Trigger(kind=TriggerKind.WORSE_BY, amount=by)
    return None if than is None else Trigger(kind=TriggerKind.WORSE_THAN, amount=than)


def _drift(line: Section, _monitors: Monitors) -> Trigger:
    section = line.section("drift")
    trigger = Trigger(
        kind=TriggerKind.DRIFT,
        amount=section.read("share", share("a share between 0 and 1"), default=DRIFT_SHARE),
        windows=section.read("for", _windows, default=DRIFT_WINDOWS),
    )
    section.close()
    return trigger


def _windows(node: Node) -> int:
    found = str(plain(node, _WINDOWS))
    match = re.fullmatch(r"([0-9]{1,6})(\s+windows?)?", found)
    if match is None or not 1 <= int(match[1]) <= _MOST_WINDOWS:
        raise Wrong(_WINDOWS)
    return int(match[1])


def _stream(line: Section, _monitors: Monitors) -> Trigger:
    line.section("stream").close()
    return Trigger(kind=TriggerKind.STREAM)


def _schedule(line: Section, _monitors: Monitors) -> Trigger:
    return Trigger(kind=TriggerKind.SCHEDULE, text=line.read("schedule", cron, default=""))


def cron(node: Node) -> str:
    """Five fields of cron, in the model's time zone, that come round at all."""
    found = " ".join(text(_CRON)(node).split())
    if not re.fullmatch(r"[0-9A-Za-z*,/-]{1,60}( [0-9A-Za-z*,/-]{1,60}){4}", found):
        raise Wrong(_CRON)
    try:
        croniter(found, datetime(2024, 1, 1)).get_next(datetime)  # noqa: DTZ001
    except (CroniterError, ValueError, KeyError):
        raise Wrong(_CRON) from None
    return found


def _new_labels(line: Section, _monitors: Monitors) -> Trigger:
    amount = line.read("new_labels", whole("a whole number of labels"), default=1)
    return Trigger(kind=TriggerKind.NEW_LABELS, amount=float(amount))


def _age(line: Section, _monitors: Monitors) -> Trigger:
    return Trigger(kind=TriggerKind.AGE, age=line.read("age", duration(), default=None))


def _message(line: Section, _monitors: Monitors) -> Trigger:
    return Trigger(kind=TriggerKind.MESSAGE, text=line.read("trigger", message_name, default=""))


def message_name(node: Node) -> str:
    """The name of a message that another system posts; it stands in an address."""
    expected = "a name of letters, digits, '.', '_' and '-', such as features-rebuilt"
    found = text(expected)(node)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", found):
        raise Wrong(expected, re.sub(r"[^A-Za-z0-9]+", "-", found).strip("-")[:63] or None)
    return found


TRIGGERS: Final[dict[str, Callable[[Section, Monitors], Trigger | None]]] = {
    "performance": _performance,
    "drift": _drift,
    "stream": _stream,
    "schedule": _schedule,
    "new_labels": _new_labels,
    "age": _age,
    "trigger": _message,
}
