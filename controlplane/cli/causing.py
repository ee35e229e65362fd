"""`leeboard causes`: why a window is as it is."""

from collections.abc import Iterator
from typing import Final

import click

from connectors.client import wire
from controlplane.cli import completing, render
from controlplane.cli.groups import examples
from controlplane.cli.render import Column, count, number
from controlplane.cli.terminal import Terminal, talks

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
    "leeboard causes w_9f31a2c46be07d55 --json",
))  # fmt: skip
@click.argument("window", shell_complete=completing.anything)
@talks
def causes(terminal: Terminal, window: str) -> None:
    """Look for the causes of a window: what moved, where the loss rose, and whether other inputs
    or other answers to them made it change.

    Computed when it is asked for, from the stored rows. `leeboard why` names the windows that an
    alert or a decision rests on.
    """
    found = terminal.connection.causes(window)
    terminal.answer(found, told(found))


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
