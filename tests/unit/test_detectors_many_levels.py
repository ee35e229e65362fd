"""Levels too many for a bin each, compared one by one."""

import numpy as np
import pytest
from scipy import stats

from detectors.finding import Reason, Verdict
from detectors.many_levels import ManyLevelsParams, aligned, chi_squared, many_levels, moments
from detectors.reading import levels as counted
from tests.columns import levels, numeric


def drawn(generator, size, most):
    return levels([f"c{k}" for k in generator.integers(0, most, size)])


def test_the_statistic_is_pearsons_over_all_levels() -> None:
    generator = np.random.default_rng(1)
    a, b = drawn(generator, 900, 300), drawn(generator, 400, 350)
    first, second = aligned(*(counted(each)[:2] for each in (a, b)))
    expected = stats.chi2_contingency(np.array([first, second]), correction=False).statistic
    assert chi_squared(first, second) == pytest.approx(expected)
    found = many_levels(a, b)
    assert found.statistic == pytest.approx(np.sqrt(expected / (4 * 900 * 400 / 1300)))


def test_its_moments_are_those_of_rows_that_are_parted_by_chance() -> None:
    generator = np.random.default_rng(2)
    both = np.bincount(generator.zipf(1.6, 600) % 150)
    both = both[both > 0]
    rows = np.repeat(np.arange(both.size), both)
    found = []
    for _ in range(3000):
        generator.shuffle(rows)
        second = np.bincount(rows[:200], minlength=both.size).astype(float)
        found.append(chi_squared(both - second, second))
    mean, variance = moments(both - second, second)
    assert np.mean(found) == pytest.approx(mean, rel=0.01)
    assert np.var(found) == pytest.approx(variance, rel=0.12)


def test_without_a_change_its_p_value_is_about_uniform_however_rare_levels_are() -> None:
    for most, sizes in ((300, (1500, 300)), (3000, (4000, 4000)), (400, (8000, 200))):
        generator = np.random.default_rng(3)
        p = [many_levels(*(drawn(generator, n, most) for n in sizes)).p_value for _ in range(60)]
        assert 0.25 < np.mean(np.array(p) < 0.5) < 0.75
        assert np.mean(np.array(p) < 0.05) < 0.12


def test_half_of_the_levels_lost_and_all_of_them_other_are_far() -> None:
    generator = np.random.default_rng(4)
    whole, same, half = (drawn(generator, 20_000, most) for most in (12_000, 12_000, 6_000))
    other = levels([f"d{k}" for k in generator.integers(0, 12_000, 20_000)])
    effects = [many_levels(whole, each).effect for each in (same, half, other)]
    assert effects[0] < 0.1
    assert effects[1] > 0.3
    assert effects[2] > 0.6
    p = [many_levels(whole, each).p_value for each in (half, other)]
    assert max(p) < 1e-12


def test_what_it_is_not_for_and_what_is_too_little() -> None:
    generator = np.random.default_rng(5)
    many = drawn(generator, 2000, 500)
    assert many_levels(levels([str(k) for k in range(500)]), many).reason == Reason.NOT_APPLICABLE
    assert many_levels(numeric([1.0] * 40), numeric([1.0] * 40)).reason == Reason.NOT_APPLICABLE
    assert many_levels(many, levels([])).reason is not None
    assert many_levels(many, levels(["c1"] * 5)).reason == Reason.INSUFFICIENT
    same = many_levels(many, many, ManyLevelsParams(threshold=0.2))
    assert (same.statistic, same.effect, same.verdict) == (0.0, 0.0, Verdict.PASSED)
    assert same.p_value == pytest.approx(1.0)
    one = many_levels(many, levels(["new"] * 400), ManyLevelsParams(threshold=0.2))
    assert (one.statistic, one.verdict) == (1.0, Verdict.FAILED)
