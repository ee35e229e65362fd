"""Erasing: what is stored of an id is gone, its rows are refused, and the rest is as it was."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from controlplane.domain.errors import AllRejected, BadInput, NotFound
from controlplane.domain.journal import Entry, first_break
from controlplane.domain.models import Model
from controlplane.ingest.erasing import erase
from controlplane.store.beside import Half, Side
from controlplane.store.duckdb_store import open_store
from controlplane.store.erasing import tombstone
from controlplane.store.keeping import Aged
from controlplane.store.ports import Known, Store
from tests.stored import HOUR, MODEL, NOON, SCHEMA, a_model, labels, predictions, sent


@pytest.fixture(params=[":memory:", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(None if request.param == ":memory:" else tmp_path)
    a_model(opened)
    opened.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    yield opened
    opened.close()


def filled(store: Store) -> None:
    """Three predictions, their labels, scored rows and rejected ones."""
    store.write(lambda t: (
        t.events.append_predictions(MODEL, predictions(["a", "b", "c"], [0, 1, 2])),
        t.events.append_labels(MODEL, labels(["a", "b", "c"], [1.0, 2.0, 3.0], [3, 3, 3])),
        t.events.append_scored(MODEL, "v2", predictions(["a", "b"], [0, 1]).select(
            ["id", "at", "prediction"])),
        t.events.append_rejected(MODEL, "labels", NOON, [
            ("label is 'x'", '{"id":"b","label":"x"}'), ("label is 'x'", '{"id":"bb","label":"x"}'),
            ("no row: b,1", "b,1,…"), ("no row", "0,1,…"),
        ]),
    )).result()  # fmt: skip


def there(store: Store) -> dict[str, list[str]]:
    with store.read() as view:
        return {
            "predictions": view.events.rows(MODEL, [], Known())["id"].to_pylist(),
            "labelled": view.events.labelled(MODEL, [], Known())["id"].to_pylist(),
            "scored": view.events.scored(MODEL, "v2", Known())["id"].to_pylist(),
            "rejected": [r.text for r in view.upkeep.rejected_page(MODEL, before=None, limit=9)],
        }


def test_everything_of_an_id_is_gone_and_nothing_else(store: Store) -> None:
    filled(store)
    erased = erase(store, MODEL, ["b", "never seen"], at=NOON, by="ada", reason="asked by letter")

    assert (erased.ids, erased.unknown, erased.repeated) == (1, 1, 0)
    assert erased.rows == {"predictions": 1, "labels": 1, "scored": 1, "rejected": 2}
    assert there(store) == {
        "predictions": ["a", "c"], "labelled": ["a", "c"], "scored": ["a"],
        "rejected": ["0,1,…", '{"id":"bb","label":"x"}'],
    }  # fmt: skip


def a_half(event: str, side: Side = Side.REQUEST) -> Half:
    return Half(event=f"digest of {event}", side=side, id=event, known_at=NOON, envelope="{}",
                content=f"wind of {event}".encode())  # fmt: skip


def test_halves_that_wait_go_too_and_are_not_found_by_the_other_one(store: Store) -> None:
    for event in ("e1", "e2", "e3"):
        store.write(lambda t, e=event: t.events.halves.meet(MODEL, a_half(e))).result()
    erased = erase(store, MODEL, ["e1", "e2:1"], at=NOON, by="ada")

    assert erased.rows == {"halves": 2}
    with store.read() as view:
        assert view.events.halves.waiting(MODEL).waiting == 1
    other = [store.write(lambda t, e=event: t.events.halves.meet(
        MODEL, a_half(e, Side.RESPONSE))).result() for event in ("e1", "e3")]  # fmt: skip
    assert [half and half.id for half in other] == [None, "e3"]


def test_an_id_of_rejected_rows_alone_was_there(store: Store) -> None:
    store.write(lambda t: t.events.append_rejected(MODEL, "predictions", NOON, [
        ("at is missing", '{"id":"x1","wind":1}'), ("at is missing", '{"id":7,"wind":1}'),
        ("no row: x2,1", "x2,1,…"), ("at is missing", '{"id":"x11","wind":1}'),
    ])).result()  # fmt: skip
    erased = erase(store, MODEL, ["x1", "x2", "7", "x3"], at=NOON, by="ada")
    assert (erased.ids, erased.unknown, erased.rows) == (3, 1, {"rejected": 3})
    assert there(store)["rejected"] == ['{"id":"x11","wind":1}']


def test_an_id_of_a_half_alone_was_there(store: Store) -> None:
    store.write(lambda t: t.events.halves.meet(MODEL, a_half("e1"))).result()
    erased = erase(store, MODEL, ["e1:3", "e2"], at=NOON, by="ada")
    assert (erased.ids, erased.unknown, erased.rows) == (1, 1, {"halves": 1})


def everything(store: Store) -> dict[str, list[tuple[str, object]]]:
    """Every row of the model's tables, its id and time, read off the tables themselves."""
    found: dict[str, list[tuple[str, object]]] = {}

    def work(t) -> None:
        session = t.events._session
        t.events.settle()
        for table, time in (("predictions", "at"), ("scored", "at"), ("labels", "known_at")):
            sql = f'select id, "{time}" from "{table}/{MODEL}" order by all'
            found[table] = session.run(sql)

    store.write(work).result()
    return found


