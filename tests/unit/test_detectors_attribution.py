"""Causes: the parts add up, what was planted is found, and only what changed gets the credit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from detectors.attribution import credit, slices
from detectors.attribution.moved import main_effects, moved
from detectors.estimation.shift import Inputs
from detectors.finding import Basis, Finding, Verdict
from detectors.multiplicity import benjamini_hochberg


def side(losses, *codes) -> slices.Side:
    return slices.Side(np.asarray(losses, float), [np.asarray(c, np.int64) for c in codes])


ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.floats(-1e3, 1e3, allow_nan=False)), min_size=1, max_size=60
)


@given(ROWS, ROWS)
def test_what_the_slices_give_adds_up_to_the_change_of_the_loss(before, after) -> None:
    sides = [side([loss for _, loss in rows], [code for code, _ in rows])
             for rows in (before, after)]  # fmt: skip
    sums = [slices.summed(each, 0, 5) for each in sides]
    within, mix = slices.parted(*sums)
    change = sides[1].losses.mean() - sides[0].losses.mean()
    assert within.sum() + mix.sum() == pytest.approx(change, abs=1e-9)


def planted(seed: int, *, size: int = 4000, rise: float = 1.5, where=lambda a, b: a == 2):
    """Two columns of five and four parts; the loss rises in one place alone."""
    generator = np.random.default_rng(seed)
    sides = []
    for moved_ in (0.0, rise):
        a, b = generator.integers(0, 5, size), generator.integers(0, 4, size)
        losses = generator.exponential(1.0, size) + moved_ * where(a, b)
        sides.append(side(losses, a, b))
    return sides


def test_a_slice_in_which_the_loss_rose_is_found_first() -> None:
    before, after = planted(1)
    found = slices.worst(before, after, [5, 4])
    assert found[0].places == ((0, 2),)
    assert found[0].within == pytest.approx(1.5 * 0.2, abs=0.05)
    assert found[0].effect > 1.0
    assert found[0].p_value < 1e-6
    assert len(found) == 1


def test_a_pair_that_is_to_blame_is_told_and_its_parts_are_not() -> None:
    before, after = planted(2, rise=3.0, where=lambda a, b: (a == 1) & (b == 3))
    (found,) = slices.worst(before, after, [5, 4])
    assert found.places == ((0, 1), (1, 3))
    assert found.within == pytest.approx(3.0 / 20, rel=0.2)


def large_parts(seed: int, rise: float, where) -> list[tuple[tuple[int, int], ...]]:
    """What is told where two parts of half and two fifths of the rows make a pair of a fifth."""
    generator = np.random.default_rng(seed)
    sides = []
    for factor in (1.0, rise):
        a = generator.choice(3, 10_000, p=[0.5, 0.3, 0.2])
        b = generator.choice(3, 10_000, p=[0.4, 0.4, 0.2])
        losses = np.abs(generator.normal(size=10_000)) * np.where(where(a, b), factor, 1.0)
        sides.append(side(losses, a, b))
    return [found.places for found in slices.worst(*sides, [3, 3])]


@pytest.mark.parametrize("rise", [1.5, 2.0, 3.0])
def test_a_pair_is_told_where_its_parts_stand_out_by_it_alone(rise: float) -> None:
    """By twice, both parts stand out, and the pair by less than as much again."""
    assert large_parts(7, rise, lambda a, b: (a == 0) & (b == 0)) == [((0, 0), (1, 0))]


@pytest.mark.parametrize("rise", [2.0, 3.0])
def test_a_part_is_told_where_all_of_it_rose(rise: float) -> None:
    for seed in range(5):
        assert large_parts(seed, rise, lambda a, b: a == 0) == [((0, 0),)]


def test_a_slice_that_was_always_bad_is_no_cause() -> None:
    generator = np.random.default_rng(3)
    sides = []
    for _ in range(2):
        a = generator.integers(0, 4, 4000)
        sides.append(side(generator.exponential(1.0, 4000) + 3.0 * (a == 0), a))
    assert slices.worst(*sides, [4]) == []


def test_without_a_change_hardly_a_slice_is_blamed() -> None:
    blamed = sum(bool(slices.worst(*planted(seed, rise=0.0), [5, 4])) for seed in range(60))
    assert blamed <= 3


def test_small_slices_are_left_out_and_new_ones_are_compared_with_all() -> None:
    generator = np.random.default_rng(4)
    losses = generator.exponential(1.0, 5000)
    few = np.zeros(5000, int)
    few[:49] = 1
    assert slices.worst(side(losses, 0 * few), side(losses + 9.0 * few, few), [2]) == []
    few[:300] = 1
    (found,) = slices.worst(side(losses, 0 * few), side(losses + 2.0 * few, few), [2])
    assert (found.places, found.rows, found.rows_reference) == (((0, 1),), 300, 0)
    assert found.loss_reference is None
    assert found.within == pytest.approx(300 / 5000 * (found.loss - losses.mean()))


def test_the_test_of_a_slice_is_welchs_where_the_reference_is_large_and_even() -> None:
    generator = np.random.default_rng(5)
    a = np.arange(2000) % 4
    now = generator.normal(2.0, 1.0, 2000) + 0.3 * (a == 1)
    before = np.tile(np.array([1.0, 3.0, 1.0, 3.0]), 50_000)
    codes = np.repeat(np.arange(4), 50_000)
    found = slices._judged(
        slices._whole(side(before, codes)), slices._whole(side(now, a)),
        (slices.summed(side(before, codes), 0, 4), slices.summed(side(now, a), 0, 4)),
        [((0, part),) for part in range(4)],
    )[1]  # fmt: skip
    welch = stats.ttest_ind(now[a == 1], now[a != 1], equal_var=False, alternative="greater")
    assert np.log(found.p_value) == pytest.approx(np.log(welch.pvalue), rel=0.02)


def test_benjamini_hochberg_is_scipys() -> None:
    p = np.random.default_rng(6).random(30) ** 2
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))
    assert benjamini_hochberg([]).size == 0


def drifted(seed: int, *, inputs: float, answers: float):
    """Squared losses of a fixed model; either the inputs move or the label's law does."""
    generator = np.random.default_rng(seed)
    sides = []
    for moving in (0.0, 1.0):
        x = generator.normal(moving * inputs, 1.0, (4000, 2))
        label = x[:, 0] + 0.5 * np.square(x[:, 0]) + generator.normal(0, 0.5, 4000)
        label = label + moving * answers * (1.0 + 0.2 * x[:, 1])
        sides.append((Inputs(x, np.zeros(2, bool)), np.square(label - x[:, 0])))
    return sides


