"""Windows are estimated before their labels are in, on the real store; what that may and may not do."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.conditions import Facts, conditions_of
from controlplane.domain.deciding import decide
from controlplane.domain.decisions import DecisionKind
from controlplane.domain.estimates import Estimated, measured_name, together
from controlplane.domain.policy import Performance, Trial
from controlplane.domain.schema import Schema, Task
from controlplane.domain.situation import Situation
from controlplane.domain.windows import Score
from controlplane.store.duckdb_store import open_store
from controlplane.store.ports import Store
from detectors.finding import Finding, Interval, Verdict
from tests.watched import (
    DAY,
    SCHEMA,
    SERVED,
    TRAINED,
    WEEK,
    a_model,
    a_policy,
    a_score,
    a_version,
    labels,
    log,
    rows,
    scores,
    step,
    watch,
)

LAST_FIFTH = TRAINED + 56 * DAY


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def measured(store: Store, hours: int = 14 * 24) -> None:
    """The rows of the training span's last fifth, labelled, as a fit that never saw them predicted."""
    part = rows(LAST_FIFTH, hours, seed=9, version="v1")
    log(store, labels(part.set_column(0, "id", pa.array([f"h{n}" for n in range(hours)]))))
    history = part.set_column(0, "id", pa.array([f"h{n}" for n in range(hours)]))
    log(store, history.set_column(5, "prediction", pa.nulls(hours, pa.float64())))
    made = history.select(["id", "at", "prediction"])
    name = measured_name("v1")
    store.write(lambda t: t.events.append_scored("boats", name, made)).result()


def serve(store: Store, hours: int = 7 * 24, **facts: float) -> pa.Table:
    served = rows(SERVED, hours, seed=3, version="v1", **facts)
    log(store, served)
    return served


def of(score: Score, metric: str, version: str = "*") -> Estimated:
    [found] = [e for e in score.estimated if (e.metric, e.version) == (metric, version)]
    return found


def finding(score: Score, detector: str) -> Finding:
    [found] = [f for f in score.findings if f.detector == detector]
    return found


def test_a_window_is_estimated_at_its_first_revision_without_any_label(store: Store) -> None:
    watch(store, a_policy())
    measured(store)
    serve(store)
    step(store, SERVED + 8 * DAY)
    first = scores(store)[0]
    assert (first.revision, first.labels) == (0, 0)
    found = of(first, "mae")
    assert found.value == pytest.approx(1.0, abs=0.25)
    assert found.interval.low < found.value < found.interval.high
    assert (found.method, found.assumption, found.hidden) == ("dle", "P(y|x) unchanged", None)
    assert msgspec.structs.replace(found, version="v1") == of(first, "mae", "v1")
    assert of(first, "rmse").value > found.value
    assert finding(first, "estimate").verdict is Verdict.PASSED


def test_before_enough_unseen_labels_are_known_the_estimate_says_how_many_lack(
    store: Store,
) -> None:
    watch(store, a_policy())
    serve(store)
    step(store, SERVED + 8 * DAY)
    found = of(scores(store)[0], "mae")
    assert found.value is None
    assert found.hidden == (
        "0 labelled rows that it was not trained on are known by now; 200 are needed"
    )


def test_labels_that_follow_inputs_otherwise_are_seen_by_what_is_left_over(store: Store) -> None:
    watch(store, a_policy())
    measured(store)
    log(store, labels(serve(store), off=4.0))
    step(store, SERVED + 9 * DAY)
    before, after = scores(store)[:2]
    assert finding(before, "estimate").verdict is Verdict.PASSED
    assert of(after, "mae") == of(before, "mae")
    left = finding(after, "residual")
    assert (left.verdict, left.effect > 1.0, left.rows) == (Verdict.FAILED, True, 168)


def test_labels_that_follow_inputs_as_before_leave_nothing_over(store: Store) -> None:
    watch(store, a_policy())
    measured(store)
    log(store, labels(serve(store)))
    step(store, SERVED + 9 * DAY)
    assert finding(scores(store)[1], "residual").verdict is Verdict.PASSED


def test_rows_beyond_the_reference_hide_the_estimate_and_say_so(store: Store) -> None:
    watch(store, a_policy())
    measured(store)
    serve(store, shift=30.0)
    step(store, SERVED + 8 * DAY)
    found = of(scores(store)[0], "mae")
    assert (found.value, found.interval) == (None, None)
    assert "beyond all that the reference holds" in found.hidden


def test_a_restart_estimates_the_same(store: Store) -> None:
    other = open_store(None)
    for one in (store, other):
        watch(one, a_policy())
        measured(one)
        log(one, labels(serve(one, 15 * 24)))
    step(store, SERVED + 16 * DAY)
    for day in range(1, 17):
        step(other, SERVED + day * DAY)
    assert scores(store) == scores(other)
    other.close()


