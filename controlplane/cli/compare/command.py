"""`leeboard compare REFERENCE CURRENT`."""

import gc
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from controlplane.cli.compare.choosing import chosen
from controlplane.cli.groups import examples
from controlplane.cli.outcome import bad_news, cannot, nearest, put, say, spare
from controlplane.domain.errors import LeeboardError
from controlplane.policy.durations import duration_of

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from controlplane.cli.compare.outcomes import Named
    from controlplane.cli.compare.running import Job
    from controlplane.cli.compare.source import Source
    from detectors.comparison.measuring import Asked
    from detectors.comparison.result import Comparison

FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
SHARE: Final = click.FloatRange(0.0, 1.0, min_open=True, max_open=True)


def _detector_names(
    _: click.Context, __: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - likewise

    from detectors.catalogue import CATALOGUE  # noqa: PLC0415 - for who presses Tab here

    return [
        CompletionItem(name, help=entry.says)
        for name, entry in CATALOGUE.items()
        if name.startswith(incomplete) and entry.params is not None and entry.kinds
    ]


@click.command("compare", epilog=examples(
    "leeboard compare january.parquet february.parquet",
    "leeboard compare train.csv.gz today.ndjson --columns age,income --json",
    "leeboard compare a.parquet b.parquet --detector ks --threshold ks=0.1",
    "leeboard compare a.parquet b.parquet --by region --html drift.html",
    "leeboard compare a.parquet b.parquet --label churned --score p_churn --html drift.html",
    "leeboard compare a.parquet b.parquet > /dev/null || echo look at it",
))  # fmt: skip
@click.argument("reference", type=FILE)
@click.argument("current", type=FILE)
@click.option("--columns", multiple=True, metavar="NAME,…",
              help="Only these columns; may be repeated, as a name with a comma needs. Default: all of them.")  # fmt: skip
@click.option("--drop", multiple=True, metavar="NAME", help="Not this column; may be repeated.")
@click.option("--detector", "detectors", multiple=True, metavar="NAME", shell_complete=_detector_names,
              help="Only this detector; may be repeated. Default: those of each column's kind.")  # fmt: skip
@click.option("--threshold", "thresholds", multiple=True, metavar="NAME=VALUE",
              help="A detector fails above this value, whatever chance says; may be repeated.")  # fmt: skip
@click.option("--false-alarms", "level", type=SHARE, default=0.05, show_default=True,
              help="How often a comparison without any change may fail.")  # fmt: skip
@click.option("--by", metavar="COLUMN",
              help="Compare the rows of each level of this column as well.")  # fmt: skip
@click.option("--time", metavar="COLUMN",
              help="Judge windows of the current file by those of the reference.")  # fmt: skip
@click.option("--every", metavar="LENGTH",
              help="How long such a window is, as 6h or 7d; default: as the reference allows.")  # fmt: skip
@click.option(
    "--label",
    metavar="COLUMN",
    help="What turned out true: the column is marked, and the model judged by it.",
)
@click.option("--prediction", metavar="COLUMN", help="What the model predicted; needs --label.")
@click.option("--score", "scores", multiple=True, metavar="[CLASS=]COLUMN",
              help="Its score of a class, of two that of the positive one; may be repeated.")  # fmt: skip
@click.option("--task", type=click.Choice(["regression", "binary", "multiclass"]),
              help="Of the label; default: what it looks like.")  # fmt: skip
@click.option("--positive", metavar="CLASS", help="Of two classes the one that is meant.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write a report with plots as well: one file that fetches nothing.")  # fmt: skip
@click.option("--salt", envvar="LEEBOARD_SALT", metavar="SECRET",
              help="With which the level names of a profile were hashed.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def compare(reference: Path, current: Path, *, as_json: bool, level: float, **told: object) -> None:
    """Drift between two files: Parquet, CSV, JSON (packed or not), Arrow; either may be a profile.

    Every column is measured on all rows. It failed where chance does not explain the change and
    the change is large enough to matter. Exit status 3 where one failed.
    """
    began = time.perf_counter()
    _go_together(told)
    if isinstance(told["html"], Path):
        spare(told["html"], (reference, current))
    # OpenBLAS starts a thread a core as NumPy is imported; nothing here multiplies matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with _nothing_collected():
        from detectors.finding import Verdict  # noqa: PLC0415 - NumPy, Arrow

        try:
            told["pictures"] = not as_json or told["html"] is not None
            comparison = _compared(reference, current, level, told)
        except LeeboardError as error:
            cannot(str(error))
    seconds = time.perf_counter() - began
    if isinstance(told["html"], Path):
        _write_report(told["html"], comparison, seconds)
    if as_json:
        from controlplane.cli.compare.document import document  # noqa: PLC0415

        put(document(comparison, seconds))
    else:
        from controlplane.cli.compare.printed import lines  # noqa: PLC0415

        for line in lines(comparison, seconds):
            click.echo(line)
    if comparison.verdict is Verdict.ERROR:
        cannot("a column could not be read; the others are compared above")
    if comparison.verdict is Verdict.FAILED:
        bad_news()


def _write_report(path: Path, comparison: "Comparison", seconds: float) -> None:
    from controlplane.cli.report.comparison import page  # noqa: PLC0415 - Jinja, where it is asked
    from controlplane.clock import SystemClock  # noqa: PLC0415

    made_at = f"{SystemClock().now():%Y-%m-%d %H:%M} UTC"
    path.write_text(page(comparison, seconds=seconds, made_at=made_at), encoding="utf-8")
    say(f"wrote {path}")


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Without looking for cycles of objects: imports make many, all of which are to stay."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _compared(
    reference: Path, current: Path, level: float, told: dict[str, object]
) -> "Comparison":
    """The comparison of two files of rows, or of what a profile keeps of them."""
    from controlplane.cli.profiling.recognised import is_profile  # noqa: PLC0415 - beside the others

    if not (is_profile(reference) or is_profile(current)):
        from controlplane.cli.compare import running  # noqa: PLC0415 - NumPy, Arrow

        return running.compared(_job(reference, current, level, told))
    from controlplane.cli.compare import profiled  # noqa: PLC0415 - as above

    needing = next((option for option in ("by", "time", "label") if told[option] is not None), None)
    if needing is not None:
        message = f"--{needing} needs the rows of both files; a profile holds none"
        raise click.UsageError(message)
    return profiled.compared(profiled.Job(
        reference=reference, current=current,
        asked=_asked(told),
        columns=_texts(told["columns"]) or None, drop=frozenset(_texts(told["drop"])), level=level,
        salt=str(told["salt"] or "").encode(),
    ))  # fmt: skip


def _go_together(told: Mapping[str, object]) -> None:
    if told["by"] is not None and told["time"] is not None:
        message = "--by and --time both cut the rows; expected one of them"
        raise click.UsageError(message)
    lonely = next((o for o in ("prediction", "scores", "task", "positive") if told[o]), None)
    if lonely is not None and told["label"] is None:
        message = f"--{lonely.removesuffix('s')} is of a model; expected --label with the column of what turned out true as well"
        raise click.UsageError(message)
    if told["every"] is not None and told["time"] is None:
        message = (
            "--every says how long windows are; expected --time with the column of times as well"
        )
        raise click.UsageError(message)
    if told["every"] is not None:
        _length(str(told["every"]))


def _length(text: str) -> timedelta:
    length = duration_of(text)
    if length is None or length < timedelta(seconds=1):
        message = f"--every {text!r}; expected a length of a second or more, as 1d, 6h or 7d"
        raise click.UsageError(message)
    return length


def _job(reference: Path, current: Path, level: float, told: dict[str, object]) -> "Job":
    from controlplane.cli.compare.running import Job  # noqa: PLC0415 - see above
    from controlplane.cli.compare.source import source  # noqa: PLC0415

    asked = _asked(told)
    first, second = source(reference), source(current)
    drop = _texts(told["drop"])
    columns = chosen(_texts(told["columns"]), {*first.types, *second.types})
    by, at = _text(told["by"]), _text(told["time"])
    for name in (*drop, *columns, *(name for name in (by, at) if name is not None)):
        _known_column(name, first, second)
    return Job(
        reference=first, current=second, asked=asked,
        columns=columns if told["columns"] else None, drop=frozenset(drop),
        level=level, by=by, time=at, every=None if told["every"] is None else _length(str(told["every"])),
        model=_model(told, {*first.types, *second.types}), folding=told["html"] is not None,
    )  # fmt: skip


def _model(told: Mapping[str, object], known: set[str]) -> "Named | None":
    """The model's columns as they were named; a name with `=` in it may be a column's."""
    if told["label"] is None:
        return None
    from controlplane.cli.compare.outcomes import Named  # noqa: PLC0415 - where it is asked

    scores: dict[str, str] = {}
    for text in _texts(told["scores"]):
        name, equals, column = ("", "", text) if text in known else text.partition("=")
        name, column = (name, column) if equals else ("", text)
        if name in scores:
            message = (
                f"--score {scores[name]} and --score {column} are of one class; expected CLASS=COLUMN "
                "with another CLASS for each"
            )
            raise click.UsageError(message)
        scores[name] = column
    named = Named(
        label=str(told["label"]), prediction=_text(told["prediction"]), scores=scores,
        task=_text(told["task"]), positive=_text(told["positive"]), time=_text(told["time"]),
    )  # fmt: skip
    for column in named.roles:
        if column not in known:
            message = f"neither file has a column {column!r}{nearest(column, known)}"
            raise click.UsageError(message)
    return named


def _asked(told: Mapping[str, object]) -> "Asked":
    from detectors.comparison.measuring import Asked  # noqa: PLC0415 - see above

    detectors = _texts(told["detectors"])
    fixed = dict(map(_threshold, _texts(told["thresholds"])))
    for name in (*detectors, *fixed):
        _known_detector(name)
    return Asked(
        detectors=(*dict.fromkeys([*detectors, *fixed]),) if detectors else None,
        thresholds=fixed, pictures=bool(told["pictures"]),
    )  # fmt: skip


def _threshold(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        limit = float(value)
    except ValueError:
        limit = math.nan
    if not (math.isfinite(limit) and limit >= 0.0):
        message = f"--threshold {text!r}; expected a detector and a number of 0 or more, as ks=0.1"
        raise click.UsageError(message)
    return name.strip(), limit


def _known_detector(name: str) -> None:
    from detectors.catalogue import CATALOGUE  # noqa: PLC0415 - only where one is named

    entry = CATALOGUE.get(name)
    named = [key for key, each in CATALOGUE.items() if each.params is not None and each.kinds]
    if entry is None:
        message = (
            f"there is no detector {name!r}{nearest(name, named)}; there are: {', '.join(named)}"
        )
        raise click.UsageError(message)
    if name not in named:
        message = f"{name} does not compare a column of two files; these do: {', '.join(named)}"
        raise click.UsageError(message)


def _known_column(name: str, first: "Source", second: "Source") -> None:
    names = list(dict.fromkeys([*first.types, *second.types]))
    if name not in names:
        message = f"neither file has a column {name!r}{nearest(name, names)}"
        raise click.UsageError(message)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, tuple) else ()
