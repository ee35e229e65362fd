"""What a version is asked of its features: within bounds, and read whatever order it answers in."""

import numpy as np
import pyarrow as pa
import pytest

from controlplane.domain.importances import ANSWERS, LOSS
from controlplane.domain.schema import Column, Schema, Task
from controlplane.lifecycle.shuffling import (
    FEWEST,
    MOST_CELLS,
    MOST_FEATURES,
    MOST_ROWS,
    plan_of,
    reliances,
    shuffled,
    thinned,
)
from detectors.finding import Basis, Finding, Kind, Verdict
from tests.watched import a_policy, a_score


def a_schema(features: int, task: Task = Task.REGRESSION, **more: object) -> Schema:
    columns = tuple(Column(f"f{n}", Kind.NUMERIC) for n in range(features))
    return Schema(task=task, features=columns, **more)


def some_rows(rows: int, features: int, *, labelled: bool = True) -> pa.Table:
    generator = np.random.default_rng(features)
    columns = {f"f{n}": generator.normal(size=rows) for n in range(features)}
    labels = {"label": generator.normal(size=rows)} if labelled else {}
    return pa.table({"at": pa.array(range(rows), pa.timestamp("us", "UTC")), **columns, **labels})


@pytest.mark.parametrize(
    ("rows", "features", "expected"),
    [(60, 1, (60, 5, 1)), (5000, 20, (1000, 5, 20)), (5000, 100, (1000, 1, 100)),
     (5000, 1000, (198, 1, 100)), (5000, 10_000, (FEWEST, 1, 100))],
)  # fmt: skip
def test_however_many_rows_and_features_there_are_the_version_is_given_so_much(
    rows: int, features: int, expected: tuple[int, int, int]
) -> None:
    table = pa.table({"label": pa.nulls(rows)})
    plan = plan_of(table, a_schema(features), a_policy(), a_score(1))
    assert (plan.rows, plan.repeats, len(plan.features)) == expected
    assert plan.rows <= MOST_ROWS
    if plan.rows > FEWEST:
        assert plan.rows * plan.copies * features <= MOST_CELLS


def test_of_very_many_features_those_that_moved_most_are_asked_about() -> None:
    moved = Finding(
        column="f500", detector="a1", statistic=9.0, p_value=1e-6, threshold=4.0,
        verdict=Verdict.FAILED, basis=Basis.CALIBRATED,
    )  # fmt: skip
    score = a_score(1, findings=(moved,))
    plan = plan_of(some_rows(60, 1), a_schema(1000), a_policy(), score)
    assert plan.features[:2] == ("f500", "f0")
    assert len(plan.features) == MOST_FEATURES


def test_only_the_feature_in_question_is_shuffled_and_no_label_is_given_away() -> None:
    table = some_rows(60, 3)
    plan = plan_of(table, a_schema(3), a_policy(), a_score(1))
    given = shuffled(thinned(table, plan), plan, "w/v1")
    assert given.column_names == ["id", "at", "f0", "f1", "f2"]
    assert given["id"].to_pylist() == [str(n) for n in range(60 * 16)]
    for copy in range(16):
        part = given.slice(copy * 60, 60)
        for n in range(3):
            before, after = table[f"f{n}"].to_pylist(), part[f"f{n}"].to_pylist()
            is_its_own = copy > 0 and (copy - 1) // 5 == n
            assert (before != after) == is_its_own
            assert sorted(before) == sorted(after)
    assert given.equals(shuffled(thinned(table, plan), plan, "w/v1"))
    assert not given.equals(shuffled(thinned(table, plan), plan, "w/v2"))


def test_answers_in_another_order_say_the_same() -> None:
    table, schema = some_rows(60, 2), a_schema(2)
    plan = plan_of(table, schema, a_policy(), a_score(1))
    given = shuffled(table, plan, "w/v1")
    scored = pa.table({"id": given["id"], "prediction": given["f0"]})
    mixed = scored.take(pa.array(np.random.default_rng(1).permutation(scored.num_rows)))
    labels = table["label"]
    assert plan.rests_on == LOSS
    assert reliances(plan, schema, labels, scored) == reliances(plan, schema, labels, mixed)


def test_classes_are_held_against_labels_by_scores_and_without_either_by_which_class() -> None:
    table = some_rows(400, 2, labelled=False)
    schema = a_schema(2, Task.BINARY, scores={"yes": "score"}, positive="yes")
    plan = plan_of(table, schema, a_policy(), a_score(1))
    given = shuffled(table, plan, "w/v1")
    first = given["f0"].to_numpy()
    said = pa.array(np.where(first > 0.0, "yes", "no"))
    score = pa.array(1.0 / (1.0 + np.exp(-first)))
    whole = pa.table({"id": given["id"], "prediction": said, "score:yes": score})
    bare = whole.set_column(2, "score:yes", pa.nulls(len(said), pa.float64()))
    assert plan.rests_on == ANSWERS
    for scored in (whole, bare):
        found = reliances(plan, schema, None, scored)
        assert found["f0"].value == pytest.approx(1.0, abs=0.1)
        assert found["f1"].value == 0.0
    labels = pa.chunked_array([said[:400]])
    plan = plan_of(table.append_column("label", labels), schema, a_policy(), a_score(1))
    found = reliances(plan, schema, labels, whole)
    assert found["f0"].value > 5.0 * found["f0"].error > 0.0
    assert found["f1"].value == 0.0
