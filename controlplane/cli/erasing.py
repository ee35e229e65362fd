"""`leeboard erase`: everything that is stored of some ids."""

from pathlib import Path
from typing import Final

import click

from connectors.client import keeping, wire
from controlplane.cli import completing
from controlplane.cli.groups import examples
from controlplane.cli.outcome import cannot
from controlplane.cli.render import count
from controlplane.cli.terminal import Terminal, sure, talks

MOST: Final = 10_000
"""Ids of one call."""


@click.command("erase", epilog=examples(
    "leeboard erase bike-demand --id rider-1077 --reason 'letter of 3 May'",
    "leeboard erase bike-demand --ids erase-these.txt --yes",
    "leeboard compact          # their bytes leave the file",
))  # fmt: skip
@click.argument("model", shell_complete=completing.models)
@click.option("--id", "named", multiple=True, metavar="ID", help="An id; again for more.")
@click.option("--ids", type=click.Path(path_type=Path, dir_okay=False),
              help="A file with an id a line.")  # fmt: skip
@click.option("--reason", default="", help="Why; for the journal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks
def erase(
    terminal: Terminal, model: str, *, named: tuple[str, ...], ids: Path | None, reason: str,
    yes: bool,
) -> None:  # fmt: skip
    """Erase ids of a model: predictions, labels, scores, rejected rows, all that is stored of them.

    It cannot be undone. Rows with these ids that still come are refused. The journal keeps a hash
    of each id, when, and by whom. The bytes leave the server's file by themselves, or at once
    by `leeboard compact`; they stay in backups, and in what was trained on them.
    """
    wanted = [*named, *(_lines(ids) if ids else ())]
    if not wanted:
        raise click.UsageError("no id is named; expected --id ID or --ids FILE")
    sure(f"{count(len(wanted))} ids of {model} are erased for ever", yes=yes)
    done = [
        terminal.connection.ask(keeping.erase(model, wanted[first : first + MOST], reason=reason))
        for first in range(0, len(wanted), MOST)
    ]
    total = _added(model, done)
    rows = ", ".join(f"{count(rows)} {kind}" for kind, rows in total.rows.items()) or "no rows"
    said = f"erased {count(total.ids)} ids of {model}: {rows}"
    more = [f"{count(total.unknown)} had no rows, and are refused from now on"] * bool(
        total.unknown
    )
    more += [f"{count(total.repeated)} had been erased before"] * bool(total.repeated)
    terminal.answer(total, ["; ".join([said, *more])])


def _lines(path: Path) -> list[str]:
    """The ids of a file, a line each; blank ones are none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        cannot(f"{path} is no text in UTF-8; expected an id a line")
    return [line for line in lines if line.strip()]


def _added(model: str, done: list[wire.Erasure]) -> wire.Erasure:
    rows: dict[str, int] = {}
    for each in done:
        for kind, number in each.rows.items():
            rows[kind] = rows.get(kind, 0) + number
    return wire.Erasure(
        model=model, ids=sum(d.ids for d in done), unknown=sum(d.unknown for d in done),
        repeated=sum(d.repeated for d in done), rows=rows,
    )  # fmt: skip
