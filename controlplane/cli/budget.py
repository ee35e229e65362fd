"""`leeboard budget`: how many false alarms are allowed, and how every threshold follows from it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import click

from connectors.client import wire
from controlplane.cli import completing, render
from controlplane.cli.groups import Listing, examples
from controlplane.cli.render import Column, badge, count, number, when
from controlplane.cli.terminal import Terminal, talks

FAMILIES: Final = [
    Column("family"), Column("share", right=True), Column("false alarms", right=True),
    Column("a window", right=True, spare=True), Column("threshold", right=True), Column("rests on", grows=True),
]  # fmt: skip
COLUMNS: Final = [
    Column("column"), Column("score"), Column("must reach", right=True),
    Column("one window shows", right=True), Column("windows", right=True, spare=True), Column("but", grows=True),
]  # fmt: skip
UNITS: Final = {"sd": "{:.2g} sd", "share": "{:.1%}", "relative": "{:.0%}"}


@click.group("budget", cls=Listing, epilog=examples(
    "leeboard budget bike-demand",
    "leeboard budget bike-demand --columns",
    "leeboard budget recalibrate bike-demand",
))  # fmt: skip
def budget() -> None:
    """The false-alarm budget: thresholds and what they rest on; recalibrate."""


@budget.command("list", epilog=examples("leeboard budget bike-demand --columns"))
@click.argument("model", shell_complete=completing.models)
@click.option("--columns", is_flag=True, help="Every column: what alarms, and what would be seen.")
@talks
def show_budget(terminal: Terminal, model: str, columns: bool) -> None:  # noqa: FBT001 - a flag of click
    """How many false alarms are allowed, where thresholds come from, and whether it was kept."""
    found = terminal.connection.budget(model)
    terminal.answer(found, _sheet(found, with_columns=columns))


@budget.command("recalibrate", epilog=examples(
    "leeboard budget recalibrate bike-demand",
    "leeboard budget recalibrate bike-demand w_0a1b2c3d4e5f6a7b",
))  # fmt: skip
@click.argument("model", shell_complete=completing.models)
@click.argument("windows", nargs=-1)
@talks
def recalibrate(terminal: Terminal, model: str, windows: tuple[str, ...]) -> None:
    """Make thresholds anew, with windows added in which nothing was wrong.

    WINDOWS that you vouch for; none named: those whose alerts were judged, and all of them false
    (`leeboard alerts acknowledge ID --false-alarm`).
    """
    found = terminal.connection.recalibrate(model, windows)
    told = (
        f"{found.confirmed_windows} windows that you vouch for calibrate {model} beside its "
        "reference; the next window is judged by the new thresholds"
    )
    terminal.answer(found, [told])


def _sheet(found: wire.Budget, *, with_columns: bool) -> Iterator[str]:
    days = timedelta(seconds=found.period_seconds) / timedelta(days=1)
    yield render.heading(f"{found.model}  {found.count:g} false alarms per {days:g} days")
    yield from render.wrapped(
        f"Over all columns, detectors and windows together, of which there are "
        f"{found.windows_a_period:.3g} in {days:g} days. Thresholds are designed for "
        f"{found.safety:.0%} of it, since they come from few windows: {found.predicted:.2g} are "
        "expected at most.", indent="",
    )  # fmt: skip
    yield ""
    yield from render.table(FAMILIES, map(_family, found.families), width=render.width())
    yield ""
    for family in found.families:
        yield from render.wrapped(f"{family.family}: {family.says}", indent="")
    yield from _measured(found)
    yield from _by_hand(found)
    yield from _audit(found, days)
    if with_columns:
        yield ""
        yield from render.table(COLUMNS, map(_column, found.columns), width=render.width())
    elif found.columns:
        yield f"leeboard budget {found.model} --columns    what each column must reach"


def _family(family: wire.BudgetFamily) -> tuple[str, ...]:
    rests = f"{_counted(family.windows, family.counted_as)} windows"
    if family.basis is not None:
        rests += f", {family.basis}, {family.season or family.mode}"
    return (
        family.family, f"{family.share:.0%}", number(family.alarms_allowed),
        number(family.alpha), number(family.threshold), rests,
    )  # fmt: skip


def _counted(windows: int, counted_as: int) -> str:
    """How many windows, and as how many they count where they resemble each other."""
    return f"{windows} as {counted_as}" if 0 < counted_as < windows else str(windows)


def _measured(found: wire.Budget) -> Iterator[str]:
    for line in found.ledger:
        if line.says:
            yield from render.wrapped(f"{line.family}: {line.says}", indent="")


def _by_hand(found: wire.Budget) -> Iterator[str]:
    for detector, threshold in found.fixed.items():
        yield f"{detector} > {threshold:g} is set by hand: outside the budget, it may cost any number"
    if found.confirmed_windows:
        yield (f"{found.confirmed_windows} windows were added to the calibration by hand, "
               f"{when(found.recalibrated_at)}")  # fmt: skip


def _audit(found: wire.Budget, days: float) -> Iterator[str]:
    kept = found.audit
    if kept is None:
        return
    yield ""
    told = f"{count(kept.alerts)} alerts since {when(kept.since)}"
    judged = kept.true_alarms + kept.false_alarms
    if not judged:
        yield f"{told}, none judged yet: leeboard alerts acknowledge ID --false-alarm or --true-alarm"
        return
    yield (f"{told}: {kept.true_alarms} true, {kept.false_alarms} false, {kept.unjudged} not judged; "
           f"{kept.low:.2g} to {kept.high:.2g} false alarms per {days:g} days")  # fmt: skip
    if kept.is_broken:
        yield (f"{badge('failed')}: the budget is broken. leeboard budget recalibrate "
               f"{found.model} adds the windows of false alarms to the calibration")  # fmt: skip


def _column(column: wire.BudgetColumn) -> tuple[str, ...]:
    seen = render.NOTHING
    if column.detectable is not None:
        seen = UNITS.get(column.unit, "{:.2g}").format(column.detectable)
    return (
        column.column, column.detector, number(column.floor), seen,
        _counted(column.windows, column.counted_as),
        column.reason or "",
    )  # fmt: skip
