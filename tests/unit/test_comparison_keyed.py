"""Keys in any order are told from features that only happen to repeat seldom."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.comparison.keyed import names_rows
from detectors.ordered import in_order

DRAWS = np.random.default_rng(8)
KEYS = DRAWS.permutation(2_000).astype(float)


def told(first, second) -> bool:
    return names_rows(in_order("x", np.asarray(first)), in_order("x", np.asarray(second)))


@given(st.integers(0, 2**32), st.integers(42, 400), st.integers(42, 400), st.integers(-9, 2**50))
def test_row_numbers_parted_at_random_are_keys_unless_one_comes_twice(
    seed, first, second, least
) -> None:
    keys = np.random.default_rng(seed).permutation(first + second) + float(least)

    assert told(keys[:first], keys[first:])
    assert not told(keys[:first], np.r_[keys[first:-1], keys[first]])
    assert not told(np.r_[keys[: first - 1], keys[0]], keys[first:])


@given(st.integers(0, 2**32), st.integers(1, 2_000))
def test_independent_draws_are_no_keys_even_of_the_law_that_repeats_least(seed, span) -> None:
    both = np.random.default_rng(seed).integers(0, span, (2, 300)).astype(float)
    assert not told(*both)


@pytest.mark.parametrize(
    "wrong",
    [KEYS[:1_000] + 0.5, np.r_[KEYS[:999], np.nan], np.r_[KEYS[:999], np.inf], KEYS[:29],
     KEYS[:1_000] // 2, np.full(1_000, np.nan), np.zeros(40), np.empty(0)],
    ids=["fractions", "missing", "infinite", "few", "twice", "nothing", "constant", "no-rows"],
)  # fmt: skip
def test_what_is_no_key_on_one_side_is_none(wrong) -> None:
    assert told(KEYS[:1_000], KEYS[1_000:])
    assert not told(wrong, KEYS[1_000:])
    assert not told(KEYS[1_000:], wrong)


def test_whole_numbers_that_differ_because_they_range_so_far_are_judged() -> None:
    incomes = DRAWS.integers(0, 10**9, (2, 1_000)).astype(float)

    assert all(np.unique(side).size == side.size for side in incomes)
    assert not told(*incomes)
