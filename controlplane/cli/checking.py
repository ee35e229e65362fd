"""`leeboard validate` and `leeboard schema`: model files, without a server."""

import os
from pathlib import Path

import click
import msgspec

from controlplane.cli.groups import examples
from controlplane.cli.terminal import cannot, put, say
from controlplane.domain.errors import LeeboardError, ModelFileErrors
from controlplane.policy.model_file import UNCHECKED, Known, parse
from controlplane.policy.schema_json import schema as model_file_schema
from controlplane.policy.server_file import settings_from
from controlplane.settings import Settings

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a file."""

    line: int
    column: int
    path: str
    message: str


class Checked(msgspec.Struct, frozen=True):
    """A file as `validate --json` tells of it."""

    file: str
    valid: bool
    model: str | None = None
    errors: list[Fault] = []


class Outcome(msgspec.Struct, frozen=True):
    """All files."""

    valid: bool
    files: list[Checked]


@click.command("validate", epilog=examples(
    "leeboard validate bikes.yaml",
    "leeboard validate models/*.yaml --config leeboard.yaml",
    "leeboard validate bikes.yaml --json",
))  # fmt: skip
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option("--config", type=FILE, help="The server's file; its trainers and receivers are known then.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def validate(files: tuple[Path, ...], config: Path | None, *, as_json: bool) -> None:
    """Check model files: everything that is wrong, each with file, line and column."""
    known = UNCHECKED if config is None else _known(config)
    checked = [_checked(file, known) for file in files]
    outcome = Outcome(all(found.valid for found in checked), checked)
    if as_json:
        put(outcome)
    for found in checked:
        if found.valid and not as_json:
            click.echo(f"{found.file}: {click.style('valid', fg='green')}, model {found.model}")
        for fault in found.errors:
            say(f"{found.file}:{fault.line}:{fault.column}: {fault.message}")
    if not outcome.valid:
        wrong = sum(not found.valid for found in checked)
        cannot(f"{wrong} of {len(checked)} files cannot be used")


@click.command("schema", epilog=examples(
    "leeboard schema > model.schema.json",
    "leeboard schema | jq '.properties | keys'",
))  # fmt: skip
def schema() -> None:
    """The JSON Schema of model files, for editors.

    An editor with the YAML language server takes it from a first line such as

    \b
    # yaml-language-server: $schema=model.schema.json
    """
    click.echo(msgspec.json.format(msgspec.json.encode(model_file_schema()), indent=2).decode())


def _known(config: Path) -> Known:
    try:
        settings = settings_from(config, Settings(data=Path()), os.environ)
    except LeeboardError as error:
        cannot(str(error))
    return Known(trainers=frozenset(settings.trainers), receivers=frozenset(settings.receivers))


def _checked(file: Path, known: Known) -> Checked:
    try:
        policy = parse(file.read_bytes(), source=str(file), known=known)
    except ModelFileErrors as found:
        faults = [Fault(e.line, e.column, e.path, e.message) for e in found.errors]
        return Checked(str(file), valid=False, errors=faults)
    return Checked(str(file), valid=True, model=policy.model)
