"""Every metric against scikit-learn and SciPy, whatever the rows are, and where none is defined."""

import warnings
from functools import partial

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from detectors.labelled import Given
from detectors.metrics import cells, probabilities
from detectors.metrics.catalogue import METRICS
from detectors.metrics.estimate import Estimate
from detectors.performance import measure
from tests.columns import chunked

T0 = np.datetime64("2024-01-01", "us")
NAMES = np.array(["a", "b", "c", "d"])


def lift(truth, score) -> float:
    count = int(np.ceil(truth.size / 10))
    return truth[np.argsort(-score, kind="stable")[:count]].mean()


def gaps(truth, score) -> float:
    """The textbook's loop over bins."""
    total = 0.0
    for at in range(10):
        inside = np.clip((score * 10).astype(int), 0, 9) == at
        if inside.any():
            total += abs(truth[inside].mean() - score[inside].mean()) * inside.mean()
    return total


def slope(truth, score) -> float:
    odds = probabilities.log_odds(score)[:, None]
    return float(LogisticRegression(C=np.inf, tol=1e-10).fit(odds, truth).coef_[0, 0])


def averaged(metric, average):
    return partial(metric, average=average, zero_division=0.0)


REGRESSION = {
    "mae": sk.mean_absolute_error,
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "median_ae": sk.median_absolute_error,
    "max_error": sk.max_error,
    "r2": sk.r2_score,
    "explained_variance": sk.explained_variance_score,
    "d2_absolute": sk.d2_absolute_error_score,
    "mape": sk.mean_absolute_percentage_error,
    "smape": lambda y, p: np.mean(2 * np.abs(p - y) / (np.abs(y) + np.abs(p))),
    "wape": lambda y, p: np.abs(p - y).sum() / np.abs(y).sum(),
    "rmsle": sk.root_mean_squared_log_error,
    "bias": lambda y, p: np.mean(p - y),
    "pinball_10": partial(sk.mean_pinball_loss, alpha=0.1),
    "pinball_50": partial(sk.mean_pinball_loss, alpha=0.5),
    "pinball_90": partial(sk.mean_pinball_loss, alpha=0.9),
    "poisson_deviance": sk.mean_poisson_deviance,
    "gamma_deviance": sk.mean_gamma_deviance,
    "pearson": lambda y, p: stats.pearsonr(y, p).statistic,
    "spearman": lambda y, p: stats.spearmanr(y, p).statistic,
}
FLAGS = {
    "accuracy": sk.accuracy_score,
    "error": sk.zero_one_loss,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "specificity": partial(sk.recall_score, pos_label=False),
    "npv": partial(sk.precision_score, pos_label=False),
    "fpr": lambda y, p: 1.0 - sk.recall_score(y, p, pos_label=False),
    "fnr": lambda y, p: 1.0 - sk.recall_score(y, p),
    "f1": sk.f1_score,
    "f_half": partial(sk.fbeta_score, beta=0.5),
    "f2": partial(sk.fbeta_score, beta=2.0),
    "jaccard": sk.jaccard_score,
    "mcc": sk.matthews_corrcoef,
    "kappa": sk.cohen_kappa_score,
}
SCORES = {
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
    "brier_skill": lambda y, s: 1 - sk.brier_score_loss(y, s) / (y.mean() * (1 - y.mean())),
    "roc_auc": sk.roc_auc_score,
    "gini": lambda y, s: 2 * sk.roc_auc_score(y, s) - 1,
    "average_precision": sk.average_precision_score,
    "ks": lambda y, s: stats.ks_2samp(s[y], s[~y]).statistic,
    "precision_top_10": lift,
    "recall_top_10": lambda y, s: lift(y, s) * np.ceil(y.size / 10) / y.sum(),
    "lift_top_10": lambda y, s: lift(y, s) / y.mean(),
    "ece": gaps,
    "calibration_slope": slope,
}
CLASSES = {
    "accuracy": sk.accuracy_score,
    "error": sk.zero_one_loss,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
    "kappa": sk.cohen_kappa_score,
    "f1_macro": averaged(sk.f1_score, "macro"),
    "f1_weighted": averaged(sk.f1_score, "weighted"),
    "f1_micro": averaged(sk.f1_score, "micro"),
    "precision_macro": averaged(sk.precision_score, "macro"),
    "precision_weighted": averaged(sk.precision_score, "weighted"),
    "recall_macro": averaged(sk.recall_score, "macro"),
    "recall_weighted": averaged(sk.recall_score, "weighted"),
    "jaccard_macro": averaged(sk.jaccard_score, "macro"),
}
SEVERAL = {
    "log_loss": sk.log_loss,
    "brier": lambda y, s: np.square(s - np.eye(4)[y]).sum(axis=1).mean(),
    "roc_auc": partial(sk.roc_auc_score, multi_class="ovr"),
    "roc_auc_weighted": partial(sk.roc_auc_score, multi_class="ovr", average="weighted"),
    "average_precision": lambda y, s: sk.average_precision_score(np.eye(4)[y], s),
    "top_2_accuracy": partial(sk.top_k_accuracy_score, k=2),
    "top_3_accuracy": partial(sk.top_k_accuracy_score, k=3),
    "top_5_accuracy": lambda y, s: 1.0,
    "ece": lambda y, s: gaps(s.argmax(axis=1) == y, s.max(axis=1)),
}
TESTED_APART = {
    "binary": {"ece_debiased", "calibration_intercept"},
    "multiclass": {"ece_debiased"},
    "regression": set(),
}


