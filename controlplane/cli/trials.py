"""`leeboard trials`: candidates against the champion."""

from collections.abc import Iterator
from typing import Final

import click

from connectors.client import wire
from controlplane.cli import completing, render
from controlplane.cli.groups import Listing, examples, limited
from controlplane.cli.render import Column, badge, bounded, count, number, when
from controlplane.cli.terminal import Terminal, talks

COLUMNS: Final = [
    Column("trial"), Column("verdict"), Column("candidate"), Column("champion", spare=True), Column("opened", spare=True),
    Column("days", right=True, spare=True), Column("rows", right=True, spare=True), Column("gain"),
    Column("says", grows=True),
]  # fmt: skip
COMPARES: Final = {
    "days": "the means of days",
    "rows": "rows; the means of days where these differ by more than their rows, or resemble each other",
}
POINTS: Final = [
    Column("day"), Column("days", right=True), Column("count as", right=True),
    Column("rows", right=True), Column("gain"), Column("by"),
]  # fmt: skip


@click.group("trials", cls=Listing, epilog=examples(
    "leeboard trials bike-demand",
    "leeboard trials show t_76e1e86a218b2539",
    "leeboard trials start bike-demand v7",
))  # fmt: skip
def trials() -> None:
    """Trials of candidates against the champion: list, show, start."""


@trials.command("list", epilog=examples("leeboard trials bike-demand --limit 5"))
@click.argument("model", shell_complete=completing.models)
@limited()
@talks
def list_trials(terminal: Terminal, model: str, limit: int) -> None:
    """The trials of a model, the newest first. A gain above zero: the candidate is better."""
    terminal.listing(
        terminal.newest(lambda span: terminal.connection.trials(model, span), limit), COLUMNS,
        _line,
        empty=f"no version of {model} was tried yet: `leeboard trials start {model} VERSION`",
    )  # fmt: skip


@trials.command("show", epilog=examples("leeboard trials show t_76e1e86a218b2539"))
@click.argument("trial", shell_complete=completing.trials)
@talks
def show_trial(terminal: Terminal, trial: str) -> None:
    """One trial, with its confidence sequence day by day."""
    found = terminal.connection.trial(trial)
    terminal.answer(found, _sheet(found))


@trials.command("start", epilog=examples("leeboard trials start bike-demand v7"))
@click.argument("model", shell_complete=completing.models)
@click.argument("version", shell_complete=completing.versions)
@talks
def start(terminal: Terminal, model: str, version: str) -> None:
    """Put a registered version on trial against the champion."""
    found = terminal.connection.open_trial(model, version)
    terminal.answer(found, [
        f"trial {found.id}: {found.candidate} against {found.champion} by {found.metric}",
        f"leeboard trials show {found.id}    shows how it goes",
    ])  # fmt: skip


def _verdict(trial: wire.Trial) -> str:
    return badge(trial.verdict or trial.state)


def _line(trial: wire.Trial) -> tuple[str, ...]:
    return (
        trial.id, _verdict(trial), trial.candidate, trial.champion, when(trial.opened_at),
        str(trial.blocks), count(trial.rows), bounded(trial.difference, trial.low, trial.high),
        trial.says,
    )  # fmt: skip


def _sheet(trial: wire.Trial) -> Iterator[str]:
    name = f"{trial.candidate} against {trial.champion}"
    yield render.heading(f"{trial.id}  {trial.model}: {name}  {_verdict(trial)}")
    yield from render.fields((
        ("opened", when(trial.opened_at)),
        ("ended", when(trial.ended_at)),
        ("rows", f"{count(trial.rows)} of {trial.blocks} closed days from {when(trial.start)}"),
        (trial.metric, (f"{trial.champion} {number(trial.loss_champion)}, {trial.candidate} "
                       f"{number(trial.loss_candidate)}")),
        ("gain", bounded(trial.difference, trial.low, trial.high)),
        ("compares", COMPARES.get(trial.unit, trial.unit)),
        ("stops", f"undecided after {trial.stop_blocks} days"),
        ("says", trial.says),
    ))  # fmt: skip
    if trial.series:
        yield ""
        points = [
            (
                when(p.at),
                str(p.blocks),
                str(p.blocks if p.worth is None else p.worth),
                count(p.rows),
                bounded(p.difference, p.low, p.high),
                p.unit,
            )
            for p in trial.series
        ]
        yield from render.table(POINTS, points)
    yield f"leeboard why {trial.id}    tells what led to it and what came of it"
