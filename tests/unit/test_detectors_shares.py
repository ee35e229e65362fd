"""Tests and distances of levels and of bins against SciPy and closed forms; weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from detectors import jensen_shannon, psi, share_distances, tails
from detectors.chi_squared import chi_squared
from detectors.chi_squared import statistic as pearson
from detectors.finding import Reason
from detectors.g_test import g_test
from detectors.hashed_levels import HashedLevelsParams, buckets, hashed_levels
from detectors.proportions import ProportionParams, two_proportions
from detectors.share_distances import ShareParams, hellinger, l_infinity, total_variation
from tests.columns import booleans, levels, numeric

DISTANCES = (hellinger, total_variation, l_infinity)
COUNTS = arrays(np.int64, 6, elements=st.integers(0, 500)).filter(lambda c: c.sum() > 0)


@given(COUNTS, COUNTS)
def test_distances_of_shares_keep_their_order(first, second) -> None:
    squared = float(share_distances.squared_hellinger(first, second))
    varied = float(share_distances.total_variations(first, second))
    p, q = first / first.sum(), second / second.sum()
    assert squared == pytest.approx(1.0 - np.sqrt(p * q).sum(), abs=1e-12)
    assert varied == pytest.approx(np.abs(p - q).sum() / 2.0)
    assert 0.0 <= varied <= 1.0 + 1e-12
    assert squared - 1e-12 <= varied <= np.sqrt(2.0 * squared) + 1e-12
    assert float(jensen_shannon.distance(first, second)) ** 2 <= varied + 1e-12
    assert float(share_distances.greatest_differences(first, second)) <= varied + 1e-12
    for distance in (share_distances.squared_hellinger, share_distances.total_variations,
                     share_distances.greatest_differences, jensen_shannon.distance):  # fmt: skip
        assert distance(first, second) == pytest.approx(distance(second, first), abs=1e-12)


def test_small_shifts_tie_psi_hellinger_and_jensen_shannon_together() -> None:
    p, q = np.array([500_000, 300_000, 200_000]), np.array([503_000, 299_000, 198_000])
    index, squared = psi.index(p, q), float(share_distances.squared_hellinger(p, q))
    assert index == pytest.approx(8.0 * squared, rel=1e-4)
    assert index == pytest.approx(
        8.0 * np.log(2.0) * float(jensen_shannon.distance(p, q)) ** 2, rel=1e-4
    )


@pytest.mark.parametrize("detector", DISTANCES)
def test_without_change_chance_is_taken_off_the_effect(detector) -> None:
    generator = np.random.default_rng(17)
    found = [
        detector(numeric(generator.normal(size=2000)), numeric(generator.normal(size=300)))
        for _ in range(40)
    ]
    statistics, effects = ([getattr(f, name) for f in found] for name in ("statistic", "effect"))
    assert 0.0 <= np.mean(effects) < 0.3 * np.mean(statistics)


def test_the_p_value_of_hellinger_holds_its_level_without_change() -> None:
    generator = np.random.default_rng(19)
    found = [
        hellinger(numeric(generator.normal(size=3000)), numeric(generator.normal(size=600))).p_value
        for _ in range(200)
    ]
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.10
    assert hellinger(numeric(np.arange(90.0)), numeric(np.arange(40.0))).p_value is None


def test_g_equals_scipys_likelihood_ratio() -> None:
    generator = np.random.default_rng(7)
    for _ in range(50):
        shares = generator.dirichlet(np.full(5, 20.0))
        first, second = (generator.choice(list("abcde"), n, p=shares) for n in (900, 700))
        table = [[int((s == level).sum()) for level in "abcde"] for s in (first, second)]
        expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
        found = g_test(levels(first), levels(second))
        assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
        assert found.p_value == pytest.approx(expected.pvalue)
    one = levels(["a"] * 40)
    assert (g_test(one, one).statistic, g_test(one, one).p_value) == (0.0, 1.0)


@given(st.integers(1, 200), st.integers(0, 200), st.integers(1, 200), st.integers(0, 200))
def test_the_square_of_z_is_chi_squared_of_the_same_table(yes, no, yes_now, no_now) -> None:
    if min(yes + no, yes_now + no_now) < 2:
        return
    first, second = (booleans([True] * a + [False] * b) for a, b in ((yes, no), (yes_now, no_now)))
    found = two_proportions(first, second)
    assert found.effect == pytest.approx(yes_now / (yes_now + no_now) - yes / (yes + no))
    if no + no_now == 0:
        assert (found.statistic, found.p_value) == (0.0, 1.0)
        return
    table = np.array([[yes, no], [yes_now, no_now]])
    assert found.statistic**2 == pytest.approx(pearson(*table), abs=1e-9)
    assert found.p_value == pytest.approx(tails.chi2_sf(found.statistic**2, 1), abs=1e-12)
    shown = chi_squared(first, second)
    if table.sum(axis=0).min() * min(table.sum(axis=1)) / table.sum() >= 5:
        assert found.statistic**2 == pytest.approx(shown.statistic)


def test_only_booleans_have_two_proportions() -> None:
    text, flags = levels(["true", "false"] * 30), booleans([True, False, None] * 30)
    assert two_proportions(text, text).reason == Reason.NOT_APPLICABLE
    assert two_proportions(booleans([None] * 40), flags).reason == Reason.NOT_APPLICABLE
    found = two_proportions(flags, booleans([True] * 60), ProportionParams(threshold=3.0))
    assert (found.verdict, found.rows, found.rows_reference) == ("failed", 60, 60)


def test_a_level_falls_into_the_same_bucket_always_and_buckets_add_up() -> None:
    names = [f"user-{i}" for i in range(5000)]
    first, second = levels(names), levels([*names[::-1], None])
    assert buckets(first, 64, 0).tolist() == buckets(second, 64, 0).tolist()
    assert buckets(first, 64, 0).tolist() != buckets(first, 64, 1).tolist()
    assert buckets(levels(["a", "ä", ""]), 8, 0).tolist() == [0, 1, 0, 1, 0, 0, 1, 0]
    parts = [levels(names[at : at + 1000]) for at in range(0, 5000, 1000)]
    assert sum(buckets(part, 64, 5) for part in parts).tolist() == buckets(first, 64, 5).tolist()
    spread = stats.chisquare(buckets(first, 64, 0))
    assert spread.pvalue > 0.001


def test_a_hundred_thousand_levels_are_compared_over_buckets() -> None:
    generator = np.random.default_rng(3)
    names = np.char.add("k", np.arange(100_000).astype(str))
    reference = levels(names)
    same, moved = (levels(generator.choice(names[:most], 20_000)) for most in (100_000, 40))
    assert hashed_levels(reference, same).effect < 0.02
    found = hashed_levels(reference, moved, HashedLevelsParams(threshold=0.2))
    assert (found.verdict, found.effect > 0.3) == ("failed", True)


def test_a_threshold_fixed_by_hand_is_passed_or_failed() -> None:
    first, second = levels(list("ab" * 50)), levels(list("ab" * 30 + "c" * 40))
    for detector in DISTANCES:
        assert detector(first, second, ShareParams(threshold=0.3)).verdict == "failed"
        assert detector(first, second, ShareParams(threshold=0.95)).verdict == "passed"
