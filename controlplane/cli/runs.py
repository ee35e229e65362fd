"""`leeboard runs`: training runs, their logs, and the operator's go after three failures."""

import sys
import time
from collections.abc import Iterator
from typing import Final

import click

from connectors.client import wire
from controlplane.cli import completing, render
from controlplane.cli.groups import Listing, examples, limited
from controlplane.cli.render import Column, badge, count, lasting, when
from controlplane.cli.terminal import Terminal, cannot, put, talks

COLUMNS: Final = [
    Column("run"), Column("state"), Column("requested"), Column("version"), Column("triggers", spare=True),
    Column("rows", right=True, spare=True), Column("took", right=True, spare=True), Column("reason", grows=True),
]  # fmt: skip
ENDED: Final = frozenset({"succeeded", "failed", "cancelled", "timed_out", "vanished"})
PAUSE: Final = 0.5
"""Seconds between two looks at a log that is followed."""


@click.group("runs", cls=Listing, epilog=examples(
    "leeboard runs bike-demand",
    "leeboard runs start bike-demand --reason 'new sensors since Monday'",
    "leeboard runs log r_0a23ac8a7fa52ba3 --follow",
    "leeboard runs resume bike-demand",
))  # fmt: skip
def runs() -> None:
    """Training runs: list, show, start, cancel, log, and resume after three failures."""


@runs.command("list", epilog=examples("leeboard runs bike-demand --limit 5"))
@click.argument("model", shell_complete=completing.models)
@limited()
@talks
def list_runs(terminal: Terminal, model: str, limit: int) -> None:
    """The training runs of a model, the newest first."""
    terminal.listing(
        terminal.newest(lambda span: terminal.connection.runs(model, span), limit), COLUMNS, _line,
        empty=f"{model} was never trained here: `leeboard runs start {model}` asks for a run",
    )  # fmt: skip


@runs.command("show", epilog=examples("leeboard runs show r_0a23ac8a7fa52ba3"))
@click.argument("run", shell_complete=completing.runs)
@talks
def show_run(terminal: Terminal, run: str) -> None:
    """One training run."""
    found = terminal.connection.run(run)
    terminal.answer(found, _sheet(found))


@runs.command("start", epilog=examples(
    "leeboard runs start bike-demand --reason 'new sensors since Monday'"
))  # fmt: skip
@click.argument("model", shell_complete=completing.models)
@click.option("--reason", default="", help="Why; it is kept in the journal.")
@talks
def start(terminal: Terminal, model: str, reason: str) -> None:
    """Ask for a training run now. One run, trial or guard at a time."""
    found = terminal.connection.start_run(model, reason=reason or "asked for by hand")
    terminal.answer(found, [
        f"run {found.id} of {model} is {badge(found.state)}",
        f"leeboard runs log {found.id} --follow    shows what it prints",
    ])  # fmt: skip


@runs.command("cancel", epilog=examples("leeboard runs cancel r_0a23ac8a7fa52ba3"))
@click.argument("run", shell_complete=completing.runs)
@talks
def cancel(terminal: Terminal, run: str) -> None:
    """End a run that is not finished; the champion stays."""
    found = terminal.connection.cancel_run(run)
    terminal.answer(found, [f"run {found.id} of {found.model} is {badge(found.state)}"])


@runs.command("resume", epilog=examples("leeboard runs resume bike-demand"))
@click.argument("model", shell_complete=completing.models)
@talks
def resume(terminal: Terminal, model: str) -> None:
    """Say go after three failed runs in a row had stopped the retraining of a model."""
    found = terminal.connection.resume(model)
    terminal.answer(found, [f"{model} may retrain again; it is {found.activity}"])


@runs.command("log", epilog=examples(
    "leeboard runs log r_0a23ac8a7fa52ba3",
    "leeboard runs log r_0a23ac8a7fa52ba3 --follow",
))  # fmt: skip
@click.argument("run", shell_complete=completing.runs)
@click.option("--follow", "-f", is_flag=True, help="Go on until the run has ended.")
@talks
def log(terminal: Terminal, run: str, *, follow: bool) -> None:
    """What a run printed."""
    if terminal.as_json and follow:
        raise click.UsageError("--json gives one document, and --follow has no end; leave one away")
    terminal.connection.run(run)
    if terminal.as_json:
        text = b"".join(_printed(terminal, run, follow=False))
        put({"run": run, "log": text.decode(errors="replace")})
        return
    nothing = True
    for part in _printed(terminal, run, follow=follow):
        nothing = False
        sys.stdout.write(part.decode(errors="replace"))
        sys.stdout.flush()
    if nothing:
        terminal.say(f"run {run} has printed nothing")
    if follow and (found := terminal.connection.run(run)).state != "succeeded":
        cannot(
            f"run {run} has {found.state.replace('_', ' ')}: {found.reason or 'no reason given'}"
        )


def _printed(terminal: Terminal, run: str, *, follow: bool) -> Iterator[bytes]:
    """The log, part by part; followed, until the run has ended and nothing more comes."""
    offset = 0
    while True:
        ended = not follow or terminal.connection.run(run).state in ENDED
        while part := terminal.connection.run_log(run, offset):
            offset += len(part)
            yield part
        if ended:
            return
        time.sleep(PAUSE)


def _line(run: wire.Run) -> tuple[str, ...]:
    return (
        run.id, badge(run.state), when(run.requested_at), run.version or render.NOTHING,
        ", ".join(run.triggers), count(run.rows), lasting(run.seconds), run.reason or "",
    )  # fmt: skip


def _sheet(run: wire.Run) -> Iterator[str]:
    yield render.heading(f"{run.id}  {run.model}  {badge(run.state)}")
    yield from render.fields((
        ("requested", when(run.requested_at)),
        ("finished", when(run.finished_at)),
        ("took", lasting(run.seconds)),
        ("trainer", run.trainer),
        ("triggers", ", ".join(run.triggers)),
        ("rows", count(run.rows)),
        ("data", f"{when(run.data_from)} to {when(run.data_to)}"),
        ("version", run.version or ""),
        ("reason", run.reason or ""),
    ))  # fmt: skip
    yield f"leeboard why {run.id}    tells what asked for it and what came of it"
