"""Windows without labels: what is estimated of them, how surely, and when it is hidden."""

import msgspec
import numpy as np
import pytest

from detectors.estimation import binary, direct, expected, multiclass, regression
from detectors.estimation.shift import Inputs

MAIN = ("accuracy", "f1", "precision", "recall", "roc_auc", "log_loss", "brier")


def two(rows: int, *, seed: int, mean: float = 0.0, slope: float = 1.0, share: float | None = None):
    """An over-confident model of two classes on two inputs of unit spread."""
    generator = np.random.default_rng(seed)
    x = generator.normal(mean, 1.0, (rows * (1 if share is None else 8), 2))
    z = x @ [1.0, 0.6]
    truth = generator.random(len(x)) < 1 / (1 + np.exp(-slope * z))
    if share is not None:
        yes, no = np.flatnonzero(truth), np.flatnonzero(~truth)
        positives = int(rows * share)
        kept = generator.permutation(np.r_[yes[:positives], no[: rows - positives]])
        x, z, truth = x[kept], z[kept], truth[kept]
    score = 1 / (1 + np.exp(-2.5 * z))
    inputs = Inputs(x, np.zeros(2, dtype=bool))
    return binary.Rows(inputs=inputs, score=score, predicted=score > 0.5), truth


@pytest.fixture(scope="module")
def fitted() -> binary.Fitted:
    return binary.fit(*two(3000, seed=1), seed=7)


def told(fitted: binary.Fitted, window: binary.Rows, metrics=MAIN) -> dict[str, object]:
    answer = binary.estimate(fitted, window, metrics, seed=3)
    return {figure.metric: figure for figure in answer.figures}


def off(found: object, window: binary.Rows, truth: np.ndarray) -> float:
    """How far an estimate lies from what was realised."""
    true = expected.value(found.metric, truth.astype(float), window.predicted, window.score)
    return abs(found.value - true)


def test_without_a_change_every_metric_is_near_what_is_realised(fitted: binary.Fitted) -> None:
    window, truth = two(3000, seed=2)
    for metric, found in told(fitted, window).items():
        assert found.method == "cbpe"
        assert found.assumption == "P(y|x) unchanged"
        assert off(found, window, truth) < 0.03, metric
        assert found.interval.low < found.value < found.interval.high
        assert found.interval.level == 0.9


def test_intervals_hold_nine_in_ten_realised_figures_or_more(fitted: binary.Fitted) -> None:
    inside = []
    for seed in range(60):
        window, truth = two(50, seed=100 + seed)
        [found] = told(fitted, window, ("log_loss",)).values()
        true = expected.value("log_loss", truth.astype(float), window.predicted, window.score)
        inside.append(found.interval.low <= true <= found.interval.high)
    assert np.mean(inside) >= 0.85


def test_a_plain_shift_of_inputs_is_weighted_away(fitted: binary.Fitted) -> None:
    window, truth = two(2000, seed=4, mean=0.5)
    found = told(fitted, window)
    assert {figure.method for figure in found.values()} == {"pape"}
    assert off(found["accuracy"], window, truth) < 0.03
    assert off(found["f1"], window, truth) < 0.03


def test_where_only_the_mix_of_classes_changed_the_span_holds_the_truth(
    fitted: binary.Fitted,
) -> None:
    window, truth = two(2000, seed=5, share=0.75)
    found = told(fitted, window)["precision"]
    true = expected.value("precision", truth.astype(float), window.predicted, window.score)
    assert found.low - 0.03 <= true <= found.high + 0.03
    assert found.high - found.low > 0.05
    assert found.is_apart
    assert found.labels_wanted > 100


def test_labels_that_follow_other_rules_are_not_seen(fitted: binary.Fitted) -> None:
    window, truth = two(3000, seed=6, slope=-1.0)
    found = told(fitted, window)["accuracy"]
    assert off(found, window, truth) > 0.3
    assert found.hidden is None


def test_rows_like_none_of_the_reference_are_not_guessed(fitted: binary.Fitted) -> None:
    window, _ = two(500, seed=8, mean=4.0)
    for found in told(fitted, window).values():
        assert found.value is None
        assert found.interval is None
        assert "beyond all that the reference holds" in found.hidden


def test_a_few_rows_and_none_at_all_are_answered(fitted: binary.Fitted) -> None:
    few, _ = two(20, seed=9)
    none, _ = two(0, seed=9)
    assert told(fitted, few)["accuracy"].value is not None
    assert "are needed" in told(fitted, few)["recall"].hidden
    assert {figure.value for figure in told(fitted, none).values()} == {None}


def test_the_same_rows_give_the_same_answer(fitted: binary.Fitted) -> None:
    window, _ = two(500, seed=10)
    again = binary.fit(*two(3000, seed=1), seed=7)
    assert msgspec.to_builtins(told(fitted, window)) == msgspec.to_builtins(told(again, window))


