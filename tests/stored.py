"""Builders for tests about rows in the store and rows on their way there."""

from datetime import UTC, datetime, timedelta

import msgspec
import pyarrow as pa

from controlplane.domain.models import Generation, Model
from controlplane.domain.schema import Column, Schema, Task
from controlplane.ingest.decode import decode
from controlplane.ingest.receive import receive
from controlplane.policy.defaults import policy_of
from controlplane.store.ports import Store
from detectors.finding import Kind

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSTANT = pa.timestamp("us", "UTC")
MODEL = "bikes"

SCHEMA = Schema(
    task=Task.REGRESSION,
    features=(Column("wind", Kind.NUMERIC), Column("sky", Kind.CATEGORICAL)),
)
YES_NO = Schema(
    task=Task.BINARY, features=(Column("wind", Kind.NUMERIC),), scores={"yes": "score"},
    positive="yes",
)  # fmt: skip


def hours(*numbers: float) -> pa.Array:
    """Times so many hours after noon."""
    return pa.array([NOON + number * HOUR for number in numbers], INSTANT)


def predictions(ids: list[str], at: list[float], **columns: object) -> pa.Table:
    """Rows as the store takes them; `at` and `known_at` in hours after noon."""
    rows = len(ids)
    known = columns.pop("known_at", None) or at
    table = {
        "id": pa.array(ids, pa.string()), "at": hours(*at), "known_at": hours(*known),
        "version": pa.array(columns.pop("version", None) or ["v1"] * rows, pa.string()),
        "role": pa.array(columns.pop("role", None) or ["live"] * rows, pa.string()),
        "prediction": columns.pop("prediction", None) or pa.array([1.0] * rows),
    }  # fmt: skip
    return pa.table(table | columns)


def labels(
    ids: list[str], label: list[object], known_at: list[float], at: list[float | None] | None = None
) -> pa.Table:
    """Labels as the store takes them."""
    said = [None if a is None else NOON + a * HOUR for a in at or [None] * len(ids)]
    return pa.table({
        "id": pa.array(ids, pa.string()), "label": pa.array(label), "known_at": hours(*known_at),
        "at": pa.array(said, INSTANT),
    })  # fmt: skip


def a_model(store: Store, task: Task = Task.REGRESSION, *, name: str = MODEL) -> Model:
    """A model with a file of three lines, in the store."""
    model = Model(id=name, model=name, generation=1, created_at=NOON)
    generation = Generation(
        id=f"{name}/1", model=name, number=1, policy=policy_of(name, task, "cnt"), text="",
        applied_at=NOON, applied_by="tests",
    )  # fmt: skip
    store.write(lambda t: (t.ledger.put(model), t.ledger.put(generation))).result()
    return model


def sent(store: Store, feed: str, body: object, **terms: object):
    """A JSON body as it goes through HTTP's hands."""
    batch = decode("application/json", msgspec.json.encode(body), feed=feed)
    with store.read() as view:
        [model] = view.ledger.find(Model)
    told = {"known_at": NOON, "may_backdate": False, "strict": False} | terms
    return receive(store, model, feed, batch, **told)
