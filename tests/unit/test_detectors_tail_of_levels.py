"""Two draws of one law of levels with a long tail are alike; what is new in it is still found."""

import numpy as np
import pyarrow as pa
import pytest

from detectors import chi_squared, counting, g_test, jensen_shannon, level_bins, new_levels, psi
from detectors.bins import Bins, Tally
from detectors.comparison.held import held
from detectors.comparison.measuring import measured
from detectors.comparison.rule import judged
from detectors.finding import Kind, Verdict
from detectors.levelled import Levelled
from detectors.profile.building import column as profile
from detectors.profile.comparing import findings
from detectors.share_distances import hellinger, total_variation
from tests.columns import levels

Counts = np.ndarray


def law(size: int, power: float = 1.0) -> np.ndarray:
    """The shares of Zipf's law."""
    shares = np.arange(1, size + 1) ** -power
    return shares / shares.sum()


def drawn(counts: Counts) -> Levelled:
    some = np.flatnonzero(counts)
    names = pa.array([f"l{at}" for at in some], pa.string())
    return Levelled("x", Kind.CATEGORICAL, names, counts[some].astype(np.int64), 0)


def on_bins(reference: Counts, window: Counts) -> tuple[Bins, Tally]:
    one, two = drawn(reference), drawn(window)
    bins = level_bins.frozen("x", Kind.CATEGORICAL, (one.names, one.counts), missing=0)
    assert bins.reason is None
    return bins, level_bins.tallied(bins, (two.names, two.counts), missing=0)


SIZES = [
    (100, 300, 300), (100, 1_000, 1_000), (1_000, 1_000, 1_000), (1_000, 1_000, 20_000),
    (1_000, 20_000, 20_000), (20_000, 20_000, 1_000), (20_000, 20_000, 20_000),
]  # fmt: skip


@pytest.mark.parametrize(("size", "m", "n"), SIZES)
def test_the_tests_over_levels_keep_their_rate_where_nothing_changed(size, m, n) -> None:
    generator, shares, rounds = np.random.default_rng(size + m + n), law(size), 60
    p_values = []
    for _ in range(rounds):
        bins, tally = on_bins(generator.multinomial(m, shares), generator.multinomial(n, shares))
        counts = counting.of_levels(bins, tally)
        found = [d.of_counts(tally, counts) for d in (chi_squared, psi)]
        p_values.append([1.0 if f.p_value is None else f.p_value for f in found])
    # Of 60 at a rate of 5 % more than 9 come once in 800 times, more than one at 0.1 % in 600.
    assert ((np.array(p_values) < 0.05).sum(axis=0) <= 9).all()
    assert ((np.array(p_values) < 0.001).sum(axis=0) <= 1).all()


@pytest.mark.parametrize(("size", "m", "n"), SIZES)
def test_a_comparison_passes_where_nothing_changed(size, m, n) -> None:
    generator, shares = np.random.default_rng(size + m + n + 1), law(size)
    columns = [
        measured(drawn(generator.multinomial(m, shares)), drawn(generator.multinomial(n, shares)))
        for _ in range(12)
    ]
    assert {column.verdict for column in judged(columns)} == {Verdict.PASSED}


def test_all_distances_of_two_halves_of_a_long_tailed_column_are_small() -> None:
    generator = np.random.default_rng(3)
    one, two = (
        levels([f"l{at}" for at in generator.choice(20_000, 20_000, p=law(20_000))])
        for _ in range(2)
    )
    for detector in (jensen_shannon.jensen_shannon, hellinger, total_variation):
        assert detector(one, two).effect < 0.03
    assert g_test.g_test(one, two).p_value > 0.001


def test_what_the_reference_holds_rarely_or_never_is_one_bin() -> None:
    bins, tally = on_bins(np.array([500, 400, 4, 3, 0]), np.array([500, 380, 6, 0, 20]))
    assert bins.counts == (500, 400, 7, 0)
    first, second = counting.of_levels(bins, tally)
    assert (first.tolist(), second.tolist()) == ([500, 400, 7], [500, 380, 26])
    assert tally.unseen == 20


def test_a_level_that_may_owe_its_bin_to_chance_is_of_the_tail() -> None:
    for rows, sizes in ((6, 2), (15, 3)):
        bins, tally = on_bins(np.array([500, 6]), np.array([500, rows]))
        assert bins.levels == ("l0", "l1")
        assert counting.of_levels(bins, tally)[0].size == sizes


def test_a_really_new_level_is_found_among_five() -> None:
    generator = np.random.default_rng(8)
    before = generator.multinomial(1_000, [0.2] * 5 + [0.0])
    now = generator.multinomial(1_000, [0.19] * 5 + [0.05])
    [column] = judged([measured(drawn(before), drawn(now))])
    found = {f.detector: f for f in column.findings}
    assert column.verdict is Verdict.FAILED
    assert found["new_levels"].verdict is Verdict.FAILED
    assert found["chi_squared"].p_value < 1e-6
    assert found["chi_squared"].verdict is Verdict.FAILED


@pytest.mark.parametrize(("size", "power", "rows", "rounds"), [
    (1_000, 1.0, 1_000, 400), (100, 1.0, 1_000, 400), (20_000, 1.2, 20_000, 60),
    (1_000, 1.2, 20_000, 100),
])  # fmt: skip
def test_new_levels_keep_their_rate_where_nothing_changed(size, power, rows, rounds) -> None:
    generator, shares = np.random.default_rng(size + rows), law(size, power)
    p_values = []
    for _ in range(rounds):
        bins, tally = on_bins(*generator.multinomial(rows, shares, size=2))
        p_values.append(new_levels.of_counts(bins, tally).p_value)
    assert sum(p < 0.001 for p in p_values) <= 2
    assert sum(p < 0.05 for p in p_values) <= 0.07 * rounds


def test_profiles_put_the_tail_together_as_the_rows_do() -> None:
    generator = np.random.default_rng(6)
    one, two = (
        levels([f"l{at}" for at in generator.choice(300, 2_000, p=law(300))]) for _ in range(2)
    )
    of_profiles = {f.detector: f for f in findings(profile(one), profile(two))}
    of_rows = {f.detector: f for f in measured(held(one), held(two)).findings}
    for name in ("chi_squared", "psi", "jensen_shannon", "new_levels"):
        assert of_profiles[name] == of_rows[name]
