"""Bins that are frozen with a reference, and counts on them."""

import msgspec
import numpy as np
import pytest

from detectors.binning import Bins, Tally, freeze, tally
from detectors.bins import LARGEST
from tests.columns import levels, numeric


def test_sixty_four_bins_hold_about_the_same_share_of_the_reference_each() -> None:
    bins = freeze(numeric(np.random.default_rng(1).normal(size=6400)))
    assert len(bins.counts) == 64
    assert {*bins.counts} <= {99, 100, 101}
    coarse = np.add.reduceat(bins.counts, bins.coarse)
    assert len(coarse) == 10
    assert 580 <= coarse.min() <= coarse.max() <= 710


def test_a_value_that_holds_a_sixty_fourth_has_a_bin_of_its_own() -> None:
    values = np.random.default_rng(2).normal(size=1000)
    values[:20] = 0.5
    bins = freeze(numeric(values))
    assert bins.atoms == (0.5,)
    place = np.searchsorted(bins.edges, 0.5, side="right")
    assert bins.counts[place] == 20


def test_a_value_that_holds_a_tenth_stands_alone_among_the_coarse_bins() -> None:
    values = np.random.default_rng(3).lognormal(size=1000)
    values[:800] = 0.0
    bins = freeze(numeric(values))
    coarse = np.add.reduceat(bins.counts, bins.coarse).tolist()
    assert 800 in coarse
    assert coarse[0] == 0


def test_whole_numbers_of_few_values_have_a_bin_a_value_and_gaps_between() -> None:
    bins = freeze(numeric([1, 2, 4] * 20 + [7] * 3))
    assert bins.exact
    assert bins.atoms == (1.0, 2.0, 4.0, 7.0)
    found = tally(bins, numeric([0, 1, 2, 3, 4, 5, 7, 8]))
    assert found.counts == (1, 1, 0, 1, 1, 1, 1, 1, 1)
    assert found.outside == 2


def test_more_than_twenty_whole_numbers_are_cut_at_quantiles() -> None:
    assert not freeze(numeric(list(range(21)) * 5)).exact
    assert freeze(numeric(list(range(20)) * 5)).exact
    assert freeze(numeric([0.5, 1.5, 2.5] * 20)).exact
    assert not freeze(numeric([0.5, 1.5, 2.5, 3.5] * 20)).exact


def test_an_edge_belongs_to_the_bin_above_it() -> None:
    bins = freeze(numeric(np.arange(640.0)))
    edge = bins.edges[10]
    assert tally(bins, numeric([edge])).counts[11] == 1
    assert tally(bins, numeric([np.nextafter(edge, -np.inf)])).counts[10] == 1


def test_the_vocabulary_is_what_has_five_rows_and_a_thousandth() -> None:
    values = ["a"] * 9000 + ["b"] * 10 + ["c"] * 9 + ["d"] * 4 + ["e"] * 977
    bins = freeze(levels(values))
    assert bins.levels == ("a", "e", "b")
    assert bins.counts == (9000, 977, 10, 13, 0)
    assert dict(zip(bins.rare, bins.rare_counts, strict=True)) == {"c": 9, "d": 4}


def test_the_vocabulary_ends_at_a_hundred_levels_the_most_frequent_first() -> None:
    values = [f"l{i:03d}" for i in range(150) for _ in range(20 + (i < 100))]
    bins = freeze(levels(values))
    assert len(bins.levels) == 100
    assert bins.levels == tuple(f"l{i:03d}" for i in range(100))
    assert bins.counts[-2] == 50 * 20


def test_levels_of_equal_count_stand_by_name_so_that_the_order_of_rows_does_not_matter() -> None:
    first, second = ["b", "a", "c"] * 10, ["c", "b", "a"] * 10
    assert freeze(levels(first)) == freeze(levels(second))


def test_a_window_knows_its_rare_unseen_and_own_levels() -> None:
    reference = ["a"] * 90 + ["b"] * 40 + ["r"] * 2 + ["s"] * 1
    bins = freeze(levels(reference))
    found = tally(bins, levels(["a"] * 5 + ["r"] * 2 + ["new"] * 3 + [None]))
    assert found.counts == (5, 0, 2, 3)
    assert (found.unseen, found.own, found.missing, found.rows) == (3, 2, 1, 11)


def test_bins_and_tallies_survive_json_to_the_bit() -> None:
    values = np.random.default_rng(4).normal(size=500)
    bins, found = freeze(numeric(values)), tally(freeze(numeric(values)), numeric(values[:50]))
    assert msgspec.json.decode(msgspec.json.encode(bins), type=Bins) == bins
    assert msgspec.json.decode(msgspec.json.encode(found), type=Tally) == found


def test_tallies_on_other_bins_are_not_added() -> None:
    one = tally(freeze(numeric(np.arange(100.0))), numeric([1.0]))
    other = tally(freeze(numeric([1.0] * 100)), numeric([1.0]))
    with pytest.raises(ValueError, match="made on different bins"):
        one + other


def test_sums_stop_at_the_greatest_double() -> None:
    bins = freeze(numeric([LARGEST] * 40 + [0.0] * 40))
    assert bins.sums[-1] == LARGEST
    found = tally(bins, numeric([LARGEST] * 3))
    assert max((found + found).sums) == LARGEST


def test_far_is_three_reference_ranges_beyond() -> None:
    bins = freeze(numeric(np.linspace(0.0, 10.0, 100)))
    found = tally(bins, numeric([-31.0, -29.0, -0.5, 5.0, 10.0, 12.0, 41.0]))
    assert (found.outside, found.far) == (5, 2)
