"""`leeboard versions` and `leeboard rollback`: what was trained, what serves, and moving it by hand."""

import io
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from connectors.client import wire
from controlplane.cli import completing, render
from controlplane.cli.groups import Listing, examples, limited
from controlplane.cli.render import Column, badge, count, number, when
from controlplane.cli.terminal import Terminal, cannot, sure, talks

COLUMNS: Final = [
    Column("version"), Column("state"), Column("made", spare=True), Column("parent", spare=True),
    Column("rows", right=True, spare=True), Column("trained to", spare=True), Column("reference", right=True),
    Column("served"), Column("metrics", grows=True),
]  # fmt: skip
MOMENT: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])


@click.group("versions", cls=Listing, epilog=examples(
    "leeboard versions bike-demand",
    "leeboard versions show bike-demand v7",
    "leeboard versions promote bike-demand v7 --reason 'tested by hand'",
    "leeboard versions register bike-demand ./model",
))  # fmt: skip
def versions() -> None:
    """The versions of a model: list, show, promote by hand, register one trained elsewhere."""


@versions.command("list", epilog=examples("leeboard versions bike-demand"))
@click.argument("model", shell_complete=completing.models)
@limited(100)
@talks
def list_versions(terminal: Terminal, model: str, limit: int) -> None:
    """The versions of a model, the newest first."""
    made = terminal.everything(lambda span: terminal.connection.versions(model, span))
    found = list(reversed(made))
    terminal.listing(
        (found[:limit], len(found) > limit), COLUMNS, _line,
        empty=f"{model} has no version yet: `leeboard runs start {model}` trains one",
    )  # fmt: skip


@versions.command("show", epilog=examples("leeboard versions show bike-demand v7"))
@click.argument("model", shell_complete=completing.models)
@click.argument("version", shell_complete=completing.versions)
@talks
def show_version(terminal: Terminal, model: str, version: str) -> None:
    """A version with its lineage: run, data, code, parameters, environment, metrics."""
    found = terminal.connection.version(model, version)
    terminal.answer(found, _sheet(found))


