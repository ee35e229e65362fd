"""Losses and metrics against scikit-learn, and their intervals against simulation."""

import warnings

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binomtest
from sklearn import metrics as sk

from detectors import intervals, performance
from detectors.labelled import Given
from detectors.metrics.probabilities import EPSILON
from detectors.performance import METRICS, losses, measure, realised
from tests.columns import chunked

HOUR = np.timedelta64(1, "h")
T0 = np.datetime64("2024-01-01", "us")
REGRESSION = {
    "mae": sk.mean_absolute_error,
    "rmse": sk.root_mean_squared_error,
    "r2": sk.r2_score,
    "mape": sk.mean_absolute_percentage_error,
    "bias": lambda y, p: float(np.mean(p - y)),
}
FROM_CLASSES = {
    "accuracy": sk.accuracy_score,
    "error": lambda truth, predicted: 1.0 - sk.accuracy_score(truth, predicted),
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1": sk.f1_score,
}
FROM_SCORES = {
    "log_loss": lambda truth, score: sk.log_loss(truth, np.clip(score, EPSILON, 1 - EPSILON)),
    "brier": sk.brier_score_loss,
    "roc_auc": sk.roc_auc_score,
    "average_precision": sk.average_precision_score,
}


def hours(count: int) -> np.ndarray:
    return T0 + np.arange(count) * HOUR


def text(flags: np.ndarray) -> pa.ChunkedArray:
    return chunked(np.where(flags, "yes", "no").tolist())


def binary(generator, rows: int):
    truth = generator.random(rows) < 0.3
    score = np.clip(0.3 + 0.3 * (truth - 0.5) + generator.normal(0, 0.2, rows), 0, 1).round(2)
    return truth, score > 0.4, score


def binary_given(truth, predicted, score) -> Given:
    return Given("binary", text(truth), text(predicted), {"yes": chunked(score)})


@pytest.mark.parametrize("metric", list(REGRESSION))
def test_regression_metrics_equal_scikit_learns(metric) -> None:
    generator = np.random.default_rng(1)
    truth = generator.normal(5.0, 1.0, 300)
    predicted = truth + generator.normal(0.2, 0.5, 300)
    given = (chunked(truth), chunked(predicted))
    value, interval, rows = realised("regression", metric, *given, {}, hours(300), positive=None)
    assert value == pytest.approx(REGRESSION[metric](truth, predicted))
    assert interval.low < value < interval.high
    assert rows == 300


@pytest.mark.parametrize("metric", [*FROM_CLASSES, *FROM_SCORES])
def test_binary_metrics_equal_scikit_learns_with_tied_scores(metric) -> None:
    generator = np.random.default_rng(2)
    for rows in (40, 400):
        truth, predicted, score = binary(generator, rows)
        found = measure(metric, binary_given(truth, predicted, score), hours(rows))
        expected = (
            FROM_SCORES[metric](truth, score)
            if metric in FROM_SCORES
            else FROM_CLASSES[metric](truth, predicted)
        )
        assert found.value == pytest.approx(expected)
        assert found.interval.low <= found.value <= found.interval.high
        assert (found.rows, found.reason) == (rows, None)


def multiclass(generator, rows: int):
    names = np.array(["a", "b", "c"])
    scores = generator.dirichlet([1.0, 1.0, 1.0], rows)
    truth = np.array([generator.choice(3, p=s) for s in scores])
    columns = {name: chunked(scores[:, k]) for k, name in enumerate(names)}
    return names[truth], names[scores.argmax(axis=1)], columns, scores


def test_multiclass_metrics_equal_scikit_learns() -> None:
    truth, predicted, columns, scores = multiclass(np.random.default_rng(3), 300)
    given = Given("multiclass", chunked(truth.tolist()), chunked(predicted.tolist()), columns)
    expected = {
        "accuracy": sk.accuracy_score(truth, predicted),
        "f1_macro": sk.f1_score(truth, predicted, average="macro"),
        "log_loss": sk.log_loss(truth, scores),
    }
    for metric, value in expected.items():
        found = measure(metric, given, hours(300))
        assert found.value == pytest.approx(value)
        assert found.interval.low < value < found.interval.high


