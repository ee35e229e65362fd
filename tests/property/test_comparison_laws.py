"""One sort of a column gives what every detector by itself gives, and what SciPy gives."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detectors import ks, wasserstein
from detectors.catalogue import CATALOGUE
from detectors.comparison.held import held
from detectors.comparison.measuring import DEFAULT, findings
from detectors.finding import Kind, Sample

NUMBERS = st.one_of(
    st.floats(-1e6, 1e6),
    st.integers(-3, 3).map(float),
    st.sampled_from([np.inf, -np.inf]),
    st.none(),
)
LEVELS = st.one_of(st.sampled_from(["a", "b", "c", "", "A"]), st.none())


def numbers(values: list[float | None]) -> Sample:
    return Sample("x", Kind.NUMERIC, pa.chunked_array([pa.array(values, pa.float64())]))


def levels(values: list[str | None], *, coded: bool) -> Sample:
    array = pa.array(values, pa.string())
    return Sample(
        "x", Kind.CATEGORICAL, pa.chunked_array([array.dictionary_encode() if coded else array])
    )


@settings(max_examples=60)
@given(st.lists(NUMBERS, max_size=150), st.lists(NUMBERS, max_size=150))
def test_numbers_give_the_findings_of_the_single_detectors(first, second) -> None:
    one, two = numbers(first), numbers(second)
    names = (*DEFAULT[Kind.NUMERIC], "energy", "mean_shift")
    together = findings(held(one), held(two), names)
    for name, found in zip(names, together, strict=True):
        alone = CATALOGUE[name].function(one, two)
        if name in {"energy", "mean_shift"}:
            same = (alone.verdict, alone.rows, alone.reason) == (
                found.verdict,
                found.rows,
                found.reason,
            )
            assert same
            assert np.allclose(alone.statistic or 0.0, found.statistic or 0.0, rtol=1e-6, atol=1e-9)
        else:
            assert found == alone


@settings(max_examples=60)
@given(st.lists(LEVELS, max_size=80), st.lists(LEVELS, max_size=80), st.booleans())
def test_levels_give_the_findings_of_the_single_detectors(first, second, coded) -> None:
    one, two = levels(first, coded=coded), levels(second, coded=coded)
    plain = levels(first, coded=False), levels(second, coded=False)
    names = (*DEFAULT[Kind.CATEGORICAL], "hellinger", "g_test")
    together = findings(held(one), held(two), names)
    for name, found in zip(names, together, strict=True):
        assert found == CATALOGUE[name].function(*plain)


@settings(max_examples=100)
@given(
    st.integers(1, 3000), st.integers(1, 3000), st.sampled_from(["normal", "round", "few"]),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_distances_on_a_grid_are_scipys(m, n, draw, seed) -> None:
    generator = np.random.default_rng(seed)
    first, second = generator.normal(size=m), generator.normal(0.1, 1.1, size=n)
    if draw != "normal":
        digits = 1 if draw == "round" else 0
        first, second = first.round(digits), second.round(digits)
    expected = stats.ks_2samp(first, second, method="asymp").statistic if min(m, n) > 1 else None
    if expected is not None:
        assert ks.distance(first, second) == expected
    moved = stats.wasserstein_distance(first, second)
    assert np.isclose(wasserstein.distance(first, second), moved, rtol=1e-9, atol=1e-12)


def test_the_grid_is_exact_where_its_cells_hold_many_rows() -> None:
    generator = np.random.default_rng(8)
    first = generator.normal(size=40_000)
    for second in (
        generator.normal(size=31_234), generator.normal(size=900).round(1),
        np.full(500, float(np.median(first))), first + 1e-9, first[:1], np.repeat([-9.0, 9.0], 50),
    ):  # fmt: skip
        pooled = np.concatenate([first, second])
        f, g = (np.sort(x).searchsorted(pooled, "right") / x.size for x in (first, second))
        assert ks.distance(first, second) == np.abs(f - g).max()
        assert ks.distance(second, first) == np.abs(f - g).max()


def test_sizes_whose_product_no_double_holds_are_told_apart_by_whole_numbers(monkeypatch) -> None:
    generator = np.random.default_rng(9)
    first, second = np.sort(generator.normal(size=701)), np.sort(generator.normal(size=388))
    usual = wasserstein.distance_in_order(first, second)
    monkeypatch.setattr(wasserstein, "_EXACT", 0)
    assert wasserstein.distance_in_order(first, second) == usual
