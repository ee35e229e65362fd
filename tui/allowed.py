"""The false-alarm budget in words and figures: pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from textual.content import Content
from textual.style import Style

from connectors.client import wire
from tui import palette
from tui.format import NOTHING, count, date, number, plural, share, words
from tui.widgets.columns import Column
from tui.widgets.facts import Facts
from tui.widgets.table import Row

COLUMNS: Final = (
    Column(title="column", most=24),
    Column(title="score", is_flexible=True, least=14),
    Column(title="effect must reach", is_right=True),
    Column(title="one window shows", is_right=True),
    Column(title="usual", is_right=True, rank=2),
    Column(title="windows", is_right=True, rank=3),
    Column(title="family", rank=4),
    Column(title="but", rank=1, most=24),
)
UNITS: Final = {"sd": "{:.2g} sd", "share": "{:.1%}", "relative": "{:.0%}"}
BUT: Final = {"degenerate": "hardly varied", "insufficient": "too few windows"}
BASES: Final = {
    "calibrated": palette.GOOD_TEXT,
    "provisional": palette.WARM_TEXT,
    "optimistic": palette.WARM_TEXT,
}


def period(budget: wire.Budget) -> str:
    """The time for which the budget is.

    >>> period(wire.Budget(model="m", period_seconds=7776000.0))
    '90 days'
    """
    days = budget.period_seconds / 86400
    return "day" if days == 1 else f"{days:g} days"


def broken(budget: wire.Budget) -> Content | None:
    """The line that a budget which was not kept shows above everything else."""
    kept = budget.audit
    if kept is None or not kept.is_broken:
        return None
    return Content.assemble(
        ("■ The budget is broken: ", palette.BAD_TEXT),
        ((f"{number(kept.low)} to {number(kept.high)} false alarms per {period(budget)}, "
         f"{budget.count:g} allowed. "), palette.TEXT),
        (f"leeboard budget recalibrate {budget.model}", palette.ACCENT_TEXT),
        (" adds the windows of the false ones to the calibration.", palette.TEXT),
    )  # fmt: skip


def sheet(budget: wire.Budget, missing: Sequence[str], *, timed: bool) -> list[Facts]:
    """All of it but the columns; `missing` are sentences on what cannot be judged yet."""
    waits = [("", Content.styled(one, palette.WARM_TEXT)) for one in missing]
    return [
        Facts("", list(_promise(budget, timed=timed))),
        Facts("Not judged yet", waits),
        *(_family(budget, family) for family in budget.families),
        Facts("Outside the budget", [
            (detector, f"above {number(height)}, set by hand: it may cost any number of alarms")
            for detector, height in budget.fixed.items()
        ]),
    ]  # fmt: skip


def _promise(budget: wire.Budget, *, timed: bool) -> Iterator[tuple[str, Content | str]]:
    some = "false alarm" if budget.count == 1 else "false alarms"
    allowed = f"{budget.count:g} {some} per {period(budget)}"
    yield (
        "allowed",
        Content.assemble(
            (allowed, palette.STRONG),
            f", over all columns, detectors and its {number(budget.windows_a_period)} windows together",
        ),
    )
    yield (
        "expected",
        (
            f"{number(budget.predicted)} at most: thresholds are made for {share(budget.safety)} of it, "
            "since they come from few windows"
        ),
    )
    calibration = plural(budget.calibration_windows, "window")
    of = f" of {budget.version}'s reference" if budget.version else ""
    added = ""
    if budget.confirmed_windows:
        at = date(budget.recalibrated_at, timed=timed)
        added = f"; {budget.confirmed_windows} of them added by hand, {at}"
    yield "rests on", f"{calibration}{of}{added}" if budget.version else "no reference yet"
    yield "kept", _kept(budget, timed=timed)


def _kept(budget: wire.Budget, *, timed: bool) -> Content | str:
    """What operators said of the alerts, and what that says of the budget."""
    kept = budget.audit
    if kept is None:
        return "nothing to tell yet"
    alerts = f"{plural(kept.alerts, 'alert')} since {date(kept.since, timed=timed)}"
    judged = kept.true_alarms + kept.false_alarms
    if not kept.alerts:
        return f"{alerts}: nothing to judge"
    if not judged:
        return f"{alerts}, none judged: A on an alert says whether it was a true or a false one"
    style = palette.BAD_TEXT if kept.is_broken else palette.GOOD_TEXT
    sign = "■ no" if kept.is_broken else "● yes"
    return Content.assemble(
        (sign, style),
        f", {alerts}: {kept.true_alarms} true, {kept.false_alarms} false, {kept.unjudged} not "
        f"judged; {number(kept.low)} to {number(kept.high)} false ones per {period(budget)}",
    )


def _family(budget: wire.Budget, family: wire.BudgetFamily) -> Facts:
    """A family's share and threshold, what they rest on, and what its streams cost."""
    lines: list[tuple[str, Content | str]] = [
        ("may cost", (f"{number(family.alarms_allowed)} per {period(budget)}; "
                     f"each window alarms with probability {number(family.alpha)}")),
    ]  # fmt: skip
    if family.threshold is not None:
        lines.append(("threshold", _height(family)))
        counted = _counted(family.windows, family.counted_as)
        lines.append(("windows", f"{counted}, {_compared(family)}"))
    elif family.needs:
        lines.append(("missing", Content.styled(
            f"{plural(family.needs, 'calibration window')}, there are {family.windows}",
            palette.WARM_TEXT,
        )))  # fmt: skip
    lines += [
        (line.detector.replace("_", "-"), (f"{number(line.alarms)} measured on the model's own past "
                                          f"rows, of {number(line.share * budget.count)} allowed"))
        for line in budget.ledger
        if line.family == family.family and line.is_measured
    ]  # fmt: skip
    lines.append(("", Content.styled(family.says, palette.MUTED_TEXT)))
    return Facts(f"{words(family.family)}  {share(family.share)}", lines)


