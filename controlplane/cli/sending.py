"""`leeboard log`: predictions, labels, KPIs, a reference or a model's past from a file of any size."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from connectors.client import wire
from controlplane.cli import captured, completing
from controlplane.cli.asked_rows import Asked, Past
from controlplane.cli.groups import examples
from controlplane.cli.render import count, when
from controlplane.cli.terminal import Terminal, cannot, nearest, say, talks
from controlplane.clock import SystemClock
from controlplane.domain.errors import LeeboardError

FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
OWN: Final = {
    "id": "id_", "at": "time", "known_at": "known_at", "label": "label", "name": "name",
    "value": "value",
}  # fmt: skip
"""What the server calls a column, and the option that says what the file calls it."""
NEEDED: Final = {
    "predictions": ("id", "at"), "labels": ("id",), "kpis": ("name", "at", "value"),
}  # fmt: skip
"""Columns that rows of a feed cannot do without."""
SHOWN: Final = 20


@click.command("log", epilog=examples(
    "leeboard log served.parquet --model bike-demand --id ride --time ts",
    "leeboard log truth.csv --model bike-demand --labels --id ride --label cnt",
    "leeboard log training.parquet --model bike-demand --reference --version v1",
    "leeboard log revenue.csv --model bike-demand --kpis --time day --value euros",
    "leeboard log past.ndjson --model bike-demand --history",
    "leeboard log served.csv.gz --model bike-demand --json",
))  # fmt: skip
@click.argument("file", type=FILE)
@click.option("--model", required=True, shell_complete=completing.models, help="Whose rows they are.")  # fmt: skip
@click.option("--labels", "feed", flag_value="labels", help="The rows are labels.")
@click.option("--reference", "feed", flag_value="reference", help="The rows are a reference.")
@click.option("--kpis", "feed", flag_value="kpis", help="The rows are business metrics: name, at, value, version.")  # fmt: skip
@click.option("--predictions", "feed", flag_value="predictions", default="predictions",
              help="The rows are predictions; the default.")  # fmt: skip
@click.option("--history", is_flag=True,
              help="The rows are the model's past: known when they happened, not now.")  # fmt: skip
@click.option("--id", "id_", help="The column that names each row; default: id.")
@click.option("--time", help="The column of event times; default: at.")
@click.option("--label", help="Of labels and references: the column of labels; default: label.")
@click.option("--known-at", help="The column of times at which rows became known; default: now.")
@click.option("--name", help="Of KPIs: the column of their names; default: name.")
@click.option("--value", help="Of KPIs: the column of their values; default: value.")
@click.option("--version", help="Which version's reference, or which predicted, where no column says.")  # fmt: skip
@click.option("--drop", multiple=True, help="A column that is not sent; may be repeated.")
@click.option("--text", "texts", multiple=True, help="A CSV column to be read as text; may be repeated.")  # fmt: skip
@click.option("--time-zone", default="UTC", show_default=True, help="Of times without an offset.")
@click.option("--anew", is_flag=True,
              help="Begin at the first row, whatever an earlier run that was cut off has sent.")  # fmt: skip
@talks
def log(terminal: Terminal, /, file: Path, model: str, feed: str, **told: Any) -> None:  # noqa: ANN401 - click's own
    """Send rows from a CSV, Parquet or JSON-lines file of any size.

    A run that was cut off is gone on with by the same command, where it was. Sending a file again
    stores no row twice. A row with a value that is none is rejected and told by its number, column
    and value; the others are stored, and the exit status is 1. JSON lines of data that SageMaker
    captured, and of its labels (with --labels), are sent as they are.

    With --history the rows are a model's past: each was known when it happened, or when a column
    known_at says, and its label when the model file's label delay had passed. A column of labels
    is sent too. So there is something to compare with before the first live row. It needs a token
    with the scope operate.
    """
    columns = {own: told[option] for own, option in OWN.items() if told[option] is not None}
    asked = Asked(
        model=model, feed=feed, columns=columns, drop=told["drop"], texts=told["texts"],
        version=told["version"], time_zone=told["time_zone"],
    )  # fmt: skip
    found = terminal.connection.model(model)
    if told["history"]:
        asked = msgspec.structs.replace(asked, past=_past(found, asked))
    try:
        if captured.is_captured(file):
            receipt, before = captured.sent(terminal, file, model, feed), 0
        else:
            receipt, before = _sent(terminal, file, asked, anew=told["anew"])
    except LeeboardError as unusable:
        cannot(str(unusable))
    terminal.answer(receipt, _told(receipt, asked, before))
    for error in receipt.errors[:SHOWN]:
        place = "" if error.line is not None else f"row {(error.row or 0) + 1}: "
        say(f"{file}: {place}{asked.as_the_file_has_it(error.message)}")
    if receipt.rejected:
        cannot(f"{count(receipt.rejected)} rows were rejected, the others are stored; "
               "mend them and send the file again")  # fmt: skip


def _past(found: wire.ModelDetail, asked: Asked) -> Past:
    """How the model's file says that its labels come."""
    from controlplane.policy.model_file import parse  # noqa: PLC0415 - YAML only where it is needed

    if asked.feed in {"reference", "kpis"}:
        raise click.UsageError(f"the feed {asked.feed} has no history: leave --history out")
    label = parse(found.file, source=f"the model file of {found.name}").label
    return Past(delay=label.delay, label=asked.columns.get("label", label.column))


