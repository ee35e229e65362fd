"""A whole life of a model, for tests of the loop: a replay of `boats` with a fake trainer.

The first version predicts half the wind and is right until `breaks`, when the truth rises by
three knots; the second version adds three and is right until `mends`, when the truth falls again.
So the loop trains, retrains, tries, promotes, and takes the promotion back.
"""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from controlplane.domain.alerts import Alert
from controlplane.domain.decisions import Decision, DecisionKind
from controlplane.domain.guards import Guard
from controlplane.domain.journal import Entry
from controlplane.domain.models import Generation, Model, Timing
from controlplane.domain.policy import (
    AtMost,
    Label,
    Monitors,
    Performance,
    Policy,
    Retrain,
    Route,
    Trial,
    Trigger,
    TriggerKind,
    Windows,
)
from controlplane.domain.references import Reference
from controlplane.domain.reigns import Reign
from controlplane.domain.runs import Run
from controlplane.domain.schema import Column, Schema, Task
from controlplane.domain.trials import Trial as TrialRecord
from controlplane.domain.versions import Version
from controlplane.lifecycle.by_hand import ByHand
from controlplane.lifecycle.proving import Prover
from controlplane.lifecycle.reconcile import Reconciler
from controlplane.lifecycle.workshop import Workshop
from controlplane.store.ports import Store
from controlplane.wake import Waker
from detectors.finding import Kind
from tests.fakes import FakeTrainer, FixedClock

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
SERVED = datetime.fromisoformat("2024-04-01T00:00+00:00")
"""A Monday, on which the first version begins to serve."""
LAUNCH = SERVED - 21 * DAY
WORSE = Trigger(kind=TriggerKind.WORSE_BY, amount=0.2)
RECORDS = (Run, Version, TrialRecord, Guard, Alert, Reign, Reference)
SCHEMA = Schema(
    task=Task.REGRESSION, features=(Column("wind", Kind.NUMERIC), Column("sail", Kind.CATEGORICAL))
)


def a_file(*, estimate: bool = False, **changes: object) -> Policy:
    """Weekly windows, labels within a day, one trigger; only performance is watched, and unless it
    is asked for it is not estimated either: to learn to takes as long as all the rest."""
    policy = Policy(
        model="boats", task=Task.REGRESSION, label=Label(column="knots"),
        windows=Windows(every=WEEK, lateness=timedelta(0)),
        monitors=Monitors(
            drift=None, quality=None, stream=None,
            performance=Performance(metric="mae", estimate=estimate),
        ),
        retrain=Retrain(when=(WORSE,), cooldown=WEEK, at_most=AtMost(4, 90 * DAY)),
        trial=Trial(metric="mae"), alerts=(Route(to="ops"),),
    )  # fmt: skip
    return msgspec.structs.replace(policy, **changes)


