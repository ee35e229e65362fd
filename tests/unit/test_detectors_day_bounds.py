"""Bounds on what days tell of the long run, and how much days differ beside their rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.day_bounds import bounds, design_effect, worth
from detectors.sequences import lower_bound, radius
from tests.series import wandering

FEWEST = 14


def ever_above(means):
    """Whether a lower bound ever lies above the truth, 0, looked at on every day."""
    return any(
        (found.low or -1.0) > 0.0
        for days in range(FEWEST, means.size + 1)
        if (found := bounds(means[:days], alpha=0.05, fewest=FEWEST)).low is not None
    )


def test_days_apart_have_the_bounds_of_the_confidence_sequence() -> None:
    means = np.random.default_rng(2).normal(0.1, 0.3, 28)
    found = bounds(means, alpha=0.05, fewest=FEWEST)
    assert found.worth == 28
    assert found.low == pytest.approx(
        lower_bound(means.mean(), means.std(ddof=1), 28, alpha=0.05, tightest_at=FEWEST)
    )
    assert found.low + found.high == pytest.approx(2.0 * means.mean())


def test_days_that_resemble_each_other_count_as_fewer_and_have_wider_bounds() -> None:
    means = wandering(np.random.default_rng(3), 1, 200, 0.6)[0]
    found = bounds(means, alpha=0.05, fewest=FEWEST)
    assert found.worth == worth(means)
    assert 25 <= found.worth <= 90, "a quarter of two hundred, about"
    apart = radius(float(means.std(ddof=1)), found.worth, alpha=0.05, tightest_at=FEWEST)
    assert (found.high - found.low) / 2.0 >= apart
    assert (found.high - found.low) / 2.0 == pytest.approx(apart, rel=0.05)


def test_nothing_is_said_before_there_are_days_enough_that_lie_apart() -> None:
    few = bounds(np.zeros(13), alpha=0.05, fewest=FEWEST)
    assert (few.low, few.high, few.worth) == (None, None, 13)
    slow = bounds(np.sin(np.arange(13) / 9.0), alpha=0.05, fewest=FEWEST)
    assert (slow.low, slow.high) == (None, None)
    assert slow.worth == worth(np.sin(np.arange(13) / 9.0)) < 13
    wave = bounds(np.sin(np.arange(40) / 9.0), alpha=0.05, fewest=FEWEST)
    assert (wave.low, wave.high) == (None, None)
    assert wave.worth < FEWEST


def test_days_that_never_differ_are_known_exactly() -> None:
    found = bounds(np.full(14, 0.25), alpha=0.05, fewest=FEWEST)
    assert (found.low, found.high, found.worth) == (0.25, 0.25, 14)


@pytest.mark.parametrize(("likeness", "most"), [(0.0, 0.05), (0.5, 0.13)], ids=["apart", "half"])
def test_looking_every_day_errs_seldom_even_where_days_resemble_the_ones_before(
    likeness, most
) -> None:
    """Counting days whole errs in 2 and in 13 to 14 of a hundred such streams of four weeks."""
    generator, streams = np.random.default_rng(5), 200
    wrong = sum(map(ever_above, wandering(generator, streams, 28, likeness)))
    assert wrong / streams <= most


@given(st.lists(st.floats(-1.0, 1.0, width=32), min_size=14, max_size=40), st.floats(-3.0, 3.0))
def test_bounds_move_with_the_days_and_turn_with_their_signs(values, by) -> None:
    means = np.array(values)
    found, moved, turned = (
        bounds(each, alpha=0.05, fewest=FEWEST) for each in (means, 4.0 * means + by, -means)
    )
    assert 1 <= found.worth <= means.size
    assert turned.worth == found.worth
    if found.low is None:
        return
    assert found.low <= means.mean() + 1e-12
    assert turned.high == pytest.approx(-found.low, abs=1e-9)
    if moved.worth == found.worth:
        assert moved.low == pytest.approx(4.0 * found.low + by, abs=1e-6)


def test_the_design_effect_is_the_variance_ratio_of_one_way_analysis() -> None:
    generator = np.random.default_rng(7)
    days = [generator.normal(at * 0.1, 1.0, size) for at, size in enumerate((50, 80, 20, 60))]
    rows = np.array([day.size for day in days], dtype=float)
    found = design_effect(
        np.array([day.mean() for day in days]), np.array([day.var(ddof=1) for day in days]), rows
    )
    stats = pytest.importorskip("scipy.stats")
    assert found == pytest.approx(stats.f_oneway(*days).statistic)


def test_days_of_equal_rows_have_no_design_effect_or_an_infinite_one() -> None:
    ones, none = np.ones(3), np.zeros(3)
    assert design_effect(none, none, 10.0 * ones) == 1.0
    assert design_effect(np.array([0.0, 0.0, 1.0]), none, 10.0 * ones) == math.inf
    assert design_effect(np.array([0.3]), np.array([1.0]), np.array([5.0])) == 1.0
    assert design_effect(np.array([0.0, 1.0]), none[:2], ones[:2]) == math.inf
