"""Gaps between groups: figures are scikit-learn's, intervals hold for all groups at once."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from detectors.fairness import gaps
from detectors.labelled import Given
from tests.columns import chunked

FIGURES = {
    "selection_rate": lambda y, p: p.mean(),
    "true_positive_rate": sk.recall_score,
    "false_positive_rate": lambda y, p: 1.0 - sk.recall_score(y, p, pos_label=False),
    "precision": sk.precision_score,
    "accuracy": sk.accuracy_score,
}


def text(flags):
    return chunked(np.where(flags, "yes", "no").tolist())


def decided(seed: int, rows: int, *, favour: float = 0.0, groups: int = 3):
    """Scores that decide; one group is decided upon by a lower bar."""
    generator = np.random.default_rng(seed)
    group = generator.integers(0, groups, rows)
    score = generator.random(rows)
    truth = generator.random(rows) < score
    return group, truth, score + favour * (group == 1) > 0.5, score


def binary(truth, predicted, score) -> Given:
    return Given("binary", text(truth), text(predicted), {"yes": chunked(score)})


def test_each_gap_is_the_groups_figure_less_that_of_all_others() -> None:
    group, truth, predicted, score = decided(1, 900)
    found = {(g.measure, g.part): g for g in gaps(binary(truth, predicted, score), group, 3)}
    for name, figure in FIGURES.items():
        for at in range(3):
            mine, gap = group == at, found[name, at]
            assert gap.value == pytest.approx(figure(truth[mine], predicted[mine]))
            assert gap.rest == pytest.approx(figure(truth[~mine], predicted[~mine]))
            assert gap.difference == pytest.approx(gap.value - gap.rest)
            assert gap.ratio == pytest.approx(gap.value / gap.rest)
            assert gap.interval.low < gap.difference < gap.interval.high
    over = found["calibration", 0]
    mine = group == 0
    assert over.value == pytest.approx((truth[mine] - score[mine]).mean())


def test_a_group_with_a_lower_bar_is_plainly_favoured_and_the_others_are_not() -> None:
    group, truth, predicted, score = decided(2, 6000, favour=0.3)
    found = gaps(binary(truth, predicted, score), group, 3)
    plain = {(g.measure, g.part) for g in found if g.is_plain}
    assert {("selection_rate", 1), ("true_positive_rate", 1), ("false_positive_rate", 1)} <= plain
    assert not any(measure == "calibration" for measure, _ in plain)
    (gap,) = [g for g in found if (g.measure, g.part) == ("selection_rate", 1)]
    assert gap.difference == pytest.approx(0.3, abs=0.04)
    assert gap.p_value < 1e-10


def test_without_a_gap_all_intervals_hold_nought_nine_times_in_ten() -> None:
    held = 0
    for seed in range(150):
        group, truth, predicted, score = decided(100 + seed, 600, groups=4)
        found = gaps(binary(truth, predicted, score), group, 4)
        rates = [g for g in found if g.measure == "selection_rate"]
        held += all(g.interval.low <= 0.0 <= g.interval.high for g in rates)
        assert not any(g.is_plain for g in rates)
    assert 0.84 <= held / 150 <= 0.98


def test_small_groups_have_rows_and_no_figures() -> None:
    group, truth, predicted, score = decided(3, 400, groups=2)
    group[:10], group[10:15] = 2, -1
    found = [g for g in gaps(binary(truth, predicted, score), group, 5) if g.measure == "accuracy"]
    assert [(g.part, g.value is None) for g in found] == [(0, False), (1, False), (2, True)]
    assert (found[2].rows, found[2].interval, found[2].is_plain) == (10, None, False)
    assert sum(g.rows for g in found) == 395


def test_numbers_are_compared_by_their_errors_with_welchs_interval() -> None:
    generator = np.random.default_rng(4)
    group = np.arange(600) % 2
    truth = generator.normal(size=600)
    predicted = truth + generator.normal(0.5 * group, 1.0 + group)
    found = {(g.measure, g.part): g for g in
             gaps(Given("regression", chunked(truth), chunked(predicted)), group, 2)}  # fmt: skip
    error = predicted - truth
    test = stats.ttest_ind(error[group == 1], error[group == 0], equal_var=False)
    bias = found["bias", 1]
    assert bias.difference == pytest.approx(error[group == 1].mean() - error[group == 0].mean())
    expected = test.confidence_interval(0.95)
    assert (bias.interval.low, bias.interval.high) == pytest.approx((expected.low, expected.high))
    assert bias.p_value == pytest.approx(min(1.0, 2 * test.pvalue))
    assert found["mae", 1].is_plain
    assert found["mae", 1].floor == pytest.approx(0.1 * np.abs(error).mean())


def test_several_classes_are_compared_by_accuracy_and_even_errors_are_no_gap() -> None:
    label = chunked(["a", "b", "c"] * 40)
    group = np.repeat([0, 1], 60)
    found = gaps(Given("multiclass", label, label), group, 2)
    assert [(g.measure, g.difference, g.p_value) for g in found] == [("accuracy", 0.0, 1.0)] * 2
    ones = chunked(np.ones(120))
    even = gaps(Given("regression", ones, ones), group, 2)
    assert [(g.interval.low, g.ratio, g.p_value) for g in even] == [(0.0, None, 1.0)] * 4


def test_without_scores_calibration_is_not_compared() -> None:
    group, truth, predicted, _ = decided(5, 300)
    found = gaps(Given("binary", text(truth), text(predicted)), group, 3)
    assert {gap.measure for gap in found} == set(FIGURES)