@versions.command("promote", epilog=examples(
    "leeboard versions promote bike-demand v7 --reason 'tested by hand'",
    "leeboard versions promote bike-demand v7 --reason 'agreed in the review' --yes",
))  # fmt: skip
@click.argument("model", shell_complete=completing.models)
@click.argument("version", shell_complete=completing.versions)
@click.option("--reason", required=True, help="Why; it is kept in the journal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks
def promote(terminal: Terminal, model: str, version: str, reason: str, *, yes: bool) -> None:
    """Make a version champion by hand.

    It must have scored rows here, in a trial or in service. Its guard watches it afterwards.
    """
    standing = terminal.connection.model(model)
    found = terminal.connection.version(model, version)
    champion = standing.champion.version if standing.champion else "nobody"
    sure(f"{version} of {model} ({found.state.replace('_', ' ')}) will serve in place of "
         f"{champion}", yes=yes)  # fmt: skip
    _decided(terminal, terminal.connection.promote(model, version, reason=reason))


@click.command("rollback", epilog=examples(
    "leeboard rollback bike-demand --reason 'predictions are far too high since noon'",
    "leeboard rollback bike-demand --reason 'pager 4711' --yes",
))  # fmt: skip
@click.argument("model", shell_complete=completing.models)
@click.option("--reason", required=True, help="Why; it is kept in the journal.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks
def rollback(terminal: Terminal, model: str, reason: str, *, yes: bool) -> None:
    """Take the champion back: the version that served before serves again."""
    standing = terminal.connection.model(model)
    if standing.champion is None:
        cannot(f"{model} has no champion; nothing can be taken back")
    before = _before(terminal, standing.champion)
    if before is None:
        cannot(f"no version of {model} served before {standing.champion.version}; "
               f"`leeboard versions {model}` lists them")  # fmt: skip
    going = (
        f"{standing.champion.version} of {model} will be taken back, and {before} will serve again"
    )
    if standing.guard is not None:
        going += f"; the guard over {standing.guard.version} ends"
    sure(going, yes=yes)
    _decided(terminal, terminal.connection.rollback(model, reason=reason))


@versions.command("register", epilog=examples(
    "leeboard versions register bike-demand ./model",
    "leeboard versions register bike-demand model.tar --trained-to 2024-03-01",
))  # fmt: skip
@click.argument("model", shell_complete=completing.models)
@click.argument("files", metavar="TAR_OR_FOLDER", type=click.Path(path_type=Path, exists=True))
@click.option("--trained-from", type=MOMENT, help="Where its training data begin; UTC.")
@click.option("--trained-to", type=MOMENT, help="Where its training data end; UTC.")
@talks
def register(
    terminal: Terminal, model: str, files: Path, trained_from: datetime | None,
    trained_to: datetime | None,
) -> None:  # fmt: skip
    """Register a version that was trained elsewhere: a tar, or the folder that is its `model/`."""
    found = terminal.connection.register(
        model, _tar(files), trained_from=_utc(trained_from), trained_to=_utc(trained_to)
    )
    terminal.answer(found, [
        f"registered {found.version} of {model}, sha256 {found.sha256}",
        f"leeboard trials start {model} {found.version}    puts it on trial",
    ])  # fmt: skip


def _tar(files: Path) -> bytes:
    """A tar as it is; a folder packed."""
    if not files.is_dir():
        if not tarfile.is_tarfile(files):
            cannot(f"{files} is neither a folder nor a tar; expected the files of one version")
        return files.read_bytes()
    if not any(files.iterdir()):
        cannot(f"{files} is empty; expected the files of one version")
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for path in sorted(files.rglob("*")):
            tar.add(path, arcname=path.relative_to(files).as_posix(), recursive=False)
    return file.getvalue()


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None


def _before(terminal: Terminal, champion: wire.Version) -> str | None:
    """The version that a rollback goes to: the retired one whose service ended last."""
    ask = terminal.connection
    found = terminal.everything(lambda span: ask.versions(champion.model, span))
    served = [v for v in found if v.state == "retired" and v.ended_at is not None]
    return max(served, key=lambda v: v.ended_at or v.made_at).version if served else None


def _decided(terminal: Terminal, decision: wire.Decision) -> None:
    terminal.answer(decision, [
        f"{badge(decision.state)}: {decision.says}",
        f"leeboard why {decision.id}    tells it from its evidence",
    ])  # fmt: skip


def _line(version: wire.Version) -> tuple[str, ...]:
    served = render.NOTHING
    if version.promoted_at is not None:
        served = f"{version.promoted_at:%Y-%m-%d} to "
        served += f"{version.ended_at:%Y-%m-%d}" if version.ended_at else "now"
    return (
        version.version, badge(version.state), when(version.made_at),
        version.parent or render.NOTHING, count(version.rows_trained), when(version.trained_to),
        number(version.reference_loss), served, _metrics(version.metrics),
    )  # fmt: skip


def _metrics(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {number(value)}" for name, value in metrics.items())


def _sheet(version: wire.Version) -> Iterator[str]:
    yield render.heading(f"{version.model} {version.version}  {badge(version.state)}")
    yield from render.fields((
        ("made", f"{when(version.made_at)} by {version.origin}"),
        ("run", version.run or ""),
        ("parent", version.parent or ""),
        ("trainer", version.trainer),
        ("rows", count(version.rows_trained)),
        ("data", f"{when(version.trained_from)} to {when(version.trained_to)}"),
        ("data sha256", version.data_sha256 or ""),
        ("code", version.code or ""),
        ("files sha256", version.sha256),
        ("metrics", _metrics(version.metrics)),
        ("reference loss", number(version.reference_loss)),
        ("promoted", when(version.promoted_at)),
        ("ended", when(version.ended_at)),
        ("parameters", ", ".join(f"{k}={v}" for k, v in version.parameters.items())),
        ("environment", ", ".join(f"{k} {v}" for k, v in version.environment.items())),
    ))  # fmt: skip
    yield f"leeboard why {version.model}/{version.version}    tells how it came to be"
