"""`leeboard log`: predictions, labels or a reference from a file of any size, resumable."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from connectors.client import wire
from connectors.client.problems import RowError
from controlplane.cli import completing
from controlplane.cli.groups import examples
from controlplane.cli.render import count, when
from controlplane.cli.terminal import Terminal, cannot, nearest, say, talks
from controlplane.domain.errors import LeeboardError

FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
OWN: Final = {"id": "id_", "at": "time", "known_at": "known_at", "label": "label"}
"""What the server calls a column, and the option that says what the file calls it."""
OF_LABELS: Final = ("id", "label", "at", "known_at")
SHOWN: Final = 20


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of a file."""

    model: str
    feed: str
    columns: dict[str, str]
    """What the server calls a column to what the file calls it."""
    drop: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    version: str | None = None
    time_zone: str = "UTC"


@click.command("log", epilog=examples(
    "leeboard log served.parquet --model bike-demand --id ride --time ts",
    "leeboard log truth.csv --model bike-demand --labels --id ride --label cnt",
    "leeboard log training.parquet --model bike-demand --reference --version v1",
    "leeboard log served.csv --model bike-demand --json",
))  # fmt: skip
@click.argument("file", type=FILE)
@click.option("--model", required=True, shell_complete=completing.models, help="Whose rows they are.")  # fmt: skip
@click.option("--labels", "feed", flag_value="labels", help="The rows are labels.")
@click.option("--reference", "feed", flag_value="reference", help="The rows are a reference.")
@click.option("--predictions", "feed", flag_value="predictions", default="predictions",
              help="The rows are predictions; the default.")  # fmt: skip
@click.option("--id", "id_", help="The column that names each row; default: id.")
@click.option("--time", help="The column of event times; default: at.")
@click.option("--label", help="Of labels and references: the column of labels; default: label.")
@click.option("--known-at", help="The column of times at which rows became known; default: now.")
@click.option("--version", help="Which version's reference, or which predicted, where no column says.")  # fmt: skip
@click.option("--drop", multiple=True, help="A column that is not sent; may be repeated.")
@click.option("--text", "texts", multiple=True, help="A CSV column to be read as text; may be repeated.")  # fmt: skip
@click.option("--time-zone", default="UTC", show_default=True, help="Of times without an offset.")
@talks
def log(terminal: Terminal, /, file: Path, model: str, feed: str, **told: Any) -> None:  # noqa: ANN401 - click's own
    """Send rows from a CSV or Parquet file of any size.

    Sending a file again, or going on with one that was cut off, stores no row twice. Exit status 1
    where rows were rejected; the others are stored.
    """
    columns = {own: told[option] for own, option in OWN.items() if told[option] is not None}
    asked = Asked(
        model=model, feed=feed, columns=columns, drop=told["drop"], texts=told["texts"],
        version=told["version"], time_zone=told["time_zone"],
    )  # fmt: skip
    terminal.connection.model(model)
    try:
        receipt = _sent(terminal, file, asked)
    except LeeboardError as unusable:
        cannot(str(unusable))
    terminal.answer(receipt, _told(receipt, asked))
    for error in receipt.errors[:SHOWN]:
        say(f"{file}: row {(error.row or 0) + 1}: {error.message}")
    if receipt.rejected:
        cannot(f"{count(receipt.rejected)} rows were rejected, the others are stored; "
               "mend them and send the file again")  # fmt: skip


def _sent(terminal: Terminal, file: Path, asked: Asked) -> wire.Receipt:
    """Send the file part by part, and add up what became of its rows."""
    from connectors.client import bulk  # noqa: PLC0415 - Arrow only where it is needed
    from controlplane.cli import reading  # noqa: PLC0415 - as above

    texts = {*asked.texts, asked.columns.get("id", "id")}
    found = reading.reading(file, texts=())
    _check(found.names, asked)
    found = reading.reading(file, texts=texts & set(found.names))
    total, sent = wire.Receipt(), 0
    with click.progressbar(length=found.size, label=file.name, file=sys.stderr) as bar:
        for part in reading.parts(found, file):
            rows = _shaped(part, asked)
            receipt = bulk.send_table(
                terminal.connection, asked.model, asked.feed, rows, version=asked.version
            )
            total = bulk.summed(total, _moved(receipt, sent))
            sent += part.num_rows
            so_far = found.read_so_far()
            bar.update(max(so_far - bar.pos, 0))
    return total


def _check(names: tuple[str, ...], asked: Asked) -> None:
    """Refuse columns that the file does not have, before anything is sent."""
    needed = dict(asked.columns)
    if asked.feed != "reference":
        needed.setdefault("id", "id")
    if asked.feed == "predictions":
        needed.setdefault("at", "at")
    for own, name in [*needed.items(), *(("drop", name) for name in asked.drop),
                      *(("text", name) for name in asked.texts)]:  # fmt: skip
        if name not in names:
            option = {"id": "--id", "at": "--time", "known_at": "--known-at"}.get(own, f"--{own}")
            hint = nearest(name, names)
            message = (
                f"there is no column {name!r}{hint}; say {option} with one of: {', '.join(names)}"
            )
            raise click.UsageError(message)


def _shaped(part: Any, asked: Asked) -> Any:  # noqa: ANN401 - Arrow tables have no types
    """A part as the server takes it: its own names, times with an offset, no column too many."""
    from controlplane.cli.replay.times import as_times  # noqa: PLC0415 - Arrow, as above

    called = {theirs: own for own, theirs in asked.columns.items()}
    kept = [name for name in part.column_names if name not in asked.drop]
    part = part.select(kept).rename_columns([called.get(name, name) for name in kept])
    if asked.feed == "labels":
        part = part.select([name for name in OF_LABELS if name in part.column_names])
    for place, name in enumerate(part.column_names):
        if name in {"at", "known_at"}:
            part = part.set_column(place, name, as_times(part[name], name, asked.time_zone))
    if asked.feed == "predictions" and asked.version and "version" not in part.column_names:
        part = _with_version(part, asked.version)
    return part


def _with_version(part: Any, version: str) -> Any:  # noqa: ANN401 - as above
    import pyarrow as pa  # noqa: PLC0415 - as above

    return part.append_column("version", pa.repeat(pa.scalar(version), part.num_rows))


def _moved(receipt: wire.Receipt, before: int) -> wire.Receipt:
    """A part's receipt with its errors at the rows of the whole file."""
    errors: list[RowError] = [
        msgspec.structs.replace(error, row=before + (error.row or 0)) for error in receipt.errors
    ]
    return msgspec.structs.replace(receipt, errors=errors)


def _told(receipt: wire.Receipt, asked: Asked) -> Iterator[str]:
    stored = receipt.accepted + receipt.duplicates
    yield (f"{asked.feed} of {asked.model}: {count(stored)} rows are stored, "
           f"{count(receipt.duplicates)} of them were already, {count(receipt.rejected)} rejected")  # fmt: skip
    if receipt.reused_ids:
        yield f"{count(receipt.reused_ids)} ids were used before for another time"
    if receipt.late:
        yield f"{count(receipt.late)} rows came after their window had closed"
    for name, values in receipt.unknown_columns.items():
        yield f"column {name}: {count(values)} values stored nowhere, since the model has no such feature"
    if receipt.watermark is not None:
        yield f"watermark {when(receipt.watermark)}"
