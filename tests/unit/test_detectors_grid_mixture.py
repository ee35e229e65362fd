"""A mean of bounded values above a bound, proved whenever one looks."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import grid_mixture
from detectors.grid_mixture import (
    BETS,
    NOTHING,
    START,
    bound_of,
    hold,
    lower_bound,
    read,
    upper_bound,
)

PROOF = math.log(1.0 / 0.05)
VALUES = st.lists(st.sampled_from([-1.0, -0.35, 0.0, 0.2, 1.0]), max_size=60)
BOUNDS = st.sampled_from([-0.9, -0.1, 0.0, 0.02, 0.7])


def slowly(values, bound):
    """The mixture as it is written in the paper: wealth multiplied, one value after another."""
    wealth, found = [1.0] * len(BETS), []
    for value in values:
        wealth = [
            held * (1.0 + bet / (1.0 + bound) * (value - bound))
            for held, bet in zip(wealth, BETS, strict=True)
        ]
        found.append(math.log(sum(wealth) / len(wealth)))
    return found


def gains(generator, rows, *, apart, mean):
    """Differences of two 0/1 losses that differ in so many rows."""
    better = (apart + mean) / 2.0
    return generator.choice([1.0, 0.0, -1.0], rows, p=[better, 1.0 - apart, apart - better])


def test_the_bets_are_sixteen_from_four_thousandths_to_nine_tenths_in_equal_ratios() -> None:
    assert len(BETS) == 16
    assert (BETS[0], BETS[-1]) == pytest.approx((0.004, 0.9))
    ratios = [after / before for before, after in pairwise(BETS)]
    assert ratios == pytest.approx([ratios[0]] * 15)


@given(VALUES, BOUNDS)
def test_the_path_is_the_mixture_of_the_bets_value_by_value(values, bound) -> None:
    wealth, path = read(START, np.array(values), bound=bound)
    expected = slowly(values, bound)
    assert path.tolist() == pytest.approx(expected, abs=1e-9)
    assert wealth.log_e == pytest.approx(expected[-1] if values else 0.0, abs=1e-9)
    assert wealth.p_value == pytest.approx(math.exp(-max([0.0, *expected])))


@given(VALUES, VALUES, BOUNDS)
def test_batches_add_up_and_their_order_does_not_matter_to_the_wealth(one, two, bound) -> None:
    first, second = np.array(one), np.array(two)
    whole, path = read(START, np.concatenate([first, second]), bound=bound)
    half, before = read(START, first, bound=bound)
    after, rest = read(half, second, bound=bound)
    assert np.concatenate([before, rest]) == pytest.approx(path, abs=1e-9)
    assert after.greatest == pytest.approx(whole.greatest, abs=1e-9)
    other, _ = read(read(START, second, bound=bound)[0], first, bound=bound)
    assert other.levels == pytest.approx(whole.levels, abs=1e-9)


def test_many_values_are_read_in_blocks_without_leaving_the_range_of_doubles() -> None:
    up, path = read(START, np.ones(20_000), bound=0.0)
    assert path[-1] == pytest.approx(20_000 * math.log(1.9) - math.log(16))
    assert up.p_value == 0.0
    down, _ = read(START, -np.ones(20_000), bound=0.0)
    assert down.p_value == 1.0
    assert math.isfinite(down.log_e)


@given(VALUES.filter(bool))
def test_the_bound_is_where_the_mixture_is_refused(values) -> None:
    known = np.array(values)

    def log_e(bound):
        return slowly(values, bound)[-1]

    low = lower_bound(known, alpha=0.05)
    assert -1.0 <= low <= known.mean() + 1e-12
    if low > -1.0:
        assert log_e(low) == pytest.approx(PROOF, abs=1e-8)
    else:
        assert log_e(-1.0 + 1e-9) < PROOF
    assert upper_bound(-known, alpha=0.05) == -low
    different, counts = np.unique(known, return_counts=True)
    assert lower_bound(different, alpha=0.05, counts=counts) == low


@given(VALUES, VALUES, st.sampled_from([0.01, 0.05, 0.5]))
def test_wealth_that_is_held_gives_the_bound_of_all_values_or_one_a_little_below(
    one, two, alpha
) -> None:
    held = hold(hold(NOTHING, np.array(one)), np.array(two))
    exact = lower_bound(np.array(one + two), alpha=alpha)
    assert held.levels == pytest.approx(hold(NOTHING, np.array(two + one)).levels, abs=1e-9)
    assert bound_of(held, alpha=alpha) <= exact + 1e-9
    assert bound_of(held, alpha=alpha) == pytest.approx(exact, abs=0.05) or exact < -0.9


@pytest.mark.parametrize(
    ("mean", "sd", "rows"), [(0.02, 0.3, 1_000), (0.001, 0.02, 20_000), (-0.3, 0.3, 500)]
)
def test_what_interpolating_costs_is_little_beside_the_width_of_the_bound(mean, sd, rows) -> None:
    values = np.clip(np.random.default_rng(3).normal(mean, sd, rows), -1.0, 1.0)
    held, exact = hold(NOTHING, values), lower_bound(values, alpha=0.05)
    assert len(held.levels) == len(BETS) * len(grid_mixture.BOUNDS)
    assert 0.0 <= exact - bound_of(held, alpha=0.05) <= 0.1 * (values.mean() - exact)


def test_many_values_of_which_few_differ_are_held_as_one_after_another_would_be() -> None:
    values = np.repeat([-1.0, 0.0, 1.0], [300, 9_000, 700])
    whole, parts = hold(NOTHING, values), NOTHING
    for at in range(0, values.size, 40):
        parts = hold(parts, values[at : at + 40] + 0.0)
    assert parts.levels == pytest.approx(whole.levels, rel=1e-9)
    assert bound_of(whole, alpha=0.05) == pytest.approx(lower_bound(values, alpha=0.05), abs=1e-4)


def test_wealth_that_is_held_is_of_nothing_at_first_and_refuses_what_read_does() -> None:
    assert bound_of(NOTHING, alpha=0.05) == -1.0
    assert hold(NOTHING, np.empty(0)) == NOTHING
    assert bound_of(hold(NOTHING, np.ones(5_000)), alpha=0.05) == pytest.approx(0.9)
    assert bound_of(hold(NOTHING, -np.ones(5_000)), alpha=0.05) == -1.0
    with pytest.raises(ValueError, match=r"1 of 2 values are NaN or outside"):
        hold(NOTHING, np.array([0.0, 1.5]))
    with pytest.raises(ValueError, match="an error level"):
        bound_of(NOTHING, alpha=1.0)


def test_the_bounds_close_in_on_the_mean_and_are_wider_for_more_confidence() -> None:
    values = np.array([-1.0, 0.0, 1.0])
    widths = []
    for rows in (100, 1_000, 10_000, 1_000_000):
        counts = np.array([rows // 50, rows - rows // 50 - rows // 20, rows // 20])
        low, high = lower_bound(values, alpha=0.05, counts=counts), upper_bound(
            values, alpha=0.05, counts=counts
        )  # fmt: skip
        assert low < 0.03 < high
        assert lower_bound(values, alpha=0.01, counts=counts) < low
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.003


def test_nothing_is_known_of_no_values() -> None:
    none = np.empty(0)
    assert (lower_bound(none, alpha=0.05), upper_bound(none, alpha=0.05)) == (-1.0, 1.0)
    wealth, path = read(START, none, bound=0.0)
    assert wealth == START
    assert path.size == 0
    assert (wealth.p_value, wealth.log_e) == (1.0, 0.0)


@pytest.mark.parametrize("wrong", [math.nan, 1.5, -1.01, math.inf])
def test_values_that_are_not_bounded_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"1 of 2 values are NaN or outside"):
        read(START, np.array([0.0, wrong]), bound=0.0)
    with pytest.raises(ValueError, match=r"1 of 2 values are NaN or outside"):
        lower_bound(np.array([0.0, wrong]), alpha=0.05)


def test_impossible_bounds_levels_and_counts_are_refused() -> None:
    values = np.array([0.0, 1.0])
    for bound in (-1.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="a bound on a mean"):
            read(START, values, bound=bound)
    for alpha in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="an error level"):
            lower_bound(values, alpha=alpha)
    for counts in ([1], [1, -1]):
        with pytest.raises(ValueError, match="expected one for each, none below 0"):
            lower_bound(values, alpha=0.05, counts=np.array(counts))


@pytest.mark.parametrize(
    ("apart", "bound", "streams", "rows"),
    [(0.05, 0.0, 150, 5_000), (0.2, 0.0, 500, 10_000), (0.1, -0.01, 150, 5_000)],
    ids=["rare", "often", "margin"],
)
def test_looking_after_each_of_thousands_of_rows_errs_no_more_often_than_agreed(
    apart, bound, streams, rows
) -> None:
    """At the edge of what is to be refuted, where a t-test at every row errs in four of ten."""
    generator = np.random.default_rng(41)
    wrong = sum(
        (read(START, gains(generator, rows, apart=apart, mean=bound), bound=bound)[1] >= PROOF).any()
        for _ in range(streams)
    )  # fmt: skip
    assert wrong / streams <= 0.05


def test_no_law_of_the_rows_is_needed() -> None:
    """The size of a difference may hang on those before: only its mean must stay at the bound."""
    generator, wrong, streams = np.random.default_rng(43), 0, 150
    for _ in range(streams):
        signs = generator.choice([-1.0, 1.0], 3_000)
        sizes = np.where(np.concatenate([[1.0], signs[:-1]]) > 0.0, 1.0, 0.1)
        wrong += bool((read(START, signs * sizes, bound=0.0)[1] >= PROOF).any())
    assert wrong / streams <= 0.05 + 2.0 * math.sqrt(0.05 * 0.95 / streams)


def test_the_mean_is_between_both_bounds_whenever_one_looks() -> None:
    generator, wrong, streams = np.random.default_rng(47), 0, 60
    for _ in range(streams):
        values = gains(generator, 4_000, apart=0.1, mean=0.02)
        for rows in (100, 300, 1_000, 2_000, 4_000):
            low = lower_bound(values[:rows], alpha=0.025)
            high = upper_bound(values[:rows], alpha=0.025)
            if not low <= 0.02 <= high:
                wrong += 1
                break
    assert wrong / streams <= 0.05


def test_a_gain_is_proved_after_about_a_third_more_rows_than_a_fixed_test_plans() -> None:
    """488 rows give a one-sided z-test at 5 % four chances in five; published ratio 1.32."""
    generator, stops = np.random.default_rng(53), []
    for _ in range(120):
        _, path = read(grid_mixture.START, gains(generator, 3_000, apart=0.2, mean=0.05), bound=0.0)
        assert (path >= PROOF).any()
        stops.append(int(np.argmax(path >= PROOF)) + 1)
    error = float(np.std(stops)) / math.sqrt(len(stops)) / 488
    assert np.mean(stops) / 488 == pytest.approx(1.32, abs=2.5 * error)
