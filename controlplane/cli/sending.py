"""`leeboard log`: predictions, labels, KPIs, a reference or a model's past from a file of any size."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from connectors.client import wire
from controlplane.cli import captured, completing
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
OF_LABELS: Final = ("id", "label", "at", "known_at")
OF_KPIS: Final = ("name", "at", "value", "version", "known_at")
NEEDED: Final = {
    "predictions": ("id", "at"), "labels": ("id",), "kpis": ("name", "at", "value"),
}  # fmt: skip
"""Columns that rows of a feed cannot do without."""
LABEL_KNOWN_AT: Final = "label_known_at"
"""Of a past with labels among its rows: the column of when each was known, if there is one."""
SHOWN: Final = 20


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """How a model's past was known: its rows when they happened, their labels `delay` later, unless
    columns say so themselves. `label` is the column of labels, where the file has them too."""

    delay: timedelta
    label: str


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
    past: Past | None = None
    """Of a model's history: how its labels came; None: the rows are news."""


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
    stores no row twice. Exit status 1 where rows were rejected; the others are stored. JSON lines
    of data that SageMaker captured, and of its labels (with --labels), are sent as they are.

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
        say(f"{file}: {place}{error.message}")
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

    named = "name" if asked.feed == "kpis" else "id"
    found = reading.reading(file, texts=())
    _check(found.names, asked)
    texts = {*asked.texts, asked.columns.get(named, named)} & set(found.names)
    notes = sent_so_far.Notes(None)
    if asked.feed != "reference":  # its receipt does not say what was there already
        notes = sent_so_far.notes_of(file, asked, terminal.connection.server)
    if anew:
        notes.forget()
    way = going_on.Way(
        send=lambda part: _part_sent(terminal, part, asked),
        has=lambda part: _is_there(terminal, part, asked),
    )
    return going_on.sent(file, texts, way, notes)


def _part_sent(terminal: Terminal, part: Any, asked: Asked) -> wire.Receipt:  # noqa: ANN401
    from connectors.client import bulk  # noqa: PLC0415 - Arrow only where it is needed

    total = wire.Receipt()
    for feed, rows in _feeds(part, asked):
        receipt = bulk.send_table(
            terminal.connection, asked.model, feed, rows, version=asked.version
        )
        total = _summed(total, receipt, feed, asked)
    return total


def _is_there(terminal: Terminal, part: Any, asked: Asked) -> bool:  # noqa: ANN401 - as above
    """Whether the server has the rows of a part: sent under another key they are all duplicates."""
    from connectors.client import bulk  # noqa: PLC0415 - as above

    feed, rows = next(_feeds(part, asked))
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


def _feeds(part: Any, asked: Asked) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - as below
    """What is sent of a part: its rows; of a past with labels among them those too."""
    rows = _shaped(part, asked)
    label = None if asked.past is None else asked.past.label
    if label is None or asked.feed != "predictions" or label not in part.column_names:
        yield asked.feed, rows
        return
    told = asked.columns.get("known_at", "known_at")
    apart = part.drop_columns([told]) if told in part.column_names else part
    labels = _shaped(apart, msgspec.structs.replace(
        asked, feed="labels", columns={**asked.columns, "label": label, "known_at": LABEL_KNOWN_AT},
    ))  # fmt: skip
    kept = [n for n in rows.column_names if n not in {label, "label", LABEL_KNOWN_AT}]
    yield "predictions", rows.select(kept)
    yield "labels", labels.filter(labels["label"].is_valid())


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


def _shaped(part: Any, asked: Asked) -> Any:  # noqa: ANN401 - Arrow tables have no types
    """A part as the server takes it: its own names, times with an offset, no column too many."""
    from controlplane.cli.replay.times import as_times  # noqa: PLC0415 - Arrow, as above

    called = {theirs: own for own, theirs in asked.columns.items()}
    kept = [name for name in part.column_names if name not in asked.drop]
    part = part.select(kept).rename_columns([called.get(name, name) for name in kept])
    if asked.feed in {"labels", "kpis"}:
        known = OF_LABELS if asked.feed == "labels" else OF_KPIS
        part = part.select([name for name in known if name in part.column_names])
    for place, name in enumerate(part.column_names):
        if name in {"at", "known_at"}:
            theirs = asked.columns.get(name, name)
            part = part.set_column(place, name, as_times(part[name], theirs, asked.time_zone))
    if asked.past is not None:
        part = _known(part, asked)
    if (
        asked.feed in {"predictions", "kpis"}
        and asked.version
        and "version" not in part.column_names
    ):
        part = _with_version(part, asked.version)
    return part


def _known(part: Any, asked: Asked) -> Any:  # noqa: ANN401 - as above
    """A past's rows with when they were known: predictions at their time, labels the delay later.

    Those of the last days came sooner, since they are here: the server says when they were known.
    """
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    assert asked.past is not None
    if "known_at" in part.column_names:
        return part
    if "at" not in part.column_names:
        message = "labels of the past need a time: say --time, or --known-at, with its column"
        raise click.UsageError(message)
    delay = asked.past.delay if asked.feed == "labels" else timedelta(0)
    instant = pa.timestamp("us", "UTC")
    known = pc.add(part["at"].cast(instant), pa.scalar(delay, pa.duration("us")))
    if asked.feed == "labels":
        is_past = pc.less_equal(known, pa.scalar(SystemClock().now(), instant))
        known = pc.if_else(is_past, known, pa.scalar(None, instant))
    return part.append_column("known_at", known)


def _with_version(part: Any, version: str) -> Any:  # noqa: ANN401 - as above
    import pyarrow as pa  # noqa: PLC0415 - as above

    return part.append_column("version", pa.repeat(pa.scalar(version), part.num_rows))


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
