"""The shown detectors against SciPy, and against figures worked out by hand."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from scipy.spatial import distance as spatial

from detectors import counting, numeric_bins
from detectors.chi_squared import ChiSquaredParams, chi_squared
from detectors.finding import Basis, Kind, Reason, Sample, Verdict
from detectors.jensen_shannon import JensenShannonParams, jensen_shannon
from detectors.jensen_shannon import distance as js_distance
from detectors.ks import KsParams, ks
from detectors.multiplicity import holm
from detectors.new_levels import NewLevelsParams, new_levels
from detectors.psi import PsiParams, index, psi
from detectors.wasserstein import Masses, WassersteinParams, area, binned, wasserstein
from detectors.wasserstein import distance as w_distance
from tests.columns import booleans, levels, numeric


def pairs():
    """Two hundred pairs of samples: unequal sizes, ties, shifts, heavy tails."""
    generator = np.random.default_rng(11)
    for _ in range(200):
        m, n = generator.integers(2, 400, size=2)
        draw = generator.choice(["normal", "lognormal", "poisson", "rounded"])
        first, second = (_draw(generator, draw, int(size)) for size in (m, n))
        yield first, second + generator.choice([0.0, 0.3])


def _draw(generator, kind, size):
    match kind:
        case "normal":
            return generator.normal(size=size)
        case "lognormal":
            return generator.lognormal(0.0, 2.0, size=size)
        case "poisson":
            return generator.poisson(2.0, size=size).astype(float)
        case _:
            return generator.normal(size=size).round(1)


def test_ks_equals_scipy_on_two_hundred_pairs_with_and_without_ties() -> None:
    for first, second in pairs():
        found = ks(numeric(first), numeric(second))
        m, n = first.size, second.size
        expected = stats.ks_2samp(first, second, method="asymp").statistic
        assert found.statistic == pytest.approx(expected, abs=1e-12)
        law = stats.kstwo.sf(found.statistic, max(1, round(m * n / (m + n))))
        assert found.p_value == pytest.approx(law, abs=1e-12)


def test_the_exact_ks_p_value_is_scipys() -> None:
    generator = np.random.default_rng(3)
    first, second = generator.normal(size=60), generator.normal(0.4, size=45)
    found = ks(numeric(first), numeric(second), KsParams(p_value="exact"))
    assert found.p_value == pytest.approx(stats.ks_2samp(first, second, method="exact").pvalue)
    assert ks(numeric(first), numeric(second), KsParams(p_value="none")).p_value is None


def test_wasserstein_equals_scipy_in_reference_standard_deviations() -> None:
    for first, second in pairs():
        moved = w_distance(first, second)
        assert moved == pytest.approx(stats.wasserstein_distance(first, second), rel=1e-12)
        found = wasserstein(numeric(first), numeric(second))
        if first.std() > 0.0:
            assert found.statistic == pytest.approx(moved / first.std())
            assert found.effect == moved


def test_the_golden_figures_of_two_seeded_normal_samples() -> None:
    generator = np.random.default_rng(1)
    first, second = generator.normal(size=300), generator.normal(0.1, size=200)
    found = ks(numeric(first), numeric(second))
    assert found.statistic == pytest.approx(2 / 15)
    assert found.p_value == pytest.approx(0.0254291, abs=1e-7)
    assert w_distance(first, second) == pytest.approx(0.276343, abs=1e-6)


def test_jensen_shannon_equals_scipys_distance_in_base_two() -> None:
    generator = np.random.default_rng(5)
    for _ in range(200):
        size = int(generator.integers(2, 30))
        first, second = generator.poisson(3.0, size=(2, size)) + np.eye(2, size, dtype=np.int64)
        expected = spatial.jensenshannon(first, second, base=2)
        assert js_distance(first, second) == pytest.approx(expected, abs=1e-12)


def test_chi_squared_equals_scipy_without_correction() -> None:
    generator = np.random.default_rng(7)
    for _ in range(50):
        shares = generator.dirichlet(np.ones(5) * 5.0)
        first, second = (generator.choice(list("abcde"), n, p=shares) for n in (900, 700))
        found = chi_squared(levels(first), levels(second))
        table = [[int((s == level).sum()) for level in "abcde"] for s in (first, second)]
        if np.array(table).min() < 12:
            continue
        expected = stats.chi2_contingency(table, correction=False)
        assert found.statistic == pytest.approx(expected.statistic)
        assert found.p_value == pytest.approx(expected.pvalue)
        assert found.effect == pytest.approx(np.sqrt(expected.statistic / 1600))


def test_the_square_of_the_two_proportions_z_is_chi_squared_of_booleans() -> None:
    first, second = [True] * 30 + [False] * 70, [True] * 70 + [False] * 80
    p, q, pooled = 0.30, 70 / 150, 100 / 250
    z = (q - p) / np.sqrt(pooled * (1 - pooled) * (1 / 100 + 1 / 150))
    assert chi_squared(booleans(first), booleans(second)).statistic == pytest.approx(z * z)


def test_levels_expected_fewer_than_five_times_are_put_together() -> None:
    first = np.array([100, 90, 4, 3, 0, 0])
    second = np.array([100, 95, 2, 0, 5, 0])
    one, two = counting.merged(first, second)
    assert one.tolist() == [100, 90, 7]
    assert two.tolist() == [100, 95, 7]
    one, two = counting.merged(np.array([100, 50, 1]), np.array([100, 50, 0]))
    assert (one.tolist(), two.tolist()) == ([100, 51], [100, 50])


def test_psi_is_the_closed_form_over_reference_deciles() -> None:
    generator = np.random.default_rng(9)
    first, second = generator.normal(size=2000), generator.normal(0.2, size=500)
    edges = np.quantile(first, np.arange(1, 10) / 10)
    counts = [np.histogram(s, [-np.inf, *edges, np.inf])[0] for s in (first, second)]
    p, q = ((c + 0.5) / (c.sum() + 5.0) for c in counts)
    found = psi(numeric(first), numeric(second))
    assert found.statistic == pytest.approx(float(np.sum((q - p) * np.log(q / p))))
    spread = 1 / 2000 + 1 / 500
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic / spread, 9))
    assert found.effect == pytest.approx(found.statistic - 9 * spread)


def test_the_mean_psi_without_change_is_the_bins_less_one_times_the_sizes() -> None:
    generator = np.random.default_rng(13)
    draws = [
        index(generator.multinomial(5000, [0.1] * 10), generator.multinomial(500, [0.1] * 10))
        for _ in range(2000)
    ]
    expected = 9 * (1 / 5000 + 1 / 500)
    error = float(np.std(draws) / np.sqrt(len(draws)))
    assert np.mean(draws) == pytest.approx(expected, abs=3 * error + 0.02 * expected)


def test_small_shifts_tie_psi_and_jensen_shannon_together() -> None:
    p, q = np.array([5000, 5000]), np.array([5200, 4800])
    assert js_distance(p, q) == pytest.approx(np.sqrt(index(p, q) / (8 * np.log(2))), rel=1e-3)


def test_quantiles_equal_numpys_linear_ones() -> None:
    values = np.sort(np.random.default_rng(2).exponential(size=137))
    expected = np.quantile(values, np.arange(1, 64) / 64)
    assert numeric_bins.quantiles(values, 64) == pytest.approx(expected, rel=1e-12)


def test_a_quantile_between_equal_values_is_that_value() -> None:
    values = np.sort(np.random.default_rng(4).normal(size=500).round(1))
    lower, upper = (
        np.quantile(values, np.arange(1, 64) / 64, method=method) for method in ("lower", "higher")
    )
    found, tied = numeric_bins.quantiles(values, 64), lower == upper
    assert found[tied].tolist() == lower[tied].tolist()
    assert tied.sum() == 57


def test_few_whole_numbers_are_compared_value_by_value() -> None:
    rare, common = (np.arange(1000) < ones for ones in (20, 300))
    first, second = (numeric(ones.astype(float)) for ones in (rare, common))
    assert psi(first, second).statistic == pytest.approx(
        index(np.array([980, 20]), np.array([700, 300]))
    )
    expected = spatial.jensenshannon([0.98, 0.02], [0.7, 0.3], base=2)
    assert jensen_shannon(first, second).statistic == pytest.approx(expected)


def test_the_binned_wasserstein_distance_is_close_to_the_exact_one() -> None:
    generator = np.random.default_rng(17)
    first, second = generator.normal(size=4000), generator.normal(0.3, 1.2, size=800)
    edges = np.quantile(first, np.arange(1, 64) / 64)
    masses = [
        Masses(
            np.bincount(edges.searchsorted(s, "right"), minlength=64),
            np.bincount(edges.searchsorted(s, "right"), weights=s, minlength=64),
        )
        for s in (first, second)
    ]
    exact = stats.wasserstein_distance(first, second)
    assert binned(*masses, edges) == pytest.approx(exact, rel=0.02)
    assert binned(masses[0], masses[0], edges) == pytest.approx(0.0, abs=1e-12)


def test_the_area_is_the_mean_distance_of_the_distribution_functions_at_the_edges() -> None:
    reference, window = np.array([25, 25, 25, 25]), np.array([[40, 30, 20, 10]])
    assert area(reference, window).tolist() == pytest.approx([(0.15 + 0.20 + 0.15) / 3])


SHOWN = [ks, psi, jensen_shannon, wasserstein]
THRESHOLDS = [KsParams, PsiParams, JensenShannonParams, WassersteinParams]


@pytest.mark.parametrize("detector", SHOWN)
def test_without_a_threshold_a_detector_shows_and_judges_nothing(detector) -> None:
    found = detector(numeric(np.arange(100.0)), numeric(np.arange(50.0)))
    assert (found.verdict, found.reason, found.basis) == (Verdict.INCONCLUSIVE, Reason.SHOWN, None)
    assert (found.rows, found.rows_reference, found.threshold) == (50, 100, None)


@pytest.mark.parametrize(("detector", "params"), list(zip(SHOWN, THRESHOLDS, strict=True)))
def test_a_fixed_threshold_is_passed_or_failed_on_a_fixed_basis(detector, params) -> None:
    reference, sample = numeric(np.arange(100.0)), numeric(np.arange(100.0) + 30.0)
    failed = detector(reference, sample, params(threshold=0.05))
    passed = detector(reference, sample, params(threshold=9.0))
    assert (failed.verdict, passed.verdict) == (Verdict.FAILED, Verdict.PASSED)
    assert (failed.basis, failed.threshold, failed.reason) == (Basis.FIXED, 0.05, None)


def test_levels_take_fixed_thresholds_too() -> None:
    reference, sample = levels(list("ab" * 50)), levels(list("ab" * 30 + "c" * 40))
    assert chi_squared(reference, sample, ChiSquaredParams(threshold=9.0)).verdict == "failed"
    assert new_levels(reference, sample, NewLevelsParams(threshold=0.5)).verdict == "passed"
    assert new_levels(reference, sample, NewLevelsParams(threshold=0.3)).verdict == "failed"


def test_new_levels_are_those_beyond_what_good_and_turing_expect() -> None:
    reference = levels(list("ab" * 45) + [f"rare{i}" for i in range(10)])
    sample = levels(list("ab" * 40) + [f"new{i}" for i in range(20)])
    found = new_levels(reference, sample)
    assert found.statistic == 0.2
    assert found.effect == pytest.approx(0.1)
    assert found.p_value == pytest.approx(stats.binom.sf(19, 30, 0.5))


def test_rows_of_one_unseen_level_come_together_as_levels_held_twice_say() -> None:
    held = [f"once{i}" for i in range(10)] + [f"twice{i}" for i in range(5)] * 2
    reference = levels(list("ab" * 40) + held)
    found = new_levels(reference, levels(list("ab" * 40) + [f"new{i}" for i in range(20)]))
    # 1 + 2 * 5 / 10 * 100 / 200: one and a half times as wide, so 20 and 10 count as 13 and 7.
    assert found.p_value == pytest.approx(stats.binom.sf(12, 20, 0.5))


def test_half_the_rows_in_new_levels_are_found_though_every_level_was_held_twice() -> None:
    reference = levels([f"l{i}" for i in range(300)] * 2)
    sample = levels([f"l{i + 150}" for i in range(300)] * 2)
    assert new_levels(reference, sample).p_value == pytest.approx(stats.binom.sf(49, 51, 0.5))


def test_holm_steps_down() -> None:
    adjusted = holm([0.04, 0.001, 0.02, 0.5])
    assert adjusted.tolist() == pytest.approx([0.08, 0.004, 0.06, 0.5])
    assert holm([]).tolist() == []


def test_detectors_of_numbers_do_not_apply_to_levels_nor_any_to_dates() -> None:
    text = levels(["a"] * 40)
    for detector in (ks, wasserstein):
        assert detector(text, text).reason == Reason.NOT_APPLICABLE
    dates = Sample("d", Kind.DATETIME, pa.chunked_array([pa.array([0, 1], pa.timestamp("us"))]))
    for detector in (ks, psi, jensen_shannon, wasserstein, chi_squared, new_levels):
        found = detector(dates, dates)
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_APPLICABLE)
    assert chi_squared(numeric([1.0] * 40), numeric([1.0] * 40)).reason == Reason.NOT_APPLICABLE
    assert new_levels(numeric([1.0] * 40), numeric([1.0] * 40)).reason == Reason.NOT_APPLICABLE
