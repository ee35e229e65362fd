"""`leeboard audit`: the hash-chained journal, and whether its chain holds."""

from typing import Final

import click
import msgspec

from connectors.client import wire
from controlplane.cli import completing
from controlplane.cli.groups import Listing, examples, limited
from controlplane.cli.render import Column, count, when
from controlplane.cli.terminal import Terminal, bad_news, talks

COLUMNS: Final = [
    Column("entry"), Column("when"), Column("model", spare=True), Column("kind"), Column("subject"),
    Column("by", spare=True), Column("facts", grows=True),
]  # fmt: skip


@click.group("audit", cls=Listing, epilog=examples(
    "leeboard audit verify",
    "leeboard audit --model bike-demand --limit 100",
))  # fmt: skip
def audit() -> None:
    """The journal of everything that was decided and done: list, verify."""


@audit.command("list", epilog=examples("leeboard audit --model bike-demand"))
@click.option("--model", shell_complete=completing.models, help="Only entries of this model.")
@limited()
@talks
def list_entries(terminal: Terminal, model: str | None, limit: int) -> None:
    """Entries of the journal, the newest first."""
    ask = terminal.connection
    terminal.listing(
        terminal.newest(lambda span: ask.audit(span, model=model), limit), COLUMNS, _line,
        empty="the journal is empty",
    )  # fmt: skip


@audit.command("verify", epilog=examples(
    "leeboard audit verify",
    "leeboard audit verify --json",
))  # fmt: skip
@talks
def verify(terminal: Terminal) -> None:
    """Reckon every hash of the journal again; exit status 3 where the chain is broken."""
    chain = terminal.connection.verify_audit()
    said = f"the chain holds: {count(chain.entries)} entries"
    if not chain.holds:
        said = (
            f"the chain is broken at entry {chain.broken_at} of {count(chain.entries)}: it or the "
            "one before was changed, removed or put in later; nothing from there on can be trusted"
        )
    terminal.answer(chain, [said])
    if not chain.holds:
        bad_news()


def _line(entry: wire.JournalEntry) -> tuple[str, ...]:
    return (
        entry.id.lstrip("0"), when(entry.at), entry.model, entry.kind.replace("_", " "),
        entry.subject, entry.by, msgspec.json.encode(entry.facts).decode(),
    )  # fmt: skip
