"""Distances of samples whose rows have weights."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from detectors import chi_squared, jensen_shannon, ks, psi, weighted
from detectors.finding import Kind, Sample

BINS = 6
OF_COUNTS = {"psi": psi, "jensen_shannon": jensen_shannon, "chi_squared": chi_squared}


def places(generator, rows, tilt=0.0):
    shares = np.linspace(1.0, 1.0 + tilt, BINS)
    return generator.choice(BINS, rows, p=shares / shares.sum())


@pytest.mark.parametrize("name", OF_COUNTS)
def test_equal_weights_change_nothing(name) -> None:
    generator = np.random.default_rng(1)
    first, second = places(generator, 400), places(generator, 300, tilt=1.0)
    counted = tuple(np.bincount(side, minlength=BINS) for side in (first, second))
    plain = OF_COUNTS[name].of_counts(
        Sample("x", Kind.CATEGORICAL, pa.chunked_array([["a"]])), counted
    )
    found = getattr(weighted, name)(
        weighted.counts(first, BINS), weighted.counts(second, BINS, np.full(300, 0.37))
    )
    assert found.statistic == pytest.approx(plain.statistic)
    assert found.effect == pytest.approx(plain.effect)
    assert found.p_value == (None if plain.p_value is None else pytest.approx(plain.p_value))
    assert (found.rows, found.rows_reference) == (300, 400)


def test_whole_weights_have_the_shares_of_repeated_rows_and_fewer_rows() -> None:
    generator = np.random.default_rng(2)
    at, times = places(generator, 200, tilt=1.0), generator.integers(1, 5, 200)
    found = weighted.counts(at, BINS, times.astype(float))
    repeated = np.bincount(np.repeat(at, times), minlength=BINS)
    assert found / found.sum() == pytest.approx(repeated / repeated.sum())
    assert found.sum() == pytest.approx(times.sum() ** 2 / (times**2).sum())
    assert found.sum() < 200


def test_the_weighted_distribution_functions_are_those_of_repeated_rows() -> None:
    generator = np.random.default_rng(3)
    first, second = generator.integers(0, 30, 80) / 10.0, generator.integers(5, 40, 60) / 10.0
    times = generator.integers(0, 4, 80)
    found = weighted.ks(first, second, times.astype(float))
    expected = stats.ks_2samp(np.repeat(first, times), second).statistic
    assert found.statistic == pytest.approx(expected)
    assert weighted.ks(first, second).statistic == pytest.approx(ks.distance(first, second))
    plain = ks.ks(*(Sample("x", Kind.NUMERIC, pa.chunked_array([v])) for v in (first, second)))
    assert weighted.ks(first, second).p_value == pytest.approx(plain.p_value)


def test_without_a_change_p_values_are_kept_where_the_rows_alone_would_not_keep_them() -> None:
    generator, kept, naive, runs = np.random.default_rng(4), np.zeros(3), 0, 400
    for _ in range(runs):
        weights = generator.exponential(size=400)
        first, second = places(generator, 2_000), places(generator, 400)
        held = weighted.counts(first, BINS), weighted.counts(second, BINS, weights)
        values = generator.normal(size=400), generator.normal(size=400)
        kept += (
            weighted.psi(*held).p_value < 0.05,
            weighted.chi_squared(*held).p_value < 0.05,
            weighted.ks(*values, weights).p_value < 0.05,
        )
        naive += weighted.chi_squared(held[0], held[1] * 400 / held[1].sum()).p_value < 0.05
    bound = 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / runs)
    assert (kept / runs <= bound).all()
    assert naive / runs > 2.0 * bound


def test_a_change_is_found() -> None:
    generator = np.random.default_rng(5)
    weights = generator.exponential(size=1_000)
    held = (
        weighted.counts(places(generator, 1_000), BINS),
        weighted.counts(places(generator, 1_000, tilt=2.0), BINS, weights),
    )
    assert weighted.psi(*held).p_value < 1e-4
    assert weighted.chi_squared(*held).p_value < 1e-4
    assert weighted.jensen_shannon(*held).effect > 0.05
    moved = generator.normal(0.3, 1.0, 1_000)
    assert weighted.ks(generator.normal(size=1_000), moved, None, weights).p_value < 1e-4


@pytest.mark.parametrize("wrong", [[1.0], [1.0, np.nan], [1.0, -1.0], [0.0, 0.0], [1.0, np.inf]])
def test_weights_that_are_none_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match="weights"):
        weighted.counts(np.array([0, 1]), 2, np.array(wrong))


def test_a_side_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="both sides"):
        weighted.psi(np.zeros(2), np.ones(2))
    for values in (np.empty(0), np.array([np.nan])):
        with pytest.raises(ValueError, match="both sides"):
            weighted.ks(values, np.ones(2))


def test_too_few_effective_rows_have_no_p_value_and_one_bin_has_nothing_to_tell() -> None:
    few = np.array([6.0, 6.0])
    assert weighted.psi(few, np.array([500.0, 500.0])).p_value is None
    assert weighted.chi_squared(np.array([2.0, 2.0]), few).p_value is None
    one = weighted.chi_squared(np.array([50.0, 0.0]), np.array([70.0, 0.0]))
    assert (one.statistic, one.p_value) == (0.0, 1.0)
