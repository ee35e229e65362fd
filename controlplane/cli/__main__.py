"""`leeboard`: the commands by name; a command's module is imported when it is called."""

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click
from click.shell_completion import CompletionItem
from typing_extensions import override

from controlplane import __version__

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("controlplane.cli.replaying:demo", "The whole loop on bundled data."),
    "serve": ("controlplane.cli.serve:serve", "Run the server."),
    "tui": ("controlplane.cli.dashboard:tui", "The dashboard."),
    "replay": ("controlplane.cli.replaying:replay_command", "A file of history through the loop."),
    "init": ("controlplane.cli.starting:init", "A commented model file out of a data file."),
    "compare": ("controlplane.cli.compare.command:compare", "Drift between two files."),
    "validate": ("controlplane.cli.checking:validate", "Check model files."),
    "schema": ("controlplane.cli.checking:schema", "JSON Schema of model files, for editors."),
    "plan": ("controlplane.cli.applying:plan", "What applying a model file would change."),
    "apply": ("controlplane.cli.applying:apply", "Apply a model file."),
    "log": ("controlplane.cli.sending:log", "Send predictions, labels or a reference from a file."),
    "rehearse": (
        "controlplane.cli.rehearsing:rehearse",
        "What a model's monitors find of drifts sown into its own rows.",
    ),
    "profile": (
        "controlplane.cli.profiling.command:profile",
        "What is kept of data files in place of their rows: write, merge, show.",
    ),
    "status": ("controlplane.cli.status:status", "The fleet, or one model."),
    "why": (
        "controlplane.cli.why.command:why",
        "A decision, alert or version told from its evidence.",
    ),
    "causes": (
        "controlplane.cli.causing:causes",
        "Why a window is as it is: what moved, where it hurts, what made the loss change.",
    ),
    "versions": (
        "controlplane.cli.versions:versions",
        "What was trained: list, show, promote, register.",
    ),
    "rollback": ("controlplane.cli.versions:rollback", "Take the champion back."),
    "runs": ("controlplane.cli.runs:runs", "Training: list, show, start, cancel, log, resume."),
    "trials": (
        "controlplane.cli.trials:trials",
        "Candidates against the champion: list, show, start.",
    ),
    "decisions": ("controlplane.cli.decisions:decisions", "List, show, approve, reject."),
    "budget": (
        "controlplane.cli.budget:budget",
        "False alarms allowed, thresholds and what they rest on; recalibrate.",
    ),
    "alerts": ("controlplane.cli.alerts:alerts", "List, show, acknowledge."),
    "deliveries": ("controlplane.cli.alerts:deliveries", "Messages to receivers: list, retry."),
    "token": ("controlplane.cli.tokens:token", "Who may ask what: list, create, revoke, init."),
    "erase": ("controlplane.cli.erasing:erase", "Everything that is stored of some ids."),
    "rejected": ("controlplane.cli.rejected:rejected", "Rows not stored: list, count, resend."),
    "backup": ("controlplane.cli.backup:backup", "A running server's store, proved, in a folder."),
    "restore": ("controlplane.cli.backup:restore", "A backup into an empty data folder."),
    "space": ("controlplane.cli.backup:space", "What the server's file takes."),
    "compact": ("controlplane.cli.backup:compact", "The file without what was deleted."),
    "audit": ("controlplane.cli.audit:audit", "The journal: list, verify."),
}
"""Name to where the command is, and the line that the list of commands shows."""
INTERRUPTED: Final = 130
"""The exit status after Ctrl-C."""


class Lazy(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    @override
    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:  # fmt: skip
        """Without colour where NO_COLOR is set; else as click finds the output."""
        if os.environ.get("NO_COLOR"):
            extra["color"] = False
        return super().make_context(info_name, args, parent, **extra)

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
    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names from the table, so that a Tab imports no command."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=line)
            for name, (_, line) in COMMANDS.items()
            if name.startswith(incomplete)
        ]

    @override
    def invoke(self, ctx: click.Context) -> object:
        """Run the command; Ctrl-C ends it quietly with the status that shells expect, and a file
        that cannot be read or written is a sentence. A pipe that closes is click's to end."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from None

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
