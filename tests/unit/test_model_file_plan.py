"""What applying a file changes, as a person reads it; and the first file of a data set."""

import re

import pytest

from controlplane.domain.policy import Policy
from controlplane.domain.schema import Column, Schema, Task
from controlplane.policy.defaults import policy_of
from controlplane.policy.model_file import parse
from controlplane.policy.plan import changes_between, not_yet
from controlplane.policy.starter import starter
from detectors.finding import Kind

NUMBERS = (
    Column("temp", Kind.NUMERIC),
    Column("a: b", Kind.CATEGORICAL),
    Column("7", Kind.BOOLEAN),
)


def policy(text: str = "") -> Policy:
    return parse(f"model: m\ntask: regression\nlabel: y\n{text}", source="m.yaml")


def test_the_same_policy_changes_nothing() -> None:
    assert changes_between(policy("guard: {for: 2w}\n"), policy("guard: {for: 14d}\n")) == ()


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("retrain: {cooldown: 14d}", "retrain: {cooldown: 7d}", ["retrain.cooldown: 14d → 7d"]),
        ("", "retrain: {cooldown: 7d}", ["retrain.cooldown: two windows, at least 7d → 7d"]),
        ("", "windows: {every: 7d}", ["windows.every: from the data → 7d"]),
        ("", "trial: {margin: 10%, metric: rmse}", ["trial.metric: mae → rmse", "trial.margin: 5% → 10%"]),
        (
            "",
            "monitors: {drift: {}, performance: {}, quality: {}}",
            ["monitors.stream: {detector: auto, on: error} → off"],
        ),
        (
            "",
            "retrain: {when: [{performance: {worse_by: 20%}}, {schedule: '0 3 * * 1'}]}",
            [
                "retrain.when: removed {drift: {share: 0.3, for: 2 windows}}",
                'retrain.when: added {schedule: "0 3 * * 1"}',
            ],
        ),
        (
            "features: {a: numeric, b: numeric}",
            "features: {a: boolean, c: numeric}",
            ["features.a: numeric → boolean", "features.b: removed", "features.c: added, numeric"],
        ),
        ("", "features: {a: numeric}", ["features: from the first reference or rows → 1 declared"]),
        (
            "features: {a: numeric, b: numeric}",
            "features: {b: numeric, a: numeric}",
            ["features: another order"],
        ),
        (
            "reference: training",
            "reference: {from: 2024-01-01, to: 2024-02-01}",
            ['reference: training → {from: "2024-01-01T00:00:00Z", to: "2024-02-01T00:00:00Z"}'],
        ),
    ],
)  # fmt: skip
def test_a_change_is_told_by_its_path_and_both_values(
    before: str, after: str, lines: list[str]
) -> None:
    assert list(changes_between(policy(before), policy(after))) == lines


def test_a_new_model_is_told_by_what_differs_from_the_defaults() -> None:
    assert changes_between(None, policy("dry_run: true\n")) == (
        "new model m: regression, label y",
        "dry_run: false → true",
    )


SCHEMAS = [
    Schema(task=Task.REGRESSION, features=NUMBERS),
    Schema(task=Task.BINARY, features=NUMBERS, scores={"yes": "p yes"}, positive="yes"),
    Schema(task=Task.MULTICLASS, features=NUMBERS, scores={"a": "p_a", "1": "p_1"}),
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.task)
def test_a_first_file_says_what_the_data_say(schema: Schema) -> None:
    found = parse(starter("bike", schema, label="cnt: total"), source="bike.yaml")
    assert (found.model, found.task, found.features) == ("bike", schema.task, NUMBERS)
    assert found.label.column == "cnt: total"
    assert found.label.positive == schema.positive
    assert (found.monitors, found.retrain) == (
        parse(starter("bike", schema, label="y"), source="b").monitors,
        policy_of("bike", schema.task, "y").retrain,
    )


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.task)
def test_every_comment_with_a_key_may_be_uncommented(schema: Schema) -> None:
    text = starter("bike", schema, label="cnt")
    plain = parse(text, source="bike.yaml")
    uncommented = re.sub(r"^# (?=[a-z_]+:|  )", "", text, flags=re.MULTILINE)
    assert uncommented.count("\n# ") < text.count("\n# ") - 15
    full = parse(uncommented, source="bike.yaml")
    assert (full.monitors, full.trial, full.guard, full.promote) == (
        plain.monitors,
        plain.trial,
        plain.guard,
        plain.promote,
    )
    assert full.retrain.when == plain.retrain.when


def test_what_this_version_does_not_do_yet_is_said_and_not_hidden() -> None:
    asked = policy(
        "monitors: {kpis: {sales: {direction: up}}}\nretrain: {when: [{trigger: rebuilt}]}\n"
    )
    assert not_yet(asked) == (
        "monitors.kpis: shown with what was sent, but this version judges none of them",
        "retrain.when: trigger rebuilt: kept, but this version takes no messages yet",
    )
    assert not_yet(policy("guard: {for: 2w}\n")) == ()
