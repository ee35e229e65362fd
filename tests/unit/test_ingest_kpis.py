"""Business metrics: taken, corrected, told again, refused; and what is shown of them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from controlplane.domain.errors import AllRejected, Refused
from controlplane.domain.models import Model
from controlplane.ingest import kpi_names
from controlplane.ingest.decode import decode
from controlplane.ingest.receive import receive
from controlplane.store.beside import Kpi
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Known, Store
from tests.stored import HOUR, MODEL, NOON, a_model, sent


@pytest.fixture(params=[":memory:", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(None if request.param == ":memory:" else tmp_path)
    a_model(opened)
    yield opened
    opened.close()


def told(
    store: Store, name: str = "revenue", **span: object
) -> list[tuple[float, str | None, float]]:
    """(hours after noon, version, value) of a KPI."""
    with store.read() as view:
        found = view.events.kpis.series(MODEL, name, Known(**span), most=100)
    return [((r["at"] - NOON) / HOUR, r["version"], r["value"]) for r in found.to_pylist()]


def row(value: object, hour: int = 10, **more: object) -> dict[str, object]:
    return {"name": "revenue", "at": f"2024-03-01T{hour}:00:00Z", "value": value, **more}


def test_values_are_taken_before_the_model_has_any_row(store: Store) -> None:
    receipt = sent(store, "kpis", {"rows": [row(5), row("7.5", 11), row(9, 11, version="v2")]})
    assert (receipt.accepted, receipt.duplicates, receipt.watermark) == (3, 0, None)
    assert told(store) == [(-2, None, 5), (-1, None, 7.5), (-1, "v2", 9)]
    with store.read() as view:
        assert view.events.kpis.all(MODEL) == [
            Kpi(name="revenue", values=3, last_at=NOON - HOUR, last_value=9)
        ]
        model = view.ledger.get(Model, MODEL)
        assert model is not None
        assert model.schema is None


def test_what_was_told_is_a_duplicate_and_another_value_a_correction_known_later(
    store: Store,
) -> None:
    assert sent(store, "kpis", row(5), known_at=NOON).accepted == 1
    assert sent(store, "kpis", row(5.0), known_at=NOON + HOUR).duplicates == 1
    assert sent(store, "kpis", row(6), known_at=NOON + 2 * HOUR).accepted == 1
    assert sent(store, "kpis", row(5), known_at=NOON + 3 * HOUR).accepted == 1
    assert told(store) == [(-2, None, 5)]
    assert told(store, by=NOON + 2 * HOUR) == [(-2, None, 6)]
    assert told(store, by=NOON) == [(-2, None, 5)]
    assert told(store, by=NOON - HOUR) == []


def test_one_request_may_tell_a_value_twice_and_mend_it(store: Store) -> None:
    receipt = sent(store, "kpis", {"rows": [row(1), row(1), row(2), row(2), row(1, version="v1")]})
    assert (receipt.accepted, receipt.duplicates) == (3, 2)
    assert told(store) == [(-2, None, 2), (-2, "v1", 1)]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (row("many"), "value is 'many'; expected a finite number"),
        (row(None), "value is missing; expected a finite number"),
        ({"columns": {"name": ["a"], "at": ["2024-03-01T10:00:00Z"], "value": ["inf"]}}, "value is 'inf'"),
        (row(1) | {"name": ""}, "name is missing; expected the name of a KPI"),
        (row(1) | {"name": "x" * 256}, "expected at most 255 characters"),
        (row(1) | {"at": "2024-03-01T10:00:00"}, "expected a time with an offset"),
        (row(1) | {"at": "2024-03-02T10:00:00Z"}, "at most 5 minutes after it became known"),
        ({"name": "a", "value": 1}, "at is missing"),
        ({"at": "2024-03-01T10:00:00Z"}, "name is missing"),
    ],
)  # fmt: skip
def test_a_row_that_tells_no_value_is_rejected_by_name_and_kept(
    store: Store, bad: dict[str, object], says: str
) -> None:
    with pytest.raises(AllRejected) as refused:
        sent(store, "kpis", bad)
    assert says in "; ".join(error.message for error in refused.value.errors)
    with store.read() as view:
        [kept] = view.upkeep.rejected_page(MODEL, before=None, limit=5)
    assert kept.feed == "kpis"
    assert says in kept.reason
    receipt = sent(store, "kpis", {"rows": [row(1), bad]} if "columns" not in bad else row(1))
    assert receipt.accepted == 1


def test_rows_may_come_as_csv_and_what_is_not_asked_for_is_unknown(store: Store) -> None:
    body = b"name,at,value,country\nrevenue,2024-03-01T10:00:00Z,5,PT\nchurn,2024-03-01T10:00:00Z,,PT\n"
    with store.read() as view:
        [model] = view.ledger.find(Model)
    receipt = receive(
        store, model, "kpis", decode("text/csv", body, feed="kpis"), known_at=NOON,
        may_backdate=False, strict=False,
    )  # fmt: skip
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert receipt.unknown_columns == {"country": 2}
    assert (receipt.errors[0].line, receipt.errors[0].pointer) == (3, "/value")


def test_only_who_may_backdate_says_when_a_value_became_known(store: Store) -> None:
    known = row(1, known_at="2024-03-01T10:30:00Z")
    with pytest.raises(Refused):
        sent(store, "kpis", known)
    assert sent(store, "kpis", known, may_backdate=True).accepted == 1
    assert told(store, by=NOON - 1.4 * HOUR) == [(-2, None, 1)]
    assert told(store, by=NOON - 1.6 * HOUR) == []


def test_a_span_and_the_newest_of_many(store: Store) -> None:
    times = [f"2024-03-01T{hour:02}:00:00Z" for hour in range(12)]
    sent(store, "kpis", {"columns": {"name": ["a"] * 12, "at": times, "value": list(range(12))}})
    span = Known(start=NOON - 10 * HOUR, end=NOON - 7 * HOUR)
    with store.read() as view:
        found = view.events.kpis.series(MODEL, "a", span, most=2)
    assert found["value"].to_pylist() == [3, 4]
    assert found["at"].type == pa.timestamp("us", "UTC")


def test_a_model_that_is_dropped_takes_its_kpis_with_it(store: Store) -> None:
    sent(store, "kpis", row(1))
    store.write(lambda t: t.events.drop(MODEL)).result()
    assert told(store) == []
    sent(store, "kpis", row(2), known_at=NOON + timedelta(minutes=1))
    assert told(store) == [(-2, None, 2)]


def many(*names: str, hour: int = 10) -> dict[str, object]:
    """A value of each name."""
    at = [f"2024-03-01T{hour}:00:00Z"] * len(names)
    return {"columns": {"name": list(names), "at": at, "value": [1.0] * len(names)}}


def test_a_name_too_many_is_rejected_by_its_row_and_the_names_that_are_there_go_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kpi_names, "MOST_KPIS", 3)
    receipt = sent(store, "kpis", many("a", "b", "a", "", "c", "d", "b", "e"))
    assert (receipt.accepted, receipt.duplicates, receipt.rejected) == (3, 2, 3)
    told = {(error.row, error.message) for error in receipt.errors}
    expected = "expected one of the 3 KPIs that the model has"
    assert {(5, f"name is 'd'; {expected}"), (7, f"name is 'e'; {expected}")} < told
    assert sent(store, "kpis", many("a", "b", hour=11)).accepted == 2
    with pytest.raises(AllRejected, match="name is 'f'; expected one of"):
        sent(store, "kpis", many("f"))
    with pytest.raises(AllRejected, match="1 of 2 rows were rejected, so with strict=true"):
        sent(store, "kpis", many("a", "f", hour=12), strict=True)
    with store.read() as view:
        assert [kpi.name for kpi in view.events.kpis.all(MODEL)] == ["a", "b", "c"]
        kept = {r.text for r in view.upkeep.rejected_page(MODEL, before=None, limit=9)}
    assert any('"f"' in text for text in kept)


def test_names_that_have_gone_leave_room(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kpi_names, "MOST_KPIS", 2)
    sent(store, "kpis", many("a", hour=10))
    sent(store, "kpis", many("b", hour=11))

    def undone(t) -> None:
        t.upkeep.age_kpis(MODEL, before=NOON, most=9)
        raise ValueError("not after all")

    with pytest.raises(ValueError, match="not after all"):
        store.write(undone).result()
    with pytest.raises(AllRejected):
        sent(store, "kpis", many("c"))
    aged = store.write(lambda t: t.upkeep.age_kpis(MODEL, before=NOON - HOUR, most=9)).result()
    assert aged == 1
    assert sent(store, "kpis", many("c")).accepted == 1
    store.write(lambda t: t.events.drop(MODEL)).result()
    assert sent(store, "kpis", many("x", "y")).accepted == 2
