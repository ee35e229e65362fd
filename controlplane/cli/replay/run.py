"""A replay from beginning to end: a server of its own or a given one, the story, the document."""

import secrets
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Event
from typing import Final

import msgspec

from connectors.client import wire
from connectors.client.calls import Span
from connectors.client.http import Connection
from connectors.trainers.command import builtin_trainer
from controlplane.cli.replay.asked import Asked
from controlplane.cli.replay.bench import Bench
from controlplane.cli.replay.conductor import Scene, Stage, open_with_history, play
from controlplane.cli.replay.declared import (
    as_text,
    read_text,
    wire_names,
    with_file,
    with_positive,
)
from controlplane.cli.replay.document import Deliveries, Document, Sources, document
from controlplane.cli.replay.file_text import model_file
from controlplane.cli.replay.history import History, read_history
from controlplane.cli.replay.house import House
from controlplane.cli.replay.patient import patiently
from controlplane.cli.replay.receiver import Receiver
from controlplane.cli.replay.rivals import FOUR_WEEKS, AlwaysRetrained, Plan
from controlplane.cli.replay.serving import Serving
from controlplane.cli.replay.story import Story, gather
from controlplane.domain.errors import Refused
from controlplane.domain.names import ModelName
from controlplane.domain.policy import Policy
from controlplane.policy.model_file import UNCHECKED, parse

DELIVERY_PATIENCE: Final = 15.0
RECEIVER: Final = "replay"
"""The receiver of alerts that a server of the replay's own knows."""
SECRET: Final = "LEEBOARD_REPLAY_SECRET"  # noqa: S105  # the name of a variable


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What is replayed, and how."""

    file: Path
    asked: Asked
    data: Path
    say: Callable[[str], None]
    server: str | None = None
    """A server that runs already; None: one of the replay's own."""
    token: str | None = None
    model_file: Path | None = None
    measured_to: datetime | None = None
    speed: float | None = None
    """Days of history a second at most; None: as fast as the work allows."""
    scenes: Callable[[Stage, Bench], list[Scene]] | None = None
    shown: Callable[[str], None] = lambda _: None
    """Told the server's address as soon as it is up."""
    linger: Callable[[], object] = lambda: None
    """Called when all is done, before the server of the replay's own ends."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay leaves: its document and the decisions behind it."""

    document: Document
    decisions: list[wire.Decision]
    story: Story


def fresh_directory(name: str) -> Path:
    """A folder that nobody else uses."""
    return Path(tempfile.mkdtemp(prefix=f"leeboard-{name}-"))


def replay(asked: Replay, stop: Event) -> Outcome:
    """Run it; ends every process that it began, however it ends."""
    began = time.perf_counter()
    history, text, policy = _read(asked)
    _tell(asked, history)
    with ExitStack() as open_things:
        receiver = Receiver(secret := _secret())
        open_things.callback(receiver.close)
        address = asked.server or _house(asked, receiver, secret, stop, open_things)
        asked.shown(address)
        connection = open_things.enter_context(Connection(address, asked.token, timeout=120.0))
        text, policy = _new(asked, connection, text, policy)
        bench = Bench(_fresh_jobs(asked.data, policy.model), builtin_trainer(), stop)
        open_things.callback(bench.close)
        serving = Serving(connection, policy.model, history, bench, wire_names(policy, history))
        stage = Stage(
            connection=connection, model=policy.model, history=history, serving=serving,
            say=asked.say, stop=stop, speed=asked.speed,
        )  # fmt: skip
        patiently(
            lambda: connection.apply(policy.model, text, timing="replay", timed=history.timed)
        )
        always = AlwaysRetrained(history, bench, _rival(policy, history))
        always.start()
        open_with_history(stage)
        play(stage, asked.scenes(stage, bench) if asked.scenes else [])
        always.finish()
        # A server that is not the replay's own has receivers of its own, and others' alerts.
        deliveries = Deliveries(sent=0, verified=0)
        if asked.server is None:
            deliveries = _deliveries(connection, receiver)
        sources = Sources(
            connection=connection, model=policy.model, history=history, serving=serving,
            always=always, metric=_metric(policy), measured_to=asked.measured_to,
            counted=not history.timed or policy.windows.rows is not None,
        )  # fmt: skip
        found = document(sources, deliveries, round(time.perf_counter() - began, 2))
        label = asked.asked.label or policy.label.column
        story = gather(connection, policy.model, history, label=label)
        asked.linger()
        return Outcome(document=found, decisions=story.decisions, story=story)