def test_the_mean_of_the_losses_is_the_metric() -> None:
    generator = np.random.default_rng(4)
    truth, predicted, score = binary(generator, 200)
    given = (text(truth), text(predicted))
    scores = {"yes": chunked(score)}
    assert losses("binary", "log_loss", *given, scores).mean() == pytest.approx(
        FROM_SCORES["log_loss"](truth, score)
    )
    assert losses("binary", "brier", *given, scores).mean() == pytest.approx(
        sk.brier_score_loss(truth, score)
    )
    for metric, columns in (("error", scores), ("accuracy", scores), ("log_loss", {})):
        wrong = losses("binary", metric, *given, columns)
        assert wrong.tolist() == (truth != predicted).astype(float).tolist()
    squared = losses("regression", "rmse", chunked([1.0, 2.0]), chunked([2.0, 4.0]), {})
    assert squared.tolist() == [1.0, 4.0]
    labels, answers, columns, matrix = multiclass(generator, 100)
    found = losses(
        "multiclass", "log_loss", chunked(labels.tolist()), chunked(answers.tolist()), columns
    )
    assert found.mean() == pytest.approx(sk.log_loss(labels, matrix))


def test_a_loss_that_cannot_be_known_is_nan_and_keeps_its_row() -> None:
    label, prediction = chunked(["yes", None, "no", "yes"]), chunked(["yes", "yes", None, "no"])
    scores = {"yes": chunked([1.0, 0.5, 0.5, None])}
    found = losses("binary", "log_loss", label, prediction, scores)
    assert np.isnan(found).tolist() == [False, True, False, True]
    assert found[0] == pytest.approx(-np.log(1 - 1e-6))
    wrong = losses("binary", "log_loss", label, prediction, {})
    assert np.isnan(wrong).tolist() == [False, True, True, False]
    numbers = losses(
        "regression", "mae", chunked([1.0, None, np.inf]), chunked([3.0, 1.0, 1.0]), {}
    )
    assert numbers[0] == 2.0
    assert np.isnan(numbers[1:]).all()


def test_a_class_without_a_score_counts_as_given_nought() -> None:
    label = chunked(["a", "z"])
    scores = {"a": chunked([0.5, 0.5]), "b": chunked([0.5, 0.5])}
    found = losses("multiclass", "log_loss", label, label, scores)
    assert found.tolist() == pytest.approx([np.log(2.0), -np.log(EPSILON)])