class Voyage:
    """A store with the model in it, and the parts of the loop over it; `restart` makes them anew."""

    def __init__(
        self, store: Store, root: Path, trainer: FakeTrainer, policy: Policy | None = None
    ) -> None:
        self.store, self.trainer, self.root = store, trainer, root
        self.clock = FixedClock(SERVED)
        self.restart(store)
        model = Model(id="boats", model="boats", timing=Timing.REPLAY, generation=0,
                      schema=SCHEMA, created_at=LAUNCH)  # fmt: skip
        store.write(lambda t: (t.ledger.put(model), t.events.prepare("boats", SCHEMA))).result()
        self.apply(policy or a_file())

    def restart(self, store: Store) -> None:
        """What a new process builds over the files that the last one left."""
        workshop = Workshop(self.root, {"builtin": self.trainer})
        parts = Reconciler(store=store, workshop=workshop, clock=self.clock)
        self.waker = Waker(store, parts, self.clock)
        self.by_hand = ByHand(
            store, self.clock, self.waker.settle_now,
            Prover(store, workshop, self.clock).prove,
        )  # fmt: skip
        self.workshop = workshop

    def apply(self, policy: Policy) -> None:
        """Put a file in force as the next generation."""

        def work(t) -> None:
            model = t.ledger.get(Model, "boats")
            number = model.generation + 1
            t.ledger.put(msgspec.structs.replace(model, generation=number))
            t.ledger.put(Generation(id=f"boats/{number}", model="boats", number=number,
                                    policy=policy, text="", applied_at=self.clock.now(),
                                    applied_by="tests"))  # fmt: skip

        self.store.write(work).result()

    def told(self, **changes: object) -> None:
        """Change the model's record."""
        self.store.write(lambda t: t.ledger.put(
            msgspec.structs.replace(t.ledger.get(Model, "boats"), **changes)
        )).result()  # fmt: skip

    def log(self, table: pa.Table, *, version: str | None = "v1") -> None:
        """Rows with their labels, each known an hour before a day has passed."""
        served = table.drop_columns(["label"])
        labels = pa.table({
            "id": table["id"], "label": table["label"], "at": table["at"],
            "known_at": pa.array([a + 23 * HOUR for a in table["at"].to_pylist()],
                                 pa.timestamp("us", "UTC")),
        })  # fmt: skip
        prediction = pa.nulls(table.num_rows, pa.float64()) if version is None else pa.array(
            table["wind"].to_numpy() / 2.0
        )  # fmt: skip
        served = served.append_column("prediction", prediction).append_column(
            "version", pa.array([version] * table.num_rows, pa.string())
        )
        self.store.write(lambda t: t.events.append_predictions("boats", served)).result()
        self.store.write(lambda t: t.events.append_labels("boats", labels)).result()

    def launch(self) -> None:
        """Three weeks of history, and the first version trained on it."""
        self.log(waters(LAUNCH, 21), version=None)
        self.sail(SERVED)

    def sail(self, until: datetime) -> None:
        """Settle everything that is due by an instant."""
        self.waker.announce("boats", until, final=False)

    @property
    def model(self) -> Model:
        """The model's record."""
        [found] = self.all(Model)
        return found

    def all(self, kind):
        """Every record of a kind, in order."""
        with self.store.read() as view:
            return view.ledger.find(kind, model="boats")

    def decisions(self, *kinds: DecisionKind) -> list[Decision]:
        """Decisions, of some kinds only where any are named."""
        return [d for d in self.all(Decision) if not kinds or d.kind in kinds]

    def log_of(self) -> list[tuple[str, str, str]]:
        """The decisions as (day since serving began, kind, subject)."""
        return [
            (f"{(d.model_time - SERVED) / DAY:g}", str(d.kind), d.subject) for d in self.decisions()
        ]

    def state(self) -> dict[str, object]:
        """Everything that was decided and done, to compare two voyages by."""
        found: dict[str, object] = {kind.__name__: self.all(kind) for kind in RECORDS}
        found["Decision"] = [
            msgspec.structs.replace(d, recorded_at=None) for d in self.all(Decision)
        ]
        found["Model"] = self.model
        with self.store.read() as view:
            entries = view.ledger.find(Entry)
        found["journal"] = [(e.kind, e.subject, e.at, e.text) for e in entries]
        return found


def waters(start: datetime, days: int, *, rise: float = 0.0) -> pa.Table:
    """A row an hour, known at once; the truth is half the wind, `rise`, and some noise."""
    hours = days * 24
    generator = np.random.default_rng(int(start.timestamp()) // 3600)
    at = [start + k * HOUR for k in range(hours)]
    wind = generator.normal(10.0, 2.0, hours)
    sails = np.array(["jib", "main"])[generator.integers(0, 2, hours)]
    instants = pa.array(at, pa.timestamp("us", "UTC"))
    return pa.table({
        "id": [f"{moment:%Y%m%d%H}" for moment in at], "at": instants, "known_at": instants,
        "role": ["live"] * hours, "wind": wind, "sail": sails,
        "label": wind / 2.0 + rise + generator.normal(0.0, 1.0, hours),
    })  # fmt: skip