@pytest.mark.parametrize("seed", range(4))
def test_rows_of_an_id_go_wherever_in_time_they_lie(tmp_path: Path, seed: int) -> None:
    """Ids that come again, labels before and long after them, scores that outlived their rows."""
    rng = np.random.default_rng(seed)
    store = open_store(tmp_path)
    a_model(store)
    store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    for part in range(6):
        ids = [f"i{n}" for n in rng.integers(0, 40, 30)]
        hours = [float(h) for h in rng.integers(0, 2_000, 30)]
        told = [f"i{n}" for n in rng.integers(0, 60, 20)]
        known = [float(h) for h in rng.integers(0, 4_000, 20)]
        roles = [["live", "shadow", "reference"][n] for n in rng.integers(0, 3, 30)]
        store.write(lambda t, i=ids, h=hours, r=roles: t.events.append_predictions(
            MODEL, predictions(i, h, role=r))).result()  # fmt: skip
        store.write(lambda t, i=told, k=known: t.events.append_labels(
            MODEL, labels(i, [float(n) for n in range(20)], k))).result()  # fmt: skip
        store.write(lambda t, i=ids, h=hours: t.events.append_scored(
            MODEL, "v2", predictions(i, h).select(["id", "at", "prediction"]))).result()  # fmt: skip
        if part == 3:
            aged = Aged(before=NOON + 600 * HOUR)
            store.write(lambda t, a=aged: t.upkeep.age(MODEL, a, most=15)).result()
            store.close()
            store = open_store(tmp_path)
    before = everything(store)
    gone = {f"i{n}" for n in rng.choice(60, 12, replace=False)}
    erased = erase(store, MODEL, sorted(gone | {"none"}), at=NOON, by="ada")

    after = everything(store)
    assert after == {
        table: [row for row in rows if row[0] not in gone] for table, rows in before.items()
    }
    had = {row[0] for rows in before.values() for row in rows} & gone
    assert (erased.ids, erased.unknown) == (len(had), len(gone) + 1 - len(had))
    assert dict(erased.rows) == {
        table: count
        for table, rows in before.items()
        if (count := sum(row[0] in gone for row in rows))
    }
    store.close()


def test_an_erased_id_is_refused_when_it_comes_late_and_counted(store: Store) -> None:
    filled(store)
    erase(store, MODEL, ["b"], at=NOON, by="ada")
    rows = {"columns": {"id": ["b", "d"], "at": ["2024-03-01T11:00:00Z"] * 2, "wind": [1.0, 2.0]}}

    receipt = sent(store, "predictions", rows)
    assert (receipt.accepted, receipt.rejected) == (1, 1)
    assert [(e.pointer, e.message) for e in receipt.errors] == [
        ("/id", "1 of the rows have an id that was erased; such rows are not taken")
    ]
    with pytest.raises(AllRejected, match="all 1 rows were rejected, none was stored: 1 of the"):
        sent(store, "labels", {"rows": [{"id": "b", "label": 2.0}]})
    with pytest.raises(AllRejected, match="1 of 2 rows were rejected, so with strict=true"):
        sent(store, "predictions", rows, strict=True)
    assert "b" not in there(store)["predictions"]
    assert all('"b"' not in text for text in there(store)["rejected"])


