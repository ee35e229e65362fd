"""The built-in trainer on small tables, most of it in this process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from connectors.artifacts import pack
from connectors.contract import ColumnSpec, ScoreJob, TrainJob
from connectors.trainers import table, trees
from connectors.trainers.builtin import BadJob, main, options_of, score, train
from connectors.trainers.model import Facts, load, measured
from connectors.trainers.table import BadTable

START = datetime(2024, 1, 1, tzinfo=UTC)
FEATURES = [
    ColumnSpec("size", "numeric"),
    ColumnSpec("colour", "categorical"),
    ColumnSpec("on", "boolean"),
    ColumnSpec("since", "datetime"),
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As the program does for itself before it imports scikit-learn."""
    with threadpool_limits(1):
        yield


def rows(n: int = 400, seed: int = 0) -> pa.Table:
    """Rows with a feature of every kind, a tenth of each missing, a number that follows them."""
    rng = np.random.default_rng(seed)
    size, colour, on = rng.normal(size=n), rng.integers(0, 4, n), rng.random(n) < 0.5
    hours = rng.integers(0, 5000, n)
    value = 3 * size + 2 * colour + 5 * on + (hours % 24) / 4 + rng.normal(0, 0.1, n)

    def gappy(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
        return pa.array(values, kind, mask=rng.random(n) < 0.1)

    return pa.table(
        {
            "id": [f"r{number}" for number in range(n)],
            "at": pa.array(
                [START + timedelta(hours=k) for k in range(n)], pa.timestamp("us", "UTC")
            ),
            "size": gappy(size, pa.float64()),
            "colour": gappy([f"c{k}" for k in colour], pa.string()),
            "on": gappy(on, pa.bool_()),
            "since": gappy(
                [START + timedelta(hours=int(h)) for h in hours], pa.timestamp("us", "UTC")
            ),
            "label": pa.array(value),
        }
    )


def with_label(data: pa.Table, values: Sequence[Any], kind: pa.DataType | None = None) -> pa.Table:
    """The rows with another label."""
    position = data.column_names.index("label")
    return data.set_column(position, "label", pa.array(values, kind))


def trained(  # noqa: PLR0913 - what a test may want to say
    folder: Path, data: pa.Table, task: str = "regression", *, features: Sequence[ColumnSpec] = (),
    positive: str | None = None, parameters: Mapping[str, str] | None = None, tail: float = 0.2,
) -> Path:  # fmt: skip
    """Train on the rows, the last part of them for validation; returns the output folder."""
    folder.mkdir(exist_ok=True)
    cut = data.num_rows - int(data.num_rows * tail)
    pq.write_table(data.slice(0, cut), folder / "data.parquet")
    pq.write_table(data.slice(cut), folder / "validation.parquet")
    train(
        TrainJob(
            model="m",
            run="r",
            seed=7,
            task=task,
            features=list(features or FEATURES),
            label="label",
            positive=positive,
            parameters=dict(parameters or {}),
            data=str(folder / "data.parquet"),
            validation=str(folder / "validation.parquet"),
            output=str(folder),
        )
    )
    return folder


def scored(folder: Path, data: pa.Table) -> pa.Table:
    """What the model in an output folder predicts of rows without their labels."""
    pq.write_table(data.drop_columns(["label"]), folder / "input.parquet")
    score(
        ScoreJob(
            model_directory=str(folder / "model"),
            input=str(folder / "input.parquet"),
            output=str(folder / "scored.parquet"),
        )
    )
    return pq.read_table(folder / "scored.parquet")


def test_a_regression_learns_from_features_of_every_kind(tmp_path: Path) -> None:
    data, fresh = rows(1500), rows(500, seed=1)
    output = trained(tmp_path, data)
    answer = scored(output, fresh)
    assert answer.column_names == ["id", "prediction"]
    assert answer["id"].equals(fresh["id"])
    misses = np.abs(answer["prediction"].to_numpy() - fresh["label"].to_numpy())
    spread = np.abs(fresh["label"].to_numpy() - np.median(data["label"].to_numpy()))
    assert misses.mean() < 0.35 * spread.mean()
    metrics = json.loads((output / "metrics.json").read_text())
    assert set(metrics) == {"mae", "rmse", "r2"}
    assert metrics["mae"] == pytest.approx(misses.mean(), rel=0.4)


def test_a_binary_model_scores_its_positive_class(tmp_path: Path) -> None:
    data = rows(800)
    label = ["yes" if value > 5 else "no" for value in data["label"].to_pylist()]
    output = trained(tmp_path, with_label(data, label), "binary", positive="no")
    answer = scored(output, data)
    assert answer.column_names == ["id", "prediction", "score"]
    scores, said = answer["score"].to_numpy(), answer["prediction"].to_pylist()
    assert [one == "no" for one in said] == (scores >= 0.5).tolist()
    assert np.mean([one == true for one, true in zip(said, label, strict=True)]) > 0.9
    metrics = json.loads((output / "metrics.json").read_text())
    assert set(metrics) == {"log_loss", "accuracy", "brier"}


def test_a_boolean_label_becomes_true_and_false(tmp_path: Path) -> None:
    data = rows(200)
    output = trained(
        tmp_path, with_label(data, [v > 5 for v in data["label"].to_pylist()]), "binary"
    )
    assert set(scored(output, data)["prediction"].to_pylist()) == {"false", "true"}


def test_a_multiclass_model_has_a_score_for_each_class(tmp_path: Path) -> None:
    data = rows(800)
    numbers = np.digitize(data["label"].to_numpy(), [3.0, 8.0]).astype(float)
    output = trained(tmp_path, with_label(data, numbers), "multiclass")
    answer = scored(output, data)
    assert answer.column_names == ["id", "prediction", "score_0", "score_1", "score_2"]
    scores = np.stack([answer[f"score_{k}"].to_numpy() for k in range(3)], axis=1)
    assert scores.sum(axis=1) == pytest.approx(np.ones(800))
    assert [int(one) for one in answer["prediction"].to_pylist()] == scores.argmax(1).tolist()
    assert np.mean(scores.argmax(1) == numbers) > 0.85


@pytest.mark.parametrize(("task", "columns"), [("binary", ["score"]), ("multiclass", ["score_a"])])
def test_one_class_alone_is_predicted_with_score_1(
    tmp_path: Path, task: str, columns: list[str]
) -> None:
    data = rows(100)
    output = trained(tmp_path, with_label(data, ["a"] * 100), task)
    answer = scored(output, data)
    assert set(answer["prediction"].to_pylist()) == {"a"}
    assert answer.column_names[2:] == columns
    assert set(answer[columns[0]].to_pylist()) == {1.0}


def test_where_only_the_negative_class_was_seen_the_score_is_0(tmp_path: Path) -> None:
    data = rows(100)
    output = trained(tmp_path, with_label(data, ["no"] * 100), "binary", positive="yes")
    answer = scored(output, data)
    assert set(answer["prediction"].to_pylist()) == {"no"}
    assert set(answer["score"].to_pylist()) == {0.0}


def test_three_classes_are_no_binary_label(tmp_path: Path) -> None:
    data = with_label(rows(90), ["a", "b", "c"] * 30)
    with pytest.raises(BadJob, match="two classes, of which one is 'b'; found a, b, c"):
        trained(tmp_path, data, "binary", positive="b")


@pytest.mark.parametrize(("loss", "expected"), [("absolute_error", 2.0), ("squared_error", 3.5)])
def test_few_rows_make_a_constant(tmp_path: Path, loss: str, expected: float) -> None:
    data = with_label(rows(40), [1.0, 2.0, 2.0, 9.0] * 10)
    output = trained(tmp_path, data, parameters={"loss": loss})
    assert set(scored(output, data)["prediction"].to_pylist()) == {expected}
    assert json.loads((output / "params.json").read_text())["model"] == "constant"


def test_few_rows_of_two_classes_give_their_shares(tmp_path: Path) -> None:
    data = with_label(rows(20), ["a", "a", "a", "b"] * 5)
    answer = scored(trained(tmp_path, data, "binary"), data)
    assert set(answer["score"].to_pylist()) == {0.25}
    assert set(answer["prediction"].to_pylist()) == {"a"}


def test_constant_and_empty_columns_do_no_harm(tmp_path: Path) -> None:
    data = rows(200)
    data = data.append_column("same", pa.array([4.0] * 200))
    data = data.append_column("void", pa.nulls(200, pa.float64()))
    data = data.append_column("blank", pa.nulls(200, pa.string()))
    extra = [("same", "numeric"), ("void", "numeric"), ("blank", "categorical")]
    features = [*FEATURES, *(ColumnSpec(name, kind) for name, kind in extra)]
    output = trained(tmp_path, data, features=features)
    used = {encoder.column for encoder in load(output / "model").columns}
    assert used == {"size", "colour", "on", "since", "at"}
    assert scored(output, data)["prediction"].null_count == 0


def test_rows_of_nothing_but_missing_values_are_scored(tmp_path: Path) -> None:
    data = rows(200)
    output = trained(tmp_path, data)
    blank = pa.table(
        {
            name: data[name] if name in ("id", "label") else pa.nulls(200, data[name].type)
            for name in data.column_names
        }
    )
    assert np.isfinite(scored(output, blank)["prediction"].to_numpy()).all()


def test_infinite_numbers_are_data(tmp_path: Path) -> None:
    data = rows(200)
    size = data["size"].to_pylist()
    size[:4] = [float("inf"), float("-inf"), float("nan"), 1e308]
    data = data.set_column(data.column_names.index("size"), "size", pa.array(size))
    assert np.isfinite(scored(trained(tmp_path, data), data)["prediction"].to_numpy()).all()


def test_an_unknown_level_is_like_a_missing_one(tmp_path: Path) -> None:
    data = rows(300)
    output = trained(tmp_path, data)
    position = data.column_names.index("colour")
    new = data.set_column(position, "colour", pa.array(["never seen"] * 300))
    missing = data.set_column(position, "colour", pa.nulls(300, pa.string()))
    assert scored(output, new)["prediction"].equals(scored(output, missing)["prediction"])


def test_many_levels_share_the_code_of_the_others() -> None:
    levels = [f"l{number:03}" for number in range(300)] + ["l299"] * 5 + ["l007"] * 3
    column = pa.table({"c": levels})
    [encoder] = table.encoders(column, [ColumnSpec("c", "categorical")], table.Expansion())
    assert encoder.levels[:3] == ("l299", "l007", "l000")
    assert (len(encoder.levels), encoder.other) == (250, True)
    asked = pa.table({"c": ["l299", "l000", "l298", "new", None]})
    codes = table.matrix(asked, [encoder])[:, 0]
    assert codes.tolist()[:4] == [0.0, 2.0, 250.0, 250.0]
    assert np.isnan(codes[4])


def test_times_are_expanded_as_the_clocks_of_the_models_place_show_them() -> None:
    at = pa.array([datetime(2024, 7, 7, 22, 30, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    rows_ = pa.table({"at": pa.concat_arrays([at, pa.nulls(1, at.type)])})

    def expanded(time_zone: str) -> list[float]:
        expansion = table.Expansion(
            event_time=("hour", "weekday", "day_of_year"), time_zone=time_zone
        )
        return table.matrix(rows_, table.encoders(rows_, [], expansion))[0].tolist()

    assert expanded("UTC") == [22.5, 6.0, 189.0]
    assert expanded("Europe/Lisbon") == [23.5, 6.0, 189.0]
    assert expanded("Asia/Tokyo") == [7.5, 0.0, 190.0]


def test_the_event_time_is_a_feature_unless_it_is_asked_not_to_be(tmp_path: Path) -> None:
    data = rows(200)
    by_time = with_label(data, [float(k % 24) for k in range(200)])
    on = trained(tmp_path / "on", by_time)
    off = trained(tmp_path / "off", by_time, parameters={"event_time": "none"})
    errors = [json.loads((one / "metrics.json").read_text())["mae"] for one in (on, off)]
    assert errors[0] < 1 < errors[1]
    assert "at" not in {encoder.column for encoder in load(off / "model").columns}


def test_the_final_model_has_seen_the_validation_rows_unless_asked_not_to(tmp_path: Path) -> None:
    data = with_label(rows(400), [1.0, 2.0] * 160 + [50.0, 60.0] * 40)
    mean = {"loss": "squared_error"}
    refit = scored(trained(tmp_path / "a", data, parameters=mean), data)["prediction"].to_numpy()
    plain = trained(tmp_path / "b", data, parameters={"refit": "no", **mean})
    assert refit[320:].mean() > 10
    assert scored(plain, data)["prediction"].to_numpy()[320:].mean() < 3


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    data = rows(300)
    label = [value if k % 3 else None for k, value in enumerate(data["label"].to_pylist())]
    output = trained(tmp_path, with_label(data, label))
    assert scored(output, data)["prediction"].null_count == 0
    with pytest.raises(BadJob, match=r"no row of .* has a label in column 'label'"):
        trained(tmp_path, with_label(data, [None] * 300, pa.float64()))


def test_no_validation_rows_mean_no_metrics(tmp_path: Path) -> None:
    output = trained(tmp_path, rows(200), tail=0.0)
    assert json.loads((output / "metrics.json").read_text()) == {}


def test_a_file_without_rows_is_scored_to_one_without_rows(tmp_path: Path) -> None:
    data = rows(200)
    answer = scored(trained(tmp_path, data), data.slice(0, 0))
    assert (answer.num_rows, answer.column_names) == (0, ["id", "prediction"])


def test_the_same_seed_and_rows_give_the_same_artifact_byte_by_byte(tmp_path: Path) -> None:
    data = rows(400)
    hashes = {
        pack(trained(tmp_path / name, data) / "model", tmp_path / f"{name}.tar") for name in "ab"
    }
    assert len(hashes) == 1


def test_an_artifact_holds_no_code(tmp_path: Path) -> None:
    output = trained(tmp_path, rows(200))
    assert sorted(path.name for path in (output / "model").iterdir()) == [
        "features.json", "model.json", "trees.npz",
    ]  # fmt: skip
    with np.load(output / "model/trees.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "bif" for name in arrays)


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_the_flat_trees_say_bit_for_bit_what_scikit_learn_says(classes: int) -> None:
    rng = np.random.default_rng(classes)
    x = rng.normal(size=(700, 5))
    x[:, 0] = rng.integers(0, 40, 700)
    x[rng.random(x.shape) < 0.15] = np.nan
    y = np.nan_to_num(x[:, 0]) % 7 + np.nan_to_num(x[:, 1])
    settings: dict[str, Any] = {"max_iter": 25, "categorical_features": [0], "random_state": 0}
    if classes:
        y = np.digitize(y, [3.0, 5.0][: classes - 1])
        fitted = HistGradientBoostingClassifier(**settings).fit(x, y)
        ours = trees.raw(trees.flatten(fitted), x)
        theirs = fitted.decision_function(x).reshape(700, -1)
        shares = trees.expit(ours)[:, 0] if classes == 2 else trees.softmax(ours)
        known = fitted.predict_proba(x)
        assert shares == pytest.approx(known[:, 1] if classes == 2 else known, abs=1e-12)
    else:
        fitted = HistGradientBoostingRegressor(**settings).fit(x, y)
        ours, theirs = trees.raw(trees.flatten(fitted), x), fitted.predict(x).reshape(700, -1)
    assert (ours == theirs).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_stops_where_more_trees_would_make_it_too_sure(
    tmp_path: Path, classes: int
) -> None:
    """Labels that hang on nothing: the best forest is hardly one, and says the classes' shares."""
    rng = np.random.default_rng(5)
    labels = [f"k{k}" for k in rng.integers(0, classes, 1200)]
    task = "binary" if classes == 2 else "multiclass"
    folder = trained(tmp_path, with_label(rows(1200), labels), task=task)
    found = json.loads((folder / "metrics.json").read_bytes())
    chosen = json.loads((folder / "params.json").read_bytes())
    assert found["log_loss"] == pytest.approx(np.log(classes), abs=0.01)
    assert int(chosen["iterations"]) <= 5


def test_a_forest_cut_to_some_rounds_is_the_forest_that_had_so_many() -> None:
    rng = np.random.default_rng(6)
    given, target = rng.normal(size=(300, 2)), rng.integers(0, 3, 300).astype(float)
    shape = trees.Shape(iterations=6)
    forest = trees.grow(given, target, shape, classes=3, categorical=0)
    stages = [sums.copy() for sums in trees.staged(forest, given)]
    assert len(stages) == 6
    assert np.array_equal(stages[-1], trees.raw(forest, given))
    assert np.array_equal(stages[2], trees.raw(trees.cut(forest, 3), given))


def test_a_class_that_was_never_seen_counts_as_the_worst_miss() -> None:
    facts = Facts(task="multiclass", classes=("a", "b"))
    figures = measured(facts, np.array([[0.5, 0.5], [0.75, 0.25]]), np.array([-1.0, 0.0]))
    assert figures["accuracy"] == 0.5
    assert figures["log_loss"] == pytest.approx((-np.log(1e-6) - np.log(0.75)) / 2)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"los": "absolute_error"}, "unknown field `los`; the built-in trainer knows event_time"),
        (
            {"loss": "poisson"},
            "parameter loss is 'poisson'; expected absolute_error or squared_error",
        ),
        ({"refit": "maybe"}, "parameter refit is 'maybe'; expected yes or no"),
        ({"iterations": "many"}, "iterations"),
    ],
    ids=["unknown", "loss", "refit", "number"],
)
def test_a_wrong_parameter_is_named(parameters: dict[str, str], said: str) -> None:
    with pytest.raises(BadJob) as raised:
        options_of(parameters)
    assert said in str(raised.value)


def test_words_in_a_numeric_column_are_an_error_that_names_it(tmp_path: Path) -> None:
    data = rows(100)
    data = data.set_column(data.column_names.index("size"), "size", pa.array(["big"] * 100))
    with pytest.raises(BadTable, match="column 'size' is numeric, but holds string"):
        trained(tmp_path, data)


def test_a_feature_that_the_rows_lack_is_an_error_that_names_it(tmp_path: Path) -> None:
    data = rows(100)
    output = trained(tmp_path, data)
    with pytest.raises(BadTable, match="the rows have no column 'size'; they have id, at"):
        scored(output, data.drop_columns(["size"]))


def test_as_a_program_it_exits_with_1_and_one_line_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ScoreJob(model_directory="/nowhere", input="/nowhere", output="/nowhere")
    (tmp_path / "job.json").write_bytes(msgspec.json.encode(job))
    monkeypatch.setenv("LEEBOARD_JOB", str(tmp_path / "job.json"))
    assert main() == 1
    assert "/nowhere" in capsys.readouterr().err
    monkeypatch.delenv("LEEBOARD_JOB")
    assert main() == 1
    assert "LEEBOARD_JOB" in capsys.readouterr().err


def test_scoring_does_not_import_scikit_learn(tmp_path: Path) -> None:
    data = rows(200)
    output = trained(tmp_path, data)
    scored(output, data)
    job = ScoreJob(
        model_directory=str(output / "model"), input=str(tmp_path / "input.parquet"),
        output=str(tmp_path / "again.parquet"),
    )  # fmt: skip
    (tmp_path / "job.json").write_bytes(msgspec.json.encode(job))
    script = (
        "import sys; from connectors.trainers.builtin import main; code = main();"
        "print([name for name in ('sklearn', 'scipy', 'duckdb') if name in sys.modules], code)"
    )
    environment = {**os.environ, "LEEBOARD_JOB": str(tmp_path / "job.json")}
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert said.stdout.splitlines() == ["scored 200 rows", "[] 0"]
    assert pq.read_table(tmp_path / "again.parquet").equals(
        pq.read_table(tmp_path / "scored.parquet")
    )