def _sent(terminal: Terminal, file: Path, asked: Asked, *, anew: bool) -> tuple[wire.Receipt, int]:
    """Send the file part by part, and add up what became of its rows; and how many of them an
    earlier run had sent."""
    from controlplane.cli import going_on, reading, sent_so_far  # noqa: PLC0415 - Arrow, as below
    from controlplane.cli.replay.times import sent_anyhow, sent_times  # noqa: PLC0415 - as above

    named = "name" if asked.feed == "kpis" else "id"
    found = reading.reading(file, texts=())
    _check(found.names, asked)
    texts = {*asked.texts, asked.columns.get(named, named)} & set(found.names)
    notes = sent_so_far.Notes(None)
    if asked.feed != "reference":  # its receipt does not say what was there already
        notes = sent_so_far.notes_of(file, asked, terminal.connection.server)
    if anew:
        notes.forget()
    reads = iter([] if notes.last() else [sent_times])  # how the times of the first part are read
    way = going_on.Way(
        send=lambda part: _part_sent(terminal, part, asked, next(reads, sent_anyhow)),
        has=lambda part: _is_there(terminal, part, asked),
    )
    return going_on.sent(file, texts, way, notes)


def _part_sent(terminal: Terminal, part: Any, asked: Asked, read: Any) -> wire.Receipt:  # noqa: ANN401
    from connectors.client import bulk  # noqa: PLC0415 - Arrow only where it is needed
    from controlplane.cli.shaping import feeds  # noqa: PLC0415 - as above

    total = wire.Receipt()
    for feed, rows in feeds(part, asked, read, SystemClock().now()):
        receipt = bulk.send_table(
            terminal.connection, asked.model, feed, rows, version=asked.version
        )
        total = _summed(total, receipt, feed, asked)
    return total


def _is_there(terminal: Terminal, part: Any, asked: Asked) -> bool:  # noqa: ANN401 - as above
    """Whether the server has the rows of a part: sent under another key they are all duplicates."""
    from connectors.client import bulk  # noqa: PLC0415 - as above
    from controlplane.cli.replay.times import sent_anyhow  # noqa: PLC0415 - as above
    from controlplane.cli.shaping import feeds  # noqa: PLC0415 - as above

    feed, rows = next(feeds(part, asked, sent_anyhow, SystemClock().now()))
    return bulk.send_table(
        terminal.connection, asked.model, feed, rows, version=asked.version, purpose="is it there"
    ).accepted == 0  # fmt: skip


def _summed(total: wire.Receipt, receipt: wire.Receipt, feed: str, asked: Asked) -> wire.Receipt:
    """A file's rows are counted once, though labels are sent with them; what was rejected of
    either counts."""
    from connectors.client import bulk  # noqa: PLC0415 - as above

    if feed != asked.feed:
        receipt = wire.Receipt(rejected=receipt.rejected, errors=receipt.errors)
    return bulk.summed(total, receipt)


def _check(names: tuple[str, ...], asked: Asked) -> None:
    """Refuse columns that the file does not have, before anything is sent."""
    needed = {own: own for own in NEEDED.get(asked.feed, ())} | asked.columns
    for own, name in [*needed.items(), *(("drop", name) for name in asked.drop),
                      *(("text", name) for name in asked.texts)]:  # fmt: skip
        if name not in names:
            option = {"id": "--id", "at": "--time", "known_at": "--known-at"}.get(own, f"--{own}")
            hint = nearest(name, names)
            message = (
                f"there is no column {name!r}{hint}; say {option} with one of: {', '.join(names)}"
            )
            raise click.UsageError(message)


def _told(receipt: wire.Receipt, asked: Asked, before: int) -> Iterator[str]:
    stored = receipt.accepted + receipt.duplicates
    yield (f"{asked.feed} of {asked.model}: {count(stored)} rows are stored, "
           f"{count(receipt.duplicates)} of them were already, {count(receipt.rejected)} rejected")  # fmt: skip
    if before:
        yield f"{count(before)} of them were sent by an earlier run"
    if receipt.reused_ids:
        yield f"{count(receipt.reused_ids)} ids were used before for another time"
    if receipt.late:
        yield f"{count(receipt.late)} rows came after their window had closed"
    for name, values in receipt.unknown_columns.items():
        yield f"column {name}: {count(values)} values stored nowhere, since the model has no such feature"
    if receipt.watermark is not None:
        yield f"watermark {when(receipt.watermark)}"
