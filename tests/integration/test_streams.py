"""Sequential detectors over what a model's windows hold: on errors, predictions and columns."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from controlplane.api.budgets import budget_in
from controlplane.domain import streams
from controlplane.domain.models import LossScale, Model
from controlplane.domain.policy import Monitors, Policy, Stream, Windows
from controlplane.domain.reigns import Reign
from controlplane.domain.schema import Task
from controlplane.monitor.score import score_due
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from detectors.finding import Basis, Finding, Reason, Verdict
from detectors.streaming.catalogue import CATALOGUE
from tests.fakes import FixedClock
from tests.watched import (
    DAY,
    HOUR,
    SCHEMA,
    SERVED,
    TRAINED,
    a_model,
    a_policy,
    a_version,
    labels,
    log,
    rows,
    scores,
    step,
    watch,
)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def only(stream: Stream, **changes: object) -> Policy:
    """A file that watches nothing but a stream, by day."""
    monitors = Monitors(drift=None, quality=None, performance=None, stream=stream)
    return a_policy(monitors=monitors, **({"windows": Windows(every=DAY)} | changes))


def serve(store: Store, days: int, *, shift_from: int, shift: float = 6.0) -> None:
    """Days of rows, windier and worse predicted from one of them on."""
    calm = rows(SERVED, shift_from * 24, seed=3, version="v1")
    windy = rows(
        SERVED + shift_from * DAY, (days - shift_from) * 24, seed=4, version="v1", shift=shift
    )
    log(store, calm, windy, labels(calm, off=0.3), labels(windy, off=3.0))


def kept(store: Store) -> list[streams.Stream]:
    with store.read() as view:
        return view.ledger.find(streams.Stream, model="boats")


def found(store: Store, revision: int) -> list[Finding]:
    return [
        finding
        for score in scores(store)
        if score.revision == revision
        for finding in score.findings
        if finding.detector in CATALOGUE
    ]


def test_errors_are_read_against_the_bound_of_the_versions_record(store: Store) -> None:
    watch(store, only(Stream()))
    serve(store, 6, shift_from=4)
    step(store, SERVED + 7 * DAY)
    told = found(store, 1)
    assert [finding.verdict for finding in told[:4]] == [Verdict.PASSED] * 4
    first = told[4]
    assert first.verdict is Verdict.FAILED
    assert (first.column, first.detector, first.rows) == ("*", "e_sr", 24)
    assert first.statistic == first.threshold > 1000.0
    assert first.effect == pytest.approx(1.4, abs=0.6)
    assert first.basis is Basis.PROVISIONAL
    assert [s.stream_alarm for s in scores(store) if s.revision == 1][:5] == [False] * 4 + [True]
    [stream] = kept(store)
    assert stream.setup.mean == 0.25
    limit = 0.25 + 1.645 * np.sqrt(0.25 * 0.75 / 300)
    assert stream.detector.params["bound"] == pytest.approx(1.05 * limit)
    assert stream.detector.n_seen == 6 * 24
    assert streams.ledger_line(stream).endswith("not measured, no rows of a reference")
    assert streams.line_of(stream, 1.0) is None


def test_the_errors_of_a_version_that_answered_before_it_served_set_its_bound(
    store: Store,
) -> None:
    answered = a_version(trained_to=TRAINED + 40 * DAY)
    watch(store, only(Stream(detector="page_hinkley", params=(("threshold", 0.5),))),
          versions=[answered])  # fmt: skip
    history = rows(TRAINED, 70 * 24, seed=7)
    log(store, labels(history, off=1.0))
    said = history.slice(40 * 24).select(["id", "at"])
    said = said.append_column("prediction", pa.array(history["wind"].to_numpy()[40 * 24 :] / 2.0))
    store.write(lambda t: t.events.append_scored("boats", "v1", said)).result()
    serve(store, 2, shift_from=2)
    step(store, SERVED + 3 * DAY)
    [stream] = kept(store)
    # The labels of the last twenty hours were not known yet.
    assert stream.setup.rows == 30 * 24 - 19
    assert 0.0 < stream.setup.share < 0.6
    assert stream.setup.alarms <= stream.setup.share
    assert stream.setup.periods == pytest.approx(50.0, rel=0.001)
    assert stream.detector.params["threshold"] > 0.5
    [note] = stream.setup.notes
    assert "so that page_hinkley keeps to" in note
    assert note in next(s for s in scores(store) if s.revision == 1).notes
    assert found(store, 1)[0].basis is Basis.CALIBRATED
    line = streams.line_of(stream, 1.0)
    assert (line.family, line.detector, line.is_measured) == ("performance", "page_hinkley", True)
    assert (line.share, line.alarms) == (stream.setup.share, stream.setup.alarms)


@pytest.mark.parametrize("on", ["wind", "prediction"])
def test_a_column_is_read_when_its_rows_have_closed(store: Store, on: str) -> None:
    watch(store, only(Stream(detector="adwin", on=on), windows=Windows(every=2 * DAY)))
    if on == "prediction":
        history = rows(TRAINED, 70 * 24, seed=7)
        said = history.select(["id", "at"]).append_column(
            "prediction", pa.array(history["wind"].to_numpy() / 2.0)
        )
        store.write(lambda t: t.events.append_scored("boats", "v1", said)).result()
        now = a_version(trained_to=TRAINED)
        store.write(lambda t: t.ledger.put(now)).result()
    serve(store, 12, shift_from=8)
    step(store, SERVED + 13 * DAY)
    told = found(store, 0)
    assert {(f.column, f.detector) for f in told} == {(on, "adwin")}
    assert [f.verdict for f in told].index(Verdict.FAILED) in {4, 5}
    again = found(store, 1)
    assert again == told[: len(again)]
    alarms = [s.stream_alarm for s in scores(store) if s.revision == 0]
    assert alarms == [f.verdict is Verdict.FAILED for f in told]


def test_a_stream_without_a_reference_to_scale_it_by_is_refused_in_words(store: Store) -> None:
    watch(store, only(Stream(detector="adwin", on="prediction")))
    serve(store, 1, shift_from=1)
    step(store, SERVED + 2 * DAY)
    told = found(store, 0)
    assert {(f.verdict, f.reason) for f in told} == {(Verdict.INCONCLUSIVE, Reason.UNCALIBRATED)}
    first = scores(store)[0]
    assert first.stream_alarm is None
    assert first.notes[-1] == (
        "stream adwin on prediction: not read, there are no values of a reference to scale it by"
    )
    with store.read() as view:
        told_of = budget_in(view, view.ledger.get(Model, "boats"), FixedClock(SERVED + 2 * DAY))
    [line] = [line for line in told_of.ledger if line.detector == "adwin"]
    assert (line.family, line.alarms, line.is_measured) == ("prediction_drift", 0.0, False)
    assert line.says == first.notes[-1]


def test_values_that_resemble_their_neighbours_are_read_as_means(store: Store) -> None:
    watch(
        store, only(Stream(detector="adwin", on="prediction")),
        versions=[a_version(trained_to=TRAINED)],
    )  # fmt: skip
    slow = np.repeat(np.random.default_rng(1).normal(5.0, 1.0, 70 * 4), 6)
    said = rows(TRAINED, 70 * 24).select(["id", "at"]).append_column("prediction", pa.array(slow))
    store.write(lambda t: t.events.append_scored("boats", "v1", said)).result()
    serve(store, 2, shift_from=2)
    step(store, SERVED + 3 * DAY)
    [stream] = kept(store)
    assert stream.setup.span_seconds == timedelta(hours=6).total_seconds()
    assert "resemble each other" in stream.setup.notes[0]
    assert stream.detector.n_seen == 2 * 4


def test_windows_that_overlap_have_each_row_read_once(store: Store) -> None:
    watch(store, only(Stream(), windows=Windows(every=DAY)))
    serve(store, 3, shift_from=3)
    step(store, SERVED + 5 * DAY)
    [stream] = kept(store)
    late = rows(SERVED + 1 * DAY, 24, seed=9, version="v1")
    fresh = late.set_column(0, "id", pa.array([f"late{k}" for k in range(24)]))
    log(store, fresh)
    step(store, SERVED + 6 * DAY)
    assert kept(store)[0].detector.n_seen == stream.detector.n_seen == 3 * 24


@pytest.mark.parametrize("seed", range(2))
def test_a_kill_between_reading_and_committing_changes_no_alarm(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(seed)
    detector, days = ["e_sr", "adwin"][seed], (4, 6, 8, 10)

    def run(directory: Path, kills: set[int]) -> tuple[list, streams.Stream]:
        store = open_store(directory)
        watch(store, only(Stream(detector=detector), windows=Windows(every=2 * DAY)))
        serve(store, 8, shift_from=4)
        for day in days:
            if day in kills:
                # Everything up to the commit is done, and then lost with the process.
                with monkeypatch.context() as patch:
                    patch.setattr("controlplane.monitor.score._commit", _die)
                    with pytest.raises(KeyboardInterrupt):
                        step(store, SERVED + day * DAY + HOUR)
                store.close()
                store = open_store(directory)
            step(store, SERVED + day * DAY + HOUR)
        told = [(s.id, s.stream_alarm, s.findings) for s in scores(store)]
        [stream] = kept(store)
        assert score_due(store, "boats", SERVED + 10 * DAY) == []
        store.close()
        return told, stream

    unbroken, state = run(tmp_path / "a", set())
    assert any(alarmed for _, alarmed, _ in unbroken)
    kills = set(generator.choice(days, 2, replace=False).tolist())
    broken, resumed = run(tmp_path / "b", kills)
    assert broken == unbroken
    assert resumed == state


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_another_reign_begins_afresh(store: Store) -> None:
    watch(store, only(Stream()), versions=[a_version(), a_version("v2")])
    serve(store, 3, shift_from=3)
    step(store, SERVED + 2 * DAY + HOUR)
    taken = SERVED + 2 * DAY + 2 * HOUR

    def work(t: object) -> None:
        first = t.ledger.get(Reign, "boats/1")
        t.ledger.put(msgspec.structs.replace(first, until=taken))
        second = msgspec.structs.replace(
            first, id="boats/2", version="v2", move=2, since=taken, until=None, decision="d2"
        )
        t.ledger.put(second)

    store.write(work).result()
    again = rows(SERVED + 3 * DAY, 24, seed=5, version="v2")
    log(store, again, labels(again, off=0.3))
    step(store, SERVED + 5 * DAY)
    assert [(s.reign, s.version, s.detector.n_seen) for s in kept(store)] == [
        ("boats/1", "v1", 24), ("boats/2", "v2", 24),
    ]  # fmt: skip


@pytest.mark.parametrize("detector", ["ddm", "fhddm", "stepd", "e_sr"])
def test_wrong_classes_are_read_as_errors_and_right_ones_as_answers(
    store: Store, detector: str
) -> None:
    scale = LossScale(reference_loss=0.2, loss_cap=1.0, rows=300)
    schema = msgspec.structs.replace(SCHEMA, task=Task.BINARY, positive="yes")
    policy = only(Stream(detector=detector), windows=Windows(every=4 * DAY))
    trial = msgspec.structs.replace(policy.trial, metric="error")
    watch(store, msgspec.structs.replace(policy, task=Task.BINARY, trial=trial),
          a_model(schema=schema), [a_version(scale=scale)])  # fmt: skip
    served = rows(SERVED, 12 * 24, seed=3, version="v1")
    said = np.where(np.arange(served.num_rows) % 2, "yes", "no")
    wrong = np.random.default_rng(2).random(said.size) < np.repeat([0.2, 0.9], [192, 96])
    truth = np.where(wrong, np.where(said == "yes", "no", "yes"), said)
    log(
        store,
        served.set_column(5, "prediction", pa.array(said)),
        labels(served).set_column(1, "label", pa.array(truth)),
    )
    step(store, SERVED + 14 * DAY)
    alarms = [s.stream_alarm for s in scores(store) if s.revision == 1]
    assert alarms == [False, False, True]
