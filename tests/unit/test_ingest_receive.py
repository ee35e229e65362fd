"""Rows from a request to the store, and the receipt."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from controlplane.api.fleet import last_at
from controlplane.domain.batches import KeyedBatch, Receipt, Replayed
from controlplane.domain.errors import AllRejected, Conflict, NotFound
from controlplane.domain.models import Generation, Model, Timing
from controlplane.domain.policy import Windows
from controlplane.domain.reigns import Reign
from controlplane.domain.schema import Task
from controlplane.ingest.keyed import forget_keys
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Counts, Known, Store
from tests.stored import HOUR, MODEL, NOON, a_model, sent

ROWS = {
    "columns": {
        "id": ["a", "b"], "at": ["2024-03-01T10:00:00Z", "2024-03-01T11:00:00Z"],
        "wind": [1.5, 2.0], "sky": ["clear", "rain"], "prediction": [10, 20],
    }
}  # fmt: skip
BAD = {"columns": {**ROWS["columns"], "id": [None, "c"]}}


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def counts(store: Store) -> Counts:
    with store.read() as view:
        return view.events.counts(MODEL)


def test_the_first_rows_settle_the_schema(store: Store) -> None:
    a_model(store)
    receipt = sent(store, "predictions", ROWS)
    assert receipt == Receipt(accepted=2, watermark=NOON - HOUR)
    later = {"id": "c", "at": "2024-03-01T11:30:00Z", "wind": 3, "rain": 1}
    assert sent(store, "predictions", later).unknown_columns == {"rain": 1}
    with store.read() as view:
        model = view.ledger.get(Model, MODEL)
        rows = view.events.rows(MODEL, ["wind", "sky"], Known())
    assert model is not None
    assert model.schema is not None
    assert [c.name for c in model.schema.features] == ["wind", "sky"]
    assert rows.select(["id", "wind", "sky", "prediction"]).to_pylist()[2] == {
        "id": "c", "wind": 3.0, "sky": None, "prediction": None,
    }  # fmt: skip


def test_rows_that_were_all_rejected_settle_nothing_but_are_kept(store: Store) -> None:
    a_model(store)
    with pytest.raises(AllRejected, match="all 1 rows were rejected") as refused:
        sent(store, "predictions", {"at": "2024-03-01T10:00:00Z", "odd": 1})
    assert refused.value.total == 1
    assert refused.value.errors[0].pointer == "/id"
    with store.read() as view:
        model = view.ledger.get(Model, MODEL)
        assert model is not None
        assert model.schema is None
        [kept] = view.upkeep.rejected_page(MODEL, before=None, limit=5)
    assert kept.reason == "id is missing; expected an id"


def test_bad_rows_are_told_and_the_others_stored(store: Store) -> None:
    a_model(store)
    receipt = sent(store, "predictions", BAD)
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert receipt.errors[0].pointer == "/columns/id/0"
    assert counts(store).rejected == 1


@pytest.mark.parametrize(
    ("feed", "row"),
    [
        ("predictions", {"id": "x", "wind": 1}),
        ("reference", {"id": "x", "wind": 1}),
        ("kpis", {"name": "revenue", "value": 1}),
        ("labels", {"id": "a", "label": 3}),
    ],
)
def test_no_row_of_a_live_model_is_ahead_of_the_servers_clock(
    store: Store, feed: str, row: dict[str, object]
) -> None:
    a_model(store)
    sent(store, "predictions", ROWS)
    soon, later = "2024-03-01T12:05:00Z", "9999-01-01T00:00:00Z"
    with pytest.raises(AllRejected) as refused:
        sent(store, feed, {**row, "at": later, "known_at": later}, may_backdate=True)
    assert [error.message for error in refused.value.errors] == [
        f"known_at is '{later}'; expected a time at most 5 minutes after the server's clock"
    ]
    assert sent(store, "predictions", ROWS).watermark == NOON - HOUR
    known = {**row, "at": "2024-03-01T11:00:00Z", "known_at": soon}
    assert sent(store, feed, known, may_backdate=True).accepted == 1


def test_a_replay_has_a_time_of_its_own(store: Store) -> None:
    replayed = msgspec.structs.replace(a_model(store), timing=Timing.REPLAY)
    store.write(lambda t: t.ledger.put(replayed)).result()
    later = "2024-06-01T00:00:00Z"
    label = {"id": "a", "label": 3, "known_at": later}
    assert sent(store, "labels", label, may_backdate=True).accepted == 1
    row = {"id": "a", "at": later, "known_at": later, "wind": 1}
    receipt = sent(store, "predictions", row, may_backdate=True)
    assert receipt.accepted == 1
    assert receipt.watermark == datetime(2024, 6, 1, tzinfo=UTC)


def test_strict_stores_all_or_nothing(store: Store) -> None:
    a_model(store)
    with pytest.raises(AllRejected, match="1 of 2 rows were rejected, so with strict=true none"):
        sent(store, "predictions", BAD, strict=True)
    assert counts(store) == Counts()
    assert sent(store, "predictions", ROWS, strict=True).accepted == 2


def test_the_same_key_and_body_gives_the_first_answer_again(store: Store) -> None:
    a_model(store)
    first = sent(store, "predictions", BAD, idempotency=("k", "one"))
    again = sent(store, "predictions", BAD, idempotency=("k", "one"))
    assert isinstance(again, Replayed)
    assert not isinstance(first, Replayed)
    assert msgspec.json.encode(again) == msgspec.json.encode(first)
    assert counts(store).rejected == 1


def test_the_same_key_with_another_body_is_a_conflict(store: Store) -> None:
    a_model(store)
    sent(store, "predictions", ROWS, idempotency=("k", "one"))
    with pytest.raises(Conflict, match="came before with another body"):
        sent(store, "predictions", BAD, idempotency=("k", "two"))
    label = {"id": "a", "label": 1}
    assert sent(store, "labels", label, idempotency=("k", "two")).accepted == 1


def test_a_key_that_arrives_several_times_at_once_counts_once(store: Store) -> None:
    a_model(store)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: sent(store, "predictions", BAD, idempotency=("k", "one")), range(8))
        )
    assert sum(not isinstance(answer, Replayed) for answer in answers) == 1
    assert {answer.accepted for answer in answers} == {1}
    assert counts(store).rejected == 1


def test_keys_are_forgotten_after_seven_days(store: Store) -> None:
    a_model(store)
    sent(store, "predictions", ROWS, idempotency=("k", "one"))
    week = NOON + timedelta(days=7)
    fresh = sent(store, "predictions", ROWS, idempotency=("k", "two"), known_at=week)
    assert fresh.duplicates == 2
    assert forget_keys(store, week + HOUR) == 0
    assert forget_keys(store, week + timedelta(days=7, seconds=1)) == 1
    with store.read() as view:
        assert view.ledger.find(KeyedBatch) == []


def test_rows_without_a_version_are_the_champions_of_their_time(store: Store) -> None:
    a_model(store)
    for move, (since, until) in enumerate([(8, 10.5), (10.5, None)], start=1):
        midnight = NOON - 12 * HOUR
        reign = Reign(
            id=f"{MODEL}/{move}", model=MODEL, version=f"v{move}", move=move, decision="d",
            since=midnight + since * HOUR, until=midnight + until * HOUR if until else None,
        )  # fmt: skip
        store.write(lambda t, reign=reign: t.ledger.put(reign)).result()
    columns = {
        "id": list("abcde"), "prediction": [1, 2, 3, None, 5],
        "at": [f"2024-03-01T{hour}:00:00Z" for hour in ("07", "10", "11", "11", "11")],
        "version": [None, None, None, None, "v9"],
    }  # fmt: skip
    sent(store, "predictions", {"columns": columns})
    with store.read() as view:
        rows = view.events.rows(MODEL, [], Known()).to_pylist()
    assert {row["id"]: row["version"] for row in rows} == {
        "a": None, "b": "v1", "c": "v2", "d": None, "e": "v9",
    }  # fmt: skip


def test_rows_that_came_while_the_clock_was_ahead_do_not_hold_the_watermark(store: Store) -> None:
    a_model(store)
    ahead = NOON.replace(year=2099)
    row = {"id": "z", "at": ahead.isoformat(), "wind": 1}
    assert sent(store, "predictions", row, known_at=ahead).watermark == ahead
    assert sent(store, "labels", {"id": "z", "label": 1}).watermark is None

    receipt = sent(store, "predictions", ROWS)
    assert (receipt.watermark, receipt.late) == (NOON - HOUR, 0)
    early = {"id": "y", "at": (NOON - 2 * HOUR).isoformat(), "wind": 1}
    assert sent(store, "predictions", early).late == 1
    with store.read() as view:
        [model] = view.ledger.find(Model)
        counted = view.events.counts(model.id)
        assert counted.last_at == ahead
        assert last_at(view, model, counted, NOON) == NOON - HOUR
        assert last_at(view, model, counted, ahead) == ahead


def test_the_watermark_lags_by_the_allowed_lateness(store: Store) -> None:
    model = a_model(store)
    with store.read() as view:
        [generation] = view.ledger.find(Generation, model=model.id)
    policy = msgspec.structs.replace(
        generation.policy, windows=Windows(every=timedelta(days=1), lateness=HOUR)
    )
    store.write(lambda t: t.ledger.put(msgspec.structs.replace(generation, policy=policy))).result()
    assert sent(store, "predictions", ROWS).watermark == NOON - 2 * HOUR
    late = {"id": "l", "at": "2024-03-01T09:59:59Z"}
    assert sent(store, "predictions", late).late == 1
    in_time = {"id": "i", "at": "2024-03-01T10:00:00Z"}
    assert sent(store, "predictions", in_time).late == 0


def test_labels_may_come_before_anything_else(store: Store) -> None:
    a_model(store, Task.BINARY)
    assert sent(store, "labels", {"rows": [{"id": "a", "cnt": True}]}).accepted == 1
    rows = {"columns": {**ROWS["columns"], "prediction": [True, False], "score": [0.9, 0.1]}}
    sent(store, "predictions", rows)
    with store.read() as view:
        [row] = view.events.labelled(MODEL, ["wind"], Known()).to_pylist()
    assert (row["id"], row["label"], row["wind"], row["score:true"]) == ("a", "true", 1.5, 0.9)


def test_a_reference_is_kept_apart_from_what_was_served(store: Store) -> None:
    a_model(store)
    body = {"columns": {"wind": [1, 2], "sky": ["x", "y"], "cnt": [5, None]}}
    assert sent(store, "reference", body, version="v1").accepted == 2
    again = sent(store, "reference", body, version="v1", known_at=NOON)
    assert again.duplicates == 2
    assert counts(store) == Counts(labels=1, last_known_at=NOON)
    with store.read() as view:
        assert view.events.rows(MODEL, [], Known()).num_rows == 0
        rows = view.events.rows(MODEL, ["sky"], Known(), roles=["reference"])
        labelled = view.events.labelled(MODEL, [], Known(), roles=["reference"])
    assert rows["sky"].to_pylist() == ["x", "y"]
    assert labelled["label"].to_pylist() == [5.0]


def test_a_model_that_is_not_there_is_not_found(store: Store) -> None:
    model = a_model(store)
    store.write(lambda t: t.ledger.remove(Model, model=MODEL)).result()
    store.write(lambda t: t.ledger.put(msgspec.structs.replace(model, generation=7))).result()
    with pytest.raises(NotFound, match="there is no model called 'bikes'"):
        sent(store, "predictions", ROWS)
