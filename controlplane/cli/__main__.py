"""`leeboard`: the commands by name; a command's module is imported when it is called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click
from typing_extensions import override

from controlplane import __version__

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("controlplane.cli.replaying:demo", "The whole loop on bundled data."),
    "serve": ("controlplane.cli.serve:serve", "Run the server."),
    "tui": ("controlplane.cli.dashboard:tui", "The dashboard."),
    "replay": ("controlplane.cli.replaying:replay_command", "A file of history through the loop."),
}
"""Name to where the command is, and the line that the list of commands shows."""


class Lazy(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, with nothing imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for one that is not there, name the nearest."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - only needed to mend a mistake

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            ctx.fail(f"there is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="leeboard")
def main() -> None:
    """Watch machine-learning models, retrain them, try the new version, take it back.

    \b
    leeboard demo                  the whole loop on bundled data
    leeboard serve                 the server
    leeboard COMMAND --help        more about a command, with examples

    Tab completion for bash (zsh and fish likewise):

    \b
    eval "$(_LEEBOARD_COMPLETE=bash_source leeboard)"
    """


if __name__ == "__main__":
    main()