def amounts(rows: int, seed: int = 1):
    generator = np.random.default_rng(seed)
    truth = generator.gamma(3.0, 2.0, rows)
    return truth, truth * generator.gamma(8.0, 1 / 8, rows) + 0.1


def flags(rows: int, seed: int = 2):
    generator = np.random.default_rng(seed)
    truth = generator.random(rows) < 0.3
    score = 1 / (1 + np.exp(-generator.normal(truth * 2.0 - 1.5, 1.0)))
    return truth, score > 0.4, score


def several(rows: int, seed: int = 3):
    generator = np.random.default_rng(seed)
    scores = generator.dirichlet(np.ones(4), rows)
    truth = (scores.cumsum(axis=1) < generator.random((rows, 1))).sum(axis=1)
    return truth, scores.argmax(axis=1), scores


def of_flags(truth, predicted, score) -> Given:
    text = [chunked(np.where(f, "yes", "no").tolist()) for f in (truth, predicted)]
    return Given("binary", *text, {"yes": chunked(score)})


def of_classes(truth, predicted, scores) -> Given:
    columns = {name: chunked(scores[:, at]) for at, name in enumerate(NAMES)}
    text = [chunked(NAMES[codes].tolist()) for codes in (truth, predicted)]
    return Given("multiclass", *text, columns)


def found_of(metric: str, rows: Given, count: int):
    return measure(metric, rows, np.repeat(T0, count))


def check(metric: str, found, expected) -> None:
    assert found.value == pytest.approx(expected, rel=1e-6, abs=1e-9), metric
    if metric != "max_error":
        assert found.interval.low <= found.value + 1e-9, metric
        assert found.value - 1e-9 <= found.interval.high, metric
        assert np.isfinite([found.interval.low, found.interval.high]).all(), metric


@pytest.mark.parametrize("metric", list(REGRESSION))
def test_a_metric_of_numbers_is_scikit_learns(metric) -> None:
    truth, predicted = amounts(301)
    found = found_of(metric, Given("regression", chunked(truth), chunked(predicted)), 301)
    check(metric, found, REGRESSION[metric](truth, predicted))


@pytest.mark.parametrize("metric", list(FLAGS))
def test_a_metric_of_flags_is_scikit_learns(metric) -> None:
    truth, predicted, score = flags(300)
    found = found_of(metric, of_flags(truth, predicted, score), 300)
    check(metric, found, FLAGS[metric](truth, predicted))


@pytest.mark.parametrize("metric", list(SCORES))
def test_a_metric_of_scores_is_scikit_learns(metric) -> None:
    truth, predicted, score = flags(300)
    found = found_of(metric, of_flags(truth, predicted, score), 300)
    check(metric, found, SCORES[metric](truth, score))


