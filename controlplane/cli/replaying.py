"""`leeboard replay` and `leeboard demo`: a history through the loop, told as it goes."""

import signal
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import click
import msgspec

from connectors.client.problems import ClientError
from controlplane.cli.replay.asked import Asked
from controlplane.cli.replay.bench import Bench
from controlplane.cli.replay.conductor import Scene, Stage
from controlplane.cli.replay.document import Document
from controlplane.cli.replay.report import report
from controlplane.cli.replay.run import Outcome, Replay, fresh_directory, replay
from controlplane.cli.replay.scenes import AgainstAdvice, ShuffledVersion
from controlplane.cli.replay.unbroken import ENDINGS
from controlplane.cli.replay.watching import replay_behind
from controlplane.cli.terminal import nearest
from controlplane.domain.errors import LeeboardError

BIKE: Final = Path(__file__).resolve().parents[2] / "examples" / "bike"
SHUFFLED_AT: Final = datetime(2012, 10, 1, tzinfo=UTC)
FORCED_AT: Final = datetime(2012, 12, 1, tzinfo=UTC)
MEASURED_TO: Final = datetime(2012, 12, 1, tzinfo=UTC)
LONGEST: Final = 3_650
"""Days that a label may be late."""

REPLAY_EXAMPLES: Final = """\b
Examples:
  leeboard replay bikes.parquet --time ts --label cnt
  leeboard replay loans.csv --label repaid --drop ssn --json > found.json
  leeboard replay flights.csv --time dep --label late --model flights.yaml
"""


@click.command("replay", epilog=REPLAY_EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--label", help="The column that holds what turned out true; --model may name it.")
@click.option("--time", help="The column of event times; without one, row k is given hour k.")
@click.option("--label-time", help="The column that says when each label became known.")
@click.option("--id", "id_", help="The column that names each row; default: its number.")
@click.option("--drop", multiple=True, help="A column that is never a feature; may be repeated.")
@click.option("--time-zone", default="UTC", show_default=True, help="Of times without an offset.")
@click.option("--task", type=click.Choice(["regression", "binary", "multiclass"]),
              help="Default: what the label looks like.")  # fmt: skip
@click.option("--positive", help="Of two classes the one that is meant; default: the one like yes.")
@click.option("--delay", type=click.FloatRange(min=0),
              help="Days until a label is known; default: as --label-time shows, else one.")  # fmt: skip
@click.option("--model", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="A model file; default: one is made of what the data show.")  # fmt: skip
@click.option("--speed", type=click.FloatRange(min=0, min_open=True),
              help="Days of history a second at most; default: as fast as the work allows.")  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path), help="Folder; default: a fresh one.")
