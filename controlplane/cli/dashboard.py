"""`leeboard tui`: the dashboard in this terminal."""

import click


@click.command(
    "tui", epilog="\b\nExamples:\n  leeboard tui\n  leeboard tui --server http://127.0.0.1:8321"
)
@click.option("--server", help="Address of the server; default: the one on this machine.")
@click.option("--token", envvar="LEEBOARD_TOKEN", help="Default: the token made for this user.")
def tui(server: str | None, token: str | None) -> None:
    """Watch the fleet."""
    from tui.app import main  # noqa: PLC0415 - Textual only where it is shown

    main(server, token)
