"""Why a finding has its verdict: statistic against threshold, effect against floor; pure."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from textual.content import Content

from connectors.client import wire
from tui import palette
from tui.allowed import UNITS
from tui.format import count, interval, number, words
from tui.widgets.facts import Facts
from tui.widgets.verdict_badge import badge

BASES: Final = {
    "calibrated": "calibrated on the model's own windows, and paid from its false-alarm budget",
    "provisional": "provisional: few windows calibrate it, so that the budget may not be kept",
    "optimistic": "optimistic: calibrated on few days, which cannot know how days differ",
    "fixed": "set by hand in the model file: outside the budget, it may alarm at any rate",
    "hard": "a hard limit: an event that is outside the budget",
}
REASONS: Final = {
    "shown": "it judges nothing and costs nothing of the budget",
    "insufficient": "too few values to tell",
    "not_applicable": "such a column cannot be asked that",
    "degenerate": "it hardly varied between the windows of its reference",
    "uncalibrated": "no threshold: there are too few windows yet to calibrate one",
    "out_of_reach": "nothing that a window could hold would pass the threshold: the usual ones differ too much",
    "partial": "a part of a window, which whole ones cannot calibrate",
}


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """What the budget says of a finding's score: the least effect that alarms, and what shows."""

    least: float
    most: float
    """Levels have a floor each; `least` and `most` of them."""
    shows: str = ""
    """The least shift that one window shows, with its unit."""


def floor_of(finding: wire.Finding, budget: wire.Budget | None) -> Floor | None:
    """The floor of a finding, where the budget has its score."""
    if budget is None or finding.segment is not None:
        return None
    mine = [
        column for column in budget.columns
        if column.column == finding.column
        and (column.detector == finding.detector or column.detector.startswith(f"{finding.detector} of "))
    ]  # fmt: skip
    if not mine:
        return None
    floors = [column.floor for column in mine]
    shown = [column for column in mine if column.detectable is not None]
    shows = ""
    if shown and shown[0].detectable is not None:
        shows = UNITS.get(shown[0].unit, "{:.2g}").format(shown[0].detectable)
    return Floor(least=min(floors), most=max(floors), shows=shows)


def explained(finding: wire.Finding, budget: wire.Budget | None) -> Facts:
    """A finding's verdict and everything that it rests on."""
    floor = floor_of(finding, budget)
    of = f" within {finding.segment}" if finding.segment else ""
    return Facts(f"{words(finding.detector)}{of}", list(_lines(finding, floor)))


def _lines(f: wire.Finding, floor: Floor | None) -> Iterator[tuple[str, Content | str]]:
    is_shown = f.reason == "shown"
    said = Content.styled("shown only", palette.MUTED_TEXT) if is_shown else badge(f.verdict)
    why = because(f, floor)
    yield "verdict", Content.assemble(said, f": {why}" if why else "")
    if f.statistic is not None or f.threshold is not None:
        yield "statistic", _against(f)
    if f.effect is not None:
        yield "effect", _effect(f, floor)
    if f.basis is not None:
        yield "basis", BASES.get(f.basis, f.basis)
    if f.interval is not None:
        level = f"{f.interval.level:.0%}"
        yield "interval", f"{interval(f.interval.low, f.interval.high)} with {level}"
    if f.p_value is not None:
        yield "p", number(f.p_value)
    against = f" against {count(f.rows_reference)} of the reference" if f.rows_reference else ""
    yield "rows", f"{count(f.rows)}{against}"
    if floor is not None and floor.shows:
        yield "would show", f"a shift of {floor.shows}, in one window"


def because(f: wire.Finding, floor: Floor | None) -> str:
    """The verdict's reason, in a sentence.

    >>> because(wire.Finding(column="c", detector="a1", statistic=7.0, threshold=3.5,
    ...                      effect=0.01, verdict="passed"), Floor(least=0.1, most=0.1))
    'the statistic is above its threshold, but the effect is below its floor'
    """
    if f.reason is not None:
        return REASONS.get(f.reason, words(f.reason))
    if f.threshold is None:
        return ""
    if f.statistic is None:
        return "in its reference it took few values: p judges it, once it leaves all of them"
    if f.verdict == "failed":
        large = " and the effect is large enough to matter" if floor is not None else ""
        return f"the statistic is above its threshold{large}"
    return _within(f, f.statistic <= f.threshold, floor)


def _within(f: wire.Finding, is_within: bool, floor: Floor | None) -> str:  # noqa: FBT001
    """Why it did not fail."""
    if is_within:
        return "the statistic is within its threshold"
    if floor is not None and f.effect is not None and abs(f.effect) < floor.most:
        return "the statistic is above its threshold, but the effect is below its floor"
    return ""


def _against(f: wire.Finding) -> Content:
    threshold = "" if f.threshold is None else f" against threshold {number(f.threshold)}"
    return Content.assemble((number(f.statistic), palette.STRONG), f"{threshold}{_times(f)}")


def _times(f: wire.Finding) -> str:
    if f.statistic is None or not f.threshold or f.statistic <= f.threshold:
        return ""
    return f", {f.statistic / f.threshold:.3g} times as high"


def _effect(f: wire.Finding, floor: Floor | None) -> Content:
    parts = [f"{number(f.effect)}"]
    if floor is not None:
        low, high = number(floor.least), number(floor.most)
        parts.append(f"floor {low}" if low == high else f"floors {low} to {high}, a level each")
    return Content.assemble((parts[0], palette.STRONG), "".join(f", {p}" for p in parts[1:]))


def in_order(findings: Sequence[wire.Finding]) -> list[wire.Finding]:
    """What is judged, then what is only shown, then what is of segments."""
    return sorted(findings, key=lambda f: (f.segment is not None, f.reason == "shown"))