@click.option("--server", help="Address of a server that runs; default: one of its own.")
@click.option("--token", envvar="LEEBOARD_TOKEN", help="Opens that server.")
@click.option("--headless", is_flag=True, help="No dashboard; progress on standard error.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def replay_command(file: Path, **told: object) -> None:
    """Send a file of history through the loop: train, serve, watch, retrain, promote."""
    if told["label"] is None and told["model"] is None:
        message = "which column holds what turned out true? Say --label COLUMN"
        raise click.UsageError(message)
    if told["label_time"] is not None and told["time"] is None:
        message = "--label-time needs --time: without times no label is late"
        raise click.UsageError(message)
    asked = Asked(
        label=_text(told["label"]) or "", time=_text(told["time"]),
        label_time=_text(told["label_time"]), id=_text(told["id_"]),
        drop=tuple(told["drop"]),  # type: ignore[arg-type]
        time_zone=_zone(str(told["time_zone"])), task=_text(told["task"]),
        positive=_text(told["positive"]), delay=_delay(told["delay"]),
    )  # fmt: skip
    model = told["model"] if isinstance(told["model"], Path) else None
    speed = told["speed"] if isinstance(told["speed"], float) else None
    with ExitStack() as folder:
        data = _folder(told["data"], folder)
        _tell(
            Replay(
                file=file, asked=asked, data=data, say=_say, model_file=model, speed=speed,
                server=_text(told["server"]), token=_text(told["token"]),
            ),
            told,
        )  # fmt: skip


def _folder(told: object, folder: ExitStack) -> Path:
    """Where everything is kept; a fresh folder is taken away again where nothing came into it."""
    if isinstance(told, Path):
        data = told.resolve()  # what is trained and scored runs in folders of its own
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"--data: {data} cannot be made a folder: {error.strerror}"
            raise click.UsageError(message) from error
        return data
    data = fresh_directory("replay")

    def tidy() -> None:
        if not any(data.iterdir()):
            data.rmdir()

    folder.callback(tidy)
    return data


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        message = f"--time-zone: {name!r} is no time zone{nearest(name, available_timezones())}"
        raise click.UsageError(message) from None
    return name


def _delay(days: object) -> timedelta | None:
    if not isinstance(days, float):
        return None
    if not days <= LONGEST:
        message = f"--delay: {days} days is no delay; expected 0 to {LONGEST}"
        raise click.UsageError(message)
    return timedelta(seconds=round(days * 86_400))


@click.command("demo", epilog="\b\nExamples:\n  leeboard demo\n  leeboard demo --headless --json")
@click.option("--headless", is_flag=True, help="No dashboard; progress on standard error.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def demo(**told: object) -> None:
    """The whole loop on two years of real bike rides, with two scenes that are made up."""
    asked = Replay(
        file=BIKE / "hours.parquet", asked=Asked(label="cnt", time="ts"),
        data=fresh_directory("demo"), say=_say, model_file=BIKE / "model.yaml",
        measured_to=MEASURED_TO, scenes=_scenes,
    )  # fmt: skip
    found = _tell(asked, told)
    if not closed(found):
        raise click.ClickException("the loop did not close: see what is missing above")


def closed(found: Document) -> bool:
    """Whether a demonstration showed all of it: promoted, refused, taken back, told."""
    refused = any(t.made and t.verdict in {"worse", "not_better"} for t in found.trials)
    promoted = any(p.kind == "promote" for p in found.promotions)
    heard = found.deliveries.sent > 0 and found.deliveries.sent == found.deliveries.verified
    return refused and promoted and bool(found.rollbacks) and heard


def _scenes(stage: Stage, bench: Bench) -> list[Scene]:
    return [
        ShuffledVersion(at=SHUFFLED_AT, stage=stage, bench=bench),
        AgainstAdvice(at=FORCED_AT, stage=stage),
    ]


def _tell(asked: Replay, told: dict[str, object]) -> Document:
    watched = not (told["headless"] or told["as_json"]) and sys.stdout.isatty()
    outcome = _run(asked, watched=watched)
    if told["as_json"]:
        sys.stdout.write(msgspec.json.encode(outcome.document).decode() + "\n")
    else:
        click.echo(report(outcome.document, outcome.story))
    if asked.server is None:
        where = (
            f"everything is in {asked.data}; `leeboard serve --data {asked.data} --open` shows it"
        )
    else:
        model = outcome.document.model
        where = f"{model} is at {asked.server}; `leeboard status {model} --server {asked.server}` shows it"
    _say(where)
    return outcome.document


def _run(asked: Replay, *, watched: bool) -> Outcome:
    """Run to the end; Ctrl-C and other signals to end take every process along."""
    stop = Event()

    def over(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        raise KeyboardInterrupt

    for number in ENDINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, over)
    try:
        return replay_behind(asked, stop, _screens) if watched else replay(asked, stop)
    except KeyboardInterrupt:
        _say("stopped; every process that it began has ended")
        raise SystemExit(130) from None
    except (LeeboardError, ClientError) as error:
        kept = f"\neverything so far is in {asked.data}" if any(asked.data.iterdir()) else ""
        raise click.ClickException(f"{error}{kept}") from None
    finally:
        stop.set()


def _screens(address: str) -> None:
    """The dashboard, until it is left."""
    from tui.app import main  # noqa: PLC0415 - Textual only where it is shown

    main(address, None)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