@pytest.mark.parametrize("metric", list(CLASSES))
def test_a_metric_of_classes_is_scikit_learns(metric) -> None:
    truth, predicted, scores = several(300)
    found = found_of(metric, of_classes(truth, predicted, scores), 300)
    check(metric, found, CLASSES[metric](truth, predicted))


@pytest.mark.parametrize("metric", list(SEVERAL))
def test_a_metric_of_the_scores_of_classes_is_scikit_learns(metric) -> None:
    truth, predicted, scores = several(300)
    found = found_of(metric, of_classes(truth, predicted, scores), 300)
    check(metric, found, SEVERAL[metric](truth, scores))


def test_no_metric_is_left_without_an_oracle() -> None:
    tested = {
        "regression": set(REGRESSION),
        "binary": {*FLAGS, *SCORES},
        "multiclass": {*CLASSES, *SEVERAL},
    }
    for task, names in tested.items():
        there = {name for name, metric in METRICS.items() if task in metric.ways}
        assert names | TESTED_APART[task] == there


@settings(max_examples=60)
@given(st.data())
def test_metrics_of_classes_are_scikit_learns_on_any_rows(data) -> None:
    rows = data.draw(st.integers(2, 25))
    codes = st.lists(st.integers(0, 3), min_size=rows, max_size=rows)
    truth, predicted = (np.array(data.draw(codes)) for _ in range(2))
    for metric, oracle in CLASSES.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = oracle(truth, predicted)
        found = METRICS[metric].ways["multiclass"].compute(truth, predicted)
        if isinstance(found, str):
            assert metric in {"mcc", "kappa"}
            assert expected == 0.0 or np.isnan(expected)
        else:
            assert found.reported == pytest.approx(expected, abs=1e-9), metric
            assert found.influence.sum() == pytest.approx(0.0, abs=1e-7)