@pytest.mark.parametrize(("inputs", "answers"), [(1.0, 0.0), (0.0, 1.0)])
def test_the_only_mechanism_that_changed_gets_over_nine_tenths_of_the_credit(
    inputs, answers
) -> None:
    found = credit.credit(*drifted(7, inputs=inputs, answers=answers), seed=1)
    assert found.inputs + found.answers == pytest.approx(found.change, abs=1e-9)
    share = (found.inputs if inputs else found.answers) / found.change
    assert 0.9 < share < 1.1
    assert found.effective > 0.05


def test_inputs_that_have_nothing_in_common_are_refused_with_the_reason() -> None:
    found = credit.credit(*drifted(8, inputs=9.0, answers=0.0), seed=1)
    assert (found.inputs, found.answers) == (None, None)
    assert "at least 5%" in found.reason


def finding(column: str, statistic: float, p: float, effect: float, **changes) -> Finding:
    return Finding(
        column=column, detector=changes.pop("detector", "jensen_shannon"), statistic=statistic,
        p_value=p, effect=effect, threshold=changes.pop("threshold", 4.0),
        verdict=Verdict.PASSED, **changes,
    )  # fmt: skip


def test_what_moved_is_told_in_order_with_its_share_and_holms_level() -> None:
    findings = [
        finding("a", 6.0, 1e-4, 0.3),
        finding("a", 2.0, 0.3, 1.0, detector="a1"),
        finding("b", 3.0, 0.04, 0.1),
        finding("c", -1.0, 0.8, 0.0),
        finding("*", 9.0, 0.0, 1.0),
        finding("b", 9.0, 0.0, 1.0, segment="x=1"),
        finding("shown", 0.2, None, 0.0, threshold=None),
    ]
    found = moved(findings, None)
    assert [row.column for row in found] == ["a", "b", "c", "shown"]
    assert found[0].share == pytest.approx(0.9)
    assert [row.stands_out for row in found] == [True, False, False, False]
    assert found[0].p_value == pytest.approx(2e-4 * 4)
    assert (found[3].z, found[3].p_value, found[3].weight) == (None, None, None)
    weighted = moved(findings, {"a": 0.01, "b": -0.5})
    assert [row.column for row in weighted][:2] == ["b", "a"]
    assert weighted[0].weight == pytest.approx(3.0)
    assert weighted[1].importance == pytest.approx(0.02)


def test_the_main_effect_of_a_column_is_its_share_of_the_predictions_variance() -> None:
    generator = np.random.default_rng(9)
    a, b, noise = (generator.integers(0, 8, 50_000) for _ in range(3))
    found = main_effects([a, b, noise], 2.0 * a + 1.0 * b)
    assert found[0] == pytest.approx(0.8, abs=0.01)
    assert found[1] == pytest.approx(0.2, abs=0.01)
    assert found[2] < 0.001
    assert main_effects([a], np.ones(50_000)) == [0.0]


def test_a_hard_limit_is_no_score_in_standard_deviations() -> None:
    hard = Finding(
        column="x", detector="missing", statistic=0.41, threshold=0.2, p_value=1e-71,
        verdict=Verdict.FAILED, basis=Basis.HARD,
    )  # fmt: skip
    shown = Finding(
        column="x", detector="jensen_shannon", statistic=0.3, effect=0.3,
        verdict=Verdict.INCONCLUSIVE,
    )  # fmt: skip
    [found] = moved([hard, shown], None)
    assert (found.z, found.p_value, found.stands_out) == (None, None, False)
    assert (found.detector, found.share) == ("jensen_shannon", 1.0)
