"""`leeboard causes`: why a window is as it is."""

import time
from collections.abc import Iterator
from typing import Final

import click

from connectors.client import calls, wire
from connectors.client.http import Connection
from connectors.client.problems import ServerSaid
from controlplane.cli import completing, render
from controlplane.cli.groups import examples
from controlplane.cli.render import Column, count, number
from controlplane.cli.terminal import Terminal, talks

PAUSE_SECONDS: Final = 0.5
HTTP_REFUSED: Final = 409
MOST_COLUMNS: Final = 10
"""Columns that are listed beside those that stand out."""
MOVED: Final = [
    Column("column", grows=True), Column("z", right=True), Column("p (Holm)", right=True),
    Column("share", right=True), Column("importance", right=True), Column(""),
]  # fmt: skip
SLICES: Final = [
    Column("slice", grows=True), Column("rows", right=True), Column("loss", right=True),
    Column("before", right=True), Column("gives", right=True), Column("by its share", right=True),
    Column("effect", right=True),
]  # fmt: skip


@click.command("causes", epilog=examples(
    "leeboard causes w_9f31a2c46be07d55   what moved, where it hurts, inputs or answers",
    "leeboard causes w_9f31a2c46be07d55 --importance   and ask the version what it depends on",
    "leeboard causes w_9f31a2c46be07d55 --json",
))  # fmt: skip
@click.argument("window", shell_complete=completing.anything)
@click.option("--importance", is_flag=True,
              help="Ask the version that served in the window how much it depends on each column, "
                   "unless it said so before: it scores a sample of the rows with one column after "
                   "the other shuffled, in a process of its own.")  # fmt: skip
@click.option("--wait", type=click.FloatRange(min=0), default=120.0, show_default=True,
              metavar="SECONDS",
              help="How long to wait for what it says; it goes on by itself after that.")  # fmt: skip
@talks
def causes(terminal: Terminal, window: str, *, importance: bool, wait: float) -> None:
    """Look for the causes of a window: what moved, where the loss rose, and whether other inputs
    or other answers to them made it change.

    Computed when it is asked for, from the stored rows. `leeboard why` names the windows that an
    alert or a decision rests on.
    """
    if importance:
        ask(terminal.connection, window, wait)
    found = terminal.connection.causes(window)
    terminal.answer(found, told(found))


def ask(connection: Connection, window: str, wait: float) -> None:
    """Have the version asked, and wait for its answer so long; the causes say what came of it.

    A version that cannot be asked is told on the error stream, and the causes go without.
    """
    until = time.monotonic() + wait
    try:
        found = connection.ask(calls.ask_importance(window))
    except ServerSaid as refused:
        if refused.status != HTTP_REFUSED:
            raise
        click.echo(str(refused), err=True)
        return
    while found.state == "asked" and time.monotonic() < until:
        time.sleep(PAUSE_SECONDS)
        found = connection.ask(calls.importance(window))


def told(found: wire.Causes) -> Iterator[str]:
    """The causes in a terminal."""
    yield render.heading(
        f"{found.model} {found.version or ''}: {render.when(found.start)} to {render.when(found.end)}"
    )
    yield from _loss(found)
    yield from _moved(found)
    yield from _slices(found)
    for note in found.notes:
        yield ""
        yield from render.wrapped(note)


def _loss(found: wire.Causes) -> Iterator[str]:
    if found.loss is None or found.loss_reference is None:
        return
    kind = "expected " if found.expected else ""
    yield (
        f"{kind}{found.metric} {number(found.loss)} over {count(found.rows)} rows; before "
        f"{number(found.loss_reference)} over {count(found.rows_reference)}"
    )
    credit = found.credit
    if credit is None:
        return
    if credit.reason is not None:
        yield from render.wrapped(f"inputs or answers: {credit.reason}")
        return
    yield (
        f"of the change of {number(credit.change)}: {number(credit.inputs)} by other inputs, "
        f"{number(credit.answers)} by other answers to them "
        f"(weighted rows worth {credit.effective:.0%})"
    )


def _moved(found: wire.Causes) -> Iterator[str]:
    yield ""
    yield render.heading("What moved")
    if not found.moved:
        yield "  no column was compared"
        return
    shown = [row for at, row in enumerate(found.moved) if row.stands_out or at < MOST_COLUMNS]
    rows = [
        (
            row.column, number(row.z), number(row.p_value), f"{row.share:.0%}",
            render.NOTHING if row.importance is None else f"{row.importance:.0%}",
            click.style("stands out", fg="yellow") if row.stands_out else "",
        )
        for row in shown
    ]  # fmt: skip
    yield from render.table(MOVED, rows, width=render.width())
    if len(shown) < len(found.moved):
        yield f"  and {len(found.moved) - len(shown)} more that moved less"


def _slices(found: wire.Causes) -> Iterator[str]:
    if found.loss is None:
        return
    yield ""
    yield render.heading("Where it hurts")
    if not found.slices:
        yield "  no slice in which the loss rose more than in the rest of the window"
        return
    rows = [
        (
            each.slice, count(each.rows), number(each.loss), number(each.loss_reference),
            number(each.within), number(each.mix), number(each.effect),
        )
        for each in found.slices
    ]  # fmt: skip
    yield from render.table(SLICES, rows, width=render.width())
