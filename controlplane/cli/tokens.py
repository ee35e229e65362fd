"""`leeboard token`: who may ask the server what; made, listed, revoked."""

import os
from pathlib import Path
from typing import Final

import click

from connectors.client import tokens as calls
from connectors.client import wire
from controlplane.api.owner import TOKEN_FILE, owner_token
from controlplane.cli import completing, render
from controlplane.cli.groups import Listing, examples, limited
from controlplane.cli.outcome import cannot, put
from controlplane.cli.render import Column, badge, when
from controlplane.cli.terminal import Terminal, sure, talks
from controlplane.domain.errors import LeeboardError
from controlplane.settings import default_data

SCOPES: Final = ["ingest", "read", "operate", "admin"]
TOKENS: Final = [
    Column("token"), Column("state"), Column("scopes"), Column("models", grows=True), Column("used on"),
    Column("ends"), Column("made", spare=True), Column("by", spare=True),
]  # fmt: skip


@click.group("token", cls=Listing, epilog=examples(
    "leeboard token create serving --scope ingest --model bike-demand",
    "leeboard token create grafana --scope read --expires 90d",
    "leeboard token",
    "leeboard token revoke serving",
))  # fmt: skip
def token() -> None:
    """Tokens: list, create, revoke; and the owner's, before a first start.

    Whoever makes tokens needs the scope `admin`, as the owner's token has it.
    """


@token.command("list", epilog=examples("leeboard token --json"))
@limited()
@talks
def list_tokens(terminal: Terminal, limit: int) -> None:
    """The tokens that were given out, the newest first."""
    ask = terminal.connection.ask
    terminal.listing(
        terminal.newest(lambda span: ask(calls.tokens(span)), limit), TOKENS, _row,
        empty="no token yet beside the owner's: `leeboard token create NAME --scope …` makes one",
    )  # fmt: skip


@token.command("create", epilog=examples(
    "leeboard token create serving --scope ingest --model bike-demand",
    "LEEBOARD_TOKEN=$(leeboard token create ci --scope read --scope operate --expires 12w)",
))  # fmt: skip
@click.argument("name")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True,
              help="What it may be used for; again for more.")  # fmt: skip
@click.option("--model", "models", multiple=True, shell_complete=completing.models,
              help="Which model it is for; again for more; default all.")  # fmt: skip
@click.option("--expires", metavar="TIME", help="After how long it ends, as 90d; default never.")
@talks
def create(
    terminal: Terminal, name: str, *, scopes: tuple[str, ...], models: tuple[str, ...],
    expires: str | None,
) -> None:  # fmt: skip
    """Make a token. Its text is printed now and kept nowhere."""
    made = terminal.connection.ask(
        calls.create(name, scopes, models=models or None, lifetime=expires)
    )
    whose = "all models" if made.models is None else ", ".join(made.models)
    until = "" if made.expires_at is None else f", until {when(made.expires_at)}"
    terminal.say(
        f"{made.name} may {', '.join(made.scopes)} for {whose}{until}; its text, only now:"
    )
    terminal.answer(made, [made.token or "told before"])


@token.command("revoke", epilog=examples("leeboard token revoke serving --yes"))
@click.argument("name", shell_complete=completing.tokens)
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks
def revoke(terminal: Terminal, name: str, *, yes: bool) -> None:
    """Let a token open nothing from now on."""
    sure(f"whoever uses the token {name} is turned away from now on", yes=yes)
    gone = terminal.connection.ask(calls.revoke(name))
    said = f"{gone.name} is revoked since {when(gone.revoked_at)} by {gone.revoked_by}"
    terminal.answer(gone, [said])


@token.command("init", epilog=examples(
    "leeboard token init --data ./board", "leeboard serve --data ./board --host 0.0.0.0",
))  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path, file_okay=False),
              help="The server's folder; default as of `leeboard serve`.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def init(data: Path | None, *, as_json: bool) -> None:
    """The owner's token of a folder, made where there is none; no server is asked.

    A server that other machines can reach does not start before there is one.
    """
    folder = (data or default_data(os.environ)).expanduser().absolute()
    try:
        text = owner_token(folder)
    except LeeboardError as error:
        cannot(str(error))
    if as_json:
        put({"path": str(folder / TOKEN_FILE), "token": text})
    else:
        click.echo(text)


def _row(found: wire.Token) -> tuple[str, ...]:
    return (
        found.name, badge(found.state), ", ".join(found.scopes),
        "all" if found.models is None else ", ".join(found.models),
        render.NOTHING if found.used_on is None else found.used_on.isoformat(),
        "never" if found.expires_at is None else when(found.expires_at), when(found.made_at),
        found.made_by,
    )  # fmt: skip
