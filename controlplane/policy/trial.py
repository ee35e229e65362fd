"""How a candidate is tried, promoted and watched: `trial`, `promote` and `guard`."""

from datetime import timedelta
from typing import Final

from controlplane.domain.policy import Guard, Margin, Promote, Trial
from controlplane.domain.trials import FEWEST_BLOCKS, FULL_WEEK
from controlplane.policy.defaults import default_loss
from controlplane.policy.faults import Wrong, nearest, one_of
from controlplane.policy.fields import (
    Reader,
    choice,
    duration,
    margin,
    number,
    percent,
    plain,
    text,
    whole,
)
from controlplane.policy.metrics import GREATEST_LOSS, METRICS, Outputs
from controlplane.policy.section import Section
from controlplane.policy.tree import Node

_MODES: Final = ("replay", "shadow", "canary")
_SHORTEST: Final = timedelta(days=FEWEST_BLOCKS)
_WHY: Final = f"since nothing can be told from fewer than {FEWEST_BLOCKS} closed label days"
_LONG_ENOUGH: Final = duration(least=_SHORTEST, why=_WHY)
"""A duration in which a trial or a guard can come to an end."""
_LONG_ENOUGH_BY_ROWS: Final = duration(
    least=timedelta(days=FULL_WEEK),
    why=f"since nothing is proved before {FULL_WEEK} closed label days",
)
"""The same of a trial that compares rows."""
_LEAST_CONFIDENCE: Final = 0.5
_MOST_CONFIDENCE: Final = 0.9999
_CONFIDENCE: Final = "a share above 0.5 and below 1, such as 0.95"


def read_trial(top: Section, outputs: Outputs) -> Trial:
    """How a candidate is tried against the champion."""
    section = top.section("trial")
    standard = Trial(metric=default_loss(outputs))
    mode = section.read("mode", choice(*_MODES), default=standard.mode)
    if mode != standard.mode:
        section.refuse("mode", f"this version does not do {mode} trials yet; expected replay")
    unit = section.read("unit", choice("days", "rows"), default=standard.unit)
    long_enough = _LONG_ENOUGH if unit == standard.unit else _LONG_ENOUGH_BY_ROWS
    metric = section.read("metric", loss(outputs), default=standard.metric)
    age, rows = _stop(section, long_enough)
    trial = Trial(
        mode=mode,
        metric=metric,
        gain=section.read("gain", _gain(metric), default=standard.gain),
        margin=section.read("margin", margin_of(metric), default=standard.margin),
        hold_out=section.read("hold_out", long_enough, default=standard.hold_out),
        confidence=section.read("confidence", confidence, default=standard.confidence),
        stop_age=age,
        stop_rows=rows,
        unit=unit,
    )
    section.close()
    return trial


def _stop(trial: Section, long_enough: Reader[timedelta]) -> tuple[timedelta, int | None]:
    section = trial.section("stop")
    age = section.read("age", long_enough, default=Trial(metric="").stop_age)
    rows = section.read("rows", whole("a whole number of rows"), default=None)
    section.close()
    return age, rows


def loss(outputs: Outputs) -> Reader[str]:
    """A loss that every row has by itself, so that two versions can be compared row by row."""
    allowed = outputs.losses
    expected = f"a loss that every row has by itself, {one_of(allowed)}{outputs.words}"

    def read(node: Node) -> str:
        found = text(expected)(node)
        if found in allowed:
            return found
        instead = "error" if found in METRICS and "error" in allowed else None
        raise Wrong(expected, nearest(found, allowed) or instead)

    return read


def _gain(metric: str) -> Reader[float]:
    high = GREATEST_LOSS.get(metric, 1e300)
    bound = f" to {high:g}" if metric in GREATEST_LOSS else " or above"
    return number(f"a number in the loss's own units, 0{bound}", low=0, high=high)


def margin_of(metric: str) -> Reader[Margin]:
    """A margin in the units of this loss."""
    return margin(absolute_below=GREATEST_LOSS.get(metric))


def confidence(node: Node) -> float:
    """A share in (0.5, 1), written `0.95` or `95%`."""
    found = plain(node, _CONFIDENCE)
    found = found if (portion := percent(found)) is None else portion
    if isinstance(found, bool | str) or found is None:
        raise Wrong(_CONFIDENCE)
    if not _LEAST_CONFIDENCE < found <= _MOST_CONFIDENCE:
        meant = f"{found / 100:g}" if _LEAST_CONFIDENCE < found / 100 < 1 else None
        raise Wrong(_CONFIDENCE, meant)
    return float(found)


def read_promote(top: Section) -> Promote:
    """Which verdict promotes, and whether somebody is asked."""
    section = top.section("promote")
    promote = Promote(
        when=section.read("when", choice("better", "not_worse"), default="better"),
        approval=section.read("approval", choice("none", "required"), default="none") == "required",
    )
    section.close()
    return promote


def read_guard(top: Section, trial: Trial) -> Guard:
    """The watch after a promotion."""
    section = top.section("guard")
    standard = Guard()
    guard = Guard(
        period=section.read("for", _LONG_ENOUGH, default=standard.period),
        margin=section.read("margin", margin_of(trial.metric), default=standard.margin),
        then=section.read("then", choice("rollback"), default=standard.then),
    )
    section.close()
    return guard
