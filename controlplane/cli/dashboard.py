"""`leeboard tui`: the dashboard in this terminal."""

import sys

import click

EXAMPLES = """\b
Examples:
  leeboard tui
  leeboard tui --server http://127.0.0.1:8321
  leeboard tui --read-only
"""


@click.command("tui", epilog=EXAMPLES)
@click.option("--server", help="Address of the server; default: the one on this machine.")
@click.option("--token", envvar="LEEBOARD_TOKEN", help="Default: the token made for this user.")
@click.option("--read-only", is_flag=True, help="Watch only: no key changes anything.")
def tui(server: str | None, token: str | None, *, read_only: bool) -> None:
    """Watch the fleet, and steer it."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        message = (
            "the dashboard needs a terminal, and this is none; "
            "`leeboard status` tells the same in lines, `leeboard status --json` in JSON"
        )
        raise click.ClickException(message)
    from tui.app import main  # noqa: PLC0415 - Textual only where it is shown

    main(server, token, is_read_only=read_only)