@pytest.mark.parametrize(
    ("metric", "truth", "predicted", "says"),
    [
        ("roc_auc", [True] * 40, [True] * 40, "every label is positive"),
        ("roc_auc", [False] * 40, [True] * 40, "every label is negative"),
        ("precision", [True, False] * 20, [False] * 40, "no row is predicted positive"),
        ("recall", [False] * 40, [True] * 40, "no row is positive"),
        ("f1", [False] * 40, [False] * 40, "no row is positive or predicted so"),
        ("average_precision", [False] * 40, [True] * 40, "no row is positive"),
    ],
)
def test_a_window_of_one_class_leaves_some_metrics_undefined_with_a_reason(
    metric, truth, predicted, says
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure(
            metric, binary_given(np.array(truth), np.array(predicted), np.full(40, 0.5)), hours(40)
        )
    assert (found.value, found.interval, found.reason, found.rows) == (None, None, says, 40)


def test_undefined_regressions_say_why() -> None:
    ones, twos = chunked([1.0] * 40), chunked([2.0] * 40)
    given = Given("regression", ones, twos)
    assert "no variance" in measure("r2", given, hours(40)).reason
    noughts = Given("regression", chunked([0.0] * 40), twos)
    assert "every label is 0" in measure("mape", noughts, hours(40)).reason
    mixed = Given("regression", chunked([0.0, 2.0] * 20), chunked([9.0, 3.0] * 20))
    assert measure("mape", mixed, hours(40)).value == 0.5
    huge = Given("regression", chunked([1e308] * 40), chunked([-1e308] * 40))
    with np.errstate(over="ignore", invalid="ignore"):
        assert "too large" in measure("rmse", huge, hours(40)).reason


def test_without_labels_or_scores_there_is_no_figure() -> None:
    none = chunked(pa.nulls(5, pa.string()))
    empty = Given("binary", none, none)
    assert realised("binary", "accuracy", none, none, {}, hours(5)) == (None, None, 0)
    assert measure("log_loss", empty, hours(5)).reason.startswith("no row has a label")
    labels = chunked(["a", "b"] * 20)
    assert measure("log_loss", Given("multiclass", labels, labels), hours(40)).rows == 0


def test_a_metric_of_another_task_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no metric mae for a binary task; it has accuracy, "):
        measure("mae", binary_given(*binary(np.random.default_rng(5), 40)), hours(40))


def test_the_positive_class_is_declared_or_scored_or_the_last_by_name() -> None:
    label, prediction = chunked(["no", "yes"] * 20), chunked(["no"] * 40)

    def recall(**options) -> float:
        return measure("recall", Given("binary", label, prediction, **options), hours(40)).value

    assert recall() == 0.0
    assert recall(positive="no") == 1.0
    assert recall(scores={"no": chunked([0.5] * 40)}) == 1.0


def test_few_rows_give_a_figure_without_an_interval() -> None:
    nine = chunked([1.0] * 9), chunked([2.0] * 9)
    assert realised("regression", "mae", *nine, {}, hours(9)) == (1.0, None, 9)


def test_proportions_have_wilsons_interval_where_rows_are_independent() -> None:
    truth = np.ones(60, dtype=bool)
    predicted = np.arange(60) < 54
    found = measure("accuracy", binary_given(truth, predicted, np.full(60, 0.5)), hours(60))
    expected = binomtest(54, 60).proportion_ci(0.9, method="wilson")
    assert found.interval.low == pytest.approx(expected.low, abs=2e-3)
    assert found.interval.high == pytest.approx(expected.high, abs=2e-3)
    perfect = measure("accuracy", binary_given(truth, truth, np.full(60, 0.5)), hours(60)).interval
    assert perfect == intervals.wilson(1.0, 60)
    assert (perfect.low < 0.96, perfect.high) == (True, 1.0)


def test_errors_that_come_in_bad_days_have_a_wider_interval() -> None:
    generator = np.random.default_rng(6)
    day = np.repeat(generator.normal(0.0, 1.0, 20), 24)
    truth = chunked(np.zeros(480))
    clustered = chunked(day + generator.normal(0.0, 0.1, 480))
    alone = chunked(generator.permutation(day) + generator.normal(0.0, 0.1, 480))
    wide, narrow = (
        realised("regression", "bias", truth, p, {}, hours(480))[1] for p in (clustered, alone)
    )
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


@pytest.mark.parametrize("metric", ["roc_auc", "f1", "precision", "brier", "average_precision"])
def test_ninety_per_cent_intervals_cover_about_ninety_per_cent(metric) -> None:
    generator = np.random.default_rng(7)
    truth, predicted, score = binary(generator, 200_000)
    other = score if metric in FROM_SCORES else predicted
    every = METRICS[metric].ways["binary"].compute(truth, other).reported
    covered = 0
    draws = 60 if metric == "average_precision" else 200
    for _ in range(draws):
        found = measure(metric, binary_given(*binary(generator, 100)), np.repeat(T0, 100))
        covered += found.interval.low <= every <= found.interval.high
    assert 0.81 <= covered / draws <= 0.97


@pytest.mark.parametrize(
    ("metric", "draws", "least"), [("accuracy", 150, 0.90), ("average_precision", 60, 0.77)]
)
def test_intervals_that_rest_on_five_days_know_that_those_are_few(metric, draws, least) -> None:
    """Days that differ: without Student's law .89 and .72 of the intervals hold the truth."""
    generator = np.random.default_rng(21)
    at = np.repeat(T0 + np.arange(5) * np.timedelta64(1, "D"), 50)
    covered, truth = 0, np.arange(250) % 10 < 3
    whole = METRICS["average_precision"].ways["binary"].compute(*scored_days(generator, 2000)).value
    for _ in range(draws):
        if metric == "accuracy":
            right = generator.random(250) < np.repeat(0.8 + generator.normal(0, 0.15, 5), 50)
            given, every = binary_given(truth, truth == right, np.full(250, 0.5)), 0.8
        else:
            positive, score = scored_days(generator, 5)
            given, every = binary_given(positive, positive, score), whole
        found = measure(metric, given, at)
        covered += found.interval.low <= every <= found.interval.high
    assert covered / draws >= least


def scored_days(generator, days: int):
    """Fifty rows a day, three in ten positive, with a level of the scores that differs by day."""
    truth = np.arange(50 * days) % 10 < 3
    wander = np.repeat(generator.normal(0.0, 0.5, days), 50)
    return truth, truth * 1.2 + generator.normal(size=truth.size) + wander


def test_every_metric_says_its_tasks_and_direction() -> None:
    assert {m.direction for m in METRICS.values()} == {"up", "down"}
    assert {t for m in METRICS.values() for t in m.tasks} == {"regression", "binary", "multiclass"}
    assert {n: m.ideal for n, m in METRICS.items() if m.ideal is not None} == {
        "bias": 0.0, "calibration_slope": 1.0, "calibration_intercept": 0.0,
    }  # fmt: skip
    assert performance.FEWEST_DAYS == 5
