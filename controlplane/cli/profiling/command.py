"""`leeboard profile`: what is kept of data files in place of their rows, written and shown."""

import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from controlplane.cli.groups import examples
from controlplane.cli.outcome import cannot, put, say, spare
from controlplane.cli.profiling.recognised import is_profile
from controlplane.cli.profiling.told import Told
from controlplane.cli.render import count
from controlplane.domain.errors import LeeboardError

FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
SUFFIX: Final = ".profile.json"


@click.command("profile", epilog=examples(
    "leeboard profile january.parquet",
    "leeboard profile february.csv.gz --like january.profile.json -o february.profile.json.gz",
    "leeboard profile monday.profile.json tuesday.profile.json -o days.profile.json",
    "leeboard profile january.profile.json --json",
))  # fmt: skip
@click.argument("files", metavar="FILE...", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
              help="Where it is written, gzipped if the name ends in .gz; default: FILE's name with .profile.json.")  # fmt: skip
@click.option("--like", type=FILE, help="A profile on whose edges rows are counted, so that both compare and merge.")  # fmt: skip
@click.option("--columns", multiple=True, help="A column that is profiled; may be repeated. Default: all.")  # fmt: skip
@click.option("--drop", multiple=True, help="A column that is not; may be repeated.")
@click.option("--salt", envvar="LEEBOARD_SALT", metavar="SECRET",
              help="Write hashes with this secret in place of level names, and no extremes.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def profile(*, as_json: bool, **told: object) -> None:
    """Profile data files of any size, merge profiles, or show one.

    A FILE is Parquet, Arrow, CSV or JSON lines, or a profile. Several are put together as one; a
    single profile is shown. A profile holds no rows, but the most frequent level names and least
    and greatest values, unless --salt is given.
    """
    try:
        _profile(msgspec.convert(told, Told, strict=False), as_json=as_json)
    except LeeboardError as error:
        cannot(str(error))


def _profile(told: Told, *, as_json: bool) -> None:
    from controlplane.cli.profiling import files, shown  # noqa: PLC0415 - Arrow where needed

    known = {path: files.read_profile(path) for path in told.files if is_profile(path)}
    rows = [path for path in told.files if path not in known]
    output = _output(told, rows)
    spare(output, told.files if told.like is None else (*told.files, told.like))
    with click.progressbar(length=1, label="profiling", file=sys.stderr, hidden=not rows) as bar:
        found, remarks = files.made(told, known, rows, bar)
    for remark in remarks:
        say(remark)
    if output is not None:
        files.write(found, output)
        say(f"wrote {output}: {count(found.rows)} rows, {len(found.columns)} columns")
    if as_json:
        put(shown.document(found, output))
    elif output is None:
        for line in shown.lines(found):
            click.echo(line)


def _output(told: Told, rows: list[Path]) -> Path | None:
    """Where the profile is written; None where a single one is only shown."""
    if told.salt and not rows:
        raise click.UsageError("--salt hides what is read from data files; a profile has no rows")
    if told.output is not None:
        return told.output
    if rows:
        return rows[0].with_name(_stem(rows[0]) + SUFFIX)
    if len(told.files) > 1:
        raise click.UsageError("say with --output where the merged profile is to be written")
    return None


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]