@pytest.mark.parametrize("metric", [*expected.RATIOS, "roc_auc", "average_precision"])
def test_an_error_of_calibration_is_told_of_every_metric(
    fitted: binary.Fitted, metric: str
) -> None:
    window, _ = two(500, seed=11)
    assert (
        0.0
        < binary.calibration_error(fitted.maps, binary.laid_on(fitted.maps, window), metric)
        < 0.1
    )


def three(rows: int, *, seed: int, sharp: float = 2.0):
    """A model of three classes whose scores are too sure."""
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(rows, 3))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    truth = np.minimum((generator.random(rows)[:, None] > np.cumsum(p, axis=1)).sum(axis=1), 2)
    score = np.exp(sharp * z) / np.exp(sharp * z).sum(axis=1, keepdims=True)
    found = multiclass.Rows(
        inputs=Inputs(z, np.zeros(3, dtype=bool)), score=score, predicted=score.argmax(axis=1)
    )
    return found, truth


def test_several_classes_are_calibrated_each_against_the_rest() -> None:
    fitted = multiclass.fit(*three(3000, seed=1), seed=7)
    window, truth = three(1500, seed=2)
    answer = multiclass.estimate(fitted, window, multiclass.METRICS, seed=3)
    certain = np.eye(3)[truth]
    for found in answer.figures:
        true = multiclass.value(found.metric, certain, window)
        raw = multiclass.value(found.metric, window.score, window)
        assert abs(found.value - true) < 0.04, found.metric
        if found.metric != "roc_auc_macro":
            assert abs(found.value - true) < abs(raw - true)
        assert found.interval.low <= found.value <= found.interval.high
    assert answer.p.sum(axis=1) == pytest.approx(1.0)


def test_a_class_that_hardly_comes_hides_what_is_a_mean_over_classes() -> None:
    fitted = multiclass.fit(*three(1500, seed=1), seed=7)
    few, _ = three(40, seed=2)
    found = {
        f.metric: f for f in multiclass.estimate(fitted, few, multiclass.METRICS, seed=3).figures
    }
    assert "rarest class" in found["f1_macro"].hidden
    assert found["accuracy"].value is not None


def numbers(rows: int, *, seed: int, mean: float = 0.0, noise: float = 1.0):
    """Errors that are three times as large where the first input is above 0.5."""
    generator = np.random.default_rng(seed)
    x = np.column_stack([generator.normal(mean, 1.0, rows), generator.integers(0, 3, rows)])
    prediction = 5.0 * x[:, 0]
    error = generator.normal(0.0, 1.0, rows) * np.where(x[:, 0] > 0.5, 3.0, 1.0) * noise
    inputs = Inputs(np.column_stack([x, prediction]), np.array([False, True, False]))
    return inputs, prediction + error + 30.0, prediction + 30.0


def test_the_error_of_a_noisier_region_is_foretold() -> None:
    inputs, label, prediction = numbers(3000, seed=1)
    fitted = regression.fit(inputs, label, prediction, regression.METRICS, "mae", seed=5)
    window, label, prediction = numbers(1000, seed=2, mean=0.7)
    found = {f.metric: f for f in regression.estimate(fitted, window.values, regression.METRICS)}
    true = np.abs(label - prediction).mean()
    assert found["mae"].value == pytest.approx(true, rel=0.08)
    assert found["rmse"].value == pytest.approx(
        np.sqrt(np.square(label - prediction).mean()), rel=0.08
    )
    assert found["mape"].value == pytest.approx(
        (np.abs(label - prediction) / label).mean(), rel=0.12
    )
    assert {f.method for f in found.values()} == {"dle"}
    assert found["mae"].interval.low < true < found["mae"].interval.high
    assert (found["mae"].low, found["mae"].is_apart) == (None, False)


def test_foretold_errors_are_never_below_zero_nor_blind_to_what_they_never_saw() -> None:
    inputs, label, prediction = numbers(400, seed=3)
    teller = direct.Foreteller(inputs, np.abs(label - prediction), seed=5)
    assert (teller.errors(inputs.values * 50.0) >= 0.0).all()
    fitted = regression.fit(inputs, label, prediction, ("mae",), "rmse", seed=5)
    far, _, _ = numbers(300, seed=4, mean=8.0)
    [found] = regression.estimate(fitted, far.values, ("mae",))
    assert (found.value, "beyond all" in found.hidden) == (None, True)
    [none] = regression.estimate(fitted, far.values[:0], ("mae",))
    assert none.hidden == "there are no rows"


def test_pure_noise_is_not_seen_by_the_inputs() -> None:
    inputs, label, prediction = numbers(2000, seed=1)
    fitted = regression.fit(inputs, label, prediction, ("mae",), "mae", seed=5)
    window, label, prediction = numbers(1000, seed=2, noise=2.0)
    [found] = regression.estimate(fitted, window.values, ("mae",))
    assert found.value < 0.7 * np.abs(label - prediction).mean()
