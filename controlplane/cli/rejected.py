"""`leeboard rejected`: rows that could not be stored; listed, counted, sent again."""

from typing import Final

import click

from connectors.client import keeping, wire
from controlplane.cli import completing
from controlplane.cli.groups import Listing, examples, limited
from controlplane.cli.render import Column, count, when
from controlplane.cli.terminal import Terminal, bad_news, talks

ROWS: Final = [
    Column("when"), Column("feed"), Column("again"), Column("reason", grows=True),
    Column("row", grows=True, spare=True),
]  # fmt: skip
REASONS: Final = [
    Column("rows", right=True), Column("resendable", right=True), Column("feed"),
    Column("reason", grows=True), Column("newest"),
]  # fmt: skip
FEEDS: Final = ["predictions", "labels", "kpis"]


@click.group("rejected", cls=Listing, epilog=examples(
    "leeboard rejected bike-demand --count",
    "leeboard rejected bike-demand --limit 5 --json | jq -r '.items[].text'",
    "leeboard rejected resend bike-demand",
))  # fmt: skip
def rejected() -> None:
    """Rows that could not be stored, kept with their reason and text: list, count, send again."""


@rejected.command("list", epilog=examples(
    "leeboard rejected bike-demand", "leeboard rejected bike-demand --count",
))  # fmt: skip
@click.argument("model", shell_complete=completing.models)
@click.option("--count", "counts", is_flag=True, help="How many, by feed and reason.")
@limited()
@talks
def list_rejected(terminal: Terminal, model: str, *, counts: bool, limit: int) -> None:
    """Rejected rows of a model, the newest first; or how many for which reason."""
    ask = terminal.connection.ask
    if counts:
        found = ask(keeping.rejected_counts(model))
        said = f"{count(found.rows)} rows, {count(found.resendable)} can be sent again"
        terminal.answer(found, [said])
        if not terminal.as_json and found.reasons:
            terminal.listing((found.reasons, False), REASONS, _reason, empty="")
        return
    terminal.listing(
        terminal.newest(lambda span: ask(keeping.rejected(model, span)), limit), ROWS, _row,
        empty=f"no row of {model} was rejected",
    )  # fmt: skip


@rejected.command("resend", epilog=examples(
    "leeboard rejected resend bike-demand",
    "leeboard rejected resend bike-demand --feed labels",
))  # fmt: skip
@click.argument("model", shell_complete=completing.models)
@click.option("--feed", type=click.Choice(FEEDS), help="Only rows of this feed.")
@talks
def resend(terminal: Terminal, model: str, *, feed: str | None) -> None:
    """Try rejected rows again, as if they came now; those that are stored leave the list.

    Do it once the model file or the schema is mended. What is rejected again stays, with the
    reason of now. Exit status 3 where some were.
    """
    done = terminal.connection.ask(keeping.resend(model, feed))
    said = f"sent {count(done.sent)} again: {count(done.accepted)} stored"
    more = [f"{count(done.duplicates)} were there already"] * bool(done.duplicates)
    more += [f"{count(done.rejected)} rejected again"] * bool(done.rejected)
    more += [f"{count(done.kept)} cannot be sent again, as their text is not whole"] * bool(
        done.kept
    )
    terminal.answer(done, ["; ".join([said, *more])])
    if done.rejected:
        bad_news()


def _row(row: wire.RejectedRow) -> tuple[str, ...]:
    again = "yes" if row.resendable else "no"
    return (when(row.known_at), row.feed, again, row.reason, row.text)


def _reason(row: wire.RejectedCount) -> tuple[str, ...]:
    return (count(row.rows), count(row.resendable), row.feed, row.reason, when(row.newest))