def _read(asked: Replay) -> tuple[History, str, Policy]:
    """The history and the model file it goes by: the user's own, or one made of what it shows.

    What the user's own says of the file holds where the command line is silent. A server that is
    not the replay's own knows nothing of its receiver.
    """
    if asked.model_file is None:
        history = read_history(asked.file, asked.asked)
        text = model_file(history, asked.asked, receiver=None if asked.server else RECEIVER)
        return history, text, parse(text, source="the inferred model file", known=UNCHECKED)
    text = read_text(asked.model_file)
    policy = parse(text, source=str(asked.model_file), known=UNCHECKED)
    history = read_history(asked.file, with_file(asked.asked, policy))
    told = with_positive(policy, history)
    return history, text if told is policy else as_text(told), told


def _new(asked: Replay, connection: Connection, text: str, policy: Policy) -> tuple[str, Policy]:
    """The model file under a name that the server does not have: a replay makes its own model.

    Raises Refused where the user's own file names one that is there.
    """
    there = {found.name for found in connection.every(connection.models, Span(limit=1000))}
    if policy.model not in there:
        return text, policy
    if asked.model_file is not None:
        message = (
            f"the server has a model called {policy.model} already, and a replay makes a new one: "
            f"name another in {asked.model_file}"
        )
        raise Refused(message)
    free = next(n for k in count(2) if (n := f"{policy.model}-{k}") not in there)
    asked.say(f"the server has a model called {policy.model} already; this one is called {free}")
    renamed = msgspec.structs.replace(policy, model=ModelName(free))
    return text.replace(f"model: {policy.model}\n", f"model: {free}\n", 1), renamed


def _fresh_jobs(data: Path, model: str) -> Path:
    """A folder for the replay's own jobs, which nothing was run in before."""
    jobs = data / "replay"
    jobs.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{model}-", dir=jobs))


def _tell(asked: Replay, history: History) -> None:
    labels = history.labels
    classes = f" ({', '.join(labels.classes[:6])})" if labels.classes else ""
    asked.say(f"{asked.file.name}: {history.rows.num_rows} rows; {labels.task}{classes}")
    for column in history.features:
        asked.say(f"  {column.name}: {column.kind}")
    for before, after in history.renamed.items():
        asked.say(f"  {before} is called {after} here: the name is taken")
    for remark in history.remarks:
        asked.say(f"  {remark}")
    if history.rejected:
        asked.say(f"{history.rejected} rows have no readable time and are left out")


def _house(
    asked: Replay, receiver: Receiver, secret: str, stop: Event, open_things: ExitStack
) -> str:
    """A server of the replay's own; when it ends, what it had at work ends with it."""
    config = asked.data / "leeboard.yaml"
    config.write_text(
        f'receivers:\n  {RECEIVER}: {{webhook: "{receiver.url}", secret: "${{{SECRET}}}"}}\n',
        encoding="utf-8",
    )
    open_things.callback(Bench(asked.data / "jobs", builtin_trainer(), stop).close)
    house = House(asked.data, config, {SECRET: secret})
    open_things.callback(house.close)
    return house.address


def _secret() -> str:
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


def _rival(policy: Policy, history: History) -> Plan:
    """Every four weeks, or every window where that is longer, on the policy's data span."""
    first, last = history.rows["at"][0].as_py(), history.rows["at"][-1].as_py()
    every = policy.windows.every or timedelta(0)
    return Plan(
        start=history.split, end=last + timedelta(microseconds=1), pause=max(FOUR_WEEKS, every),
        span=policy.retrain.last or history.split - first,
    )  # fmt: skip


def _metric(policy: Policy) -> str:
    return (
        policy.monitors.performance.metric if policy.monitors.performance else policy.trial.metric
    )


def _deliveries(connection: Connection, receiver: Receiver) -> Deliveries:
    """What was sent and what the receiver could verify, once the outbox is empty."""
    until = time.monotonic() + DELIVERY_PATIENCE
    while time.monotonic() < until:
        queued = connection.deliveries(state="queued").items
        if not queued:
            break
        time.sleep(0.2)
    sent = sum(1 for _ in connection.every(lambda s: connection.deliveries(s, state="delivered")))
    return Deliveries(sent=sent, verified=receiver.verified)