def _height(family: wire.BudgetFamily) -> Content:
    basis = family.basis or NOTHING
    style: Style = BASES.get(basis, palette.MUTED_TEXT)
    parts: list[str | tuple[str, Style]] = [f"{number(family.threshold)} sd, ", (basis, style)]
    if family.conformal is not None:
        agrees = "it agrees" if family.trustworthy else "■ too low: expect more alarms than allowed"
        style = palette.MUTED_TEXT if family.trustworthy else palette.BAD_TEXT
        parts += [f"; by order alone {number(family.conformal)}, ", (agrees, style)]
    return Content.assemble(*parts)


def _counted(windows: int, counted_as: int) -> str:
    """How many windows, and as how many they count where they resemble each other."""
    told = count(windows)
    return f"{told} as {count(counted_as)}" if 0 < counted_as < windows else told


def _compared(family: wire.BudgetFamily) -> str:
    if family.mode == "matched" and family.season:
        return f"each compared with those of the same {family.season}"
    return "compared with the whole reference (pooled)"


def row(position: int, column: wire.BudgetColumn) -> Row:
    """A line of the table of columns."""
    name = "all rows" if column.column == "*" else column.column
    shows = "none that was tried" if column.reason is None else NOTHING
    if column.detectable is not None:
        shows = UNITS.get(column.unit, "{:.2g}").format(column.detectable)
    return Row(
        key=str(position),
        cells=(
            Content.styled(name, palette.STRONG),
            Content(words(column.detector)),
            Content(number(column.floor)),
            Content.styled(shows, palette.TEXT if column.detectable else palette.MUTED_TEXT),
            Content.styled(number(column.usual), palette.MUTED_TEXT),
            Content.styled(_counted(column.windows, column.counted_as), palette.MUTED_TEXT),
            Content.styled(words(column.family), palette.MUTED_TEXT),
            Content.styled(BUT.get(column.reason or "", column.reason or ""), palette.MUTED_TEXT),
        ),
    )