def test_a_refusal_outlives_a_restart(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    a_model(store)
    erase(store, MODEL, ["b"], at=NOON, by="ada")
    store.close()
    store = open_store(tmp_path)
    with pytest.raises(AllRejected):
        sent(store, "labels", {"rows": [{"id": "b", "label": 2.0}]})
    store.close()


def test_the_journal_has_hashes_and_figures_alone_and_its_chain_holds(store: Store) -> None:
    filled(store)
    erase(store, MODEL, ["b"], at=NOON, by="ada", reason="letter 7")
    again = erase(store, MODEL, ["b"], at=NOON + HOUR, by="ada")

    assert (again.ids, again.repeated, again.rows, again.hashes) == (0, 1, {}, ())
    with store.read() as view:
        entries = view.ledger.find(Entry)
    assert [(e.kind, e.by, e.subject) for e in entries] == [("erased", "ada", MODEL)]
    assert tombstone(MODEL, "b") in entries[0].text
    assert "letter 7" in entries[0].text
    assert first_break(entries) is None


def test_numbers_of_rows_stay_as_they_were(store: Store) -> None:
    filled(store)
    erase(store, MODEL, ["a"], at=NOON, by="ada")
    with store.read() as view:
        assert view.events.row_numbers(MODEL, 0, 2)["id"].to_pylist() == [None, "b"]
        assert view.events.row_numbers(MODEL, 1, 3)["id"].to_pylist() == ["b", "c"]


def test_an_arrival_number_never_comes_again(tmp_path: Path) -> None:
    for erased, fresh in (("c", "d"), ("d", "e")):
        store = open_store(tmp_path)
        if erased == "c":
            a_model(store)
            store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
            filled(store)
        erase(store, MODEL, [erased], at=NOON, by="ada")
        store.close()
        store = open_store(tmp_path)
        store.write(lambda t, fresh=fresh: t.events.append_predictions(
            MODEL, predictions([fresh], [2]))).result()  # fmt: skip
        with store.read() as view:
            numbered = view.events.row_numbers(MODEL, 0, 9)["id"].to_pylist()
        assert numbered[-1] == fresh
        store.close()
    assert numbered == ["a", "b", None, None, "e"]


def test_a_model_that_is_deleted_takes_its_tombstones_along(store: Store) -> None:
    filled(store)
    erase(store, MODEL, ["b"], at=NOON, by="ada")
    store.write(lambda t: t.events.drop(MODEL)).result()
    store.write(lambda t: t.events.prepare(MODEL, SCHEMA)).result()
    filled(store)
    assert there(store)["predictions"] == ["a", "b", "c"]
    with store.read() as view:
        assert view.events.row_numbers(MODEL, 0, 9)["id"].to_pylist() == ["a", "b", "c"]


def test_an_undone_erasure_erased_nothing(store: Store) -> None:
    filled(store)

    def work(t) -> None:
        t.upkeep.erase(MODEL, ["b"], at=NOON, by="ada")
        assert t.upkeep.erased(MODEL, predictions(["b"], [0])["id"]).tolist() == [True]
        raise ValueError("not after all")

    with pytest.raises(ValueError, match="not after all"):
        store.write(work).result()
    receipt = sent(store, "labels", {"rows": [{"id": "b", "label": 7.0}]})
    assert receipt.accepted == 1
    assert there(store)["predictions"] == ["a", "b", "c"]


def test_what_cannot_be_erased_is_told(store: Store) -> None:
    with pytest.raises(NotFound, match="no model called 'nobody'"):
        erase(store, "nobody", ["a"], at=NOON, by="ada")
    with pytest.raises(BadInput, match="0 ids came; expected 1 to 10000"):
        erase(store, MODEL, [], at=NOON, by="ada")
    with pytest.raises(BadInput, match="empty or too long"):
        erase(store, MODEL, ["", "a"], at=NOON, by="ada")


def test_what_is_too_old_goes_a_few_rows_at_a_time_but_for_what_is_needed(store: Store) -> None:
    ids = [f"r{k}" for k in range(10)]
    roles = ["reference"] + ["live"] * 9
    store.write(lambda t: (
        t.events.append_predictions(MODEL, predictions(ids, list(range(10)), role=roles)),
        t.events.append_labels(MODEL, labels(ids, [1.0] * 10, list(range(10)))),
        t.events.append_scored(MODEL, "v2", predictions(ids[:5], list(range(5))).select(
            ["id", "at", "prediction"])),
    )).result()  # fmt: skip
    aged = Aged(before=NOON + 7 * HOUR, kept=((NOON + 2 * HOUR, NOON + 4 * HOUR),))
    gone = []
    while not gone or gone[-1]:
        gone.append(store.write(lambda t: t.upkeep.age(MODEL, aged, most=2)).result())

    # r1, r4, r5, r6 and r0, r1, r4 of the scored ones, two a piece; then the labels of the former
    assert gone == [4, 3, 2, 2, 0]
    assert there(store)["predictions"] == ["r2", "r3", "r7", "r8", "r9"]
    assert there(store)["scored"] == ["r2", "r3"]
    with store.read() as view:
        assert view.events.labelled(MODEL, [], Known())["id"].to_pylist() == [
            "r2", "r3", "r7", "r8", "r9"]  # fmt: skip
        assert view.events.rows(MODEL, [], Known(), roles=("reference",))["id"].to_pylist() == [
            "r0"
        ]
        assert view.events.counts(MODEL).labels == 6


def test_rows_that_counted_windows_need_stay_and_keep_their_numbers(store: Store) -> None:
    ids = [f"r{k}" for k in range(6)]
    known = [0, 1, 5, 2, 3, 4]
    rows = predictions(ids, [0, 0, 0, 0, 0, 0], known_at=known)
    store.write(lambda t: t.events.append_predictions(MODEL, rows)).result()
    aged = Aged(before=NOON + 1 * HOUR, rows_kept_from=3)
    assert store.write(lambda t: t.upkeep.age(MODEL, aged, most=9)).result() == 3
    with store.read() as view:
        assert view.events.row_numbers(MODEL, 0, 9)["id"].to_pylist() == [
            None, None, None, "r4", "r5", "r2"]  # fmt: skip
    assert store.write(lambda t: t.upkeep.age(MODEL, aged, most=9)).result() == 0


def test_where_counted_windows_need_none_of_the_rows_all_old_ones_go(store: Store) -> None:
    rows = predictions(["a", "b", "c"], [0, 1, 2])
    store.write(lambda t: t.events.append_predictions(MODEL, rows)).result()
    aged = Aged(before=NOON + 2 * HOUR, rows_kept_from=3)
    assert store.write(lambda t: t.upkeep.age(MODEL, aged, most=9)).result() == 2
    with store.read() as view:
        assert view.events.row_numbers(MODEL, 0, 9)["id"].to_pylist() == [None, None, "c"]


def test_rejected_rows_are_bounded_in_age_and_number(store: Store) -> None:
    for hour in range(4):
        rows = [(f"reason {hour % 2}", f'{{"id":"{hour}"}}')]
        store.write(lambda t, h=hour, r=rows: t.events.append_rejected(
            MODEL, "labels", NOON + h * HOUR, r, unnamed=h)).result()  # fmt: skip
    with store.read() as view:
        counted = view.upkeep.rejected_counts(MODEL)
        page = view.upkeep.rejected_page(MODEL, before=None, limit=2)
    assert [(c.reason[:8], c.rows, c.resendable) for c in counted] == [
        ("3 more r", 3, 0), ("2 more r", 2, 0), ("reason 0", 2, 2), ("reason 1", 2, 2),
        ("1 more r", 1, 0),
    ]  # fmt: skip
    assert [(r.number, r.whole, r.rows) for r in page] == [(6, False, 3), (5, True, 1)]
    store.write(lambda t: t.upkeep.age_rejected(MODEL, before=NOON + HOUR, keep=4)).result()
    with store.read() as view:
        left = view.upkeep.rejected_page(MODEL, before=None, limit=9)
    assert [r.number for r in left] == [6, 5, 4, 3]
    assert store.write(lambda t: t.upkeep.take_rejected(MODEL, [4, 99])).result() == 1


def test_models_without_rows_are_no_trouble(store: Store) -> None:
    store.write(lambda t: t.ledger.put(Model(id="new", model="new", generation=1,
                                             created_at=NOON))).result()  # fmt: skip
    assert erase(store, "new", ["x"], at=NOON, by="ada").unknown == 1
    assert store.write(lambda t: t.upkeep.age("new", Aged(before=NOON), most=5)).result() == 0