def test_switched_off_nothing_is_estimated(store: Store) -> None:
    monitors = msgspec.structs.replace(
        a_policy().monitors, performance=Performance(metric="mae", estimate=False)
    )
    watch(store, a_policy(monitors=monitors))
    measured(store)
    serve(store)
    step(store, SERVED + 8 * DAY)
    assert scores(store)[0].estimated == ()


BINARY = Schema(task=Task.BINARY, features=SCHEMA.features, scores={"yes": "p"}, positive="yes")


def classified(store: Store, hours: int, *, scored: bool, seed: int = 3) -> None:
    """Served rows of a model of two classes, with labels that its too sure scores explain."""
    monitors = msgspec.structs.replace(
        a_policy().monitors, performance=Performance(metric="roc_auc")
    )
    policy = a_policy(task=Task.BINARY, monitors=monitors, trial=Trial(metric="log_loss"))
    watch(store, policy, a_model(schema=BINARY))
    served = rows(SERVED, hours, seed=seed, version="v1")
    z = served["wind"].to_numpy() - 10.0
    truth = np.random.default_rng(2).random(hours) < 1.0 / (1.0 + np.exp(-z / 2.0))
    score = pa.array(1.0 / (1.0 + np.exp(-z)))
    said = pa.array(np.where(z > 0.0, "yes", "no"))
    known = served.set_column(5, "prediction", said)
    known = known.append_column("score:yes", score if scored else pa.nulls(hours, pa.float64()))
    told = labels(served)
    log(store, known, told.set_column(1, "label", pa.array(np.where(truth, "yes", "no"))))


def test_classes_are_estimated_once_served_labels_have_taught_the_calibration(store: Store) -> None:
    classified(store, 22 * 24, scored=True)
    step(store, SERVED + 23 * DAY)
    early, *_, late = [s for s in scores(store) if s.revision == 0]
    assert "are needed" in of(early, "roc_auc").hidden
    auc = of(late, "roc_auc")
    [true] = [r for r in scores(store)[-1].realised if (r.version, r.metric) == ("*", "roc_auc")]
    assert auc.method == "cbpe"
    assert auc.value == pytest.approx(true.value, abs=0.12)
    assert auc.low <= auc.value <= auc.high
    assert {e.metric for e in late.estimated} >= {
        "accuracy",
        "f1",
        "precision",
        "recall",
        "log_loss",
    }


def test_another_fit_that_stood_in_for_the_first_champion_alarms_nobody(store: Store) -> None:
    """Its scores are surer than the champion's: what is usual is then told by the champion's own."""
    classified(store, 28 * 24, scored=True)
    hours = 14 * 24
    part = rows(LAST_FIFTH, hours, seed=9, version="v1")
    z = part["wind"].to_numpy() - 10.0
    truth = np.random.default_rng(5).random(hours) < 1.0 / (1.0 + np.exp(-z / 2.0))
    ids = pa.array([f"h{n}" for n in range(hours)])
    history = part.set_column(0, "id", ids)
    blank = history.set_column(5, "prediction", pa.nulls(hours, pa.string()))
    log(store, blank.append_column("score:yes", pa.nulls(hours, pa.float64())))
    log(store, labels(history).set_column(1, "label", pa.array(np.where(truth, "yes", "no"))))
    made = pa.table({
        "id": ids, "at": part["at"], "prediction": np.where(z > 0.0, "yes", "no"),
        "score:yes": 1.0 / (1.0 + np.exp(-3.0 * z)),
    })  # fmt: skip
    store.write(lambda t: t.events.append_scored("boats", measured_name("v1"), made)).result()
    step(store, SERVED + 29 * DAY)
    judged = [finding(s, "estimate") for s in scores(store) if s.revision == 0]
    assert judged[0].verdict is Verdict.INCONCLUSIVE
    assert judged[0].reason == "uncalibrated"
    assert [f.verdict for f in judged[2:]] == [Verdict.PASSED] * len(judged[2:])
    assert all(of(s, "log_loss").method == "cbpe" for s in scores(store))


def test_classes_without_scores_say_why_there_is_no_estimate(store: Store) -> None:
    classified(store, 14 * 24, scored=False)
    step(store, SERVED + 16 * DAY)
    for score in scores(store):
        assert of(score, "roc_auc").value is None
        assert "classes without scores" in of(score, "roc_auc").hidden


def failing(name: str, revision: int) -> Score:
    found = Finding(column="*", detector=name, effect=0.5, verdict=Verdict.FAILED, rows=168)
    expected = Estimated(
        version="*", metric="mae", value=1.5, interval=None, rows=168, method="dle",
        assumption="P(y|x) unchanged", labels_wanted=150,
    )  # fmt: skip
    return a_score(0, revision, findings=(found,), verdict="failed", estimated=(expected,))


