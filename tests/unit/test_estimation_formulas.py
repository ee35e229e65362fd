"""What probabilities let one expect: against a peer's figures, by hand, and the laws that hold."""

import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from detectors.estimation import (
    calibrating,
    expected,
    multiclass,
    priors,
    residual,
    sampling,
    shift,
    wandering,
)
from detectors.estimation.shift import Inputs
from detectors.finding import Basis, Verdict

FOLDER = Path(__file__).parents[1] / "golden" / "estimation"
NANNYML = json.loads((FOLDER / "nannyml.json").read_text())
_SPEC = importlib.util.spec_from_file_location("remade", FOLDER / "remade.py")
remade = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(remade)
_RIVALS = importlib.util.spec_from_file_location(
    "rivals", Path(__file__).parents[2] / "benchmarks" / "estimation_rivals.py"
)
rivals = importlib.util.module_from_spec(_RIVALS)
_RIVALS.loader.exec_module(rivals)
SEEDS = (1, 2, 3)
CLOSE = {"rel": 0.0, "abs": 1e-9}


@pytest.mark.parametrize("seed", SEEDS)
def test_two_classes_have_nannymls_estimates_given_the_same_probabilities(seed: int) -> None:
    score, p, predicted, _ = remade.binary_rows(seed)
    told = NANNYML[f"binary {seed}"]["estimates"]
    ours = {name: expected.value(name, p, predicted, score) for name in told}
    ours["roc_auc"] = expected.auc(p, score, self_pairs=True)
    assert ours == {name: pytest.approx(figure, **CLOSE) for name, figure in told.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_two_classes_have_nannymls_sampling_errors(seed: int) -> None:
    score, _, predicted, truth = remade.binary_rows(seed)
    told = NANNYML[f"binary {seed}"]["errors"]
    ours = {name: sampling.of(name, truth, predicted, score).error(700) for name in told}
    assert ours == {name: pytest.approx(figure, **CLOSE) for name, figure in told.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_have_nannymls_sampling_errors(seed: int) -> None:
    label, prediction = remade.regression_rows(seed)
    told = NANNYML[f"regression {seed}"]["errors"]
    ours = {name: sampling.errors(name, label, prediction).error(700) for name in told}
    assert ours == {name: pytest.approx(figure, **CLOSE) for name, figure in told.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_several_classes_have_nannymls_estimates(seed: int) -> None:
    score, p, predicted, _ = remade.several_rows(seed)
    told = NANNYML[f"several {seed}"]["estimates"]
    rows = multiclass.Rows(
        inputs=Inputs(np.zeros((p.shape[0], 0)), np.zeros(0, dtype=bool)),
        score=score, predicted=predicted,
    )  # fmt: skip
    ours = {name: multiclass.value(name, p, rows) for name in ("accuracy", "f1_macro")}
    aucs = [expected.auc(p[:, k], score[:, k], self_pairs=True) for k in range(3)]
    ours["roc_auc_macro"] = float(np.mean(aucs))
    assert ours == {name: pytest.approx(figure, **CLOSE) for name, figure in told.items()}


PROBABILITIES = st.lists(st.floats(0.01, 0.99), min_size=3, max_size=40)


@given(PROBABILITIES, st.integers(0, 1000))
def test_the_area_is_the_sum_over_ordered_pairs_of_different_rows(
    p: list[float], seed: int
) -> None:
    generator = np.random.default_rng(seed)
    held, score = np.array(p), generator.integers(0, 5, len(p)).astype(float)
    above = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    pairs = held[:, None] * (1.0 - held) * (1.0 - np.eye(len(p)))
    assert expected.auc(held, score) == pytest.approx((above * pairs).sum() / pairs.sum())


@given(PROBABILITIES, st.integers(0, 1000))
def test_the_order_of_rows_with_tied_scores_changes_no_metric(p: list[float], seed: int) -> None:
    generator = np.random.default_rng(seed)
    held, score = np.array(p), generator.integers(0, 4, len(p)) / 4.0
    said, mixed = score > 0.4, generator.permutation(len(p))
    for name in expected.METRICS:
        one = expected.value(name, held, said, score)
        other = expected.value(name, held[mixed], said[mixed], score[mixed])
        assert one == pytest.approx(other, nan_ok=True)


@given(PROBABILITIES, st.integers(1, 39))
def test_sums_of_parts_add_up_to_those_of_the_whole(p: list[float], cut: int) -> None:
    held = np.array(p)
    score, said = held**2, held > 0.5
    whole = expected.sums(held, said, score)
    part = expected.sums(held[:cut], said[:cut], score[:cut]).plus(
        expected.sums(held[cut:], said[cut:], score[cut:])
    )
    for figure in expected.RATIOS.values():
        assert float(figure(part)) == pytest.approx(float(figure(whole)), nan_ok=True)


def test_certain_probabilities_give_the_realised_metrics() -> None:
    truth = np.array([True, True, False, False, True])
    score = np.array([0.9, 0.4, 0.6, 0.1, 0.8])
    p, said = truth.astype(float), score > 0.5
    found = {m: expected.value(m, p, said, score) for m in ("accuracy", "precision", "recall")}
    assert found == pytest.approx({"accuracy": 0.6, "precision": 2 / 3, "recall": 2 / 3})
    assert expected.value("roc_auc", p, said, score) == pytest.approx(5 / 6)
    assert expected.value("brier", p, said, score) == pytest.approx(np.square(score - p).mean())
    for name in ("log_loss", "brier", "error"):
        mean = expected.losses(name, p, said, score).mean()
        assert expected.value(name, p, said, score) == pytest.approx(mean)


def test_a_ratio_of_few_expected_rows_is_not_told() -> None:
    p = np.full(100, 0.1)
    total = expected.sums(p, np.zeros(100, dtype=bool), p)
    assert expected.too_few("accuracy", total) is None
    assert (
        expected.too_few("recall", total)
        == "only 10.0 rows are expected to be positive; 30 are needed"
    )
    assert "predicted positive" in str(expected.too_few("precision", total))


@given(st.integers(0, 500), st.integers(2, 60))
def test_isotonic_maps_are_scikit_learns(seed: int, values: int) -> None:
    generator = np.random.default_rng(seed)
    score = generator.integers(0, values, 80) / values
    truth = generator.random(80) < score
    rows = calibrating.in_order(score, truth)
    ours = calibrating.isotonic(rows.score, rows.truth)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(score, truth)
    new = generator.random(50) * 1.4 - 0.2
    assert np.interp(new, ours.knots, ours.values) == pytest.approx(theirs.predict(new))


def test_a_calibrated_score_is_kept_and_a_sharpened_one_is_not() -> None:
    generator = np.random.default_rng(0)
    p = generator.random(6000)
    truth = generator.random(6000) < p
    kept, _ = calibrating.chosen(p, truth)
    learned, apart = calibrating.chosen(p**3 / (p**3 + (1 - p) ** 3), truth)
    assert (kept.form, learned.form) == ("raw", "isotonic")
    assert np.abs(apart - p).mean() < 0.03


@pytest.mark.parametrize(("rows", "form"), [(300, "beta"), (80, "platt"), (3000, "isotonic")])
def test_few_labels_have_few_parameters(rows: int, form: str) -> None:
    generator = np.random.default_rng(rows)
    z = generator.normal(size=rows)
    score, truth = 1 / (1 + np.exp(-3 * z)), generator.random(rows) < 1 / (1 + np.exp(-z))
    found = calibrating.fit(score, truth)
    line = found.probabilities(np.linspace(0.01, 0.99, 50))
    assert found.form == form
    assert (np.diff(line) >= 0.0).all()
    assert np.abs(found.probabilities(score) - 1 / (1 + np.exp(-z))).mean() < 0.1


def test_scores_that_are_no_probabilities_are_calibrated_too() -> None:
    generator = np.random.default_rng(4)
    z = generator.normal(size=400) * 3.0
    found, _ = calibrating.chosen(z, generator.random(400) < 1 / (1 + np.exp(-z)))
    assert found.form == "platt"
    assert found.probabilities(np.array([-2.0, 2.0])) == pytest.approx([0.12, 0.88], abs=0.06)


def test_one_class_alone_is_held_from_zero_and_one() -> None:
    found = calibrating.fit(np.linspace(0, 1, 40), np.zeros(40, dtype=bool))
    p = found.probabilities(np.array([0.0, 1.0]))
    assert ((p >= calibrating.LEAST) & (p < 0.2)).all()


def test_no_row_is_calibrated_by_its_own_block() -> None:
    score = np.tile(np.linspace(0.05, 0.95, 400), 5)
    truth = np.repeat([False, False, False, False, True], 400)
    apart = calibrating.out_of_fold(score, truth)
    assert apart[1600:].max() <= calibrating.LEAST
    assert apart[:1600].min() >= 0.2


def test_calibrations_drawn_again_scatter_less_with_more_rows() -> None:
    generator = np.random.default_rng(6)
    sd = {}
    for rows in (2000, 32_000):
        score = generator.random(rows)
        maps = wandering.drawn_again(score, generator.random(rows) < score, form="isotonic", seed=1)
        assert maps.values.shape == (50, maps.knots.size)
        sd[rows] = maps.values.mean(axis=1).std()
    assert 2.0 < sd[2000] / sd[32_000] < 8.0


def test_the_weight_laid_on_knots_is_the_rows() -> None:
    generator = np.random.default_rng(7)
    score = generator.random(1000)
    maps = wandering.drawn_again(score, score > 0.5, form="isotonic", seed=1)
    [mass] = maps.spread_over(score)
    assert mass.sum() == pytest.approx(1000.0)
    assert maps.values @ mass == pytest.approx(maps.probabilities(score).sum(axis=1))


def test_equal_inputs_are_not_told_apart_and_shifted_ones_are() -> None:
    generator = np.random.default_rng(8)
    flags = np.array([False, False, True])
    inputs = [
        Inputs(np.column_stack([generator.normal(m, 1, (800, 2)), generator.integers(0, 3, 800)]), flags)
        for m in (0.0, 0.0, 0.8)
    ]  # fmt: skip
    same, moved = (shift.shift(inputs[0], window, seed=3) for window in inputs[1:])
    assert abs(same.separable - 0.5) < 0.05
    assert not same.is_strong
    assert moved.separable > 0.7
    assert moved.effective < same.effective
    assert moved.weights.mean() == pytest.approx(1.0)
    weighted = np.average(inputs[0].values[:, 0], weights=moved.weights)
    assert 0.4 < weighted < 1.0


def test_numbers_beyond_the_reference_are_counted_but_not_what_chance_brings() -> None:
    generator = np.random.default_rng(9)
    reference, flags = generator.normal(size=(500, 8)), np.zeros(8, dtype=bool)
    usual = shift.outside(reference, generator.normal(size=(500, 8)), flags)
    beyond = shift.outside(reference, generator.normal(6.0, 1.0, size=(500, 8)), flags)
    assert usual < 0.03
    assert beyond > 0.9
    assert shift.outside(reference, np.full((5, 8), np.nan), flags) == 0.0
    assert shift.outside(reference, np.full((5, 8), 1e9), ~flags) == 0.0


def test_both_ways_to_the_mix_of_classes_agree_when_it_alone_changed() -> None:
    generator = np.random.default_rng(10)

    def rows(share: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
        truth = generator.random(n) < share
        x = generator.normal(np.where(truth, 1.0, -1.0), 1.0)
        p = 1 / (1 + np.exp(-2 * x - np.log(0.4 / 0.6)))
        return truth, p

    truth, p = rows(0.4)
    _, now = rows(0.7)
    before = np.array([0.6, 0.4])
    by_likelihood = priors.mix(np.column_stack([1 - now, now]), before)
    said = (p > 0.5).astype(int)
    confusion = np.histogram2d(said, truth, bins=2)[0] / truth.size
    shares = np.bincount(now > 0.5, minlength=2) / now.size
    by_confusion = priors.mix_by_confusion(confusion, shares)
    assert by_likelihood[1] == pytest.approx(0.7, abs=0.02)
    assert by_confusion[1] == pytest.approx(0.7, abs=0.02)
    assert priors.mix_by_confusion(np.full((2, 2), 0.25), shares) is None


def test_the_rivals_give_the_reference_back_where_nothing_moved() -> None:
    generator = np.random.default_rng(11)
    confidence = generator.uniform(0.5, 1.0, 20_000)
    right = generator.random(20_000) < confidence
    now = generator.uniform(0.5, 1.0, 20_000)
    accuracy = right.mean()
    assert rivals.average_threshold_confidence(confidence, right, now) == pytest.approx(
        accuracy, abs=0.02
    )
    assert rivals.difference_of_confidences(confidence, right, now) == pytest.approx(
        accuracy, abs=0.01
    )
    assert rivals.importance_weighted(right.astype(float), np.full(20_000, 2.0)) == pytest.approx(
        accuracy
    )


def test_labels_are_asked_for_by_the_width_that_they_are_to_give() -> None:
    assert sampling.labels_wanted(0.5, None, bounded=True) == math.ceil(
        0.25 * (1.959964 / 0.03) ** 2
    )
    spread = sampling.Spread(20.0, 1.0)
    assert sampling.labels_wanted(40.0, spread, bounded=False) == math.ceil(
        (20 * 1.959964 / 2) ** 2
    )
    assert sampling.labels_wanted(0.0, spread, bounded=False) == 0


def test_a_loss_beyond_the_usual_fails_and_too_few_cohorts_judge_nothing() -> None:
    generator = np.random.default_rng(12)
    known = residual.usual(generator.normal(0.0, 0.1, 14), loss=1.0, rows=336)
    usual = residual.judged("residual", known, generator.normal(0.0, 0.1, 7), alpha=0.004, rows=168)
    worse = residual.judged("residual", known, generator.normal(0.4, 0.1, 7), alpha=0.004, rows=168)
    short = residual.usual(generator.normal(size=7), loss=1.0, rows=70)
    blind = residual.judged("residual", short, np.ones(7), alpha=0.004, rows=70)
    assert (usual.verdict, usual.basis) == (Verdict.PASSED, Basis.PROVISIONAL)
    assert (worse.verdict, worse.effect > 0.2) == (Verdict.FAILED, True)
    assert (blind.verdict, blind.reason) == (Verdict.INCONCLUSIVE, "uncalibrated")
    empty = residual.judged("residual", known, np.empty(0), alpha=0.004, rows=0)
    assert (empty.verdict, empty.reason) == (Verdict.INCONCLUSIVE, "insufficient")


def test_days_that_are_alike_are_worth_fewer() -> None:
    generator = np.random.default_rng(13)
    steps = generator.normal(size=60)
    alike = np.convolve(steps, np.ones(6), mode="valid")
    assert residual.usual(alike, loss=1.0, rows=1).worth < 0.4
    assert residual.usual(steps, loss=1.0, rows=1).worth > 0.7


def test_quiet_cohorts_alarm_about_as_often_as_the_budget_allows() -> None:
    generator = np.random.default_rng(14)
    alarms = 0
    for _ in range(2000):
        wander = generator.normal(size=21)
        days = 1.0 + wander
        known = residual.usual(days[:14] - 1.0, loss=1.0, rows=336)
        found = residual.judged("residual", known, days[14:] - 1.0, alpha=0.02, rows=168)
        alarms += found.verdict is Verdict.FAILED
    assert alarms / 2000 < 0.035


def test_cohorts_of_few_rows_say_nothing() -> None:
    values = np.array([1.0, 1.0, 1.0, 1.0, 3.0, 9.0, np.nan])
    cohort = np.array([4, 4, 4, 4, 4, 7, 7])
    assert residual.cohort_means(values, cohort).tolist() == [1.4]
