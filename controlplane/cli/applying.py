"""`leeboard plan` and `leeboard apply`: what a model file would change, and changing it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import yaml

from connectors.client import wire
from connectors.client.problems import ServerSaid
from controlplane.cli.groups import examples
from controlplane.cli.terminal import Terminal, cannot, say, talks

FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
LARGEST: Final = 256 * 1024
"""Bytes of a model file."""


@click.command(
    "plan", epilog=examples("leeboard plan bikes.yaml", "leeboard plan bikes.yaml --json")
)
@click.argument("file", type=FILE)
@talks
def plan(terminal: Terminal, file: Path) -> None:
    """Show what applying a model file would change."""
    found = _sent(terminal, file, dry_run=True)
    terminal.answer(found, _changes(found))


@click.command("apply", epilog=examples(
    "leeboard apply bikes.yaml",
    "leeboard apply bikes.yaml --dry-run",
))  # fmt: skip
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Only say what would change, as `leeboard plan`.")
@talks
def apply(terminal: Terminal, file: Path, *, dry_run: bool) -> None:
    """Apply a model file: make the model, or its next generation.

    Applying the same file again changes nothing.
    """
    found = _sent(terminal, file, dry_run=dry_run)
    terminal.answer(found, _changes(found))


def _sent(terminal: Terminal, file: Path, *, dry_run: bool) -> wire.Plan:
    """The server's answer; what it finds wrong is told with the file's lines."""
    text = _text(file)
    try:
        return terminal.connection.apply(_model(file, text), text, dry_run=dry_run)
    except ServerSaid as said:
        errors = said.problem.errors
        if not any(error.line for error in errors):
            raise
        for error in errors:
            say(f"{file}:{error.line}:{error.column}: {error.message}")
        more = said.problem.errors_total - len(errors)
        if more > 0:
            say(f"and {more} more")
        cannot(f"{file} cannot be used; nothing was changed")


def _text(file: Path) -> str:
    if file.stat().st_size > LARGEST:
        cannot(f"{file} has {file.stat().st_size:,} bytes; a model file has at most {LARGEST:,}")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        cannot(f"{file} is not UTF-8 text: {error.reason} at byte {error.start}")


def _model(file: Path, text: str) -> str:
    """The model's name, which the address of the request needs."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        cannot(f"{file}{where}: {getattr(error, 'problem', None) or 'not YAML'}; "
               f"`leeboard validate {file}` tells all that is wrong")  # fmt: skip
    name = found.get("model") if isinstance(found, dict) else None
    if not isinstance(name, str) or not name:
        cannot(f"{file} names no model; expected a line such as `model: bike-demand`")
    return name


def _changes(found: wire.Plan) -> Iterator[str]:
    """The plan, a line a change."""
    if not found.changes:
        yield f"{found.model}: nothing {'changed' if found.applied else 'would change'}"
        return
    will = "applied" if found.applied else "would be applied"
    yield click.style(f"{found.model}: generation {found.generation} {will}", bold=True)
    for change in found.changes:
        yield f"  {click.style(change, fg=_hue(change))}"
    if found.created and found.applied:
        yield f"leeboard log FILE --model {found.model}    sends its first rows"


def _hue(change: str) -> str | None:
    if ": added" in change or change.startswith("new model"):
        return "green"
    return "red" if ": removed" in change else None