@pytest.mark.parametrize(
    ("detector", "condition"), [("estimate", "estimate"), ("residual", "concept")]
)
def test_an_estimate_tells_somebody_and_does_nothing_else(detector: str, condition: str) -> None:
    score = failing(detector, 1)
    facts = Facts(now=SERVED + 9 * DAY, champion=a_version(), scores=(score,))
    found = conditions_of(a_policy(), facts)
    [held] = [c for c in found if c.holds]
    assert (held.name, held.trigger) == (condition, None)
    assert ("150 labels" in held.says) == (condition == "estimate")
    situation = Situation(
        now=facts.now, model=a_model(), policy=a_policy(), champion=a_version(),
        conditions=found, fresh=frozenset({score.window}),
    )  # fmt: skip
    assert {d.kind for d in decide(situation)} == {DecisionKind.ALERT}


def test_a_good_estimate_resolves_no_alert_of_what_was_realised() -> None:
    good = msgspec.structs.replace(
        failing("estimate", 0),
        findings=(Finding(column="*", detector="estimate", verdict="passed"),),
    )
    facts = Facts(now=SERVED + WEEK, champion=a_version(), scores=(good,))
    told = {c.name: c.holds for c in conditions_of(a_policy(), facts)}
    assert told["estimate"] is False
    assert told["performance"] is None


def part(version: str, value: float | None, rows: int, metric: str = "mae") -> Estimated:
    return Estimated(
        version=version, metric=metric, value=value,
        interval=None if value is None else Interval(value - 0.1, value + 0.1), rows=rows,
        method="dle", assumption="P(y|x) unchanged",
    )  # fmt: skip


def test_versions_that_shared_a_window_are_put_together_by_their_rows() -> None:
    both = together("mae", [part("v1", 1.0, 100), part("v2", 2.0, 300)])
    assert (both.version, both.value, both.rows) == ("*", pytest.approx(1.75), 400)
    assert both.interval.high - both.value == pytest.approx(0.1 * np.sqrt(0.0625 + 0.5625))
    squares = together("rmse", [part("v1", 1.0, 1, "rmse"), part("v2", 7.0, 1, "rmse")])
    assert squares.value == pytest.approx(5.0)
    assert together("f1", [part("v1", 1.0, 1, "f1"), part("v2", 1.0, 1, "f1")]).value is None
    assert together("mae", [part("v1", None, 1), part("v2", 1.0, 1)]).hidden
    assert together("mae", []) is None


def test_several_classes_are_estimated_too(store: Store) -> None:
    classes = ("calm", "breeze", "storm")
    schema = Schema(
        task=Task.MULTICLASS,
        features=SCHEMA.features,
        scores={name: f"p_{name}" for name in classes},
    )
    monitors = msgspec.structs.replace(
        a_policy().monitors, performance=Performance(metric="accuracy")
    )
    policy = a_policy(task=Task.MULTICLASS, monitors=monitors, trial=Trial(metric="log_loss"))
    watch(store, policy, a_model(schema=schema))
    served = rows(SERVED, 22 * 24, seed=3, version="v1")
    z = np.column_stack([served["wind"].to_numpy() - 10.0] * 3) * [-1.0, 0.0, 1.0]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    drawn = np.random.default_rng(2).random(p.shape[0])[:, None] > np.cumsum(p, axis=1)
    truth = np.array(classes)[np.minimum(drawn.sum(axis=1), 2)]
    known = served.set_column(5, "prediction", pa.array(np.array(classes)[p.argmax(axis=1)]))
    for k, name in enumerate(classes):
        known = known.append_column(f"score:{name}", pa.array(p[:, k]))
    log(store, known, labels(served).set_column(1, "label", pa.array(truth)))
    step(store, SERVED + 23 * DAY)
    late = scores(store)[-1]
    [true] = [r for r in late.realised if (r.version, r.metric) == ("*", "accuracy")]
    assert of(late, "accuracy").value == pytest.approx(true.value, abs=0.12)
    assert of(late, "log_loss").value > 0.0
    assert finding(late, "residual").verdict is Verdict.PASSED


def test_a_trials_rows_teach_the_version_that_won_it(store: Store) -> None:
    version = a_version(trained_from=TRAINED - 70 * DAY, trained_to=LAST_FIFTH)
    watch(store, a_policy(), versions=(version,))
    history = rows(TRAINED, 70 * 24, seed=7)
    made = pa.table({
        "id": history["id"], "at": history["at"], "prediction": history["wind"].to_numpy() / 2.0
    })  # fmt: skip
    store.write(lambda t: t.events.append_scored("boats", "v1", made)).result()
    told = labels(history)
    log(store, told)
    serve(store)
    step(store, SERVED + 8 * DAY)
    found = of(scores(store)[0], "mae")
    assert found.value == pytest.approx(1.0, abs=0.3)
    assert found.hidden is None
