"""Requests that are stored together come to what they come to one after the other."""

import contextlib
import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.domain.batches import Receipt
from controlplane.domain.errors import AllRejected, LeeboardError
from controlplane.domain.models import Generation, Model
from controlplane.domain.schema import Column, Schema, Task
from controlplane.ingest.batch import Feed
from controlplane.ingest.decode import decode
from controlplane.ingest.gathering import Arrival
from controlplane.ingest.receive import receive
from controlplane.ingest.receive_many import receive_many
from controlplane.policy.defaults import policy_of
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known, Store
from detectors.finding import Kind

QUICK = settings(max_examples=15, deadline=None, derandomize=True)

NOW = datetime(2024, 3, 2, tzinfo=UTC)
MODEL = Model(
    id="m", model="m", generation=1, created_at=NOW,
    schema=Schema(task=Task.REGRESSION, features=(
        Column("x", Kind.NUMERIC), Column("c", Kind.CATEGORICAL),
    )),
)  # fmt: skip

IDS = st.sampled_from(["a", "b", "c", 7, "", None])
TIMES = st.sampled_from(
    ["2024-03-01T00:00:00Z", "2024-03-01T01:00:00Z", "2025-01-01T00:00:00Z", "noon"]
)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A row whose values follow from its id and time, so that who came first does not matter."""
    row: dict[str, Any] = {"id": draw(IDS), "at": draw(TIMES)}
    for name, values in (("x", [1, 2.5, "3", "warm"]), ("c", ["red", 1, True]), ("extra", [4])):
        if draw(st.booleans()):
            row[name] = values[len(str(row["id"]) + row["at"]) % len(values)]
    return row


BODIES = st.one_of(
    rows().map(json.dumps),
    st.lists(rows(), max_size=3).map(lambda some: json.dumps({"rows": some})),
    st.lists(rows(), min_size=1, max_size=3).map(
        lambda some: json.dumps({"columns": {
            name: [row.get(name) for row in some] for name in ("id", "at", "x", "extra")
        }})
    ),
    st.sampled_from(["{", "[]", "3", ""]),
)  # fmt: skip


def opened() -> Store:
    store = open_store(None)
    generation = Generation(
        id="m/1", model="m", number=1, policy=policy_of("m", Task.REGRESSION, "y"), text="",
        applied_at=NOW, applied_by="owner",
    )  # fmt: skip

    def put(t: Any) -> None:
        t.ledger.put(MODEL)
        t.ledger.put(generation)

    store.write(put).result()
    return store


def alone(store: Store, arrival: Arrival) -> Receipt | LeeboardError:
    try:
        batch = decode(arrival.content_type, arrival.body, feed=arrival.feed)
        return receive(
            store, MODEL, arrival.feed, batch, known_at=arrival.known_at, may_backdate=True,
            strict=False,
        )  # fmt: skip
    except LeeboardError as error:
        return error


def together(store: Store, arrivals: Sequence[Arrival]) -> list[Receipt | LeeboardError]:
    done = threading.Event()
    told: dict[int, Receipt | LeeboardError | None] = {}
    receive_many(store, arrivals, lambda a, o: told.update({id(a): o}), done=done.set)
    assert done.wait(30)
    assert len(told) == len(arrivals)
    return [told[id(a)] or alone(store, a) for a in arrivals]


def figures(outcome: Receipt | LeeboardError) -> object:
    """What of an outcome does not depend on which request came first."""
    match outcome:
        case Receipt():
            stored = outcome.accepted + outcome.duplicates
            return stored, outcome.rejected, outcome.unknown_columns, outcome.errors
        case AllRejected():
            return type(outcome), outcome.total, outcome.errors
        case _:
            return type(outcome), str(outcome)


@QUICK
@given(st.lists(BODIES, min_size=1, max_size=6))
def test_together_is_one_after_the_other(bodies: list[str]) -> None:
    arrivals = [
        Arrival(
            model="m", feed=Feed.PREDICTIONS, body=body.encode(), content_type="application/json",
            known_at=NOW, may_backdate=True,
        )
        for body in bodies
    ]  # fmt: skip
    with contextlib.closing(opened()) as one, contextlib.closing(opened()) as other:
        some, each = together(one, arrivals), [alone(other, arrival) for arrival in arrivals]
        assert [figures(outcome) for outcome in some] == [figures(outcome) for outcome in each]
        accepted = [
            sum(o.accepted for o in found if isinstance(o, Receipt)) for found in (some, each)
        ]
        assert accepted[0] == accepted[1]
        told = []
        for store in (one, other):
            with store.read() as view:
                if view.events.counts("m").predictions:
                    told.append(view.events.rows("m", [], Known()).select(["id", "at"]).to_pylist())
                else:
                    told.append([])
        assert told[0] == told[1]