@settings(max_examples=60)
@given(st.data())
def test_metrics_of_scores_are_scikit_learns_on_any_ties(data) -> None:
    rows = data.draw(st.integers(2, 25))
    truth = np.array(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    tied = st.sampled_from([0.1, 0.25, 0.5, 0.55, 0.9])
    score = np.array(data.draw(st.lists(tied, min_size=rows, max_size=rows)))
    if truth.all() or not truth.any():
        return
    for metric in ("roc_auc", "gini", "average_precision", "ks", "brier", "ece", "log_loss"):
        found = METRICS[metric].ways["binary"].compute(truth, score)
        assert found.reported == pytest.approx(SCORES[metric](truth, score), abs=1e-9), metric
        assert found.influence.sum() == pytest.approx(0.0, abs=1e-7)


def weighted(metric: str, task: str, truth, other, times) -> float:
    """The figure of the rows, each repeated so often."""
    found = METRICS[metric].ways[task].compute(truth.repeat(times), other.repeat(times, axis=0))
    return found.value


SMOOTH = [
    *(("regression", m) for m in REGRESSION if m not in {"median_ae", "max_error", "spearman"}),
    *(("binary", m) for m in FLAGS),
    *(("binary", m) for m in SCORES if "top" not in m),
    ("binary", "calibration_intercept"),
    *(("multiclass", m) for m in (*CLASSES, "roc_auc", "roc_auc_weighted")),
]


@pytest.mark.parametrize(("task", "metric"), SMOOTH)
def test_the_influence_of_a_row_is_what_its_weight_does(task, metric) -> None:
    """One more copy of a row among a thousand copies of all moves the figure so far."""
    if task == "regression":
        truth, other = amounts(41)
    elif task == "binary":
        truth, predicted, score = flags(41)
        other = predicted if metric in FLAGS else score
    else:
        truth, predicted, scores = several(41)
        other = predicted if metric in CLASSES else np.column_stack([scores, [-np.inf] * 41])
    whole = METRICS[metric].ways[task].compute(truth, other)
    assert isinstance(whole, Estimate)
    for row in (0, 17, 40):
        times = np.full(41, 200)
        times[row] += 2
        moved = weighted(metric, task, truth, other, times) - whole.value
        step = 2 / (41 * 200 + 2)
        expected = whole.influence[row] * step
        assert moved == pytest.approx(expected, rel=0.05, abs=2e-2 * step), row


def test_the_calibration_line_finds_what_the_scores_were_made_with() -> None:
    generator = np.random.default_rng(5)
    odds = generator.normal(-0.5, 1.2, 40_000)
    truth = generator.random(odds.size) < 1 / (1 + np.exp(-(0.7 * odds + 0.4)))
    score = 1 / (1 + np.exp(-odds))
    rows = of_flags(truth, truth, score)
    slope_ = found_of("calibration_slope", rows, odds.size)
    assert slope_.interval.low < 0.7 < slope_.interval.high
    shifted = 1 / (1 + np.exp(-(odds - 0.3)))
    truth = generator.random(odds.size) < score
    intercept = found_of("calibration_intercept", of_flags(truth, truth, shifted), odds.size)
    assert intercept.interval.low < 0.3 < intercept.interval.high


def test_the_debiased_calibration_error_is_near_nought_where_scores_are_calibrated() -> None:
    plain, debiased = [], []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        score = generator.random(400)
        truth = generator.random(400) < score
        plain.append(probabilities.ece(truth, score).value)
        debiased.append(probabilities.ece_debiased(truth, score).value)
    assert np.mean(plain) > 0.04
    assert np.mean(debiased) < 0.7 * np.mean(plain)
    generator = np.random.default_rng(50)
    score = generator.random(200_000)
    truth = generator.random(200_000) < 0.2 + 0.6 * score
    far = probabilities.ece_debiased(truth, score).value
    assert far == pytest.approx(probabilities.ece(truth, score).value, rel=1e-3)


@pytest.mark.parametrize(
    ("metric", "truth", "predicted", "says"),
    [
        ("balanced_accuracy", [True], [True, False], "every label is positive"),
        ("mcc", [True, False], [False], "one class"),
        ("kappa", [True], [True], "one class"),
        ("specificity", [True], [True], "no row is negative"),
        ("npv", [True], [True], "no row is predicted negative"),
        ("fpr", [True], [True], "no row is negative"),
        ("fnr", [False], [True], "no row is positive"),
        ("jaccard", [False], [False], "no row is positive or predicted so"),
        ("f2", [False], [False], "no row is positive or predicted so"),
        ("gini", [True], [True], "every label is positive"),
        ("ks", [False], [True], "every label is negative"),
        ("brier_skill", [False], [True], "every label is negative"),
        ("lift_top_10", [False], [True], "no row is positive"),
        ("recall_top_10", [False], [True], "no row is positive"),
        ("calibration_slope", [False], [True], "of one class"),
        ("calibration_intercept", [True], [True], "of one class"),
        ("calibration_slope", [True, False], [True], "all scores are equal"),
    ],
)
def test_where_a_metric_is_undefined_it_says_why(metric, truth, predicted, says) -> None:
    repeated = [np.resize(np.array(flag), 40) for flag in (truth, predicted)]
    found = found_of(metric, of_flags(*repeated, np.full(40, 0.5)), 40)
    assert (found.value, found.interval, found.rows) == (None, None, 40)
    assert says in found.reason


@pytest.mark.parametrize(
    ("metric", "truth", "predicted", "says"),
    [
        ("explained_variance", [0.1], [1.0, 2.0], "no variance"),
        ("d2_absolute", [0.1], [1.0, 2.0], "no variance"),
        ("pearson", [1.0, 2.0], [0.1], "do not vary"),
        ("spearman", [0.1], [1.0, 2.0], "do not vary"),
        ("rmsle", [1.0], [-1.0], "no logarithm"),
        ("poisson_deviance", [1.0], [0.0], "not above"),
        ("gamma_deviance", [0.0], [1.0], "not above 0"),
        ("wape", [0.0], [1.0], "every label is 0"),
    ],
)
def test_where_a_metric_of_numbers_is_undefined_it_says_why(metric, truth, predicted, says) -> None:
    columns = [chunked(np.resize(np.array(values), 40)) for values in (truth, predicted)]
    found = found_of(metric, Given("regression", *columns), 40)
    assert (found.value, found.interval) == (None, None)
    assert says in found.reason


def test_scores_that_separate_the_classes_have_no_slope() -> None:
    truth = np.arange(40) >= 20
    found = probabilities.calibration_slope(truth, np.where(truth, 0.9, 0.1))
    assert isinstance(found, str)
    assert "separate" in found


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "mcc", "f2", "gini", "ks"])
def test_a_perfect_window_is_not_certain(metric) -> None:
    truth = np.arange(60) % 3 == 0
    found = found_of(metric, of_flags(truth, truth, np.where(truth, 0.8, 0.2)), 60)
    assert found.value == pytest.approx(1.0)
    assert found.interval.high == pytest.approx(1.0)
    assert 0.7 < found.interval.low < 0.99


