"""Groups of commands whose first word may be left out: `leeboard runs MODEL` lists."""

from collections.abc import Callable
from typing import Any, Final

import click
from click.shell_completion import CompletionItem
from typing_extensions import override

DEFAULT: Final = "list"
HELP: Final = frozenset({"-h", "--help"})


class Listing(click.Group):
    """A group whose command `list` is meant where none is named."""

    def __init__(self, **told: Any) -> None:  # noqa: ANN401 - as click makes groups
        super().__init__(subcommand_metavar=f"[{DEFAULT}] … | COMMAND …", **told)

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` in front unless a command or help is asked for."""
        asked_by_tab = not args and ctx.resilient_parsing
        if not asked_by_tab and (not args or args[0] not in {*self.commands, *HELP}):
            self._refuse_a_slip(ctx, args)
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    @override
    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands, and what could come first where the word `list` is left out."""
        listing = self.commands[DEFAULT]
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            return found + listing.shell_complete(ctx, incomplete)
        first = [param for param in listing.params if isinstance(param, click.Argument)][:1]
        return found + [item for param in first for item in param.shell_complete(ctx, incomplete)]

    def _refuse_a_slip(self, ctx: click.Context, args: list[str]) -> None:
        """A word beside others that is nearly a command was meant as one."""
        if len(args) > 1 and not args[0].startswith("-") and not args[1].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - only to mend a mistake

            near = get_close_matches(args[0], self.commands, n=1)
            if near:
                name = ctx.info_name
                ctx.fail(f"there is no `{name} {args[0]}`; did you mean `{name} {near[0]}`?")


def examples(*lines: str) -> str:
    """The end of a command's help.

    >>> examples("leeboard status")
    '\\x08\\nExamples:\\n  leeboard status'
    """
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def limited(most: int = 30) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option of lists: how many of the newest."""
    return click.option(
        "--limit", type=click.IntRange(1, 100_000), default=most, show_default=True,
        help="How many, the newest first.",
    )  # fmt: skip
