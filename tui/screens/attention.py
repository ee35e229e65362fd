"""What of a model wants attention, the gravest first, each with the place where it is shown."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from textual.content import Content
from textual.style import Style

from connectors.client import wire
from tui import palette
from tui.format import count, day, interval, number, signed, words
from tui.messages import Place
from tui.resting import missing
from tui.widgets.verdict_badge import severity

GRAVITY: Final = ("critical", "warning", "info")
GAUGE: Final = 12


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """One thing, and where there is more of it."""

    sign: Content
    says: Content
    place: Place | None = None


def concerns(
    detail: wire.ModelDetail, decisions: Sequence[wire.Decision],
    windows: Sequence[wire.Window] = (),
) -> list[Concern]:  # fmt: skip
    """All of them; `windows` may be a few of the newest."""
    return [
        *_stops(detail),
        *_waiting(decisions),
        *_alerts(detail),
        *_work(detail),
        *_held(detail, decisions),
        *_conditions(detail),
        *_missing(detail, windows),
    ]


def _concern(sign: str, style: Style, says: str, place: Place | None = None) -> Concern:
    return Concern(sign=Content.styled(sign, style), says=Content(says), place=place)


def _stops(detail: wire.ModelDetail) -> Iterator[Concern]:
    place = Place(kind="runs", model=detail.name)
    if detail.summary.frozen:
        yield _concern("■ stopped", palette.BAD_TEXT, f"{detail.summary.frozen}; G says go")
    if detail.summary.retraining_stopped:
        says = f"{detail.summary.retraining_stopped}; G says go"
        yield _concern("■ no retraining", palette.BAD_TEXT, says, place)


def _waiting(decisions: Sequence[wire.Decision]) -> Iterator[Concern]:
    for decision in decisions:
        if decision.state == "awaiting_approval":
            place = Place(kind="decision", model=decision.model, id=decision.id)
            yield _concern("◇ approval", palette.WARM_TEXT, f"asked: {decision.says}", place)


def _alerts(detail: wire.ModelDetail) -> Iterator[Concern]:
    by_gravity = sorted(
        detail.open_alerts,
        key=lambda a: GRAVITY.index(a.severity) if a.severity in GRAVITY else len(GRAVITY),
    )
    for alert in by_gravity:
        seen = f" ({alert.acknowledged_by} looks at it)" if alert.acknowledged_by else ""
        yield Concern(
            sign=severity(alert.severity, f"{words(alert.condition)}"),
            says=Content(f"{alert.summary}{seen}"),
            place=Place(kind="alert", model=detail.name, id=alert.id),
        )


def _work(detail: wire.ModelDetail) -> Iterator[Concern]:
    trial, guard, run = detail.trial, detail.guard, detail.run
    if trial is not None:
        gain = f"{signed(trial.difference)} {interval(trial.low, trial.high)}".strip()
        says = (
            f"gain {gain} in {trial.metric}, day {trial.blocks} of {trial.stop_blocks}, "
            f"{count(trial.rows)} rows"
        )
        place = Place(kind="trial", model=detail.name, id=trial.id)
        yield _concern(f"▸ trial of {trial.candidate}", palette.ACCENT_TEXT, says, place)
    if guard is not None:
        says = (
            f"{gauge(guard.level, guard.threshold)} {number(guard.level)} of "
            f"{number(guard.threshold)}, {count(guard.rows)} rows, until {day(guard.until, timed=detail.timed)}"
        )
        place = Place(kind="version", model=detail.name, id=guard.version)
        yield _concern(f"▸ guard over {guard.version}", palette.ACCENT_TEXT, says, place)
    if run is not None:
        says = f"{words(run.state)} since {day(run.requested_at, timed=detail.timed)}, {count(run.rows)} rows"
        place = Place(kind="run", model=detail.name, id=run.id)
        yield _concern("▸ training", palette.ACCENT_TEXT, says, place)


def gauge(level: float, threshold: float) -> str:
    """How near a guard is to a rollback.

    >>> gauge(2.0, 4.0)
    '▐██████······▌'
    """
    full = round(GAUGE * min(max(level / threshold, 0.0), 1.0)) if threshold else 0
    return f"▐{'█' * full}{'·' * (GAUGE - full)}▌"


def _held(detail: wire.ModelDetail, decisions: Sequence[wire.Decision]) -> Iterator[Concern]:
    """The newest answer to a trigger, where it was to hold."""
    newest = next((d for d in decisions if d.kind in {"hold", "retrain"}), None)
    if newest is not None and newest.kind == "hold":
        place = Place(kind="decision", model=detail.name, id=newest.id)
        yield _concern("◆ held", palette.WARM_TEXT, newest.says, place)


def _conditions(detail: wire.ModelDetail) -> Iterator[Concern]:
    for condition in detail.conditions:
        if condition.holds:
            place = None
            if condition.window is not None:
                place = Place(kind="window", model=detail.name, id=condition.window)
            yield _concern(f"◆ {words(condition.name)}", palette.WARM_TEXT, condition.says, place)


def _missing(detail: wire.ModelDetail, windows: Sequence[wire.Window]) -> Iterator[Concern]:
    """Verdicts that cannot be given yet, each with the date from which on they can."""
    place = Place(kind="budget", model=detail.name)
    for note in missing(windows):
        yield _concern("▹ not yet", palette.BLUE_TEXT, note, place)
