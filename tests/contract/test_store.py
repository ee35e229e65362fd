"""What the store promises, of a store in memory and of one in a file."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import msgspec
import pyarrow as pa
import pytest

from controlplane.domain.decisions import Evidence
from controlplane.domain.errors import (
    BadInput,
    Conflict,
    NotFound,
    Overloaded,
    Refused,
    StorageError,
)
from controlplane.domain.journal import Entry, first_break
from controlplane.domain.models import Generation, Model, Timing
from controlplane.domain.records import Record
from controlplane.domain.references import Reference
from controlplane.domain.runs import Run
from controlplane.domain.schema import Column, Schema, Task
from controlplane.domain.states import RunState
from controlplane.policy.defaults import policy_of
from controlplane.store.duckdb_store import open_store
from controlplane.store.keeping import RejectedRow
from controlplane.store.ports import Counts, Known, Received, Store
from controlplane.store.writer import Limits
from detectors.finding import Kind
from tests.stored import HOUR, MODEL, NOON, SCHEMA, YES_NO, hours, labels, predictions


@pytest.fixture(params=[":memory:", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(None if request.param == ":memory:" else tmp_path)
    yield opened
    opened.close()


def a_run(
    name: str = "r1", hours: float = 0, state: RunState = RunState.RUNNING, model: str = MODEL
) -> Run:
    return Run(
        id=name, model=model, state=state, decision="d", generation=1, trainer="builtin", seed=1,
        requested_at=NOON + hours * HOUR,
    )  # fmt: skip


def filed(store: Store, *records: Record) -> None:
    for record in records:
        store.write(lambda t, record=record: t.ledger.put(record)).result()


def prepared(store: Store, schema: Schema = SCHEMA) -> None:
    store.write(lambda t: t.events.prepare(MODEL, schema)).result()


def stored(store: Store, rows: pa.Table, **terms: object) -> Received:
    return store.write(lambda t: t.events.append_predictions(MODEL, rows, **terms)).result()


def told(store: Store, rows: pa.Table) -> Received:
    return store.write(lambda t: t.events.append_labels(MODEL, rows)).result()


def labelled(
    store: Store, known: Known | None = None, **terms: object
) -> list[tuple[str, float, object]]:
    """(id, hours after noon, label) of the labelled rows."""
    with store.read() as view:
        table = view.events.labelled(MODEL, [], known or Known(), **terms)
    return [(r["id"], (r["at"] - NOON) / HOUR, r["label"]) for r in table.to_pylist()]


# The ledger.


def test_records_come_back_as_they_went_in(store: Store) -> None:
    policy = policy_of(MODEL, Task.BINARY, "late")
    calibrated = Reference(
        id="bikes/v1", model=MODEL, version="v1", start=NOON, end=NOON + HOUR, known_at=NOON,
        rows=3, calibration=msgspec.Raw(b'{"edges":[0.5,null]}'), made_at=NOON,
    )  # fmt: skip
    plain = msgspec.structs.replace(calibrated, id="bikes/v2", calibration=None)
    model = Model(
        id=MODEL, model=MODEL, generation=1, created_at=NOON, timing=Timing.REPLAY, schema=YES_NO
    )
    generation = Generation(
        id="bikes/1", model=MODEL, number=1, policy=policy, text="task: binary", applied_at=NOON,
        applied_by="me",
    )  # fmt: skip
    filed(store, model, generation, calibrated, plain, a_run())
    with store.read() as view:
        assert view.ledger.get(Model, MODEL) == model
        assert view.ledger.get(Generation, "bikes/1") == generation
        assert view.ledger.get(Run, "r1") == a_run()
        found = view.ledger.get(Reference, "bikes/v1")
        assert found is not None
        assert bytes(found.calibration) == b'{"edges":[0.5,null]}'
        assert view.ledger.get(Reference, "bikes/v2") == plain
        assert view.ledger.get(Run, "r2") is None


def test_records_are_listed_by_time_then_by_first_writing(store: Store) -> None:
    filed(store, a_run("late", 2), a_run("b", 1), a_run("a", 1), a_run("early", 0))
    filed(store, a_run("b", 1, RunState.FAILED))
    with store.read() as view:
        assert [run.id for run in view.ledger.find(Run)] == ["early", "b", "a", "late"]
        assert [run.id for run in view.ledger.find(Run, newest_first=True)] == [
            "late", "a", "b", "early",
        ]  # fmt: skip


def test_records_are_found_by_model_state_and_span(store: Store) -> None:
    filed(
        store, a_run("a", 0), a_run("b", 1, RunState.FAILED), a_run("c", 2),
        a_run("d", 3, model="other"),
    )  # fmt: skip
    with store.read() as view:
        find, count = view.ledger.find, view.ledger.count
        assert [r.id for r in find(Run, states=[RunState.FAILED, RunState.QUEUED])] == ["b"]
        assert find(Run, states=[]) == []
        assert [r.id for r in find(Run, model="other")] == ["d"]
        assert [r.id for r in find(Run, since=NOON + HOUR, until=NOON + 2 * HOUR)] == ["b"]
        assert count(Run) == 4
        assert count(Run, model=MODEL, states=[RunState.RUNNING]) == 2
        assert count(Entry) == 0


def test_pages_join_without_gap_in_both_directions(store: Store) -> None:
    filed(store, *(a_run(f"r{number}", number // 3) for number in range(10)))
    for newest_first in (False, True):
        seen: list[str] = []
        with store.read() as view:
            everything = [r.id for r in view.ledger.find(Run, newest_first=newest_first)]
            after = None
            while page := view.ledger.find(Run, limit=4, after=after, newest_first=newest_first):
                seen += [run.id for run in page]
                after = seen[-1]
        assert seen == everything


def test_a_cursor_that_names_nothing_is_refused(store: Store) -> None:
    filed(store, a_run())
    with store.read() as view, pytest.raises(BadInput, match="names none of the runs"):
        view.ledger.find(Run, after="gone")


def test_adding_never_replaces(store: Store) -> None:
    added = store.write(lambda t: (t.ledger.add(a_run()), t.ledger.add(a_run(hours=9)))).result()
    assert added == (True, False)
    with store.read() as view:
        assert view.ledger.find(Run) == [a_run()]


def test_many_records_are_put_and_got_as_one_by_one(store: Store) -> None:
    filed(store, a_run("r1", state=RunState.REQUESTED), a_run("r2", hours=2))
    many = [a_run("r3", hours=1), a_run("r1", hours=3), a_run("r4", model="other")]
    store.write(lambda t: t.ledger.put_all(many)).result()
    store.write(lambda t: t.ledger.put_all([])).result()

    got = store.write(lambda t: t.ledger.get_all(Run, ["r1", "r4", "none"])).result()
    assert got == {"r1": many[1], "r4": many[2]}
    with store.read() as view:
        assert view.ledger.get_all(Run, []) == {}
        assert view.ledger.get_all(Reference, ["r1"]) == {}
        assert [run.id for run in view.ledger.find(Run, model=MODEL)] == ["r3", "r2", "r1"]
        assert view.ledger.count(Run) == 4


def test_a_question_is_answered_from_memory_until_what_it_is_about_changes(store: Store) -> None:
    filed(store, a_run("r1", state=RunState.REQUESTED))
    for state in (RunState.REQUESTED, RunState.RUNNING):
        filed(store, a_run("r1", state=state))
        for _ in range(2):
            told = store.ask(lambda ledger: (ledger.get(Run, "r1"), ledger.find(Run, model=MODEL)))
            assert told == (a_run("r1", state=state), [a_run("r1", state=state)])
            assert store.ask(lambda ledger: ledger.count(Run)) == 1
    with pytest.raises(BadInput):
        store.ask(lambda ledger: ledger.find(Run, after="nothing"))


def test_removing_and_pruning_leave_the_rest(store: Store) -> None:
    filed(store, a_run("a", 0), a_run("b", 5), a_run("c", 0, model="other"))
    gone = store.write(lambda t: t.ledger.prune(Run, before=NOON + HOUR)).result()
    assert gone == 2
    store.write(lambda t: t.ledger.remove(Run, model="other")).result()
    with store.read() as view:
        assert [run.id for run in view.ledger.find(Run)] == ["b"]


def test_the_journal_is_a_chain_that_holds_and_is_never_cut(store: Store) -> None:
    def note(number: int) -> None:
        store.write(
            lambda t: t.ledger.journal(
                model=MODEL,
                at=NOON + number * HOUR,
                kind="promoted",
                subject="v1",
                by="policy",
                facts={"z": number, "a": None},
            )
        ).result()

    for number in range(5):
        note(number)
    with pytest.raises(Refused, match="never cut"):
        store.write(lambda t: t.ledger.remove(Entry, model=MODEL)).result()
    with store.read() as view:
        entries = view.ledger.find(Entry)
    assert [entry.id for entry in entries] == [f"{number:012d}" for number in range(1, 6)]
    assert entries[0].text == '{"a":null,"z":0}'
    assert first_break(entries) is None
    assert first_break([entries[0], *entries[2:]]) == "000000000003"


def test_the_chain_goes_on_after_work_that_failed(store: Store) -> None:
    def note(*, fail: bool) -> None:
        def work(t):
            t.ledger.journal(model=MODEL, at=NOON, kind="k", subject="s", by="b", facts={})
            if fail:
                raise Conflict("no")

        store.write(work).result()

    note(fail=False)
    with pytest.raises(Conflict):
        note(fail=True)
    note(fail=False)
    with store.read() as view:
        entries = view.ledger.find(Entry)
    assert len(entries) == 2
    assert first_break(entries) is None


class Measured(Record, frozen=True, kw_only=True):
    """A record with a figure, of a kind that no room has."""

    TABLE: ClassVar[str] = "measured"
    value: float
    evidence: tuple[Evidence, ...] = ()
    lasted: timedelta = timedelta(0)


def test_a_kind_of_another_room_gets_its_table(store: Store) -> None:
    record = Measured(id="m", model=MODEL, value=1.5, lasted=timedelta(days=2, seconds=0.5))
    with store.read() as view:
        assert view.ledger.find(Measured) == []
    filed(store, record)
    with store.read() as view:
        assert view.ledger.find(Measured) == [record]


def test_a_record_that_could_not_be_read_again_is_not_stored(store: Store) -> None:
    with pytest.raises(StorageError, match="could not be read again"):
        filed(store, Measured(id="m", model=MODEL, value=float("nan")))
    filed(store, Measured(id="m", model=MODEL, value=0.0))


# Transactions and snapshots.


def test_work_that_fails_leaves_nothing_and_harms_no_neighbour(store: Store) -> None:
    go = threading.Event()
    first = store.write(lambda t: go.wait(5) and t.ledger.put(a_run("first")))

    def bad(t) -> None:
        t.ledger.put(a_run("bad"))
        raise Conflict("no")

    others = [store.write(lambda t, n=n: t.ledger.put(a_run(f"r{n}"))) for n in range(3)]
    failing = store.write(bad)
    others.append(store.write(lambda t: t.ledger.put(a_run("last"))))
    go.set()
    for future in (first, *others):
        future.result(10)
    with pytest.raises(Conflict):
        failing.result(10)
    with store.read() as view:
        assert [run.id for run in view.ledger.find(Run)] == ["first", "r0", "r1", "r2", "last"]


def test_a_caught_error_does_not_let_the_rest_be_acknowledged(store: Store) -> None:
    def work(t) -> str:
        t.ledger.put(a_run())
        with suppress(StorageError):
            t.events._session.run("select * from nowhere")
        return "done"

    with pytest.raises(StorageError):
        store.write(work).result()
    with store.read() as view:
        assert view.ledger.find(Run) == []


def test_a_snapshot_sees_one_moment(store: Store) -> None:
    prepared(store)
    filed(store, a_run("a"))
    with store.read() as before:
        filed(store, a_run("a", 3), a_run("b"), Measured(id="m", model=MODEL, value=1.0))
        stored(store, predictions(["x"], [0]))
        assert before.ledger.find(Run) == [a_run("a")]
        assert before.ledger.find(Measured) == []
        assert before.events.counts(MODEL) == Counts()
    with store.read() as after:
        assert [run.id for run in after.ledger.find(Run)] == ["b", "a"]
        assert after.ledger.count(Measured) == 1
        assert after.events.counts(MODEL).predictions == 1


def test_a_transaction_reads_what_it_wrote(store: Store) -> None:
    filed(store, a_run("a"))

    def work(t) -> tuple[int, int, int]:
        before = len(t.ledger.find(Run))
        t.ledger.put(a_run("b"))
        t.events.prepare(MODEL, SCHEMA)
        t.events.append_predictions(MODEL, predictions(["x"], [0]))
        return before, len(t.ledger.find(Run)), t.events.counts(MODEL).predictions

    assert store.write(work).result() == (1, 2, 1)


def test_readers_in_many_threads_see_no_half_commit(store: Store) -> None:
    """Every commit writes two records; no snapshot may hold an odd number."""
    stop, odd = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            with store.read() as view:
                once, again = view.ledger.count(Run), len(view.ledger.find(Run))
                if once % 2 or once != again:
                    odd.append((once, again))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(30):
        pair = (a_run(f"a{number}"), a_run(f"b{number}"))
        store.write(lambda t, pair=pair: [t.ledger.put(r) for r in pair]).result()
    stop.set()
    for thread in threads:
        thread.join()
    assert odd == []


def test_listeners_hear_which_models_were_touched(store: Store) -> None:
    heard: list[frozenset[str]] = []
    done = threading.Event()

    def listen(models: frozenset[str]) -> None:
        heard.append(models)
        done.set()

    store.subscribe(listen)
    store.write(lambda t: (t.ledger.put(a_run()), t.ledger.put(a_run("o", model="other")))).result()
    assert done.wait(5)
    assert heard == [frozenset({MODEL, "other"})]
    store.write(lambda t: t.ledger.find(Run)).result()
    time.sleep(0.05)
    assert len(heard) == 1


def test_listeners_hear_nothing_of_what_was_written_quietly_alone(store: Store) -> None:
    heard: list[frozenset[str]] = []
    done = threading.Event()
    store.subscribe(lambda models: (heard.append(models), done.set()))
    store.write(lambda t: t.ledger.put(a_run("quiet", model="quiet")), quiet=True).result()
    store.write(lambda t: t.ledger.put(a_run())).result()
    assert done.wait(5)
    assert heard == [frozenset({MODEL})]


def test_a_full_queue_takes_nothing_more() -> None:
    store = open_store(None, limits=Limits(entries=2, size=100))
    go = threading.Event()
    running = store.write(lambda _: go.wait(5))
    time.sleep(0.1)
    waiting = [store.write(lambda _: 1, size=40), store.write(lambda _: 2, size=40)]
    with pytest.raises(Overloaded, match="2 writes of 80 bytes wait already"):
        store.write(lambda _: 3)
    go.set()
    assert running.result(5)
    assert [future.result(5) for future in waiting] == [1, 2]
    store.close()


def test_closing_finishes_what_was_queued_and_takes_no_more(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    futures = [store.write(lambda t, n=n: t.ledger.put(a_run(f"r{n}"))) for n in range(20)]
    store.close()
    store.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(Overloaded, match="ending"):
        store.write(lambda _: 1)
    with pytest.raises(StorageError, match=r"leeboard\.duckdb is closed"), store.read():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["leeboard.duckdb"]
    again = open_store(tmp_path)
    with again.read() as view:
        assert view.ledger.count(Run) == 20
    again.close()


# Rows.


def test_rows_come_back_typed_in_order_and_with_the_features_asked_for(store: Store) -> None:
    prepared(store, YES_NO)
    rows = predictions(
        ["b", "a", "c"], [1, 1, 0], prediction=["yes", "no", None], wind=[2.0, None, 0.5],
        known_at=[2, 2, 9], **{"score:yes": [0.9, 0.2, None]},
    )  # fmt: skip
    assert stored(store, rows) == Received(accepted=3)
    with store.read() as view:
        table = view.events.rows(MODEL, ["wind", "new"], Known(by=NOON + 2 * HOUR))
    assert table.schema.field("at").type == pa.timestamp("us", "UTC")
    assert table.drop_columns(["known_at"]).to_pylist() == [
        {"id": "a", "at": NOON + HOUR, "version": "v1", "role": "live", "prediction": "no",
         "score:yes": 0.2, "wind": None, "new": None},
        {"id": "b", "at": NOON + HOUR, "version": "v1", "role": "live", "prediction": "yes",
         "score:yes": 0.9, "wind": 2.0, "new": None},
    ]  # fmt: skip


def test_names_that_differ_in_case_or_are_the_stores_own_stay_what_they_are(store: Store) -> None:
    features = tuple(Column(name, Kind.NUMERIC) for name in ("a", "A", "seq"))
    prepared(store, Schema(
        task=Task.MULTICLASS, features=features, scores={"yes": "score_yes", "Yes": "score_Yes"}
    ))  # fmt: skip
    stored(store, predictions(
        ["w", "x"], [0, 0], prediction=["yes", "Yes"], a=[1.0, 2.0], A=[3.0, 4.0],
        seq=[9.0, 8.0], **{"score:yes": [0.5, 0.6], "score:Yes": [0.1, 0.2]},
    ))  # fmt: skip
    with store.read() as view:
        rows = view.events.rows(MODEL, ["A", "seq", "a"], Known())
    assert rows.select(["prediction", "score:yes", "score:Yes", "A", "seq", "a"]).to_pylist() == [
        {"prediction": "yes", "score:yes": 0.5, "score:Yes": 0.1, "A": 3.0, "seq": 9.0, "a": 1.0},
        {"prediction": "Yes", "score:yes": 0.6, "score:Yes": 0.2, "A": 4.0, "seq": 8.0, "a": 2.0},
    ]


def test_spans_are_half_open(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a", "b", "c"], [0, 1, 2]))
    with store.read() as view:
        table = view.events.rows(MODEL, [], Known(start=NOON, end=NOON + 2 * HOUR))
    assert table["id"].to_pylist() == ["a", "b"]


def test_a_model_without_rows_has_empty_tables_and_zero_counts(store: Store) -> None:
    with store.read() as view:
        events = view.events
        assert events.counts("nobody") == Counts()
        assert events.last_at("nobody") is None
        assert events.rows("nobody", ["wind"], Known()).column_names[-1] == "wind"
        assert events.labelled("nobody", [], Known()).num_rows == 0
        assert events.scored("nobody", "v1", Known()).num_rows == 0
        assert events.new_labels("nobody", NOON, NOON).num_rows == 0
        assert events.new_rows("nobody", NOON, NOON).num_rows == 0
        assert events.row_numbers("nobody", 0, 5).num_rows == 0
        assert view.upkeep.rejected_page("nobody", before=None, limit=5) == []


def test_names_with_quotes_dots_and_other_case_are_kept_apart(store: Store) -> None:
    names = ['a"b', "a.b", "Temp", "temp", "^temp", "seq", "größe", "select", "f:x"]
    schema = Schema(
        task=Task.REGRESSION, features=tuple(Column(name, Kind.NUMERIC) for name in names)
    )
    prepared(store, schema)
    values = {name: [float(place)] for place, name in enumerate(names)}
    stored(store, predictions(["x"], [0], **values))
    with store.read() as view:
        [row] = view.events.rows(MODEL, names, Known()).to_pylist()
    assert [row[name] for name in names] == list(range(len(names)))


def test_the_same_row_again_is_a_duplicate_and_another_role_is_not(store: Store) -> None:
    prepared(store)
    assert stored(store, predictions(["a", "a", "b"], [0, 0, 1])) == Received(
        accepted=2, duplicates=1
    )
    again = predictions(["a", "b"], [0, 1], version=["v2", "v1"])
    assert stored(store, again) == Received(duplicates=2)
    shadows = predictions(["a", "a", "a"], [0] * 3, role=["shadow"] * 3, version=["v2", "v3", "v2"])
    assert stored(store, shadows) == Received(accepted=2, duplicates=1)
    with store.read() as view:
        assert view.events.counts(MODEL).predictions == 4


def test_an_id_at_another_time_is_stored_and_counted(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a"], [0]))
    assert stored(store, predictions(["a", "b", "b"], [5, 5, 6])) == Received(
        accepted=3, reused_ids=2
    )


def test_rows_before_the_watermark_are_late(store: Store) -> None:
    prepared(store)
    received = stored(store, predictions(["a", "b"], [0, 2]), watermark=NOON + HOUR)
    assert received == Received(accepted=2, late=1)


def test_counts_say_what_is_there_and_leave_references_out(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["h"], [0], prediction=pa.array([None], pa.float64())))
    stored(store, predictions(["a"], [2], known_at=[3]))
    stored(store, predictions(["ref"], [90], role=["reference"]))
    told(store, labels(["a"], [1.0], [7]))
    store.write(
        lambda t: t.events.append_rejected(MODEL, "labels", NOON, [("no id", "{}")], unnamed=4)
    ).result()
    with store.read() as view:
        assert view.events.counts(MODEL) == Counts(
            predictions=2, labels=1, rejected=5, first_at=NOON, last_at=NOON + 2 * HOUR,
            first_served_at=NOON + 2 * HOUR, last_known_at=NOON + 7 * HOUR,
        )  # fmt: skip
        assert view.events.last_at(MODEL) == NOON + 2 * HOUR
        newest, named = view.upkeep.rejected_page(MODEL, before=None, limit=5)
    assert named == RejectedRow(
        number=named.number, known_at=NOON, feed="labels", reason="no id", text="{}", rows=1,
        whole=True,
    )  # fmt: skip
    assert newest.rows == 4


def test_hours_count_live_rows_known_by_then_also_before_1970(store: Store) -> None:
    with store.read() as view:
        assert view.events.hours(MODEL, NOON).num_rows == 0
    prepared(store)
    long_ago = -(NOON - datetime(1969, 12, 31, 22, 30, tzinfo=UTC)) / HOUR
    stored(store, predictions(
        ["a", "b", "c", "d", "e", "f"], [0, 0.5, 1, 2, 0, long_ago],
        known_at=[0, 0, 1, 9, 0, 0], role=["live"] * 4 + ["shadow", "live"],
    ))  # fmt: skip
    with store.read() as view:
        told = view.events.hours(MODEL, NOON + HOUR).sort_by("hour").to_pylist()
    noon, micros = int(NOON.timestamp()) // 3600, 3_600_000_000
    assert told == [
        {"hour": -2, "rows": 1, "first": -1.5 * micros, "last": -1.5 * micros},
        {"hour": noon, "rows": 2, "first": noon * micros, "last": (noon + 0.5) * micros},
        {"hour": noon + 1, "rows": 1, "first": (noon + 1) * micros, "last": (noon + 1) * micros},
    ]


def test_last_at_in_the_writer_follows_what_it_appends_and_what_was_undone(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a"], [1]))

    def work(t) -> object:
        seen = [t.events.last_at(MODEL)]
        t.events.append_predictions(MODEL, predictions(["b"], [5]))
        return [*seen, t.events.last_at(MODEL)]

    def undone(t) -> None:
        t.events.append_predictions(MODEL, predictions(["c"], [9]))
        assert t.events.last_at(MODEL) == NOON + 9 * HOUR
        raise Conflict("no")

    assert store.write(work).result() == [NOON + HOUR, NOON + 5 * HOUR]
    with pytest.raises(Conflict):
        store.write(undone).result()
    assert store.write(lambda t: t.events.last_at(MODEL)).result() == NOON + 5 * HOUR


def test_new_features_are_added_and_old_rows_have_nulls(store: Store) -> None:
    prepared(store, Schema(task=Task.REGRESSION))
    stored(store, predictions(["a"], [0]))
    prepared(store)
    stored(store, predictions(["b"], [1], wind=[2.0]))
    with store.read() as view:
        assert view.events.rows(MODEL, ["wind"], Known())["wind"].to_pylist() == [None, 2.0]


def test_a_feature_changes_its_kind_only_without_loss(store: Store) -> None:
    def kind(of: Kind) -> Schema:
        return Schema(task=Task.REGRESSION, features=(Column("zip", of),))

    prepared(store, kind(Kind.NUMERIC))
    stored(store, predictions(["a", "b"], [0, 1], zip=[8050.0, 0.5]))
    prepared(store, kind(Kind.CATEGORICAL))
    with store.read() as view:
        assert view.events.rows(MODEL, ["zip"], Known())["zip"].to_pylist() == ["8050", "0.5"]
    prepared(store, kind(Kind.NUMERIC))
    with pytest.raises(Conflict, match="'zip' is stored as double"):
        prepared(store, kind(Kind.BOOLEAN))
    with pytest.raises(BadInput, match="cannot be called 'prediction'"):
        prepared(
            store, Schema(task=Task.REGRESSION, features=(Column("prediction", Kind.NUMERIC),))
        )


def test_dropping_a_model_leaves_nothing_and_it_can_begin_again(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a", "a"], [0, 1]))
    store.write(lambda t: t.events.append_rejected(MODEL, "labels", NOON, [("r", "t")])).result()
    store.write(lambda t: t.events.drop(MODEL)).result()
    with store.read() as view:
        assert view.events.counts(MODEL) == Counts()
    with pytest.raises(NotFound, match="no tables yet"):
        stored(store, predictions(["a"], [0]))
    prepared(store)
    assert stored(store, predictions(["a"], [0])) == Received(accepted=1)


def test_a_drop_that_was_undone_is_as_if_it_had_never_been(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a"], [0]))

    def undone(t) -> None:
        t.events.drop(MODEL)
        t.events.prepare(MODEL, SCHEMA)
        t.events.append_predictions(MODEL, predictions(["b"], [0]))
        raise Conflict("no")

    with pytest.raises(Conflict):
        store.write(undone).result()
    assert stored(store, predictions(["a", "b"], [0, 0])) == Received(accepted=1, duplicates=1)


# Labels.


def test_the_latest_label_known_by_then_counts(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a"], [0]))
    told(store, labels(["a"], [2.0], [5]))
    told(store, labels(["a"], [1.0], [3]))
    assert labelled(store) == [("a", 0, 2.0)]
    assert labelled(store, Known(by=NOON + 4 * HOUR)) == [("a", 0, 1.0)]
    assert labelled(store, Known(by=NOON + 2 * HOUR)) == []


def test_the_same_label_again_is_a_duplicate_and_another_a_correction(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a"], [0]))
    assert told(store, labels(["a", "a", "a"], [1.0, 1.0, 2.0], [1, 2, 3])) == Received(
        accepted=2, duplicates=1
    )
    assert told(store, labels(["a"], [2.0], [4])) == Received(duplicates=1)
    assert told(store, labels(["a"], [1.0], [5])) == Received(accepted=1)
    with store.read() as view:
        [row] = view.events.labelled(MODEL, [], Known(by=NOON + 4.5 * HOUR)).to_pylist()
    assert (row["label"], row["label_known_at"]) == (2.0, NOON + 3 * HOUR)


def test_a_label_waits_for_its_prediction(store: Store) -> None:
    prepared(store)
    told(store, labels(["a"], [1.0], [0]))
    stored(store, predictions(["a"], [5]))
    assert labelled(store) == [("a", 5, 1.0)]


def test_of_an_id_used_twice_a_label_belongs_to_the_latest_that_happened_before(
    store: Store,
) -> None:
    prepared(store)
    stored(store, predictions(["a", "a"], [0, 10]))
    told(store, labels(["a"], [1.0], [5]))
    told(store, labels(["a"], [1.0], [15]))
    assert labelled(store) == [("a", 0, 1.0), ("a", 10, 1.0)]
    assert labelled(store, Known(start=NOON + HOUR)) == [("a", 10, 1.0)]
    assert labelled(store, Known(by=NOON + 6 * HOUR)) == [("a", 0, 1.0)]


def test_a_label_that_names_its_time_belongs_there(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a", "a"], [0, 10]))
    told(store, labels(["a"], [7.0], [20], at=[0]))
    assert labelled(store) == [("a", 0, 7.0)]


def test_labels_of_references_and_of_live_rows_with_the_same_ids_stay_apart(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a"], [0], role=["reference"]))
    told(store, labels(["a"], [1.0], [0], at=[0]))
    stored(store, predictions(["a"], [10]))
    told(store, labels(["a"], [2.0], [11]))
    assert labelled(store) == [("a", 10, 2.0)]
    assert labelled(store, roles=["reference"])[0][:2] == ("a", 0)


def test_new_labels_are_those_that_became_known_with_their_prediction(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a", "b"], [0, 1]))
    told(store, labels(["a", "b", "waits"], [1.0, 1.0, 1.0], [3, 6, 3]))
    stored(store, predictions(["waits"], [2], known_at=[8]))

    def new(after: float, by: float) -> list[float]:
        with store.read() as view:
            found = view.events.new_labels(MODEL, NOON + after * HOUR, NOON + by * HOUR)
        return [(at - NOON) / HOUR for at in found["at"].to_pylist()]

    assert [new(0, 3), new(3, 6), new(6, 7), new(7, 9)] == [[0], [1], [], [2]]


def test_new_rows_are_the_served_ones_that_became_known(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["a", "b"], [0, 1], known_at=[3, 4]))
    stored(store, predictions(["h"], [2], prediction=pa.array([None], pa.float64()), known_at=[4]))
    with store.read() as view:
        found = view.events.new_rows(MODEL, NOON + 3 * HOUR, NOON + 4 * HOUR)
    assert found["at"].to_pylist() == [NOON + HOUR]


# Scored rows and counted ones.


def test_a_versions_logged_predictions_come_before_what_leeboard_scored(store: Store) -> None:
    prepared(store, YES_NO)
    yes = {"prediction": ["yes", "yes"], "score:yes": [0.9, 0.8]}
    stored(store, predictions(["a", "b"], [0, 1], **yes))
    shadow = {"prediction": ["no"], "score:yes": [0.1], "role": ["shadow"], "version": ["v2"]}
    stored(store, predictions(["a"], [0], **shadow))
    ours = pa.table({
        "id": ["a", "b"], "at": hours(0, 1), "prediction": ["yes", "no"], "score:yes": [0.7, 0.3],
    })  # fmt: skip
    for _ in range(2):
        store.write(lambda t: t.events.append_scored(MODEL, "v2", ours)).result()
    with store.read() as view:
        found = view.events.scored(MODEL, "v2", Known())
        served = view.events.scored(MODEL, "v1", Known(start=NOON + HOUR))
    assert found.select(["id", "prediction", "score:yes"]).to_pylist() == [
        {"id": "a", "prediction": "no", "score:yes": 0.1},
        {"id": "b", "prediction": "no", "score:yes": 0.3},
    ]
    assert served["id"].to_pylist() == ["b"]


def test_counted_rows_go_by_when_they_were_known_then_by_arrival(store: Store) -> None:
    prepared(store)
    stored(store, predictions(["c", "a"], [2, 0], known_at=[5, 5]))
    stored(
        store, predictions(["b", "h"], [1, 3], known_at=[4, 4], prediction=pa.array([1.0, None]))
    )
    with store.read() as view:
        assert view.events.row_numbers(MODEL, 0, 9)["id"].to_pylist() == ["b", "c", "a"]
        assert view.events.row_numbers(MODEL, 1, 2)["id"].to_pylist() == ["c"]
