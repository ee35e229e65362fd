"""`leeboard init`: a first model file out of a data file, every default in it as a comment."""

from pathlib import Path
from typing import Final

import click

from controlplane.cli.groups import examples
from controlplane.cli.replay.asked import Asked
from controlplane.cli.replay.file_text import slug
from controlplane.cli.replay.history import TAKEN, History, read_history
from controlplane.cli.terminal import cannot, nearest, say
from controlplane.domain.errors import LeeboardError
from controlplane.domain.names import model_name
from controlplane.domain.schema import Schema, Task
from controlplane.policy.starter import starter

FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("init", epilog=examples(
    "leeboard init bikes.parquet --label cnt --time ts",
    "leeboard init loans.csv --label repaid --drop ssn -o loans.yaml",
))  # fmt: skip
@click.argument("file", type=FILE)
@click.option("--label", help="The column that holds what turned out true.")
@click.option("--time", help="The column of event times.")
@click.option("--id", "id_", help="The column that names each row.")
@click.option("--drop", multiple=True, help="A column that is never a feature; may be repeated.")
@click.option("--prediction", help="The column of predictions; default: `prediction` if there.")
@click.option("--task", type=click.Choice(list(Task)), help="Default: what the label looks like.")
@click.option("--positive", help="Of two classes the one that is meant; default: the one like yes.")
@click.option("--model", help="The model's name; default: the file's.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
              help="Write here instead of to standard output.")  # fmt: skip
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(file: Path, output: Path | None, *, force: bool, **told: object) -> None:
    """Write a commented model file for the rows of a CSV or Parquet file."""
    if output is not None and output.exists() and not force:
        cannot(f"{output} is there already; say --force to write over it")
    try:
        text = _starter(file, told)
    except LeeboardError as error:
        cannot(str(error))
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    say(f"wrote {output}; `leeboard validate {output}` checks it, `leeboard apply {output}` "
        "makes the model")  # fmt: skip


def _starter(file: Path, told: dict[str, object]) -> str:
    columns = column_names(file)
    label = _column(told["label"], "label", columns)
    if label is None:
        message = f"which column holds what turned out true? Say --label with one of: {', '.join(columns)}"
        raise click.UsageError(message)
    prediction = _column(told["prediction"], "prediction", columns) or "prediction"
    drop = [str(name) for name in told["drop"]] if isinstance(told["drop"], tuple) else []
    own = [name for name in columns if name in {*TAKEN, prediction} and name != label]
    history = read_history(file, Asked(
        label=label, time=_column(told["time"], "time", columns), drop=(*drop, *own),
        id=_column(told["id_"], "id", columns), task=_said(told["task"]),
        positive=_said(told["positive"]),
    ))  # fmt: skip
    name = model_name(_said(told["model"]) or slug(file.stem))
    return starter(name, _schema(history, prediction), label=label)


def column_names(file: Path) -> list[str]:
    """The columns of a data file; raises BadInput where it is none."""
    from controlplane.cli.reading import reading  # noqa: PLC0415 - Arrow only where it is needed

    return list(reading(file).names)


def _column(name: object, option: str, columns: list[str]) -> str | None:
    if name is None or name in columns:
        return _said(name)
    message = f"--{option}: there is no column {name!r}{nearest(str(name), columns)}"
    raise click.UsageError(f"{message}; there are: {', '.join(columns)}")


def _said(value: object) -> str | None:
    return None if value is None else str(value)


def _schema(history: History, prediction: str) -> Schema:
    labels = history.labels
    scores: dict[str, str] = {}
    if labels.task is Task.BINARY and labels.positive is not None:
        scores = {labels.positive: "score"}
    elif labels.task is Task.MULTICLASS:
        scores = {name: f"score_{name}" for name in labels.classes}
    return Schema(
        task=labels.task, features=history.features, prediction=prediction, scores=scores,
        positive=labels.positive,
    )  # fmt: skip
