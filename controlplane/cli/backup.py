"""`leeboard backup`, `restore`, `compact`, `space`: the server's file as a whole."""

import os
import shutil
from datetime import UTC
from pathlib import Path

import click

from connectors.client import keeping, wire
from controlplane.cli.groups import examples
from controlplane.cli.outcome import cannot, put
from controlplane.cli.render import count, sized, when
from controlplane.cli.terminal import Terminal, sure, talks
from controlplane.clock import SystemClock
from controlplane.domain.errors import LeeboardError
from controlplane.settings import default_data


@click.command("backup", epilog=examples(
    "leeboard backup /srv/backups/leeboard-$(date +%F)",
    "leeboard backup nightly --token \"$ADMIN_TOKEN\" --json",
    "leeboard restore /srv/backups/leeboard-2024-03-01 --data ./board",
))  # fmt: skip
@click.argument("dest", type=click.Path(path_type=Path))
@talks
def backup(terminal: Terminal, dest: Path) -> None:
    """Take a backup of a running server into a new folder DEST, and prove it.

    It holds every row and record and the versions' files as they were at one moment; writing goes
    on meanwhile. Every file is compared with its SHA-256, the store in it is opened and its rows
    are counted before DEST has its name. It needs the scope `admin`.
    """
    from controlplane.store.restoring import prove, unpacked  # noqa: PLC0415 - DuckDB

    if dest.exists():
        cannot(f"{dest} is there already; name a folder that is not")
    part = dest.with_name(f"{dest.name}.part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(mode=0o700, parents=True)
    try:
        with terminal.connection.streamed(keeping.BACKUP) as parts:
            manifest = unpacked(parts, part)
        prove(part, manifest)
        part.rename(dest)
    except BaseException as error:
        shutil.rmtree(part)
        if isinstance(error, LeeboardError):
            cannot(str(error))
        raise
    size = sum(file.size for file in manifest.files)
    rows = sum(manifest.rows.values())
    told = {
        "path": str(dest), "made_at": manifest.made_at, "files": len(manifest.files),
        "bytes": size, "rows": rows,
    }  # fmt: skip
    terminal.answer(told, [f"{dest}: {count(rows)} rows, {sized(size)}, proved"])


@click.command("restore", epilog=examples(
    "leeboard restore /srv/backups/leeboard-2024-03-01 --data ./board",
    "curl -sS -H \"Authorization: Bearer $ADMIN_TOKEN\" $LEE/v1/backup > b.tar; leeboard restore b.tar --data ./board",
))  # fmt: skip
@click.argument("backup", type=click.Path(path_type=Path, exists=True))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False),
              help="The folder of the server-to-be; default as of `leeboard serve`.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def restore(backup: Path, data: Path | None, *, as_json: bool) -> None:
    """Put a backup, a folder or a tar, into an empty data folder; no server is asked.

    Files and rows are compared with the backup's manifest, the store is brought to this version's
    schema, and its journal says that it was restored. `leeboard serve` on the folder goes on from
    there; the owner's token is made anew.
    """
    from controlplane.store.restoring import restore as put_in_place  # noqa: PLC0415 - DuckDB

    folder = (data or default_data(os.environ)).expanduser().absolute()
    try:
        manifest = put_in_place(
            backup, folder, at=SystemClock().now(), by=os.environ.get("USER", "operator")
        )
    except LeeboardError as error:
        cannot(str(error))
    rows = sum(manifest.rows.values())
    if as_json:
        put({"data": str(folder), "made_at": manifest.made_at, "rows": rows})
    else:
        made = when(manifest.made_at.astimezone(UTC))
        click.echo(f"{folder}: {count(rows)} rows as of {made}; `leeboard serve --data {folder}`")


@click.command("compact", epilog=examples("leeboard compact", "leeboard compact --yes --json"))
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks
def compact(terminal: Terminal, *, yes: bool) -> None:
    """Write the server's file anew without what was deleted; space comes back to the disk.

    Until then deleted rows leave free blocks, which new rows use, and bytes of erased ids may be
    among them. It takes as much free disk as the file's used part, 10 to 50 seconds a GiB, and at
    its end a moment in which nothing is read or written. It needs the scope `admin`.
    """
    space = terminal.connection.ask(keeping.store())
    sure(f"{sized(space.used)} are written anew", yes=yes)
    done = terminal.connection.ask(keeping.compact())
    terminal.answer(done, [f"{sized(done.before)} before, {sized(done.after)} now"])


@click.command("space", epilog=examples("leeboard space", "leeboard space --json"))
@talks
def space(terminal: Terminal) -> None:
    """What the server's file takes: used, free within it, the log beside it, the disk's rest."""
    found = terminal.connection.ask(keeping.store())
    terminal.answer(found, lines_of(found))


def lines_of(found: wire.StoreSpace) -> list[str]:
    """The store's space in words."""
    since = f"; last written anew {when(found.compacted_at)}" if found.compacted_at else ""
    lines = [
        f"file  {sized(found.file)}: {sized(found.used)} used, {sized(found.free)} free in it{since}",
        f"log   {sized(found.log)}",
        f"disk  {sized(found.disk_free)} free",
    ]
    if found.erasures_waiting:
        lines.append(
            f"{count(found.erasures_waiting)} ids were erased since, and their bytes may be in the "
            "file still: `leeboard compact`"
        )
    return lines
