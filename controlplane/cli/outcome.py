"""How a command ends and what it says, for those that talk to no server and for those that do."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NoReturn

import click
import msgspec

BAD_NEWS: Final = 3
"""The exit status of a question that was answered, badly."""


def cannot(message: str) -> NoReturn:
    """End: it could not be done."""
    raise click.ClickException(message)


def bad_news() -> NoReturn:
    """End: it was done, and the answer is bad news."""
    click.get_current_context().exit(BAD_NEWS)


def spare(output: Path | None, inputs: Iterable[Path]) -> None:
    """Raise UsageError where writing the output would overwrite one of the inputs, by whatever name."""
    if output is None or not output.exists():
        return
    for path in inputs:
        if path.exists() and output.samefile(path):
            message = (
                f"{output} is {path} itself, which would be overwritten; name another file to write"
            )
            raise click.UsageError(message)


def say(line: str) -> None:
    """A line on standard error."""
    click.echo(line, err=True)


def put(document: object) -> None:
    """One JSON document on standard output."""
    click.echo(msgspec.json.encode(document).decode())


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean …?`, or nothing where no name is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - only to mend a mistake

    near = get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""
