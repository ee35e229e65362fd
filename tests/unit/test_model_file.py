"""What a model file means: three lines, all of it, and the words in between."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from controlplane.domain.errors import BadInput, ModelFileErrors
from controlplane.domain.policy import (
    AtMost,
    Drift,
    FalseAlarms,
    Guard,
    Label,
    Margin,
    Performance,
    Policy,
    Promote,
    Reference,
    Route,
    Segment,
    Stream,
    Trigger,
    TriggerKind,
    Windows,
)
from controlplane.domain.schema import Column, Task
from controlplane.policy.defaults import policy_of
from controlplane.policy.metrics import LOSSES, METRICS
from controlplane.policy.model_file import Known, parse
from controlplane.policy.writing import document
from detectors import performance
from detectors.finding import Kind

EVERYTHING = Path(__file__).parents[1] / "golden" / "everything.yaml"
KNOWN = Known(trainers=frozenset({"forest"}), receivers=frozenset({"ops", "pager"}))
THREE_LINES = "model: bike-demand\ntask: regression\nlabel: cnt\n"


def parsed(text: str, *, task: str = "regression") -> Policy:
    """The policy of a few lines, those that must be there added."""
    return parse(f"model: m\ntask: {task}\n{text}", source="m.yaml", known=KNOWN)


def said(text: str, *, task: str = "binary") -> str:
    """What is wrong with a few lines, those that must be there added as lines 1 to 3."""
    with pytest.raises(ModelFileErrors) as raised:
        parse(f"model: m\ntask: {task}\nlabel: y\n{text}", source="m.yaml", known=KNOWN)
    return str(raised.value)


def test_three_lines_have_a_careful_practitioners_defaults() -> None:
    policy = parse(THREE_LINES, source="bike.yaml")
    assert policy == policy_of("bike-demand", Task.REGRESSION, "cnt")
    assert (policy.trainer, policy.scores, policy.features) == ("builtin", {}, None)
    assert policy.label == Label(column="cnt", delay=timedelta(days=1))
    assert policy.windows == Windows()
    assert policy.reference == Reference(kind="training")
    assert policy.false_alarms == FalseAlarms(1.0, timedelta(days=90))
    assert policy.monitors.performance == Performance(metric="mae")
    assert policy.monitors.drift == Drift(columns=None, minimum_effect="small")
    assert policy.monitors.stream == Stream(detector="auto", on="error")
    assert policy.retrain.when == (
        Trigger(kind=TriggerKind.WORSE_BY, amount=0.2),
        Trigger(kind=TriggerKind.DRIFT, amount=0.3, windows=2),
    )
    assert policy.retrain.at_most == AtMost(4, timedelta(days=90))
    assert policy.trial.metric == "mae"
    assert (policy.trial.hold_out, policy.trial.stop_age) == (timedelta(14), timedelta(28))
    assert policy.promote == Promote(when="better", approval=False)
    assert policy.guard == Guard(period=timedelta(14), margin=Margin(share=0.05))


@pytest.mark.parametrize(
    ("task", "metric", "loss"),
    [
        ("regression", "mae", "mae"),
        ("binary", "log_loss", "log_loss"),
        ("multiclass", "accuracy", "error"),
        ("multiclass\nscore: {a: p_a, b: p_b}", "log_loss", "log_loss"),
    ],
)
def test_metric_and_loss_follow_from_the_task_and_its_scores(
    task: str, metric: str, loss: str
) -> None:
    policy = parsed("label: y\n", task=task)
    assert policy.monitors.performance == Performance(metric=metric)
    assert policy.trial.metric == loss


def test_a_whole_file_is_read_value_by_value() -> None:
    policy = parse(EVERYTHING.read_bytes(), source="all.yaml", known=KNOWN)
    assert policy.trainer == "forest"
    assert policy.features == (
        Column("dep_hour", Kind.NUMERIC),
        Column("carrier", Kind.CATEGORICAL),
        Column("booked", Kind.BOOLEAN),
    )
    assert policy.label == Label(column="late", positive="true", delay=timedelta(days=1))
    assert policy.segments == (
        Segment(name="carrier", column="carrier"),
        Segment(name="by-hour", column="dep_hour"),
    )
    assert policy.windows == Windows(every=timedelta(days=7), lateness=timedelta(hours=6))
    assert policy.monitors.kpis == {"revenue": "up"}
    assert [trigger.kind for trigger in policy.retrain.when] == [
        TriggerKind.WORSE_BY, TriggerKind.DRIFT, TriggerKind.WORSE_THAN, TriggerKind.STREAM,
        TriggerKind.SCHEDULE, TriggerKind.NEW_LABELS, TriggerKind.AGE, TriggerKind.MESSAGE,
    ]  # fmt: skip
    assert policy.retrain.when[2].amount == 0.55
    assert policy.retrain.when[4].text == "0 3 * * 1"
    assert policy.retrain.when[6].age == timedelta(days=60)
    assert policy.trial.stop_rows == 50_000
    assert policy.alerts[1] == Route(to="pager", severity="critical", group_by=("model",))


def test_json_is_read_like_yaml() -> None:
    policy = parse(EVERYTHING.read_bytes(), source="all.yaml", known=KNOWN)
    text = msgspec.json.format(msgspec.json.encode(document(policy)), indent=4)
    assert parse(text, source="all.json", known=KNOWN) == policy
    tabbed = text.replace(b"    ", b"\t")
    assert b"\t" in tabbed
    assert parse(tabbed, source="all.json", known=KNOWN) == policy


def test_words_that_yaml_1_1_takes_for_booleans_stay_words() -> None:
    policy = parsed(
        "label: {column: on, positive: yes}\nprediction: off\nfeatures: {no: numeric, y: boolean}\n",
        task="binary",
    )
    assert (policy.label.column, policy.label.positive) == ("on", "yes")
    assert policy.prediction == "off"
    assert policy.features is not None
    assert [column.name for column in policy.features] == ["no", "y"]


@pytest.mark.parametrize(
    ("written", "positive"),
    [
        ("true", "true"),
        ("True", "true"),
        ("1", "1"),
        ("1.0", "1"),
        ('"1.0"', "1.0"),
        ("yes", "yes"),
    ],
)
def test_a_positive_class_has_its_canonical_form(written: str, positive: str) -> None:
    policy = parsed(f"label: {{column: y, positive: {written}}}\n", task="binary")
    assert policy.label.positive == positive


def test_naming_a_monitor_switches_the_others_off() -> None:
    monitors = parsed("label: y\nmonitors: {drift: {columns: [a, b]}}\n").monitors
    assert monitors.drift == Drift(columns=("a", "b"))
    assert (monitors.quality, monitors.performance, monitors.stream) == (None, None, None)


def test_kpis_are_watched_beside_the_default_monitors() -> None:
    monitors = parsed("label: y\nmonitors: {kpis: {revenue: {direction: up}}}\n").monitors
    assert monitors.kpis == {"revenue": "up"}
    assert None not in [monitors.drift, monitors.quality, monitors.performance, monitors.stream]


def test_default_triggers_need_their_monitors() -> None:
    assert parsed("label: y\nmonitors: {drift: {}}\n").retrain.when == (
        Trigger(kind=TriggerKind.DRIFT, amount=0.3, windows=2),
    )
    assert parsed("label: y\nmonitors: {quality: {}}\n").retrain.when == ()


def test_an_empty_list_of_triggers_means_by_hand_only() -> None:
    assert parsed("label: y\nretrain: {when: []}\n").retrain.when == ()


def test_a_section_with_nothing_in_it_is_as_if_left_out() -> None:
    plain = parsed("label: y\n")
    assert parsed("label: y\nretrain:\n  # when: …\nguard:\nalerts:\nmonitors:\n") == plain


def test_trainer_none_only_watches_and_approval_is_asked_for() -> None:
    policy = parsed(
        "label: y\ntrainer: none\nretrain: {approval: required}\npromote: {approval: required}\n"
    )
    assert policy.trainer is None
    assert policy.retrain.approval
    assert policy.promote.approval


@pytest.mark.parametrize(
    "short", ["trial: {hold_out: 13d}\n", "trial: {stop: {age: 5d}}\n", "guard: {for: 13d}\n"]
)
def test_nothing_is_told_from_fewer_than_fourteen_days(short: str) -> None:
    assert "at least 14d" in said(short)


def test_rows_as_the_unit_need_a_week_and_days_two() -> None:
    shortest = "{unit: rows, hold_out: 7d, stop: {age: 7d}}"
    trial = parsed(f"label: y\ntrial: {shortest}\n").trial
    assert (trial.unit, trial.hold_out, trial.stop_age) == ("rows", timedelta(7), timedelta(7))
    assert "at least 7d" in said("trial: {unit: rows, stop: {age: 6d}}\n")
    assert "at least 14d" in said("trial: {unit: days, stop: {age: 7d}}\n")
    assert "expected days or rows" in said("trial: {unit: hours}\n")


def test_a_margin_is_a_share_or_a_figure() -> None:
    policy = parsed("label: y\ntrial: {margin: 7%}\nguard: {margin: 2.5}\n")
    assert policy.trial.margin == Margin(share=0.07)
    assert policy.guard.margin == Margin(share=None, absolute=2.5)
    assert policy.guard.margin.of(100.0) == 2.5


def test_a_reference_span_is_read_in_the_models_time_zone() -> None:
    policy = parsed(
        "label: y\ntime_zone: Europe/Lisbon\nreference: {from: 2024-07-01, to: 2024-08-01T00:00Z}\n"
    )
    assert policy.reference == Reference(
        kind="fixed",
        start=datetime(2024, 6, 30, 23, tzinfo=UTC),
        end=datetime(2024, 8, 1, tzinfo=UTC),
    )


def test_names_are_checked_only_where_they_are_known() -> None:
    text = f"{THREE_LINES}trainer: forrest\nalerts: [{{to: opz}}]\n"
    assert parse(text, source="m.yaml").trainer == "forrest"
    with pytest.raises(ModelFileErrors, match="did you mean forest") as raised:
        parse(text, source="m.yaml", known=KNOWN)
    assert [error.path for error in raised.value.errors] == ["trainer", "alerts[0].to"]


def test_errors_carry_their_place_their_path_and_the_nearest_right_name() -> None:
    with pytest.raises(BadInput) as raised:
        parse(f"{THREE_LINES}retrain:\n  when:\n    - drift: {{share: 30}}\n", source="m.yaml")
    assert isinstance(raised.value, ModelFileErrors)
    [error] = raised.value.errors
    assert (error.line, error.column, error.path) == (6, 22, "retrain.when[0].drift.share")
    assert str(raised.value) == (
        "m.yaml:6:22: retrain.when[0].drift.share is 30; "
        "expected a share between 0 and 1 (did you mean 0.3?)"
    )


@pytest.mark.parametrize("name", ["id", "at", "known_at", "version", "role", "label"])
def test_reserved_names_are_no_features(name: str) -> None:
    assert f"features.{name} has a reserved name" in said(f"features: {{{name}: numeric}}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("windows: {every: 99999999w}", "expected a duration of at most 36500d"),
        ("windows: {every: 1.5d}", "did you mean 36h?"),
        ("windows: {rows: 500, lateness: 1h}", "windows of so many rows have no length"),
        ("retrain: {cooldown: 90}", "did you mean 90d?"),
        ("retrain: {at_most: 4/90d}", "did you mean 4 per 90d?"),
        ("retrain: {when: [{schedule: '@daily'}]}", "expected five fields of cron"),
        ("retrain: {when: [{schedule: '* * * * * *'}]}", "expected five fields of cron"),
        ("retrain: {when: [{new_labels: 0}]}", "expected a whole number of labels"),
        ("retrain: {when: [{new_labels: 1e999}]}", "expected a whole number of labels"),
        ("time_zone: ../../etc/passwd", "expected the name of a time zone"),
        ("dry_run: 1", "expected true or false"),
        ("label: other", "label stands here a second time, first in line 3"),
        ("trial: {metric: accuracy}", "did you mean error?"),
    ],
)
def test_impossible_values_say_what_could_stand_there(text: str, message: str) -> None:
    assert message in said(f"{text}\n")


def test_what_a_file_may_name_is_what_the_detectors_compute() -> None:
    computed = {name: set(metric.tasks) for name, metric in performance.METRICS.items()}
    assert computed == {name: {str(t) for t in metric.tasks} for name, metric in METRICS.items()}
    for task, losses in LOSSES.items():
        assert {name for name in losses if task not in METRICS[name].tasks} == set()
