"""Windows scored as their model's time goes on, on the real store."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.models import Generation, Model, Timing
from controlplane.domain.policy import FalseAlarms, Performance, Stream, Trial, Windows
from controlplane.domain.references import Reference
from controlplane.domain.reigns import Reign
from controlplane.domain.schema import Schema, Task
from controlplane.domain.states import WindowState
from controlplane.domain.windows import Window
from controlplane.monitor.due import next_due
from controlplane.monitor.score import score_due
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from detectors.finding import Verdict
from tests.watched import (
    DAY,
    HOUR,
    SCHEMA,
    SERVED,
    TRAINED,
    WEEK,
    a_model,
    a_policy,
    a_version,
    labels,
    log,
    rows,
    scores,
    step,
    told,
    watch,
)

LATENESS = WEEK / 10


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def serve(store: Store, hours: int = 15 * 24, **facts: float) -> pa.Table:
    """Two weeks and a day of served rows of v1, their labels a day later."""
    served = rows(SERVED, hours, seed=3, version="v1", **facts)
    log(store, served, labels(served))
    return served


def windows(store: Store) -> list[Window]:
    with store.read() as view:
        return view.ledger.find(Window, model="boats")


def found(score: object, detector: str, column: str = "*") -> object:
    [finding] = [f for f in score.findings if (f.detector, f.column) == (detector, column)]
    return finding


def test_a_window_is_scored_when_its_rows_close_and_again_when_its_labels_do(store: Store) -> None:
    watch(store, a_policy())
    serve(store)
    scored = [(instant, len(ids)) for instant, ids in step(store, SERVED + 10 * DAY) if ids]
    assert scored == [(SERVED + WEEK + LATENESS, 1), (SERVED + WEEK + DAY, 1)]
    first, second = scores(store)
    assert (first.revision, first.rows, first.labels) == (0, 168, 165)
    assert (second.revision, second.rows, second.labels) == (1, 168, 168)
    assert (second.champion, second.reference, second.scored_at) == (
        "v1", "boats/v1", SERVED + WEEK + DAY,
    )  # fmt: skip
    assert [(w.number, w.state, w.revision) for w in windows(store)] == [
        (1, WindowState.MATURED, 1), (2, WindowState.OPEN, -1),
    ]  # fmt: skip


def test_asked_again_nothing_is_scored_twice(store: Store) -> None:
    watch(store, a_policy())
    serve(store)
    step(store, SERVED + 16 * DAY)
    before = scores(store)
    assert len(before) == 4
    assert score_due(store, "boats", SERVED + 16 * DAY) == []
    assert score_due(store, "boats", SERVED + WEEK + DAY) == []
    assert scores(store) == before


def test_stepping_at_once_or_day_by_day_gives_the_same_scores(store: Store) -> None:
    watch(store, a_policy())
    serve(store)
    for day in range(1, 17):
        step(store, SERVED + day * DAY + 5 * HOUR)
    other = open_store(None)
    watch(other, a_policy())
    serve(other)
    step(other, SERVED + 16 * DAY + 5 * HOUR)
    assert len(scores(store)) == 4
    assert scores(store) == scores(other)
    other.close()


def test_before_there_is_a_champion_nothing_is_scored(store: Store) -> None:
    model = a_model(champion=None, moves=0, origin=None, serving_from=None, stepped=None)
    watch(store, a_policy(windows=Windows()), model)
    assert step(store, SERVED + 10 * DAY) == [(SERVED + 10 * DAY, [])]
    assert windows(store) == []
    with store.read() as view:
        assert view.ledger.get(Model, "boats").every_seconds == WEEK.total_seconds()


def test_unchanged_rows_pass_and_a_shifted_column_fails(store: Store) -> None:
    watch(store, a_policy())
    serve(store)
    step(store, SERVED + 10 * DAY)
    calm = scores(store)[0]
    assert (calm.verdict, calm.columns_failed, calm.columns_judged) == (Verdict.PASSED, 0, 2)

    other = open_store(None)
    watch(other, a_policy())
    serve(other, shift=6.0)
    step(other, SERVED + 10 * DAY)
    moved = scores(other)[0]
    assert (moved.verdict, moved.columns_failed) == (Verdict.FAILED, 1)
    assert found(moved, "a1", "wind").verdict is Verdict.FAILED
    assert found(moved, "ks", "wind").reason == "shown"
    assert found(moved, "ks", "wind").p_value < 1e-9
    other.close()


def test_missing_values_and_missing_labels_are_found(store: Store) -> None:
    watch(store, a_policy())
    served = rows(SERVED, WEEK // HOUR, seed=3, version="v1")
    wind = pa.array(
        np.where(np.arange(168) % 2 == 0, served["wind"].to_numpy(), np.nan), from_pandas=True
    )
    history = rows(TRAINED, 70 * 24, seed=7)
    log(store, served.set_column(served.column_names.index("wind"), "wind", wind), labels(history))
    step(store, SERVED + 10 * DAY)
    first, second = scores(store)
    assert found(first, "missing", "wind").verdict is Verdict.FAILED
    assert found(first, "volume").verdict is Verdict.PASSED
    assert not [f for f in first.findings if f.detector == "label_feed"]
    assert found(second, "label_feed").verdict is Verdict.FAILED
    assert second.realised == ()


def test_a_week_whose_labels_had_not_closed_says_nothing_of_how_many_are_usual(
    store: Store,
) -> None:
    """Of the reference's last week some labels came after it; of all others every one was there."""
    watch(store, a_policy())
    served = rows(SERVED, WEEK // HOUR, seed=3, version="v1")
    log(store, served, labels(rows(TRAINED, 70 * 24, seed=7)), labels(served).slice(0, 156))
    step(store, SERVED + 10 * DAY)
    fed = found(scores(store)[1], "label_feed")
    assert (fed.verdict, round(fed.effect, 4)) == (Verdict.FAILED, round(156 / 168 - 1, 4))
    with store.read() as view:
        stored = msgspec.json.decode(view.ledger.get(Reference, "boats/v1").calibration)
    assert stored["rates"]["usual_labels"] == [1.0] * 9
    assert len(stored["rates"]["usual_rows"]) == 10


def test_a_window_without_rows_is_scored_too(store: Store) -> None:
    watch(store, a_policy())
    serve(store, hours=48)
    step(store, SERVED + 18 * DAY)
    empty = [s for s in scores(store) if s.start == SERVED + WEEK]
    assert [s.revision for s in empty] == [0, 1]
    assert empty[0].rows == 0
    assert found(empty[0], "volume").verdict is Verdict.FAILED
    assert empty[0].columns_judged == 0


def test_only_what_was_known_by_the_instant_is_looked_at(store: Store) -> None:
    watch(store, a_policy())
    served = rows(SERVED, 168, seed=3, version="v1")
    known = [
        moment + (3 * DAY if k % 4 == 0 else 0 * DAY)
        for k, moment in enumerate(served["at"].to_pylist())
    ]
    late = served.set_column(2, "known_at", pa.array(known, pa.timestamp("us", "UTC")))
    log(store, late)
    step(store, SERVED + WEEK + LATENESS)
    [first] = scores(store)
    assert first.rows == 168 - sum(moment > SERVED + WEEK + LATENESS for moment in known)
    assert 100 < first.rows < 168


def test_late_rows_and_labels_make_one_further_revision_a_label_day(store: Store) -> None:
    watch(store, a_policy())
    served = rows(SERVED, 10 * 24, seed=3, version="v1")
    log(store, served.slice(0, 160), served.slice(168), labels(served.slice(0, 100)))
    step(store, SERVED + 9 * DAY + HOUR)
    assert [s.revision for s in scores(store)] == [0, 1]

    tardy = SERVED + 9 * DAY + 2 * HOUR
    stamp = pa.array([tardy] * 8, pa.timestamp("us", "UTC"))
    log(store, served.slice(160, 8).set_column(2, "known_at", stamp))
    log(
        store,
        labels(served.slice(100, 60)).set_column(
            2, "known_at", pa.array([tardy + HOUR] * 60, stamp.type)
        ),
    )
    scored = [(instant, ids) for instant, ids in step(store, SERVED + 13 * DAY) if ids]
    assert [instant for instant, _ in scored] == [SERVED + 10 * DAY]
    again = scores(store)[2]
    assert (again.revision, again.rows, again.late, again.labels) == (2, 168, 8, 160)
    assert scores(store)[1].rows == 160
    first = windows(store)[0]
    assert (first.state, first.revision, first.scored_at) == (
        WindowState.MATURED,
        2,
        SERVED + 10 * DAY,
    )


def test_a_window_discovered_late_is_given_its_time_from_then_on(store: Store) -> None:
    watch(store, a_policy())
    served = rows(SERVED, 168, seed=3, version="v1")
    discovered = SERVED + WEEK + 5 * HOUR
    stamp = pa.array([discovered] * 168, pa.timestamp("us", "UTC"))
    log(store, served.set_column(2, "known_at", stamp))
    scored = [instant for instant, ids in step(store, SERVED + 12 * DAY) if ids]
    assert scored == [discovered + LATENESS, discovered + DAY]
    assert [s.rows for s in scores(store)] == [168, 168]


def test_a_live_model_whose_past_comes_in_one_go_scores_all_of_it_after_its_discovery(
    store: Store,
) -> None:
    discovered = SERVED + 20 * DAY
    model = a_model(timing=Timing.LIVE, origin=None, serving_from=None, stepped=discovered - HOUR)
    watch(store, a_policy(), model)
    served = rows(SERVED, 18 * 24, seed=3, version="v1")
    stamp = pa.array([discovered] * served.num_rows, pa.timestamp("us", "UTC"))
    log(store, served.set_column(2, "known_at", stamp))
    scored = [(instant, len(ids)) for instant, ids in step(store, discovered + 30 * HOUR) if ids]
    assert scored == [(discovered + LATENESS, 2), (discovered + DAY, 2)]
    assert [(w.start, w.number) for w in windows(store)][:2] == [(SERVED, 1), (SERVED + WEEK, 2)]


def test_the_end_of_a_replay_scores_what_is_left(store: Store) -> None:
    watch(store, a_policy())
    serve(store, hours=10 * 24)
    end = SERVED + 10 * DAY + 2 * HOUR
    told(store, final=True)
    step(store, end)
    last = scores(store)[-2:]
    assert [(s.start, s.revision, s.rows) for s in last] == [
        (SERVED + WEEK, 0, 72), (SERVED + WEEK, 1, 72),
    ]  # fmt: skip
    assert last[1].labels == 55
    assert all(w.state is WindowState.MATURED for w in windows(store))
    assert next_due(store, "boats", end) is None
    assert not [f for f in last[0].findings if f.detector == "volume"]
    [drift] = [f for f in last[0].findings if (f.column, f.detector) == ("wind", "a1")]
    assert (drift.verdict, drift.reason) == (Verdict.INCONCLUSIVE, "partial")
    assert drift.statistic is not None


def test_rows_are_counted_where_the_file_says_so(store: Store) -> None:
    watch(store, a_policy(windows=Windows(rows=100)))
    serve(store, hours=250)
    scored = [(instant, len(ids)) for instant, ids in step(store, SERVED + 9 * DAY) if ids]
    full = SERVED + 99 * HOUR
    assert scored == [(full, 1), (full + DAY, 1), (full + 100 * HOUR, 1)]
    assert [(w.rows_first, w.rows_last) for w in windows(store)] == [(0, 100), (100, 200)]
    first = scores(store)[0]
    assert (first.rows, first.start, first.verdict) == (100, SERVED, Verdict.PASSED)
    told(store, final=True)
    step(store, SERVED + 251 * HOUR)
    assert [(w.rows_first, w.rows_last) for w in windows(store)] == [
        (0, 100),
        (100, 200),
        (200, 250),
    ]


def test_a_file_without_times_is_cut_by_rows(store: Store) -> None:
    watch(store, a_policy(windows=Windows()), a_model(timed=False))
    serve(store, hours=400)
    step(store, SERVED + 400 * HOUR)
    assert [(w.rows_first, w.rows_last) for w in windows(store)] == [(0, 168), (168, 336)]
    assert windows(store)[1].end == SERVED + 335 * HOUR + timedelta(microseconds=1)


def test_performance_is_told_of_each_version_and_of_all(store: Store) -> None:
    watch(store, a_policy(), versions=(a_version(), a_version("v2")))
    change = SERVED + 4 * DAY
    first = rows(SERVED, 96, seed=3, version="v1")
    second = rows(change, 14 * 24, seed=4, version="v2")
    bare = second.set_column(3, "version", pa.nulls(second.num_rows, pa.string()))
    truth = [labels(first, off=1.0), labels(second, off=3.0)]
    log(store, first, bare, *truth)

    def move(t: object) -> None:
        t.ledger.put(Reign(id="boats/1", model="boats", version="v1", move=1, since=SERVED,
                           until=change, decision="d1"))  # fmt: skip
        t.ledger.put(Reign(id="boats/2", model="boats", version="v2", move=2, since=change,
                           decision="d2"))  # fmt: skip
        model = t.ledger.get(Model, "boats")
        t.ledger.put(msgspec.structs.replace(model, champion="v2", moves=2))

    store.write(move).result()
    step(store, SERVED + 8 * DAY)
    score = scores(store)[1]
    assert [(r.version, r.rows) for r in score.realised] == [("v1", 96), ("v2", 72), ("*", 168)]
    one, two, both = score.realised
    assert both.value == pytest.approx((96 * one.value + 72 * two.value) / 168)
    assert two.value > 2 * one.value
    assert both.interval.low < both.value < both.interval.high
    assert one.interval is two.interval is None, "four days and three show those days alone"
    assert one.loss == pytest.approx(one.value)
    assert (score.champion, score.reference) == ("v2", "boats/v1")


def test_predictions_are_compared_with_those_from_before_the_version_served(store: Store) -> None:
    version = a_version(trained_from=TRAINED - 70 * DAY, trained_to=TRAINED)
    watch(store, a_policy(), versions=(version,))
    history = rows(TRAINED, 70 * 24, seed=7)
    made = pa.table({
        "id": history["id"], "at": history["at"], "prediction": history["wind"].to_numpy() / 2.0
    })  # fmt: skip
    store.write(lambda t: t.events.append_scored("boats", "v1", made)).result()
    served = rows(SERVED, 168, seed=3, version="v1")
    higher = pa.array(served["prediction"].to_numpy() + 3.0)
    log(store, served.set_column(5, "prediction", higher))
    step(store, SERVED + 8 * DAY)
    score = scores(store)[0]
    assert score.notes == ()
    assert found(score, "a1", "prediction").verdict is Verdict.FAILED
    assert found(score, "a1", "wind").verdict is Verdict.PASSED
    assert (score.columns_failed, score.columns_judged) == (0, 2)


def test_a_classifiers_windows_are_scored_with_its_scores(store: Store) -> None:
    schema = Schema(task=Task.BINARY, features=SCHEMA.features, scores={"yes": "p"}, positive="yes")
    monitors = msgspec.structs.replace(
        a_policy().monitors, performance=Performance(metric="roc_auc")
    )
    policy = a_policy(task=Task.BINARY, monitors=monitors, trial=Trial(metric="log_loss"))
    watch(store, policy, a_model(schema=schema))
    served = rows(SERVED, 168, seed=3, version="v1")
    chance = 1.0 / (1.0 + np.exp(10.0 - served["wind"].to_numpy()))
    truth = np.random.default_rng(2).random(168) < chance
    said = pa.array(np.where(chance > 0.5, "yes", "no"))
    log(
        store,
        served.set_column(5, "prediction", said).append_column("score:yes", pa.array(chance)),
        labels(served).set_column(1, "label", pa.array(np.where(truth, "yes", "no"))),
    )
    step(store, SERVED + 8 * DAY)
    score = scores(store)[1]
    assert [(r.version, r.metric) for r in score.realised] == [
        ("v1", "roc_auc"), ("v1", "log_loss"), ("*", "roc_auc"), ("*", "log_loss"),
    ]  # fmt: skip
    area, loss = score.realised[:2]
    assert 0.7 < area.value < 1.0
    assert area.interval.low < area.value < area.interval.high
    chosen = np.where(truth, chance, 1.0 - chance)
    assert loss.value == pytest.approx(-np.log(chosen).mean())
    assert area.loss == loss.loss == pytest.approx(loss.value)


@pytest.mark.parametrize(
    ("stream", "days"),
    [(Stream(detector="adwin"), [11]), (Stream(), [10, 12])],
    ids=["adwin", "by default"],
)
def test_rising_errors_alarm_and_a_restart_hears_the_same_alarms(
    tmp_path: Path, stream: Stream, days: list[int]
) -> None:
    def run(directory: Path, restarts: set[int]) -> list:
        store = open_store(directory)
        monitors = msgspec.structs.replace(a_policy().monitors, stream=stream, drift=None)
        watch(store, a_policy(windows=Windows(every=DAY), monitors=monitors))
        calm, storm = (
            rows(SERVED, 10 * 24, seed=3, version="v1"),
            rows(SERVED + 10 * DAY, 4 * 24, seed=4, version="v1"),
        )
        log(store, calm, storm, labels(calm, off=0.3), labels(storm, off=3.0))
        for day in range(15):
            if day in restarts:
                store.close()
                store = open_store(directory)
            step(store, SERVED + day * DAY + HOUR)
        found = [(s.start, s.stream_alarm) for s in scores(store) if s.revision == 1]
        store.close()
        return found

    unbroken = run(tmp_path / "a", set())
    assert [start for start, alarmed in unbroken if alarmed] == [SERVED + n * DAY for n in days]
    assert run(tmp_path / "b", {4, 10, 12}) == unbroken


def test_rising_errors_alarm_though_some_of_them_are_not_known(store: Store) -> None:
    monitors = msgspec.structs.replace(a_policy().monitors, stream=Stream(detector="adwin"))
    watch(store, a_policy(windows=Windows(every=DAY), monitors=monitors))
    calm, storm = (
        rows(SERVED, 10 * 24, seed=3, version="v1"),
        rows(SERVED + 10 * DAY, 4 * 24, seed=4, version="v1"),
    )
    true = labels(storm, off=3.0)
    known = np.where(np.arange(96) % 12 == 0, np.nan, true["label"].to_numpy())
    log(store, calm, storm, labels(calm, off=0.3), true.set_column(1, "label", pa.array(known)))
    step(store, SERVED + 15 * DAY)
    told_of = [s.start for s in scores(store) if s.revision == 1 and s.stream_alarm]
    assert told_of == [SERVED + 12 * DAY]


def test_a_restart_does_not_calibrate_again(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    watch(store, a_policy())
    serve(store)
    step(store, SERVED + 9 * DAY)
    with store.read() as view:
        before = view.ledger.get(Reference, "boats/v1")
    assert before.calibration_windows == 10
    store.close()

    again = open_store(tmp_path)
    step(again, SERVED + 16 * DAY)
    with again.read() as view:
        assert view.ledger.get(Reference, "boats/v1") == before
    other = open_store(None)
    watch(other, a_policy())
    serve(other)
    step(other, SERVED + 16 * DAY)
    assert scores(again) == scores(other)
    again.close()
    other.close()


def test_a_changed_file_calibrates_anew(store: Store) -> None:
    watch(store, a_policy())
    serve(store)
    step(store, SERVED + 9 * DAY)
    with store.read() as view:
        before = view.ledger.get(Reference, "boats/v1").calibration

    def change(t: object) -> None:
        generation = t.ledger.get(Generation, "boats/1")
        policy = msgspec.structs.replace(generation.policy, false_alarms=FalseAlarms(count=0.1))
        t.ledger.put(msgspec.structs.replace(generation, policy=policy))

    store.write(change).result()
    step(store, SERVED + 16 * DAY)
    with store.read() as view:
        assert view.ledger.get(Reference, "boats/v1").calibration != before


def test_a_day_is_judged_by_the_week_up_to_its_end(store: Store) -> None:
    watch(store, a_policy(windows=Windows(every=DAY)))
    serve(store, 9 * 24)
    step(store, SERVED + 10 * DAY + 5 * HOUR)
    figures = {s.start: s.recent for s in scores(store) if s.revision == 1}

    [early], [week] = figures[SERVED + 3 * DAY], figures[SERVED + 6 * DAY]
    assert (early.version, early.rows, early.interval) == ("v1", 4 * 24, None)
    assert (week.version, week.rows) == ("v1", 7 * 24)
    assert week.interval.low < week.value < week.interval.high
    assert all(s.recent == () for s in scores(store) if s.revision == 0)


def test_of_hours_only_the_last_of_a_day_has_the_weeks_figures(store: Store) -> None:
    watch(store, a_policy(windows=Windows(every=HOUR)))
    serve(store, 2 * 24)
    step(store, SERVED + 3 * DAY + 5 * HOUR)
    told_of = [s.end for s in scores(store) if s.revision == 1 and s.recent]
    assert told_of == [SERVED + DAY, SERVED + 2 * DAY]


def test_a_week_has_its_own_figures_and_needs_no_others(store: Store) -> None:
    watch(store, a_policy())
    serve(store)
    step(store, SERVED + 10 * DAY)
    assert all(s.recent == () for s in scores(store))
