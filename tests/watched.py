"""A model under watch in a store: what the tests of windows, scores and conditions start from."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa

from controlplane.domain.models import Generation, LossScale, Model, Timing
from controlplane.domain.policy import (
    Drift,
    Label,
    Monitors,
    Performance,
    Policy,
    Quality,
    Retrain,
    Stream,
    Trial,
    Trigger,
    TriggerKind,
    Windows,
)
from controlplane.domain.references import Reference
from controlplane.domain.reigns import Reign
from controlplane.domain.schema import Column, Schema, Task
from controlplane.domain.versions import Version
from controlplane.domain.windows import Score
from controlplane.monitor.due import next_due
from controlplane.monitor.score import score_due
from controlplane.store.ports import Store
from detectors.finding import Kind

SERVED = datetime(2024, 4, 1, tzinfo=UTC)
"""When the tests' models begin to serve; a Monday."""
TRAINED = SERVED - timedelta(days=70)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
WORSE = Trigger(kind=TriggerKind.WORSE_BY, amount=0.2)
DRIFTED = Trigger(kind=TriggerKind.DRIFT, amount=0.3, windows=2)


def a_policy(**changes: object) -> Policy:
    """A regression's file: two features, weekly windows, labels within a day."""
    policy = Policy(
        model="boats",
        task=Task.REGRESSION,
        label=Label(column="knots"),
        windows=Windows(every=WEEK),
        monitors=Monitors(
            drift=Drift(), quality=Quality(), performance=Performance(metric="mae"), stream=Stream()
        ),
        retrain=Retrain(when=(WORSE, DRIFTED)),
        trial=Trial(metric="mae"),
    )
    return msgspec.structs.replace(policy, **changes)


SCHEMA = Schema(
    task=Task.REGRESSION, features=(Column("wind", Kind.NUMERIC), Column("sail", Kind.CATEGORICAL))
)


def a_version(name: str = "v1", **changes: object) -> Version:
    """A version trained on the ten weeks before serving, with a loss of 1 on unseen rows."""
    version = Version(
        id=f"boats/{name}", model="boats", version=name, number=int(name[1:]), made_at=SERVED,
        sha256="0" * 64, trainer="builtin", trained_from=TRAINED, trained_to=SERVED,
        scale=LossScale(reference_loss=1.0, loss_cap=4.0, rows=300), served=True,
        promoted_at=SERVED,
    )  # fmt: skip
    return msgspec.structs.replace(version, **changes)


def a_model(**changes: object) -> Model:
    """A replay whose first version began to serve at `SERVED`."""
    model = Model(
        id="boats", model="boats", timing=Timing.REPLAY, generation=1, schema=SCHEMA,
        created_at=SERVED, announced=SERVED, stepped=SERVED, serving_from=SERVED, origin=SERVED,
        champion="v1", moves=1,
    )  # fmt: skip
    return msgspec.structs.replace(model, **changes)


def a_score(number: int, revision: int = 1, **changes: object) -> Score:
    """A revision of week `number`, scored when it was due, nothing amiss."""
    start = SERVED + number * WEEK
    score = Score(
        id=f"w{number}/{revision}", model="boats", window=f"w{number}", revision=revision,
        start=start, end=start + WEEK, scored_at=start + WEEK + DAY, generation=1, champion="v1",
        reference="boats/v1", verdict="passed", rows=168, labels=168, columns_judged=4,
    )  # fmt: skip
    return msgspec.structs.replace(score, **changes)


def rows(
    start: datetime, hours: int, *, seed: int = 1, shift: float = 0.0, version: str | None = None
) -> pa.Table:
    """A row an hour, known at once: wind with a daily swing, three sails, and a prediction where a
    version is named."""
    generator = np.random.default_rng(seed)
    at = [start + k * HOUR for k in range(hours)]
    wind = generator.normal(10.0 + shift, 2.0, hours) + np.sin(np.arange(hours) * np.pi / 12)
    sails = np.array(["jib", "main", "genoa", "spinnaker"])[generator.integers(0, 4, hours)]
    prediction = pa.nulls(hours, pa.float64()) if version is None else pa.array(wind / 2.0)
    return pa.table({
        "id": [f"{moment:%m%d%H}" for moment in at],
        "at": pa.array(at, pa.timestamp("us", "UTC")),
        "known_at": pa.array(at, pa.timestamp("us", "UTC")),
        "version": pa.array([version] * hours, pa.string()),
        "role": ["live"] * hours,
        "prediction": prediction,
        "wind": wind,
        "sail": sails,
    })  # fmt: skip


def labels(served: pa.Table, *, after: timedelta = 20 * HOUR, off: float = 1.0) -> pa.Table:
    """Labels of rows, `off` knots from half the wind on average, known `after` so long."""
    generator = np.random.default_rng(served.num_rows)
    wind = served["wind"].to_numpy()
    error = generator.exponential(off, wind.size) * generator.choice([-1, 1], wind.size)
    known = [moment + after for moment in served["at"].to_pylist()]
    return pa.table({
        "id": served["id"], "label": wind / 2.0 + error,
        "known_at": pa.array(known, pa.timestamp("us", "UTC")), "at": served["at"],
    })  # fmt: skip


def log(store: Store, *tables: pa.Table) -> None:
    """Append predictions or labels, a commit a table."""
    for table in tables:
        name = "append_labels" if "label" in table.column_names else "append_predictions"
        store.write(lambda t, n=name, rows=table: getattr(t.events, n)("boats", rows)).result()


def watch(
    store: Store, policy: Policy, model: Model | None = None, versions: Sequence[Version] = (), *,
    history: pa.Table | None = None,
) -> None:  # fmt: skip
    """Put a model into a store with its first version, its reference, and ten weeks of history."""
    model, first = model or a_model(), a_version()
    history = rows(TRAINED, 70 * 24, seed=7) if history is None else history
    if model.schema.task is not Task.REGRESSION:
        history = history.set_column(5, "prediction", pa.nulls(history.num_rows, pa.string()))

    def work(t: object) -> None:
        ledger = t.ledger
        ledger.put(model)
        ledger.put(Generation(id="boats/1", model="boats", number=1, policy=policy, text="",
                              applied_at=SERVED, applied_by="test"))  # fmt: skip
        for version in versions or (first,):
            ledger.put(version)
        if model.champion is not None:
            ledger.put(Reign(id="boats/1", model="boats", version="v1", move=1, since=SERVED,
                             decision="d1"))  # fmt: skip
        ledger.put(Reference(id="boats/v1", model="boats", version="v1", start=TRAINED, end=SERVED,
                             known_at=SERVED, rows=history.num_rows, made_at=SERVED))  # fmt: skip
        t.events.prepare("boats", model.schema)

    store.write(work).result()
    log(store, history)


def step(store: Store, until: datetime) -> list[tuple[datetime, list[str]]]:
    """Step a model through everything that is due up to an instant; what was scored at each."""
    told(store, announced=until)
    found = []
    while (instant := next_due(store, "boats", until)) is not None:
        found.append((instant, score_due(store, "boats", instant)))
        told(store, stepped=instant)
    return found


def told(store: Store, **changes: object) -> None:
    """Change the model's record."""

    def work(t: object) -> None:
        t.ledger.put(msgspec.structs.replace(t.ledger.get(Model, "boats"), **changes))

    store.write(work).result()


def scores(store: Store) -> list[Score]:
    """Every revision in the store, by window and revision."""
    with store.read() as view:
        found = view.ledger.find(Score, model="boats")
    return sorted(found, key=lambda score: (score.start, score.revision))