@pytest.mark.parametrize(
    "metric", sorted(name for name in METRICS if "binary" in METRICS[name].ways)
)
def test_one_row_and_rows_without_a_score_never_crash(metric) -> None:
    one = found_of(metric, of_flags(np.array([True]), np.array([True]), np.array([0.7])), 1)
    assert one.interval is None
    assert (one.value is None) == (one.reason is not None)
    gone = of_flags(np.array([True, False]), np.array([True, True]), np.array([np.nan, np.nan]))
    assert found_of(metric, gone, 2).rows in {0, 2}


def test_a_label_without_a_score_of_its_own_is_never_among_the_highest() -> None:
    scores = {name: chunked([0.5, 0.1, 0.4]) for name in ("a", "b")}
    label = chunked(["a", "z", "b"])
    found = found_of("top_2_accuracy", Given("multiclass", label, label, scores), 3)
    assert found.value == pytest.approx(2 / 3)
    brier = found_of("brier", Given("multiclass", label, label, scores), 3)
    assert brier.value == pytest.approx(np.mean([0.5, 1.02, 0.36 + 0.16]))


def test_confusion_matrices_are_scikit_learns_and_classes_without_rows_are_left_out() -> None:
    truth, predicted, _ = several(200)
    assert (cells.matrix(truth, predicted, 4) == sk.confusion_matrix(truth, predicted)).all()
    rows = cells.cells(np.array([7, 7, 2]), np.array([2, 7, 2]))
    assert (rows.classes, rows.truth.tolist(), rows.predicted.tolist()) == (2, [1, 1, 0], [0, 1, 0])


def test_many_classes_are_taken_in_blocks() -> None:
    generator = np.random.default_rng(9)
    truth = generator.integers(0, 400, 3000)
    predicted = np.where(generator.random(3000) < 0.5, truth, generator.integers(0, 400, 3000))
    found = METRICS["mcc"].ways["multiclass"].compute(truth, predicted)
    assert found.reported == pytest.approx(sk.matthews_corrcoef(truth, predicted))
    assert pa.array(found.influence).null_count == 0


def test_of_one_class_nothing_is_ranked_against_the_rest() -> None:
    scores = {name: chunked([0.6] * 20) for name in ("a", "b")}
    label = chunked(["a"] * 20)
    found = found_of("roc_auc", Given("multiclass", label, label, scores), 20)
    assert (found.value, found.reason) == (None, "every label is of one class")


def test_of_several_classes_the_debiased_error_is_that_of_the_highest_score() -> None:
    truth, predicted, scores = several(400)
    found = found_of("ece_debiased", of_classes(truth, predicted, scores), 400)
    expected = probabilities.ece_debiased(scores.argmax(axis=1) == truth, scores.max(axis=1))
    assert found.value == pytest.approx(expected.value)


def test_figures_too_large_for_their_error_have_no_interval() -> None:
    label = chunked([1e200, -1e200] * 20)
    with np.errstate(over="ignore", invalid="ignore"):
        found = found_of("bias", Given("regression", label, chunked([0.0] * 40)), 40)
    assert (found.value, found.interval) == (0.0, None)
